/* A sketch keeps what is needed to tell distributions apart, and merges exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/synthetic.h"
#include "numerics/statistics/value_sketch.h"

enum { N = 1 << 19 };

static struct value_sketch *sketch_of(enum synthetic_kind kind, double df, uint64_t seed)
{
    float *x = malloc(N * sizeof *x);
    struct value_sketch *s = calloc(1, sizeof *s);
    assert_non_null(x);
    assert_non_null(s);
    struct rng rng = {seed};
    synthetic_fill(kind, &(struct synthetic_params){.df = df}, &rng, x, N);
    sketch_add(s, x, N);
    free(x);
    return s;
}

static struct sketch_fit fit_of(const struct value_sketch *s)
{
    struct sketch_fit fit;
    assert_int_equal(sketch_fit(s, &fit, NULL), OK);
    return fit;
}

static void the_fit_names_the_distribution_that_was_drawn(void **unused)
{
    (void)unused;
    struct value_sketch *normal = sketch_of(SYNTHETIC_NORMAL, 0, 1);
    struct value_sketch *laplace = sketch_of(SYNTHETIC_LAPLACE, 0, 2);
    struct sketch_fit n = fit_of(normal), l = fit_of(laplace);
    /* exact mean log-likelihoods: -(1 + ln 2 pi)/2 and -1 - ln(2 b), b = 1/sqrt 2; the standard
     * errors are sqrt(1/2) and 1 over sqrt(N) */
    assert_true(fabs(n.normal_loglik + 0.5 * (1 + log(2 * M_PI))) < 5 * sqrt(0.5 / N));
    assert_true(fabs(l.laplace_loglik + 1 + log(sqrt(2))) < 5 / sqrt(N));
    assert_true(n.normal_loglik > n.laplace_loglik);
    assert_true(n.t.df >= 60); /* a normal is a t of many degrees of freedom */
    assert_true(l.laplace_loglik > l.normal_loglik && l.laplace_loglik > l.t_loglik);
    assert_true(fabs(n.normal.scale - 1) < 5 * sqrt(0.5 / N));
    assert_true(fabs(l.laplace.scale - sqrt(0.5)) < 5 / sqrt(N));
    free(normal);
    free(laplace);
}

static void degrees_of_freedom_are_recovered(void **unused)
{
    (void)unused;
    static const double dfs[] = {2.5, 3, 5, 7};
    for (size_t i = 0; i < sizeof dfs / sizeof dfs[0]; i++) {
        struct value_sketch *s = sketch_of(SYNTHETIC_STUDENT_T, dfs[i], 10 + i);
        struct sketch_fit fit = fit_of(s);
        /* the standard error of df at 2^19 draws is below 0.1 here: at most a step of the grid */
        if (!(fabs(fit.t.df - dfs[i]) <= 0.5))
            fail_msg("t(%g), seed %zu: fitted df %g", dfs[i], 10 + i, fit.t.df);
        assert_true(fit.t_loglik > fit.normal_loglik && fit.t_loglik > fit.laplace_loglik);
        free(s);
    }
}

static void parts_merge_to_the_whole(void **unused)
{
    (void)unused;
    float x[3001];
    struct rng rng = {5};
    for (size_t i = 0; i < 3001; i++)
        x[i] = (float)(rng_normal(&rng) * ldexp(1, (int)rng_below(&rng, 200) - 100));
    x[17] = NAN;
    x[2000] = -INFINITY;
    x[100] = 0;
    x[101] = -0.0f;
    struct value_sketch *whole = calloc(1, sizeof *whole), *a = calloc(1, sizeof *a);
    struct value_sketch *b = calloc(1, sizeof *b);
    assert_true(whole && a && b);
    sketch_add(whole, x, 3001);
    sketch_add(a, x, 1000);
    sketch_add(b, x + 1000, 2001);
    sketch_merge(a, b);
    assert_memory_equal(whole->count, a->count, sizeof a->count);
    assert_int_equal(whole->n, 2999);
    assert_int_equal(a->n, 2999);
    assert_int_equal(a->nonfinite, 2);
    assert_true(whole->largest == a->largest);
    assert_true(fabs(whole->squares - a->squares) <= 1e-12 * whole->squares);
    free(whole);
    free(a);
    free(b);
}

static void a_histogram_counts_every_value_once(void **unused)
{
    (void)unused;
    enum { BINS = 80 };
    struct value_sketch *s = sketch_of(SYNTHETIC_NORMAL, 0, 3);
    double edges[BINS + 1], counts[BINS], total = 0;
    for (size_t i = 0; i <= BINS; i++)
        edges[i] = -10 + 0.25 * (double)i;
    sketch_histogram(s, edges, BINS, counts);
    for (size_t i = 0; i < BINS; i++) {
        struct distribution unit = {DISTRIBUTION_NORMAL, 1, 0};
        double p = distribution_cdf(&unit, edges[i + 1]) - distribution_cdf(&unit, edges[i]);
        total += counts[i];
        /* five standard errors, and values of up to 2^-7 of the edge's magnitude on the wrong side
         */
        double edge = fmax(fabs(edges[i]), fabs(edges[i + 1])) * 0x1p-7;
        double slack = 5 * sqrt(N * p) + N * edge * distribution_pdf(&unit, edges[i]) + 1;
        if (!(fabs(counts[i] - N * p) <= slack))
            fail_msg("[%g, %g): %g values, expected %g +- %g", edges[i], edges[i + 1], counts[i],
                     N * p, slack);
    }
    assert_true(fabs(total - N) < 1e-3 * N);
    free(s);
}

static void zeros_stand_in_the_middle_of_a_histogram(void **unused)
{
    (void)unused;
    static const float x[] = {0, 0, 0, -0.0f, 1, -1};
    static const double edges[] = {-10, -0.5, 0, 0.5, 10};
    double counts[4];
    struct value_sketch *s = calloc(1, sizeof *s);
    assert_non_null(s);
    sketch_add(s, x, 6);
    sketch_histogram(s, edges, 4, counts);
    assert_true(counts[0] == 1 && counts[1] == 1 && counts[2] == 3 && counts[3] == 1);
    free(s);
}

static void nothing_but_zeros_fits_nothing(void **unused)
{
    (void)unused;
    static const float zeros[100];
    struct value_sketch *s = calloc(1, sizeof *s);
    assert_non_null(s);
    struct sketch_fit empty = fit_of(s);
    assert_true(isnan(empty.t_loglik) && empty.normal.scale == 0);
    sketch_add(s, zeros, 100);
    struct sketch_fit fit = fit_of(s);
    assert_true(isnan(fit.normal_loglik) && isnan(fit.laplace_loglik) && isnan(fit.t_loglik));
    assert_true(fit.normal.scale == 0 && fit.laplace.scale == 0);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fit_names_the_distribution_that_was_drawn),
        cmocka_unit_test(degrees_of_freedom_are_recovered),
        cmocka_unit_test(parts_merge_to_the_whole),
        cmocka_unit_test(a_histogram_counts_every_value_once),
        cmocka_unit_test(zeros_stand_in_the_middle_of_a_histogram),
        cmocka_unit_test(nothing_but_zeros_fits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
