/* Rank tests give the values that counting by hand, or all permutations, give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "numerics/rng.h"
#include "numerics/statistics/mann_whitney.h"
#include "numerics/statistics/multiple_tests.h"

static struct mann_whitney test(const double *x, size_t n, const double *y, size_t m)
{
    struct mann_whitney result = {0};
    assert_int_equal(mann_whitney(x, n, y, m, &result, NULL), 0);
    return result;
}

static void closed_p_values_are_met(void **unused)
{
    (void)unused;
    static const double three[] = {1, 2, 3}, above[] = {4, 5, 6}, between[] = {2.5, 4, 5};
    struct mann_whitney r = test(three, 3, above, 3);
    assert_true(r.exact && r.u == 9 && r.p == 2.0 / 20); /* 2 of C(6, 3) ways */
    r = test(above, 3, three, 3);
    assert_true(r.u == 0 && r.p == 2.0 / 20);
    r = test(three, 3, between, 3); /* U = 8: ways with U >= 8 or <= 1 are 2 (1 + 1) */
    assert_true(r.u == 8 && r.p == 4.0 / 20);
    double low[12], high[12];
    for (int i = 0; i < 12; i++) {
        low[i] = i;
        high[i] = 100 + i;
    }
    r = test(low, 12, high, 12);
    assert_true(r.exact && r.u == 144 && r.p == 2.0 / 2704156); /* C(24, 12) */
    r = test(low, 1, high, 12);
    assert_true(r.p == 2.0 / 13);
    r = test(low, 5, low, 5); /* each value twice: U is its mean */
    assert_true(r.u == 12.5 && r.p == 1);
    static const double same[] = {7, 7, 7, 7};
    r = test(same, 4, same, 3);
    assert_true(r.u == 6 && r.p == 1);
}

/* p by brute force over all subsets: pairs counted one by one. */
static double by_subsets(const double *all, unsigned total, unsigned n, double u)
{
    double ways = 0, beyond = 0, mean = n * (total - n) / 2.0;
    for (unsigned set = 0; set < 1U << total; set++) {
        double other = 0;
        if ((unsigned)__builtin_popcount(set) != n)
            continue;
        for (unsigned i = 0; i < total; i++)
            for (unsigned j = 0; j < total; j++)
                if (set >> i & 1 && !(set >> j & 1))
                    other += all[j] > all[i] ? 1 : all[j] == all[i] ? 0.5 : 0;
        ways++;
        beyond += fabs(other - mean) >= fabs(u - mean);
    }
    return beyond / ways;
}

static void exact_p_is_that_of_all_permutations_with_and_without_ties(void **unused)
{
    (void)unused;
    enum { SEED = 5, TOTAL = 9 };
    struct rng rng = {SEED};
    for (int i = 0; i < 60; i++) {
        double all[TOTAL];
        unsigned n = 1 + rng_below(&rng, TOTAL - 1);
        for (int j = 0; j < TOTAL; j++) /* a third with many ties, a third with some */
            all[j] = i % 3 ? rng_below(&rng, i % 3 == 1 ? 3 : 12) : rng_uniform(&rng);
        struct mann_whitney r = test(all, n, all + n, TOTAL - n);
        double p = by_subsets(all, TOTAL, n, r.u);
        if (r.p != p) /* the same two whole numbers divided */
            fail_msg("seed %d, case %d, n = %u: p %.17g, by subsets %.17g", SEED, i, n, r.p, p);
    }
}

static void large_samples_use_the_normal_law(void **unused)
{
    (void)unused;
    enum { N = 40 };
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = 2 * i;
        y[i] = 2 * i + 1 + 20; /* y_i is above x_0 .. x_(i+10) */
    }
    struct mann_whitney r = test(x, N, y, N);
    double u = 0;
    for (int i = 0; i < N; i++)
        u += fmin(i + 11, N);
    double z = (u - N * N / 2.0 - 0.5) / sqrt(N * N * (2 * N + 1) / 12.0);
    assert_false(r.exact);
    assert_true(r.u == u);
    /* both are a tail of the normal law to some ulp, of arguments equal to some ulp */
    assert_true(fabs(r.p - erfc(z / sqrt(2))) <= 64 * DBL_EPSILON * (1 + z * z));
}

static void interval_of_the_shift_trims_as_the_table_of_u_says(void **unused)
{
    (void)unused;
    struct shift_interval i;
    double x[12] = {0}, y[12];
    /* differences are y_j - 0, each 10 times: with 10 and 10 the table's critical U is 23 (0.95),
     * so 24 differences go on either side */
    for (int j = 0; j < 10; j++)
        y[j] = j;
    assert_int_equal(shift_interval(x, 10, y, 10, 0.95, &i, NULL), 0);
    assert_true(i.low == 2 && i.high == 7); /* differences 24 and 75 of 0 .. 99 */
    assert_true(i.level >= 0.95 && i.level < 0.96);
    /* 3 and 3: [smallest, largest] has 1 - 2 / 20 */
    assert_int_equal(shift_interval(x, 3, y, 3, 0.95, &i, NULL), 0);
    assert_true(i.low == 0 && i.high == 2 && i.level == 1 - 2.0 / 20);
    assert_int_equal(shift_interval(x, 1, y, 1, 0.95, &i, NULL), 0);
    assert_true(i.level == 0);
}

static void the_interval_covers_as_often_as_it_says(void **unused)
{
    (void)unused;
    enum { SEED = 3, RUNS = 4000, N = 10, M = 12 };
    struct rng rng = {SEED};
    struct shift_interval s = {0};
    int covered = 0;
    for (int r = 0; r < RUNS; r++) {
        double x[N], y[M];
        for (int i = 0; i < N; i++)
            x[i] = exp(rng_normal(&rng));
        for (int i = 0; i < M; i++)
            y[i] = exp(rng_normal(&rng)) + 1.5;
        assert_int_equal(shift_interval(x, N, y, M, 0.95, &s, NULL), 0);
        covered += s.low <= 1.5 && 1.5 <= s.high;
    }
    double share = (double)covered / RUNS;
    double limit = 5 * sqrt(s.level * (1 - s.level) / RUNS); /* five standard errors */
    if (!(fabs(share - s.level) <= limit))
        fail_msg("seed %d: covered %g, level %g +- %g", SEED, share, s.level, limit);
}

static void sign_test_is_the_binomial_tail(void **unused)
{
    (void)unused;
    /* sums of binomial coefficients; the library's beta function is good to some 1e-14 */
    static const struct {
        size_t negative, positive;
        double p;
    } rows[] = {{0, 0, 1},        {0, 5, 2.0 / 32},
                {6, 0, 2.0 / 64}, {2, 10, 2 * (1 + 12 + 66) / 4096.0},
                {5, 5, 1},        {1, 11, 2 * (1 + 12) / 4096.0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(fabs(sign_test(rows[i].negative, rows[i].positive) - rows[i].p) <=
                    64 * DBL_EPSILON);
}

static void holm_steps_down_and_leaves_what_was_not_tested(void **unused)
{
    (void)unused;
    double p[] = {0.25, 0.0078125, NAN, 0.03125, 0.75};
    struct ranked_p order[5];
    holm(p, 5, order); /* four tests: times 4, 3, 2, 1, never below the one before */
    assert_true(p[1] == 0.03125 && p[3] == 0.09375 && p[0] == 0.5 && p[4] == 0.75);
    assert_true(isnan(p[2]));
    double q[] = {0.5, 0.5};
    holm(q, 2, order);
    assert_true(q[0] == 1 && q[1] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_p_values_are_met),
        cmocka_unit_test(exact_p_is_that_of_all_permutations_with_and_without_ties),
        cmocka_unit_test(large_samples_use_the_normal_law),
        cmocka_unit_test(interval_of_the_shift_trims_as_the_table_of_u_says),
        cmocka_unit_test(the_interval_covers_as_often_as_it_says),
        cmocka_unit_test(sign_test_is_the_binomial_tail),
        cmocka_unit_test(holm_steps_down_and_leaves_what_was_not_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
