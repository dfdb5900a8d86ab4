/* One-bit weights against independently computed values: Lloyd steps from a given start, errors
 * of normal weights, and the bytes of a product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "bench/findings.h"
#include "bench/workloads/gemv.h"
#include "datasets/json.h"
#include "numerics/cpu.h"
#include "numerics/formats/lloyd_max.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/code_matrix.h"
#include "numerics/statistics/block_law.h"
#include "tests/golden.h"

enum { MAX_N = 256, SEED = 11 };

/* Sum of squared distances from the nearest level. */
static double sse(const float *x, size_t n, const double *level, size_t levels)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double nearest = INFINITY;
        for (size_t l = 0; l < levels; l++)
            nearest = fmin(nearest, (x[i] - level[l]) * (x[i] - level[l]));
        sum += nearest;
    }
    return sum;
}

static void lloyds_steps_from_a_given_start_end_at_the_golden_levels(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/one-bit-weights.json");
    size_t done = 0;
    for (const struct json *k = json_first(json_get(root, "kmeans")); k; k = json_next(k), done++) {
        double data[MAX_N], start[MAX_N], want[MAX_N], got[MAX_N];
        float x[MAX_N];
        struct codebook c;
        size_t n = golden_numbers(json_get(k, "data"), data, MAX_N),
               levels = golden_numbers(json_get(k, "init"), start, MAX_N);
        assert_int_equal(golden_numbers(json_get(k, "lloyd_centroids"), want, MAX_N), levels);
        double largest = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)data[i];
            largest = fmax(largest, fabs(data[i]));
        }
        const struct lloyd_max_samples samples = {
            .x = x, .n = n, .start = LLOYD_MAX_GIVEN, .given = start, .tolerance = 1e-4};
        struct err err;
        if (lloyd_max_fit(&samples, levels, NULL, &c, &err))
            fail_msg("%s", err.text);
        for (size_t l = 0; l < levels; l++) {
            got[l] = c.level[l]; /* samples are rounded to f32 here, and so are their means */
            if (!(fabs(got[l] - want[l]) <= 0x1p-23 * largest))
                fail_msg("%zu levels: level %zu is %.9g, not %.9g", levels, l, got[l], want[l]);
        }
        double off = sse(x, n, got, levels), lloyd = json_get_number(k, "lloyd_sse", NAN);
        /* d in every distance changes the sum of squares by 2 d sqrt(n sum), Cauchy and Schwarz */
        double may = 2 * 0x1p-23 * largest * sqrt((double)n * lloyd);
        if (!(fabs(off - lloyd) <= may))
            fail_msg("%zu levels: squared error %.15g, not %.15g", levels, off, lloyd);
        assert_true(off >= json_get_number(k, "opt_sse", NAN) - may);
    }
    assert_int_equal(done, 3);
    json_free(root);
}

static void errors_of_normal_weights_are_the_golden_limits(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/one-bit-weights.json");
    const struct json *limits = json_get(root, "gaussian_limits");
    struct distribution normal = distribution_unit_rms(DISTRIBUTION_NORMAL, 0);
    struct block_law law;
    block_law_rms(&normal, &law);
    double mean = sqrt(2 / M_PI), best = json_get_number(limits, "ternary_best_uniform_step", NAN);
    const struct {
        const char *name;
        size_t levels; /* 0: of Lloyd and Max, as many as `fitted` */
        double level[3];
        size_t fitted;
    } rows[] = {{"one_bit_absmean", 2, {-mean, mean}, 0},
                {"ternary_absmean", 3, {-mean, 0, mean}, 0},
                {"ternary_best_uniform", 3, {-best, 0, best}, 0},
                {"kmeans_1bit", 0, {0}, 2},
                {"kmeans_2bit", 0, {0}, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codebook c;
        assert_int_equal(rows[i].levels ? codebook_from_levels(rows[i].level, rows[i].levels,
                                                               CODEBOOK_TIES_EVEN, 1, &c, NULL)
                                        : lloyd_max_rms(&normal, rows[i].fitted, &c, NULL),
                         OK);
        double r = codebook_expected_error(&c, &law);
        double want = json_get_number(limits, rows[i].name, NAN);
        /* R^2 is right to 1e-12, levels to 2^-24: each adds at most 2 * 2^-24 of its cell's mean
         * distance, which is below R */
        if (!(fabs(r - want) <= 0x1p-22 * want))
            fail_msg("%s: R is %.12g, not %.12g", rows[i].name, r, want);
    }
    json_free(root);
}

/* Bytes of the packed weights and scales of n rows of k, at that many bits a code. */
static double packed_bytes(int bits, size_t n, size_t k, size_t block)
{
    return (double)(n * canonical_bytes(bits, k)) + 2.0 * (double)(n * (k / block));
}

/* What the GEMV task counts for the variant; the vectors are f32 here and bf16 in the paper. */
static double work_bytes(const struct gemv_format *formats, const char *name, size_t n, size_t k)
{
    const struct variant v = {name, "", gemv_run, 0, {{0}}};
    const struct matrix_case c = {"", CACHE, {{"rows", (double)n}, {"cols", (double)k}}};
    struct rng rng = {SEED};
    struct findings findings = {0};
    struct trial t = {.v = &v,
                      .c = &c,
                      .threads = 2,
                      .features = cpu_features(),
                      .rng = &rng,
                      .llc_bytes = 1 << 20,
                      .findings = &findings};
    struct err err;
    if (gemv_prepare(&t, formats, &err))
        fail_msg("%s: %s", name, err.text);
    struct work w = gemv_work(&t);
    gemv_release(&t);
    return w.bytes_read + w.bytes_written - 2.0 * (double)(n + k);
}

static void the_work_of_a_product_is_the_golden_traffic(void **unused)
{
    (void)unused;
    static const struct gemv_i8_spec onebit = {"onebit", "km1-b64"};
    static const struct gemv_format formats[] = {
        {.variant = "1", .kernel = &gemv_lut, .spec = "km1-b64"},
        {.variant = "1 canonical", .kernel = &gemv_lut8, .spec = "km1-b64"},
        {.variant = "1 int8", .kernel = &gemv_i8, .spec = &onebit},
        {.variant = "2", .kernel = &gemv_lut, .spec = "km2-b64"},
        {.variant = "4", .kernel = &gemv_lut, .spec = "km4-b64"},
        {.variant = "4 canonical", .kernel = &gemv_lut8, .spec = "km4-b64"},
        {.variant = "16", .kernel = &gemv_bf16},
        {0}};
    struct json *root = golden_read("tests/golden/one-bit-weights.json");
    size_t done = 0;
    for (const struct json *t = json_first(json_get(root, "traffic")); t; t = json_next(t)) {
        size_t n = (size_t)json_get_number(t, "n", 0), k = (size_t)json_get_number(t, "k", 0);
        int bits = (int)json_get_number(t, "bits", 0);
        size_t block = (size_t)json_get_number(t, "group", 0);
        double want = json_get_number(t, "bytes", NAN);
        double weights = bits == 16 ? 2.0 * (double)n * (double)k : packed_bytes(bits, n, k, block);
        assert_true(weights + 2.0 * (double)(n + k) == want);
        for (const struct gemv_format *f = formats; f->variant && n == 14336; f++)
            if (atoi(f->variant) == bits) {
                double bytes = work_bytes(formats, f->variant, n, k);
                if (bytes != want)
                    fail_msg("%zu x %zu, %s bits: %.0f bytes, not %.0f", n, k, f->variant, bytes,
                             want);
                done++;
            }
    }
    assert_int_equal(done, 7);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lloyds_steps_from_a_given_start_end_at_the_golden_levels),
        cmocka_unit_test(errors_of_normal_weights_are_the_golden_limits),
        cmocka_unit_test(the_work_of_a_product_is_the_golden_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
