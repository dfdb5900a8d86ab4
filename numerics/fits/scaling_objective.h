/*
 * The Huber loss of a scaling law on a table as a function to minimise: what fits and intervals
 * share.
 *
 * Two sets of coordinates.  Plain: the parameters p of numerics/fits/scaling_law.h.  Centred: ln A
 * and ln B are replaced by the logarithms of the terms at the table's mean ln N and ln D, which
 * takes most of their correlation with alpha and beta away; the others are the same.
 *
 * scaling_fast is the value and gradient in centred coordinates by the kernels of the features that
 * are allowed; scaling_exact value, gradient and Hessian in plain ones by libm.  Both borrow the
 * problem, which borrows the table.
 */
#ifndef NUMERICS_FITS_SCALING_OBJECTIVE_H
#define NUMERICS_FITS_SCALING_OBJECTIVE_H

#include "numerics/fits/minimise.h"
#include "numerics/fits/scaling_law.h"
#include "numerics/kernels/law_sums.h"

struct scaling_problem {
    struct scaling_form form;
    struct law_rows rows;
    double delta;
    law_sums_fn *sums;
    double mean_n, mean_d; /* weighted, of ln N and ln D */
    double total_weight;
};

struct scaling_problem scaling_problem_of(const struct scaling_table *t,
                                          const struct scaling_form *form, double delta,
                                          unsigned features);

struct objective scaling_fast(const struct scaling_problem *p);
struct objective scaling_exact(const struct scaling_problem *p);

void scaling_to_centred(const struct scaling_problem *p, const double *plain, double *centred);
void scaling_to_plain(const struct scaling_problem *p, const double *centred, double *plain);

/* The point of the kernels with parameters p (plain). */
struct law_point scaling_point(const struct scaling_form *form, const double *p);

/* f - ln L of row i, and d f / d p [parameters]. */
double scaling_row(const struct scaling_problem *problem, const struct law_point *point, size_t i,
                   double *gradient);

#endif
