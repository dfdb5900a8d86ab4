/* Formats that fix element, scale and block together, against golden blocks and exact laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "datasets/synthetic.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/formats/survey.h"
#include "tests/golden.h"

enum { MAX_N = 1024, SEED = 11 };

static size_t values(const struct json *array, float *out)
{
    double wide[MAX_N];
    size_t n = golden_numbers(array, wide, MAX_N);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)wide[i];
    return n;
}

/* The format with that name; its codebook is made into *codebook. */
static struct block_format format_named(const char *name, struct codebook *codebook)
{
    struct block_format f = {0};
    struct err err;
    if (named_format_make(name, codebook, &f, &err))
        fail_msg("%s", err.text);
    return f;
}

/* Codes x [rows][cols] and compares what comes back with want, where that is a number. */
static void expect_values(const char *name, const struct block_format *f, const float *x,
                          size_t rows, size_t cols, const double *want)
{
    uint8_t codes[MAX_N];
    float scales[MAX_N], back[MAX_N];
    static const unsigned isas[] = {0, CPU_AVX2, CPU_AVX2 | CPU_AVX512};
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        struct block_kernels k = block_kernels_pick(isas[i] & cpu_features());
        block_format_encode(f, &k, x, rows, cols, codes, scales);
        block_format_decode(f, codes, scales, rows, cols, back);
        double off = 0;
        for (size_t j = 0; j < rows * cols; j++) {
            if (!isfinite(want[j]))
                continue;
            /* the golden value is the f64 product of the level and the scale: the level and the
             * product are rounded once each here */
            if (fabs(back[j] - want[j]) > 0x1p-23 * fabs(want[j]))
                fail_msg("%s: value %zu, %a, gives %a, not %a", name, j, x[j], back[j], want[j]);
            off += ((double)back[j] - x[j]) * ((double)back[j] - x[j]);
        }
        struct block_error e = block_format_error(f, &k, x, rows, cols, NULL);
        if (!e.nonfinite && fabs(e.error - off) > 1e-12 * off)
            fail_msg("%s: the error is %g, not %g", name, e.error, off);
    }
}

static void microscaling_blocks_give_the_golden_values(void **unused)
{
    (void)unused;
    static const struct {
        const char *golden, *rule, *name;
    } names[] = {{"mxfp4_e2m1", "floor", "mxfp4"},      {"mxfp4_e2m1", "ceil", "mxfp4-ceil"},
                 {"mxfp6_e3m2", "floor", "mxfp6-e3m2"}, {"mxfp6_e2m3", "floor", "mxfp6-e2m3"},
                 {"mxfp8_e4m3", "floor", "mxfp8-e4m3"}, {"mxfp8_e5m2", "floor", "mxfp8-e5m2"},
                 {"mxint8", "floor", "mxint8"},         {"mxint4", "floor", "mxint4"}};
    struct json *root = golden_read("tests/golden/latmix.json");
    size_t done = 0;
    for (const struct json *m = json_first(json_get(root, "mx")); m; m = json_next(m))
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct codebook codebook;
            float x[MAX_N];
            double want[MAX_N], scale[MAX_N];
            if (strcmp(json_get_string(m, "format", ""), names[i].golden) ||
                strcmp(json_get_string(m, "rule", ""), names[i].rule))
                continue;
            struct block_format f = format_named(names[i].name, &codebook);
            size_t blocks = golden_numbers(json_get(m, "scale"), scale, MAX_N);
            size_t n = values(json_get(m, "x"), x);
            assert_int_equal(n, 32 * blocks);
            assert_int_equal(golden_numbers(json_get(m, "dequant"), want, MAX_N), n);
            for (size_t b = 0; b < blocks; b++)
                if (scale[b] < E8M0_NAN) /* blocks with a NaN are for the encoder of the format */
                    expect_values(names[i].name, &f, x + 32 * b, 1, 32, want + 32 * b);
            done++;
        }
    assert_int_equal(done, sizeof names / sizeof names[0]);
    json_free(root);
}

static void nvfp4_scales_are_relative_to_one_of_the_tensor(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *g = json_get(root, "nvfp4");
    struct codebook codebook;
    float x[MAX_N];
    double want[MAX_N];
    size_t n = values(json_get(g, "x"), x);
    assert_int_equal(golden_numbers(json_get(g, "dequant"), want, MAX_N), n);
    struct block_format f = format_named("nvfp4", &codebook);
    struct quantise_stats stats = {0};
    stats.high = (float)json_get_number(g, "tensor_amax", NAN);
    f.relative = block_format_relative(&codebook, &stats);
    assert_true(f.relative == (float)json_get_number(g, "g", NAN));
    expect_values("nvfp4", &f, x, 1, n, want);
    assert_true(block_format_bits(&f, 64, 64) == 4.5);
    /* a block too small for any E4M3 scale becomes zeros, and its loss is counted */
    float block[16] = {[3] = f.relative * 0x1p-12f, [9] = -f.relative * 0x1p-13f}, back[16], s;
    uint8_t codes[16];
    struct block_kernels k = block_kernels_pick(cpu_features());
    block_format_encode(&f, &k, block, 1, 16, codes, &s);
    block_format_decode(&f, codes, &s, 1, 16, back);
    for (size_t i = 0; i < 16; i++)
        assert_true(back[i] == 0);
    struct block_error e = block_format_error(&f, &k, block, 1, 16, NULL);
    assert_true(e.error == e.squares && e.flushed == 2 && e.max_error == block[3]);
    json_free(root);
}

static void k_means_blocks_give_the_golden_values(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/one-bit-weights.json");
    size_t done = 0;
    for (const struct json *b = json_first(json_get(root, "blocks")); b; b = json_next(b)) {
        bool fitted = !strcmp(json_get_string(b, "kind", ""), "kmeans");
        size_t bits = (size_t)json_get_number(b, "bits", 0);
        size_t rows = (size_t)json_get_number(b, "rows", 0);
        size_t cols = (size_t)json_get_number(b, "K", 0);
        const char *name = bits == 1   ? fitted ? "km1-b64" : "sign-b64"
                           : bits == 2 ? fitted ? "km2-b64" : "ternary-b64"
                           : fitted    ? "km4-b64"
                                       : "uni4-b64";
        struct codebook codebook;
        float x[MAX_N];
        double want[MAX_N], level[MAX_N];
        assert_int_equal(values(json_get(b, "w"), x), rows * cols);
        assert_int_equal(golden_numbers(json_get(b, "dequant"), want, MAX_N), rows * cols);
        struct block_format f = format_named(name, &codebook);
        if (fitted) {
            size_t n = golden_numbers(json_get(b, "centroids"), level, MAX_N);
            assert_int_equal(n, codebook.n);
            assert_int_equal(
                codebook_from_levels(level, n, CODEBOOK_TIES_LOWER, 0, &codebook, NULL), OK);
            codebook.low = -1;
            codebook.high = 1;
        }
        expect_values(name, &f, x, rows, cols, want);
        done++;
    }
    assert_int_equal(done, 6);
    json_free(root);
}

static void rows_of_fp6_and_ternary_tensors_give_the_golden_values(void **unused)
{
    (void)unused;
    struct json *fp6 = golden_read("tests/golden/fp6-llm.json");
    struct codebook codebook;
    float x[MAX_N];
    double want[MAX_N];
    const struct json *c = json_first(json_get(fp6, "cases"));
    assert_string_equal(json_get_string(c, "format", ""), "e3m2");
    size_t rows = (size_t)json_get_number(c, "N", 0), cols = (size_t)json_get_number(c, "K", 0);
    assert_int_equal(values(json_get(c, "w"), x), rows * cols);
    assert_int_equal(golden_numbers(json_get(c, "dequant"), want, MAX_N), rows * cols);
    struct block_format f = format_named("fp6-llm", &codebook);
    expect_values("fp6-llm", &f, x, rows, cols, want);
    json_free(fp6);
    struct json *bitnet = golden_read("tests/golden/bitnet-b158.json");
    rows = (size_t)json_get_number(bitnet, "N", 0);
    cols = (size_t)json_get_number(bitnet, "K", 0);
    float gamma = (float)json_get_number(bitnet, "gamma", NAN);
    assert_int_equal(values(json_get(bitnet, "w"), x), rows * cols);
    assert_int_equal(golden_numbers(json_get(bitnet, "t"), want, MAX_N), rows * cols);
    for (size_t i = 0; i < rows * cols; i++)
        want[i] *= gamma;
    f = format_named("b158", &codebook);
    expect_values("b158", &f, x, rows, cols, want);
    json_free(bitnet);
}

/* Errors of 2^17 normal values in rows of 4096, against exact integrals of large blocks.  Between
 * seeds R scatters by 0.2 %; a small block's scale adapts to it, which the bounds allow for too. */
static void errors_of_normal_weights_are_those_of_the_laws(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        double low, high;
        const char *why;
    } laws[] = {
        {"b158", 0.509, 0.517, "ternary at absmean: 0.5132"},
        {"sign-b64", 0.594, 0.604, "sqrt(1 - 2/pi) = 0.6028, less for small blocks"},
        {"km1-b64", 0.594, 0.604, "the same levels, fitted"},
        {"km2-b64", 0.336, 0.345, "four levels of Lloyd and Max: 0.3428, less for small blocks"},
        {"fp6-llm", 0.0516, 0.0538, "E3M2 rows of 4096: 0.0527"},
        {"int8-row", 0.0080, 0.0094, "rows of 4096: 0.0087"},
    };
    enum { ROWS = 32, COLS = 4096 };
    static float w[ROWS * COLS];
    struct rng rng = {SEED};
    synthetic_fill(SYNTHETIC_NORMAL, NULL, &rng, w, ROWS * COLS);
    const struct tensor t = {.name = "w",
                             .dtype = DTYPE_F32,
                             .rank = 2,
                             .shape = {ROWS, COLS},
                             .count = ROWS * COLS,
                             .data = w};
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        const struct named_format *f = named_formats;
        while (strcmp(f->name, laws[i].name))
            f++;
        const struct survey_row row = {.format = scalar_format_find(f->element),
                                       .scaling = scaling_find(f->scaling),
                                       .block = f->block,
                                       .scale_format = f->scale_format,
                                       .least = f->least,
                                       .name = f->name};
        struct survey *survey;
        struct survey_cell cell;
        static struct value_sketch sketch;
        struct err err;
        assert_int_equal(survey_open(&row, 1, 0, cpu_features(), 2, &survey, &err), OK);
        assert_int_equal(survey_matrix(survey, &t, COLS, &cell, &sketch, &err), OK);
        double r = block_error_ratio(&cell.error);
        if (!(r >= laws[i].low && r <= laws[i].high))
            fail_msg("%s: R %g is not in %g .. %g (%s), seed %d", f->name, r, laws[i].low,
                     laws[i].high, laws[i].why, SEED);
        survey_close(survey);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(microscaling_blocks_give_the_golden_values),
        cmocka_unit_test(nvfp4_scales_are_relative_to_one_of_the_tensor),
        cmocka_unit_test(k_means_blocks_give_the_golden_values),
        cmocka_unit_test(rows_of_fp6_and_ternary_tensors_give_the_golden_values),
        cmocka_unit_test(errors_of_normal_weights_are_those_of_the_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
