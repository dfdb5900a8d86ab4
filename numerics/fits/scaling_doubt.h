/*
 * How far a fitted scaling law can be trusted: bootstrap and profile intervals, and what the table
 * cannot tell.
 *
 * Bootstrap: rows are drawn with replacement, n of them, and the law is refitted from the point
 * estimate and from two other starts (further minima of the point fit's neighbourhood: exponents
 * 0.7 and 1.4 times as large).  Replicate i uses rng_split(seed, i): results depend on no number of
 * threads.
 *
 * Quantities with an interval are the parameters p, the constants A, B, E (their percentiles are
 * those of the logarithms; their standard deviations are not), and a = beta / (alpha + beta).
 *
 * Source: Efron, Tibshirani, An Introduction to the Bootstrap, sec. 13.3, 14.3 (BCa); profile:
 * Hampel et al., Robust Statistics, sec. 7.2 (the test of a restriction with the Huber loss).
 */
#ifndef NUMERICS_FITS_SCALING_DOUBT_H
#define NUMERICS_FITS_SCALING_DOUBT_H

#include <stdint.h>

#include "numerics/fits/scaling_fit.h"

/* laws [replicates], owned by the caller.  options.starts are not used.  Errors as scaling_fit();
 * a replicate whose fit fails (fewer distinct rows than parameters) is drawn again. */
enum status scaling_bootstrap(const struct scaling_table *t,
                              const struct scaling_fit_options *options,
                              const struct scaling_law *point, size_t replicates, uint64_t seed,
                              struct scaling_law *laws, struct err *err);

/* The fits without row i, laws [t->n]: what BCa needs.  Errors as scaling_fit(). */
enum status scaling_jackknife(const struct scaling_table *t,
                              const struct scaling_fit_options *options,
                              const struct scaling_law *point, struct scaling_law *laws,
                              struct err *err);

/* A number that a law gives: a parameter, a constant, a prediction. */
typedef double scaling_quantity_fn(const struct scaling_law *law, const void *user);
/* user: a size_t, the index of a parameter. */
scaling_quantity_fn scaling_quantity_param;
scaling_quantity_fn scaling_quantity_A, scaling_quantity_B, scaling_quantity_E,
    scaling_quantity_alpha, scaling_quantity_beta, scaling_quantity_exponent; /* user: NULL */

struct scaling_interval {
    double estimate, low, high, level;
    double deviation; /* standard deviation of the replicates; NAN of a profile */
};

/* The central interval of the replicates' quantiles (linear between order statistics).  With
 * jackknife (n_jackknife laws) BCa-corrected quantiles; NULL: percentile.  E_NOMEM. */
enum status scaling_bootstrap_interval(const struct scaling_law *point,
                                       const struct scaling_law *laws, size_t replicates,
                                       const struct scaling_law *jackknife, size_t n_jackknife,
                                       double level, scaling_quantity_fn *quantity,
                                       const void *user, struct scaling_interval *out,
                                       struct err *err);

/*
 * The profile interval of parameter i: all values at which the best fit of the others has 2 (Q - Q
 * min) mean(psi') / mean(psi^2) <= the chi-squared quantile of `level` with one degree of freedom,
 * psi = clip(r, +-delta).  An end not found within 40 standard errors, or where the fit runs away,
 * is infinite: the table does not bound the parameter there.
 * E_USAGE for lad, whose psi' needs a density; else as scaling_fit().
 */
enum status scaling_profile_interval(const struct scaling_table *t,
                                     const struct scaling_fit_options *options,
                                     const struct scaling_fit *fit, size_t i, double level,
                                     struct scaling_interval *out, struct err *err);

/* What the table says about each parameter, from the information matrix J^T J. */
struct scaling_information {
    size_t n;
    double standard_error[SCALING_PARAMS]; /* sandwich of the Huber loss; INFINITY if singular */
    double correlation[SCALING_PARAMS][SCALING_PARAMS]; /* of the estimates */
    double eigenvalue[SCALING_PARAMS];                  /* of J^T J with unit diagonal, rising */
    double weakest[SCALING_PARAMS];    /* the eigenvector of the smallest, its largest entry > 0 */
    double condition;                  /* largest / smallest eigenvalue */
    double n_d_correlation;            /* of ln N and ln D over the rows */
    bool undetermined[SCALING_PARAMS]; /* two standard errors exceed: an exponent itself; ln 10 for
                                          a logarithm */
    bool confounded; /* |n_d_correlation| > 0.98, or an exponent is undetermined */
    char text[512];  /* in words: which parameters the table cannot determine, and why */
};
void scaling_information(const struct scaling_table *t, const struct scaling_fit_options *options,
                         const struct scaling_law *law, struct scaling_information *out);

#endif
