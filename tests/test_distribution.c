/* Densities, quantiles and partial moments against 15-digit values and against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/statistics/block_law.h"
#include "numerics/statistics/distribution.h"

static const struct distribution laws[] = {
    {DISTRIBUTION_NORMAL, 1, 0},  {DISTRIBUTION_NORMAL, 2.5, 0},
    {DISTRIBUTION_LAPLACE, 1, 0}, {DISTRIBUTION_LAPLACE, 0.3, 0},
    {DISTRIBUTION_T, 1, 7},       {DISTRIBUTION_T, 2, 3.5},
    {DISTRIBUTION_T, 1, 1.0 / 3}, {DISTRIBUTION_T, 1.7320508, 5.0 / 3},
    {DISTRIBUTION_T, 1, 500}};
enum { N_LAWS = sizeof laws / sizeof laws[0] };

static void t_quantiles_with_fractional_df_are_right(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *t = json_get(root, "t_ppf");
    const struct json *df = json_first(json_get(t, "df")), *p = json_first(json_get(t, "p"));
    size_t n = 0;
    for (const struct json *x = json_first(json_get(t, "x")); x; x = json_next(x), n++) {
        struct distribution d = {DISTRIBUTION_T, 1, json_number(df, NAN)};
        double want = json_number(x, NAN), got = distribution_quantile(&d, json_number(p, NAN));
        /* The file's own quantiles are off by up to 4e-9: tan(0.45 pi), of t(1), by 2e-11. */
        if (!(fabs(got - want) <= 5e-9 * fabs(want) + 1e-15))
            fail_msg("t(%g), p = %g: %.17g, not %.17g", d.df, json_number(p, NAN), got, want);
        df = json_next(df);
        p = json_next(p);
    }
    assert_int_equal(n, 36);
    json_free(root);
}

/* df = 1: tan(pi (p - 1/2)); df = 2: (2p - 1) / sqrt(2p (1 - p)). */
static void t_quantiles_have_their_closed_forms(void **unused)
{
    (void)unused;
    const struct distribution t1 = {DISTRIBUTION_T, 1, 1}, t2 = {DISTRIBUTION_T, 1, 2};
    for (double p = 1e-9; p < 0.5; p *= 1.7) {
        double x1 = -1 / tan(M_PI * p), x2 = -(1 - 2 * p) / sqrt(2 * p * (1 - p));
        assert_true(fabs(distribution_quantile(&t1, p) / x1 - 1) <= 1e-12);
        assert_true(fabs(distribution_quantile(&t2, p) / x2 - 1) <= 1e-12);
        assert_true(fabs(distribution_cdf(&t1, x1) / p - 1) <= 1e-12);
        assert_true(fabs(distribution_cdf(&t2, x2) / p - 1) <= 1e-12);
    }
}

static void quantile_and_distribution_function_undo_each_other(void **unused)
{
    (void)unused;
    static const double ps[] = {1e-12, 1e-6, 0.01, 0.2, 0.4999, 0.5, 0.6, 0.9, 0.999};
    for (size_t i = 0; i < N_LAWS; i++)
        for (size_t j = 0; j < sizeof ps / sizeof ps[0]; j++) {
            double x = distribution_quantile(&laws[i], ps[j]), p = distribution_cdf(&laws[i], x);
            if (!(fabs(p - ps[j]) <= 1e-12 * ps[j]))
                fail_msg("law %zu: p = %g comes back as %.17g", i, ps[j], p);
        }
    assert_true(isnan(distribution_quantile(&laws[0], 1.5)));
    assert_true(isnan(distribution_quantile(&laws[0], NAN)));
    assert_true(distribution_quantile(&laws[4], 0) == -INFINITY);
    assert_true(distribution_quantile(&laws[4], 1) == INFINITY);
}

static void density_and_moments_are_the_derivatives_they_should_be(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LAWS; i++)
        for (double x = -4.03; x < 5; x += 0.7)
            for (int k = 0; k < 3; k++) {
                if (laws[i].family == DISTRIBUTION_T && laws[i].df <= k)
                    continue;
                /* The fourth-order difference quotient: error h^4 F''''' / 30 plus 2e-16 / h */
                double h = 1e-3 * laws[i].scale;
                double got = (8 * (distribution_moment(&laws[i], k, x + h) -
                                   distribution_moment(&laws[i], k, x - h)) -
                              distribution_moment(&laws[i], k, x + 2 * h) +
                              distribution_moment(&laws[i], k, x - 2 * h)) /
                             (12 * h);
                double want = pow(x, k) * distribution_pdf(&laws[i], x);
                if (!(fabs(got - want) <= 1e-9))
                    fail_msg("law %zu, moment %d at %g: %.12g, not %.12g", i, k, x, got, want);
            }
}

static void unit_rms_members_have_rms_1(void **unused)
{
    (void)unused;
    static const double dfs[] = {2.1, 3, 5, 7, 100};
    for (size_t i = 0; i < sizeof dfs / sizeof dfs[0]; i++)
        for (int f = DISTRIBUTION_NORMAL; f <= DISTRIBUTION_T; f++) {
            struct distribution d = distribution_unit_rms((enum distribution_family)f, dfs[i]);
            assert_true(fabs(distribution_moment(&d, 2, INFINITY) - 1) < 1e-12);
        }
}

static void truncated_quantiles_invert_the_truncated_law(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LAWS; i++) {
        double m = 2.4 * laws[i].scale, f = distribution_cdf(&laws[i], -m);
        assert_true(distribution_truncated_quantile(&laws[i], m, 0) == -m);
        assert_true(distribution_truncated_quantile(&laws[i], m, 0.5) == 0);
        assert_true(distribution_truncated_quantile(&laws[i], m, 1) == m);
        for (double p = 0.03; p < 1; p += 0.11) {
            double x = distribution_truncated_quantile(&laws[i], m, p);
            double back = (distribution_cdf(&laws[i], x) - f) / (1 - 2 * f);
            assert_true(fabs(back - p) < 1e-12);
            double mirror = distribution_truncated_quantile(&laws[i], m, 1 - p);
            assert_true(fabs(x + mirror) <= 1e-12 * m);
        }
    }
}

static void powers_of_a_density_stay_in_its_family(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LAWS; i++) {
        if (laws[i].family == DISTRIBUTION_T && laws[i].df <= 2)
            continue;
        struct distribution d = distribution_power(&laws[i], 1.0 / 3);
        double at0 = distribution_pdf(&d, 0) / cbrt(distribution_pdf(&laws[i], 0));
        for (double x = 0.1; x < 9; x += 0.7) {
            double ratio = distribution_pdf(&d, x) / cbrt(distribution_pdf(&laws[i], x));
            assert_true(fabs(ratio / at0 - 1) < 1e-12); /* constant in x */
        }
    }
}

/* B = 2 of a Laplace: |x| is exponential, so that the largest has density 2 (1 - e^-m) e^-m and
 * E m^2 = 3.5, and the ratio of the smaller to the larger has a closed law: P(t) = 2t / (1 + t). */
static void the_absmax_law_has_its_closed_form(void **unused)
{
    (void)unused;
    const struct distribution laplace = {DISTRIBUTION_LAPLACE, 1, 0};
    struct block_law law;
    block_law_absmax(&laplace, 2, 2, &law);
    assert_true(fabs(law.top - 3.5) < 1e-8);
    /* both elements' squares: 2 E x^2 = 4 */
    assert_true(fabs(block_law_moment(&law, 2, INFINITY) - 4) < 1e-8);
    assert_true(fabs(block_law_moment(&law, 1, INFINITY)) < 1e-8);
    block_law_absmax(&laplace, 2, 0, &law);
    for (double t = 0.1; t < 1; t += 0.2) {
        double share = block_law_moment(&law, 0, t) - block_law_moment(&law, 0, -t);
        assert_true(fabs(share - 2 * t / (1 + t)) < 1e-8);
    }
}

/* The golden file gives both for rms 1: the fixed-rate limit, and 2^h / sqrt(12) of the entropy h,
 * the limit of a uniform grid with entropy coding. */
static void entropies_and_fixed_rate_limits_are_those_of_the_card(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    size_t n = 0;
    for (const struct json *j = json_first(json_get(root, "limits")); j; j = json_next(j), n++) {
        const char *family = json_get_string(j, "family", "");
        double df = json_get_number(j, "df", 0);
        struct distribution d =
            distribution_unit_rms(!strcmp(family, "normal")    ? DISTRIBUTION_NORMAL
                                  : !strcmp(family, "laplace") ? DISTRIBUTION_LAPLACE
                                                               : DISTRIBUTION_T,
                                  df);
        double limit = distribution_fixed_rate_limit(&d),
               grid = exp2(distribution_entropy(&d)) / sqrt(12);
        /* both are a few roundings of gamma functions below 10 */
        if (!(fabs(limit / json_get_number(j, "panter_dite", NAN) - 1) <= 1e-12) ||
            !(fabs(grid / json_get_number(j, "entropy", NAN) - 1) <= 1e-12))
            fail_msg("%s(%g): %.15g and %.15g", family, df, limit, grid);
    }
    assert_int_equal(n, 4);
    json_free(root);
    const struct distribution t2 = {DISTRIBUTION_T, 1, 2}, none = {DISTRIBUTION_T, 1, -1},
                              cauchy = {DISTRIBUTION_T, 2, 1};
    assert_true(isinf(distribution_fixed_rate_limit(&t2)));
    assert_true(isnan(distribution_fixed_rate_limit(&none)) && isnan(distribution_entropy(&none)));
    /* Cauchy of scale 2: log2(8 pi) */
    assert_true(fabs(distribution_entropy(&cauchy) - log2(8 * M_PI)) <= 1e-14 * 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_quantiles_with_fractional_df_are_right),
        cmocka_unit_test(t_quantiles_have_their_closed_forms),
        cmocka_unit_test(quantile_and_distribution_function_undo_each_other),
        cmocka_unit_test(density_and_moments_are_the_derivatives_they_should_be),
        cmocka_unit_test(unit_rms_members_have_rms_1),
        cmocka_unit_test(truncated_quantiles_invert_the_truncated_law),
        cmocka_unit_test(powers_of_a_density_stay_in_its_family),
        cmocka_unit_test(entropies_and_fixed_rate_limits_are_those_of_the_card),
        cmocka_unit_test(the_absmax_law_has_its_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
