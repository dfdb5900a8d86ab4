/*
 * Mann-Whitney's U: whether one of two independent samples tends to be larger than the other, and
 * by how much, whatever their distribution.
 *
 *   x [n], y [m]  n, m >= 1, none is NaN; left as they are
 *   u             pairs with y_j > x_i, and half of those with y_j = x_i: 0 .. n m
 *   p             two-sided, of a U at least as far from its mean n m / 2
 *
 * For n + m <= MANN_WHITNEY_EXACT, p is exact, given the ties: all ways to choose n of the n + m
 * midranks are counted (the counts are whole numbers below 2^53, so without rounding).  Beyond, U
 * is taken as normal with the variance that ties leave, corrected for continuity.
 *
 * shift_interval: of y - x when the two distributions differ by a shift: the narrowest symmetric
 * pair of order statistics of the n m differences that the test at `level` does not reject. `level`
 * of the result is what is reached without ties (more with them); where even [smallest, largest]
 * does not reach the one wanted, that pair with its own.
 *
 * Work: O((n + m) min(n, m) n m) additions exact; n m log(n m) for the interval.
 * Errors: E_NOMEM; *out is untouched then.
 * Source: Mann, Whitney, Ann. Math. Statist. 18 (1947) 50; ties: Lehmann, Nonparametrics, sec. 1.4;
 * interval: ibid., sec. 2.6.
 */
#ifndef NUMERICS_STATISTICS_MANN_WHITNEY_H
#define NUMERICS_STATISTICS_MANN_WHITNEY_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

enum { MANN_WHITNEY_EXACT = 56 }; /* C(56, 28) < 2^53 < C(58, 29) */

struct mann_whitney {
    double u, p;
    bool exact;
};

enum status mann_whitney(const double *x, size_t n, const double *y, size_t m,
                         struct mann_whitney *out, struct err *err);

struct shift_interval {
    double low, high, level;
};

enum status shift_interval(const double *x, size_t n, const double *y, size_t m, double level,
                           struct shift_interval *out, struct err *err);

#endif
