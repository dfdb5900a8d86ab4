/*
 * The three symmetric distributions that weights are compared with: normal, Laplace and Student-t
 * with any positive number of degrees of freedom, whole or not.
 *
 * scale is the standard deviation of the normal, b of Laplace's exp(-|x|/b)/(2b), and the factor
 * on a standard t.  x may be infinite; NaN gives NaN; p outside [0, 1] gives NaN.
 *
 * Accuracy: relative 1e-12 in the density, the distribution function below the median and the
 * quantile, for df in [0.05, 1000].  Student-t has its own continued fraction and inverse: those of
 * GSL 2.7 are off by 7e-7 in far tails (df = 478, x = 68) and end the program where the inverse
 * does not converge (df = 0.06).
 * Source: Abramowitz and Stegun, sec. 26.5.8 and 26.7.1; truncation and powers: Orr, Ribar, Luschi,
 * Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_STATISTICS_DISTRIBUTION_H
#define NUMERICS_STATISTICS_DISTRIBUTION_H

enum distribution_family { DISTRIBUTION_NORMAL, DISTRIBUTION_LAPLACE, DISTRIBUTION_T };

struct distribution {
    enum distribution_family family;
    double scale; /* > 0 */
    double df;    /* of Student-t; > 0 */
};

double distribution_pdf(const struct distribution *d, double x);
double distribution_cdf(const struct distribution *d, double x);
double distribution_quantile(const struct distribution *d, double p);

/* Quantile of d restricted to [-m, m], m > 0; exactly -m at p = 0, 0 at 1/2 and m at 1. */
double distribution_truncated_quantile(const struct distribution *d, double m, double p);

/* Integral of u^k times the density from -inf to x, k in {0, 1, 2}; Student-t needs df > k (and is
 * NaN otherwise).  At x = inf and k = 2 this is the variance. */
double distribution_moment(const struct distribution *d, int k, double x);

/* The member of the family whose rms is 1 (df > 2 for Student-t). */
struct distribution distribution_unit_rms(enum distribution_family family, double df);

/* The distribution whose density is proportional to that of d to the power alpha > 0: the same
 * family, wider when alpha < 1.  Student-t needs alpha (df + 1) > 1; otherwise its df is <= 0, and
 * the functions above give NaN. */
struct distribution distribution_power(const struct distribution *d, double alpha);

/* Differential entropy in bits.  With h of a source, no code of b bits a value has a squared error
 * below 2^(2h) / (2 pi e) 2^-2b (Shannon's lower bound; a normal source attains it). */
double distribution_entropy(const struct distribution *d);

/* lim of rms error times 2^b as b grows, of the best fixed-rate scalar quantiser:
 * sqrt((integral of p^(1/3))^3 / 12) (Panter and Dite).  Infinite for Student-t with df <= 2. */
double distribution_fixed_rate_limit(const struct distribution *d);

#endif
