/* Codebooks against golden levels, exact errors and the rounding rules they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/codebook.h"
#include "numerics/formats/lloyd_max.h"
#include "numerics/rng.h"

static struct json *golden(const char *path)
{
    struct json *root;
    struct err err;
    if (json_read(path, 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    return root;
}

static struct json *golden_cube_root(void)
{
    return golden("tests/golden/cube-root-formats.json");
}

static enum distribution_family family_of(const struct json *row)
{
    const char *name = json_get_string(row, "family", "");
    return !strcmp(name, "normal")    ? DISTRIBUTION_NORMAL
           : !strcmp(name, "laplace") ? DISTRIBUTION_LAPLACE
                                      : DISTRIBUTION_T;
}

/* Levels are the nearest f32 of the golden ones: half an ulp, 2^-24 relative, plus the golden
 * values' own error. */
static void assert_levels(const struct codebook *c, const struct json *values, double own_error,
                          const char *what)
{
    size_t i = 0;
    assert_int_equal(c->n, json_size(values));
    for (const struct json *v = json_first(values); v; v = json_next(v), i++) {
        double want = json_number(v, NAN);
        if (!(fabs(c->level[i] - want) <= fabs(want) * 0x1p-24 + own_error))
            fail_msg("%s: level %zu is %.9g, not %.9g", what, i, c->level[i], want);
    }
}

static void cube_root_codebooks_equal_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_cube_root();
    size_t rows = 0;
    for (const struct json *r = json_first(json_get(root, "codebooks")); r; r = json_next(r)) {
        const char *rule = json_get_string(r, "scaling", ""),
                   *mode = json_get_string(r, "mode", "");
        struct cube_root spec = {
            .family = family_of(r),
            .df = json_get_number(r, "df", 0),
            .rule = !strcmp(rule, "rms")      ? SCALE_RMS
                    : !strcmp(rule, "absmax") ? SCALE_ABSMAX
                                              : SCALE_SIGNMAX,
            .mode = !strcmp(mode, "symmetric")    ? CODEBOOK_SYMMETRIC
                    : !strcmp(mode, "asymmetric") ? CODEBOOK_ASYMMETRIC
                                                  : CODEBOOK_REPEAT_ZERO,
            .alpha = json_get_number(r, "alpha", NAN),
            .n = json_size(json_get(r, "values")),
            .block = (size_t)json_get_number(r, "B", 0),
        };
        struct codebook c;
        struct err err;
        char what[96];
        snprintf(what, sizeof what, "row %zu, %s %s", rows, rule, mode);
        if (codebook_cube_root(&spec, &c, &err))
            fail_msg("%s: %s", what, err.text);
        assert_levels(&c, json_get(r, "values"), 1e-10, what);
        assert_true(fabs(c.bits - json_get_number(r, "bits", NAN)) < 1e-12);
        double m = json_get_number(r, "expected_max", NAN);
        double expected = codebook_expected_absmax(spec.family, spec.df, spec.block);
        /* the file has Euler's constant to 8 digits */
        if (spec.rule != SCALE_RMS && !(fabs(expected / m - 1) < 2e-9))
            fail_msg("%s: expected absmax %.15g, not %.15g", what, expected, m);
        rows++;
    }
    assert_int_equal(rows, 53);
    json_free(root);
}

static void named_codebooks_equal_the_published_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_cube_root();
    const struct json *named = json_get(root, "named");
    struct codebook c;
    struct err err;
    codebook_nf4(&c);
    assert_levels(&c, json_get(named, "nf4"), 0, "nf4");
    codebook_sf4(&c);
    assert_levels(&c, json_get(named, "sf4"), 5e-4, "sf4 as printed"); /* to 3 decimals */
    assert_levels(&c, json_get(named, "sf4_formula"), 1e-12, "sf4");
    assert_int_equal(codebook_af4(64, &c, &err), OK);
    assert_levels(&c, json_get(named, "af4_64"), 6e-9, "af4");
    assert_int_equal(codebook_af4(2, &c, &err), E_USAGE);
    assert_int_equal(codebook_nf_approx(5, &c, &err), OK);
    assert_true(c.n == 5 && c.level[0] == -1 && c.level[1] == -0.3125f && c.level[2] == 0 &&
                c.level[3] == 0.3125f && c.level[4] == 1); /* (x + x^3) / 2 at 1/2 is 5/16 */
    assert_int_equal(codebook_nf_approx(1, &c, &err), E_USAGE);
    for (const char *const *name = codebook_names; *name; name++) {
        assert_int_equal(codebook_named(*name, 64, &c, &err), OK);
        assert_int_equal(c.n, 16);
        bool fixed = !strcmp(*name + 1, "f4");
        assert_int_equal(codebook_named(*name, 0, &c, &err), fixed ? E_USAGE : OK);
    }
    assert_int_equal(codebook_named("nf5", 64, &c, &err), E_USAGE);
    json_free(root);
}

static void af4_is_the_median_code_for_any_block(void **unused)
{
    (void)unused;
    static const size_t blocks[] = {4, 8, 16, 32, 50, 64, 100, 128, 256, 1000, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct codebook c;
        struct err err;
        struct block_law law;
        const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
        assert_int_equal(codebook_af4(blocks[i], &c, &err), OK);
        block_law_absmax(&normal, blocks[i], 0, &law);
        for (size_t j = 8; j + 1 < 16; j++) {
            double from = j == 8 ? 0 : ((double)c.level[j - 1] + c.level[j]) / 2;
            double to = ((double)c.level[j] + c.level[j + 1]) / 2;
            double below = block_law_moment(&law, 0, c.level[j]) - block_law_moment(&law, 0, from);
            double above = block_law_moment(&law, 0, to) - block_law_moment(&law, 0, c.level[j]);
            /* levels are f32: 2^-24 relative of masses that are near 1/16 of the block */
            if (!(fabs(below - above) <= 1e-6 * (double)blocks[i]))
                fail_msg("B = %zu, level %zu: %g below, %g above", blocks[i], j, below, above);
        }
    }
}

static void exact_errors_equal_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_cube_root();
    static struct block_law law;
    struct codebook c;
    struct err err;
    for (const struct json *r = json_first(json_get(root, "error_exact")); r; r = json_next(r)) {
        struct cube_root spec = {family_of(r),
                                 json_get_number(r, "df", 0),
                                 SCALE_RMS,
                                 CODEBOOK_SYMMETRIC,
                                 1.0 / 3,
                                 (size_t)1 << (int)json_get_number(r, "bits", 0),
                                 0};
        struct distribution d = distribution_unit_rms(spec.family, spec.df);
        assert_int_equal(codebook_cube_root(&spec, &c, &err), OK);
        block_law_rms(&d, &law);
        double want = json_get_number(r, "R", NAN), got = codebook_expected_error(&c, &law);
        if (!(fabs(got / want - 1) <= 1e-6)) /* f32 levels; the integral is exact */
            fail_msg("rms, %zu levels: %.12g, not %.12g", spec.n, got, want);
    }
    for (const struct json *r = json_first(json_get(root, "error_exact_absmax")); r;
         r = json_next(r)) {
        const char *name = json_get_string(r, "codebook", "");
        struct distribution d = {family_of(r), 1, json_get_number(r, "df", 0)};
        struct cube_root spec = {d.family,
                                 d.df,
                                 SCALE_ABSMAX,
                                 CODEBOOK_SYMMETRIC,
                                 1.0 / 3,
                                 (size_t)1 << (int)json_get_number(r, "bits", 0),
                                 (size_t)json_get_number(r, "B", 0)};
        double tolerance = 2e-6; /* of the golden file's quadrature */
        if (!strcmp(name, "crd"))
            assert_int_equal(codebook_cube_root(&spec, &c, &err), OK);
        else if (!strcmp(name, "nf4"))
            codebook_nf4(&c);
        else if (!strcmp(name, "sf4")) {
            codebook_sf4(&c);
            tolerance = 5e-4; /* the golden value has levels of 3 decimals */
        } else {              /* INT4 +-7 over absmax, in units of the absmax */
            double level[15];
            for (int i = 0; i < 15; i++)
                level[i] = (i - 7) / 7.0;
            assert_int_equal(codebook_from_levels(level, 15, CODEBOOK_TIES_LOWER, 0, &c, &err), OK);
        }
        block_law_absmax(&d, spec.block, 2, &law);
        double want = json_get_number(r, "R", NAN), got = codebook_expected_error(&c, &law);
        if (!(fabs(got / want - 1) <= tolerance))
            fail_msg("%s, absmax %zu, family %d: %.12g, not %.12g", name, spec.block, d.family, got,
                     want);
    }
    json_free(root);
}

static void lloyd_max_reaches_the_golden_fixed_points(void **unused)
{
    (void)unused;
    struct json *root = golden_cube_root();
    static struct block_law law;
    struct codebook c;
    struct err err;
    for (const struct json *r = json_first(json_get(root, "lloyd_max")); r; r = json_next(r)) {
        struct distribution d = {family_of(r), 1, json_get_number(r, "df", 0)};
        assert_int_equal(lloyd_max_rms(&d, json_size(json_get(r, "centroids")), &c, &err), OK);
        assert_levels(&c, json_get(r, "centroids"), 1e-8, "lloyd-max");
        block_law_rms(&d, &law);
        /* levels off by 2^-24 change the error of a stationary point to second order only */
        assert_true(fabs(codebook_expected_error(&c, &law) / json_get_number(r, "R", NAN) - 1) <
                    1e-10);
    }
    json_free(root);
    root = golden("tests/golden/quantisation-error.json");
    const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    block_law_rms(&normal, &law);
    size_t rows = 0;
    for (const struct json *r = json_first(json_get(root, "lloyd")); r; r = json_next(r), rows++) {
        const struct json *levels = json_get(r, "levels");
        assert_int_equal(lloyd_max_rms(&normal, json_size(levels), &c, &err), OK);
        assert_levels(&c, levels, 1e-8, json_key(r));
        double error = codebook_expected_error(&c, &law);
        assert_true(fabs(error * error / json_get_number(r, "mse", NAN) - 1) < 1e-9);
    }
    assert_int_equal(rows, 5);
    json_free(root);
}

/* On blocks scaled by their absmax Lloyd-Max may move the ends inward, so that it beats every
 * codebook that spends two levels on +-1. */
static void lloyd_max_of_blocks_beats_every_named_codebook(void **unused)
{
    (void)unused;
    static struct block_law law;
    const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    struct codebook best, c;
    struct err err;
    block_law_absmax(&normal, 64, 2, &law);
    assert_int_equal(codebook_named("lloyd-max", 64, &best, &err), OK);
    double least = codebook_expected_error(&best, &law);
    for (const char *const *name = codebook_names; *name; name++) {
        assert_int_equal(codebook_named(*name, 64, &c, &err), OK);
        assert_true(codebook_expected_error(&c, &law) >= least);
    }
}

static void lloyd_max_of_samples_nears_that_of_their_law(void **unused)
{
    (void)unused;
    enum { N = 1 << 18 };
    static float x[N], weight[N];
    struct rng rng = {11};
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)rng_normal(&rng);
        weight[i] = 2;
    }
    static struct block_law law;
    const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    block_law_rms(&normal, &law);
    for (int start = LLOYD_MAX_PLUS_PLUS; start <= LLOYD_MAX_UNIFORM; start++) {
        struct lloyd_max_samples samples = {x, weight, N, (enum lloyd_max_start)start, NULL, 1e-4};
        struct codebook c, exact, plain;
        struct err err;
        assert_int_equal(lloyd_max_fit(&samples, 16, &rng, &c, &err), OK);
        assert_int_equal(lloyd_max_rms(&normal, 16, &exact, &err), OK);
        double got = codebook_expected_error(&c, &law);
        double least = codebook_expected_error(&exact, &law);
        /* stopped at 1e-4, on 2^18 draws; the law's optimum is a lower bound */
        if (!(got >= least && got <= 1.02 * least))
            fail_msg("start %d, seed 11: R = %.6g, optimum %.6g", start, got, least);
        if (start == LLOYD_MAX_UNIFORM) { /* equal weights change nothing */
            samples.weight = NULL;
            assert_int_equal(lloyd_max_fit(&samples, 16, &rng, &plain, &err), OK);
            assert_memory_equal(c.level, plain.level, sizeof c.level);
        }
    }
    struct codebook c;
    struct err err;
    struct lloyd_max_samples equal = {weight, NULL, 100, LLOYD_MAX_PLUS_PLUS, NULL, 1e-4};
    assert_int_equal(lloyd_max_fit(&equal, 4, &rng, &c, &err), OK); /* one value, four levels */
    assert_true(c.level[0] == 2 && c.level[3] == 2);
    x[5] = NAN;
    struct lloyd_max_samples bad = {x, NULL, N, LLOYD_MAX_UNIFORM, NULL, 1e-4};
    assert_int_equal(lloyd_max_fit(&bad, 4, &rng, &c, &err), E_USAGE);
}

static void float_grids_equal_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_cube_root();
    struct codebook c;
    struct err err;
    for (const struct json *r = json_first(json_get(root, "fp_lib")); r; r = json_next(r)) {
        int e = json_key(r)[1] - '0', m = json_key(r)[3] - '0';
        assert_int_equal(codebook_float_grid(e, m, CODEBOOK_TIES_TO_ZERO, &c, &err), OK);
        size_t n = json_size(r), i = 0;
        assert_int_equal(c.n, 2 * n - 1);
        for (const struct json *v = json_first(r); v; v = json_next(v), i++) {
            assert_true(c.level[n - 1 + i] == json_number(v, NAN));
            assert_true(c.level[n - 1 - i] == -json_number(v, NAN));
        }
    }
    json_free(root);
}

static float value_of(const struct codebook *c, float x)
{
    return c->level[codebook_encode(c, x)];
}

static void boundaries_round_as_the_format_says(void **unused)
{
    (void)unused;
    struct codebook c;
    struct err err;
    assert_int_equal(codebook_float_grid(2, 1, CODEBOOK_TIES_TO_ZERO, &c, &err), OK);
    assert_true(value_of(&c, 1.75f) == 1.5f && value_of(&c, -1.75f) == -1.5f);
    assert_true(value_of(&c, nextafterf(1.75f, 2)) == 2 && value_of(&c, 99) == 3);
    assert_int_equal(codebook_float_grid(2, 1, CODEBOOK_TO_ZERO, &c, &err), OK);
    assert_true(value_of(&c, 1.9f) == 1.5f && value_of(&c, -1.9f) == -1.5f);
    assert_true(value_of(&c, 2) == 2 && value_of(&c, -2) == -2 && value_of(&c, 0.2f) == 0);
    assert_int_equal(codebook_float_grid(2, 1, CODEBOOK_AWAY, &c, &err), OK);
    assert_true(value_of(&c, 1.6f) == 2 && value_of(&c, -1.6f) == -2 && value_of(&c, 0) == 0);
    assert_true(value_of(&c, 2) == 2 && value_of(&c, -2) == -2 && value_of(&c, 1e-9f) == 0.25f);
    assert_int_equal(codebook_exponent(3, &c, &err), OK);
    assert_true(c.level[0] == 0.125f && c.level[7] == 16 && value_of(&c, 1) == 1);
    assert_true(value_of(&c, 1.01f) == 2);
    assert_int_equal(codebook_exponent(8, &c, &err), E_USAGE);
}

/* Every format's boundaries against its arithmetic, on all ties, their neighbours and draws. */
static void integers_round_half_to_even(void **unused)
{
    (void)unused;
    struct rng rng = {3};
    for (int bits = 2; bits <= 8; bits++)
        for (int convention = CODEBOOK_INT_TWOS; convention <= CODEBOOK_INT_HALF; convention++) {
            struct codebook c;
            struct err err;
            assert_int_equal(codebook_integer(bits, (enum codebook_int)convention, &c, &err), OK);
            long double shift = convention == CODEBOOK_INT_HALF ? 0.5L : 0; /* adds exactly */
            for (int i = 0; i < 4000; i++) {
                float x = (float)(((int)rng_below(&rng, 1200) - 600) / 4.0);
                if (i % 4 == 1)
                    x = nextafterf(x, INFINITY);
                if (i % 4 == 2)
                    x = nextafterf(x, -INFINITY);
                double want = (double)(rintl((long double)x + shift) - shift);
                want = fmin(fmax(want, c.level[0]), c.level[c.n - 1]);
                if (fabsf(x) > 1e-9f && value_of(&c, x) != want) /* below it the sum is inexact */
                    fail_msg("INT%d, convention %d: %.9g becomes %g, not %g (seed 3)", bits,
                             convention, x, value_of(&c, x), want);
            }
        }
}

static void ocp_floats_agree_with_their_conversion(void **unused)
{
    (void)unused;
    static const char *const names[] = {"e2m1", "e2m2", "e2m3", "e3m2", "e4m3", "e5m2"};
    struct rng rng = {4};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        const struct float_format *format = float_format_find(names[f]);
        struct codebook c;
        struct err err;
        assert_int_equal(codebook_float(format, &c, &err), OK);
        for (size_t i = 0; i + 1 < c.n; i++)
            for (int step = -1; step <= 1; step++) {
                float x = (float)(((double)c.level[i] + c.level[i + 1]) / 2);
                if (step)
                    x = nextafterf(x, step * INFINITY);
                float want =
                    float_format_decode(format, float_format_encode(format, x, FLOAT_RNE, true, 0));
                if (value_of(&c, x) != want)
                    fail_msg("%s: %.9g becomes %g, not %g", names[f], x, value_of(&c, x), want);
            }
        for (int i = 0; i < 20000; i++) {
            float x = (float)(rng_normal(&rng) * exp2(rng_uniform(&rng) * 40 - 20));
            float want =
                float_format_decode(format, float_format_encode(format, x, FLOAT_RNE, true, 0));
            if (value_of(&c, x) != want)
                fail_msg("%s: %.9g becomes %g, not %g (seed 4)", names[f], x, value_of(&c, x),
                         want);
        }
    }
}

static void what_cannot_be_is_refused(void **unused)
{
    (void)unused;
    static const struct cube_root bad[] = {
        {DISTRIBUTION_NORMAL, 0, SCALE_SIGNMAX, CODEBOOK_SYMMETRIC, 1.0 / 3, 16, 64},
        {DISTRIBUTION_NORMAL, 0, SCALE_RMS, CODEBOOK_SYMMETRIC, 0, 16, 64},
        {DISTRIBUTION_NORMAL, 0, SCALE_ABSMAX, CODEBOOK_SYMMETRIC, 1.0 / 3, 16, 3},
        {DISTRIBUTION_NORMAL, 0, SCALE_RMS, CODEBOOK_ASYMMETRIC, 1.0 / 3, 15, 64},
        {DISTRIBUTION_NORMAL, 0, SCALE_RMS, CODEBOOK_SYMMETRIC, 1.0 / 3, 257, 64},
        {DISTRIBUTION_T, 2, SCALE_RMS, CODEBOOK_SYMMETRIC, 1.0 / 3, 16, 64},
        {DISTRIBUTION_T, 3, SCALE_RMS, CODEBOOK_SYMMETRIC, 1.0 / 6, 16, 64},
        {DISTRIBUTION_T, NAN, SCALE_RMS, CODEBOOK_SYMMETRIC, 1.0 / 3, 16, 64}};
    struct codebook c;
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(codebook_cube_root(&bad[i], &c, &err), E_USAGE);
    const double falling[] = {0, 1, 0.5}, huge[] = {0, 1e300};
    assert_int_equal(codebook_from_levels(falling, 3, CODEBOOK_TIES_LOWER, 0, &c, &err), E_USAGE);
    assert_int_equal(codebook_from_levels(huge, 2, CODEBOOK_TIES_LOWER, 0, &c, &err), E_USAGE);
    assert_int_equal(codebook_integer(9, CODEBOOK_INT_TWOS, &c, &err), E_USAGE);
    assert_int_equal(codebook_float(float_format_find("bf16"), &c, &err), E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cube_root_codebooks_equal_the_golden_ones),
        cmocka_unit_test(named_codebooks_equal_the_published_ones),
        cmocka_unit_test(af4_is_the_median_code_for_any_block),
        cmocka_unit_test(exact_errors_equal_the_golden_ones),
        cmocka_unit_test(lloyd_max_reaches_the_golden_fixed_points),
        cmocka_unit_test(lloyd_max_of_blocks_beats_every_named_codebook),
        cmocka_unit_test(lloyd_max_of_samples_nears_that_of_their_law),
        cmocka_unit_test(float_grids_equal_the_golden_ones),
        cmocka_unit_test(boundaries_round_as_the_format_says),
        cmocka_unit_test(integers_round_half_to_even),
        cmocka_unit_test(ocp_floats_agree_with_their_conversion),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
