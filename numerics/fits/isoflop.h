/*
 * Compute-optimal sizes without a law of the loss: the parabola of every budget, and the envelope
 * of training curves.
 *
 * isoflop_parabola: least squares of L = c0 + c1 x + c2 x^2 in x = log10 N, n >= 3 points with at
 * least three different N.  Vertex 10^(-c1 / 2 c2).  It is a minimum only where curvature = c2 > 0;
 * outside the sampled range it is an extrapolation.  Neither is an error: both are flagged.
 *
 * isoflop_line: log10 y = k + a log10 C by least squares, n >= 2.
 *
 * isoflop_envelope: at each of n budgets the candidate of least loss; loss is a function of the
 * index of a candidate and the budget, NAN where its curve does not reach.  best[i] is n_candidates
 * where none does.
 *
 * Known bias: where alpha != beta the vertex is off by a constant factor (1.4 % at +-0.6 decades),
 * which leaves the exponent alone if every budget's grid is centred alike.
 * Errors: E_USAGE for too few (different) points; *out is untouched then.
 * Source: Hoffmann et al., arXiv 2203.15556, sec. 3.1 and 3.2.
 */
#ifndef NUMERICS_FITS_ISOFLOP_H
#define NUMERICS_FITS_ISOFLOP_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

struct isoflop_parabola {
    double vertex;    /* N_opt; NAN without curvature */
    double loss;      /* at the vertex */
    double c[3];      /* of log10 N - centre, so that digits are kept */
    double centre;    /* mean of log10 N */
    double curvature; /* c[2] */
    bool minimum;     /* curvature > 0 */
    bool inside;      /* the vertex lies within the sampled N */
    size_t n;
};
enum status isoflop_parabola(const double *N, const double *loss, size_t n,
                             struct isoflop_parabola *out, struct err *err);

struct isoflop_line {
    double a, log10_k; /* y = 10^log10_k C^a */
    double deviation;  /* standard error of a from the residuals; NAN for n = 2 */
};
enum status isoflop_line(const double *C, const double *y, size_t n, struct isoflop_line *out,
                         struct err *err);

/* Rows whose budget C[i] is within tolerance of nominal: |C / nominal - 1| <= tolerance.  Returns
 * how many indices were written to rows [n]. */
size_t isoflop_rows(const double *C, size_t n, double nominal, double tolerance, size_t *rows);

typedef double isoflop_curve_fn(const void *user, size_t candidate, double C);
void isoflop_envelope(isoflop_curve_fn *loss, const void *user, size_t n_candidates,
                      const double *C, size_t n, size_t *best);

#endif
