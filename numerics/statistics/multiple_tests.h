/*
 * P values of pairs, and of many tests at once.
 *
 * sign_test: two-sided and exact, of `negative` against `positive` signs (zeros are left out by the
 * caller): twice the smaller binomial tail of one half, at most 1; 1 when there is none.  The
 * interval that goes with it is numerics/statistics/order_interval.h.
 *
 * holm: adjusts p [n] in place, so that rejecting those <= alpha errs in any of them with
 * probability at most alpha, however the tests depend on each other: the i-th smallest becomes
 * max over j <= i of min(1, (n - j) p_j), j from 0.  NaN stands for a test that was not made: it
 * stays and does not count.  order [n] is scratch.
 *
 * Source: Holm, Scand. J. Statist. 6 (1979) 65.
 */
#ifndef NUMERICS_STATISTICS_MULTIPLE_TESTS_H
#define NUMERICS_STATISTICS_MULTIPLE_TESTS_H

#include <stddef.h>

double sign_test(size_t negative, size_t positive);

struct ranked_p {
    double p;
    size_t index;
};
void holm(double *p, size_t n, struct ranked_p *order);

#endif
