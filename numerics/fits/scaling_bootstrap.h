/*
 * Bootstrap and jackknife of a fitted scaling law, and intervals from them.
 *
 * Bootstrap: rows are drawn with replacement, n of them, and the law is refitted from the point
 * estimate and from two other starts (the exponents 0.7 and 1.4 times as large, or 1.4 and 0.7; the
 * terms unchanged at the middle of the table).  Replicate i uses rng_split(seed, i): results depend
 * on no number of threads.
 *
 * Quantities with an interval are the parameters p, the constants A, B, E (their percentiles are
 * those of the logarithms; their standard deviations are not), and a = beta / (alpha + beta).
 *
 * Source: Efron, Tibshirani, An Introduction to the Bootstrap, sec. 13.3, 14.3 (BCa).
 */
#ifndef NUMERICS_FITS_SCALING_BOOTSTRAP_H
#define NUMERICS_FITS_SCALING_BOOTSTRAP_H

#include <stdint.h>

#include "numerics/fits/scaling_fit.h"

enum { SCALING_REFIT_STARTS = 3 };
/* The starts of every refit: starts [SCALING_REFIT_STARTS][parameters]. */
void scaling_refit_starts(const struct scaling_table *t, const struct scaling_law *point,
                          double *starts);

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

#endif
