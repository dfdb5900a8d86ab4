/* The order-statistic interval of a median has the level that binomial sums give it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "numerics/rng.h"
#include "numerics/statistics/order_interval.h"

/* 1..n in an order that is not sorted. */
static struct order_interval of_ranks(size_t n)
{
    double values[64];
    for (size_t i = 0; i < n; i++)
        values[i] = (double)((i * 7 + 3) % n + 1); /* 7 divides none of the sizes used here */
    return order_interval(values, n);
}

static void levels_are_the_closed_binomial_values(void **unused)
{
    (void)unused;
    static const struct {
        size_t n, k;
        double tail, total; /* level = 1 - 2 tail / total: sums of binomial coefficients over 2^n */
    } rows[] = {
        {2, 1, 1, 4},
        {3, 1, 1, 8},
        {4, 1, 1, 16},
        {5, 1, 1, 32},
        {6, 1, 1, 64},
        {8, 1, 1, 256},
        {9, 2, 1 + 9, 512},
        {10, 2, 1 + 10, 1024},
        {11, 2, 1 + 11, 2048},
        {12, 3, 1 + 12 + 66, 4096},
        {16, 4, 1 + 16 + 120 + 560, 65536},
        {20, 6, 1 + 20 + 190 + 1140 + 4845 + 15504, 1048576},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = rows[i].n;
        struct order_interval got = of_ranks(n);
        double level = 1 - 2 * rows[i].tail / rows[i].total;
        /* both sides are 1 minus a probability below 1 that is a ratio of small integers; the
         * library's incomplete beta function is good to about 1e-14 at this size */
        if (got.low != (double)rows[i].k || got.high != (double)(n + 1 - rows[i].k) ||
            !(fabs(got.level - level) <= 64 * DBL_EPSILON))
            fail_msg("n = %zu: [%g, %g] level %.17g, expected [%zu, %zu] level %.17g", n, got.low,
                     got.high, got.level, rows[i].k, n + 1 - rows[i].k, level);
        assert_true(got.estimate == (double)(n + 1) / 2);
        assert_int_equal(got.n, n);
    }
}

static void none_and_one_have_no_interval(void **unused)
{
    (void)unused;
    struct order_interval none = order_interval(NULL, 0);
    assert_true(isnan(none.estimate));
    assert_true(none.level == 0);
    double x = 5;
    struct order_interval one = order_interval(&x, 1);
    assert_true(one.estimate == 5);
    assert_true(one.level == 0);
}

static void the_interval_covers_the_median_as_often_as_it_says(void **unused)
{
    (void)unused;
    enum { SEED = 11, RUNS = 20000, N = 12 };
    struct rng rng = {SEED};
    int covered = 0;
    double level = 0;
    for (int r = 0; r < RUNS; r++) {
        double x[N];
        for (int i = 0; i < N; i++)
            x[i] = exp(2 * rng_normal(&rng)); /* skewed; its median is 1 */
        struct order_interval got = order_interval(x, N);
        covered += got.low <= 1 && 1 <= got.high;
        level = got.level;
    }
    /* five standard errors of a share */
    double share = (double)covered / RUNS, limit = 5 * sqrt(level * (1 - level) / RUNS);
    if (!(fabs(share - level) <= limit))
        fail_msg("seed %d: covered %g, level %g +- %g", SEED, share, level, limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_the_closed_binomial_values),
        cmocka_unit_test(none_and_one_have_no_interval),
        cmocka_unit_test(the_interval_covers_the_median_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
