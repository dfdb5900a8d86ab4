/*
 * Robust fits of a scaling law to a table of runs, in log space.
 *
 *   huber  minimises the SUM over rows of weight * rho(r), r = ln predicted - ln measured, rho(r) =
 *          r^2/2 for |r| <= delta, else delta (|r| - delta/2)
 *   lad    minimises the sum of weight * |r|, exactly: at its minimum as many residuals are 0 as
 *          there are parameters
 *
 * A fit goes through every start by BFGS in coordinates centred on the table, sends the best few
 * distinct ends through Newton to max |gradient| < 1e-12, and keeps the lowest.  lad goes on from
 * there: the band of the huber loss is narrowed in steps, and the vertex found is moved along edges
 * that lower the sum until none does, which the multipliers prove.
 *
 * Results depend on no number of threads.  Of kernels of different instruction sets, the polished
 * ends agree to rounding.
 *
 * Source: Hoffmann et al., arXiv 2203.15556, sec. 3.3; Besiroglu et al., arXiv 2404.10102; edges:
 * Barrodale, Roberts, SIAM J. Numer. Anal. 10 (1973) 839.
 */
#ifndef NUMERICS_FITS_SCALING_FIT_H
#define NUMERICS_FITS_SCALING_FIT_H

#include <stddef.h>

#include "numerics/fits/scaling_law.h"
#include "numerics/progress.h"

enum scaling_loss_kind { SCALING_HUBER, SCALING_LAD };

#define SCALING_DELTA 1e-3 /* of the sources */

struct scaling_fit_options {
    struct scaling_form form;
    enum scaling_loss_kind kind;
    double delta;         /* of huber, > 0; lad starts there too */
    const double *starts; /* [n_starts][parameters]; NULL: scaling_starts() */
    size_t n_starts;
    int threads;
    unsigned features;         /* of numerics/cpu.h */
    struct progress *progress; /* may be NULL */
};

struct scaling_fit {
    struct scaling_law law;
    double objective;    /* sum of rho at the minimum; of lad the sum of |r| */
    double max_gradient; /* of huber; of lad the largest |multiplier| / weight: <= 1 is a minimum */
    bool converged;
    size_t starts, near_best; /* near_best: ends of BFGS within 1 % of the lowest value */
    size_t evaluations;       /* of the whole table */
};

/* The start grid: for two exponents without precisions alpha, beta in {0, 0.5, .., 2}, ln E in {-1,
 * -0.5, .., 1}, ln A, ln B in {0, 5, .., 25}: 4,500 rows; shared 900; with precisions alpha, beta
 * in {0.3, 0.6}, ln E in {0, 0.7}, every ln gamma in {0.5, 1.3}, ln A = 18 alpha, ln B = 20 beta.
 * *starts is freed with free().  E_NOMEM. */
enum status scaling_starts(const struct scaling_form *form, double **starts, size_t *n,
                           struct err *err);

/* Sum of weight * rho over the rows, by libm; gradient [n] and hessian [n][n] may be NULL. */
double scaling_objective(const struct scaling_law *law, const struct scaling_table *t, double delta,
                         double *gradient, double *hessian);

/* E_USAGE when the table has fewer rows than the law has parameters, or fewer precisions than the
 * form; E_INTERRUPTED when the user asked to stop; E_FAILED when no start led anywhere; E_NOMEM.
 */
enum status scaling_fit(const struct scaling_table *t, const struct scaling_fit_options *options,
                        struct scaling_fit *out, struct err *err);

#endif
