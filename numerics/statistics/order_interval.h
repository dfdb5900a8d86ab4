/*
 * The median of a few measurements and its exact confidence interval from order statistics.
 *
 *   values   [n], n < 2^31; sorted in place; none is NaN
 *   estimate the median; NaN when n == 0
 *   low,high the narrowest symmetric pair x_(k), x_(n+1-k) that covers the median of the
 *            distribution with probability >= 0.95, whatever the distribution; where n is too small
 *            for that (n < 6), the smallest and the largest value
 *   level    the coverage of that pair, 1 - 2 P[Binomial(n, 1/2) < k]: 0.96875 for n = 6, 0.961426
 *            for n = 12, and 0 for n <= 1, where there is no interval
 *
 * Source: David, Nagaraja, Order Statistics, 3rd ed., sec. 7.1.
 */
#ifndef NUMERICS_STATISTICS_ORDER_INTERVAL_H
#define NUMERICS_STATISTICS_ORDER_INTERVAL_H

#include <stddef.h>

struct order_interval {
    double estimate, low, high, level;
    size_t n;
};

struct order_interval order_interval(double *values, size_t n);

#endif
