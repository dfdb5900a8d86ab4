/*
 * How far a fitted scaling law can be trusted: profile intervals, and what the table cannot tell.
 *
 * Source: Hampel et al., Robust Statistics, sec. 6.3 (standard errors) and 7.2 (the test of a
 * restriction with the Huber loss).
 */
#ifndef NUMERICS_FITS_SCALING_DOUBT_H
#define NUMERICS_FITS_SCALING_DOUBT_H

#include "numerics/fits/scaling_bootstrap.h"

/*
 * The profile interval of parameter i: all values at which the best fit of the others has 2 (Q -
 * Q min) M / V <= the chi-squared quantile of `level` with one degree of freedom, where psi =
 * clip(r, +-delta), V = sum psi^2 / (n - parameters) and M = the mean of psi' (see below).  An end
 * not found within 40 standard errors is infinite: the table does not bound the parameter there.
 * E_USAGE for lad; else as scaling_fit().
 */
enum status scaling_profile_interval(const struct scaling_table *t,
                                     const struct scaling_fit_options *options,
                                     const struct scaling_fit *fit, size_t i, double level,
                                     struct scaling_interval *out, struct err *err);

/*
 * What the table says about each parameter, from the information matrix J^T J, J = d f / d p by
 * row.  Standard errors are those of an M-estimator with equally distributed residuals: covariance
 * V / M^2 (J^T J)^-1 with M = mean of psi' = delta / h times the share of rows within |r| <= h, h =
 * max(delta, n^-1/5 median |r|): at a band that holds hardly a row, delta alone would say nothing.
 *
 * undetermined: two standard errors exceed an exponent itself, or ln 10 of a logarithm (then not
 * even the power of ten is known).  confounded: |correlation of ln N and ln D| > 0.98, where the
 * variance of what tells N from D is 25 times that of unrelated columns, 1 / (1 - r^2).
 */
struct scaling_information {
    size_t n;
    double standard_error[SCALING_PARAMS]; /* sandwich of the Huber loss; INFINITY if singular */
    double correlation[SCALING_PARAMS][SCALING_PARAMS]; /* of the estimates */
    double eigenvalue[SCALING_PARAMS];                  /* of J^T J with unit diagonal, rising */
    double weakest[SCALING_PARAMS]; /* the eigenvector of the smallest, up to its sign */
    double condition;               /* largest / smallest eigenvalue */
    double n_d_correlation;         /* of ln N and ln D over the rows */
    bool undetermined[SCALING_PARAMS], confounded;
    char text[512]; /* in words: which parameters the table cannot determine, and why */
};
/* E_NOMEM; E_FAILED when the law is not finite on the table. */
enum status scaling_information(const struct scaling_table *t,
                                const struct scaling_fit_options *options,
                                const struct scaling_law *law, struct scaling_information *out,
                                struct err *err);

#endif
