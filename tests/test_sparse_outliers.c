/* Outliers kept apart: golden places, what is restored, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "datasets/synthetic.h"
#include "numerics/cpu.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/sparse_outliers.h"

enum { SEED = 5 };

static void golden_outliers_are_found(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *s = json_get(root, "sparse");
    float x[256], dense[256];
    size_t n = 0, i = 0;
    for (const struct json *v = json_first(json_get(s, "x")); v && n < 256; v = json_next(v))
        x[n++] = (float)json_number(v, NAN);
    memcpy(dense, x, sizeof x);
    struct sparse_outliers sparse;
    assert_int_equal(sparse_outliers_split(dense, n, json_get_number(s, "ratio", 0), &sparse, &err),
                     OK);
    assert_int_equal(sparse.count, (size_t)json_get_number(s, "n_sparse", 0));
    assert_int_equal(sparse.count * SPARSE_OUTLIER_BITS,
                     (size_t)json_get_number(s, "sparse_bits", 0));
    for (const struct json *v = json_first(json_get(s, "indices")); v; v = json_next(v), i++) {
        assert_int_equal(sparse.index[i], (uint32_t)json_number(v, 0));
        assert_true(dense[sparse.index[i]] == 0);
    }
    assert_int_equal(i, sparse.count);
    sparse_outliers_restore(&sparse, dense);
    for (i = 0; i < n; i++) {
        int is_sparse = 0;
        for (size_t j = 0; j < sparse.count; j++)
            is_sparse |= sparse.index[j] == i;
        assert_true(dense[i] == (is_sparse ? bf16_to_f32(bf16_from_f32(x[i])) : x[i]));
    }
    sparse_outliers_free(&sparse);
    json_free(root);
}

static void ties_and_edges_have_a_meaning(void **unused)
{
    (void)unused;
    float x[8] = {1, -2, NAN, 2, 0, 2, INFINITY, -2};
    struct sparse_outliers s;
    assert_int_equal(sparse_outliers_split(x, 8, 0.375, &s, NULL), OK);
    assert_int_equal(s.count, 3); /* of the four of magnitude 2, the first three */
    assert_true(s.index[0] == 1 && s.index[1] == 3 && s.index[2] == 5);
    assert_true(x[7] == -2 && isnan(x[2]) && isinf(x[6]));
    sparse_outliers_free(&s);
    assert_int_equal(sparse_outliers_split(x, 8, 1, &s, NULL), OK);
    assert_int_equal(s.count, 6); /* all that are finite */
    sparse_outliers_free(&s);
    assert_int_equal(sparse_outliers_split(x, 8, 0, &s, NULL), OK);
    assert_int_equal(s.count, 0);
    assert_int_equal(sparse_outliers_split(NULL, 0, 0.5, &s, NULL), OK);
    assert_int_equal(sparse_outliers_split(x, 8, NAN, &s, NULL), E_USAGE);
    assert_int_equal(sparse_outliers_split(x, 8, 1.5, &s, NULL), E_USAGE);
}

/* Against the same sums by another way: sort, keep the largest, code the rest. */
static int by_magnitude(const void *a, const void *b)
{
    float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return (x < y) - (x > y);
}

static void coding_counts_every_bit_and_every_error(void **unused)
{
    (void)unused;
    enum { ROWS = 64, COLS = 1000, SIZE = ROWS * COLS };
    float *x = malloc(SIZE * sizeof *x), *sorted = malloc(SIZE * sizeof *x);
    struct rng rng = {SEED};
    assert_true(x && sorted);
    synthetic_fill(SYNTHETIC_STUDENT_T, &(struct synthetic_params){.df = 3}, &rng, x, SIZE);
    struct codebook c;
    assert_int_equal(codebook_named("crd-normal", 0, &c, NULL), OK);
    struct block_format f = {.codebook = &c,
                             .rule = SCALE_RMS,
                             .scale_format = SCALE_F32,
                             .block = BLOCK_TENSOR,
                             .multiplier = 1};
    struct block_kernels k = block_kernels_pick(cpu_features());
    struct block_error with = {0}, without = block_format_error(&f, &k, x, ROWS, COLS, NULL);
    double bits;
    assert_int_equal(sparse_outliers_code(&f, &k, x, ROWS, COLS, 0x1p-10, &with, &bits, NULL), OK);
    assert_int_equal(with.n, SIZE);
    assert_true(fabs(bits - (4 + 32.0 / SIZE + 48.0 * 62 / SIZE)) < 1e-12);
    assert_true(fabs(with.squares / without.squares - 1) < 1e-12);
    memcpy(sorted, x, SIZE * sizeof *x);
    qsort(sorted, SIZE, sizeof *sorted, by_magnitude);
    double error = 0, squares = 0;
    for (size_t i = 62; i < SIZE; i++)
        squares += (double)sorted[i] * sorted[i];
    float scale = (float)sqrt(squares / SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        float v = i < 62 ? bf16_to_f32(bf16_from_f32(sorted[i]))
                         : c.level[codebook_encode(&c, sorted[i] / scale)] * scale;
        error += ((double)v - sorted[i]) * ((double)v - sorted[i]);
    }
    if (!(fabs(with.error / error - 1) < 1e-6)) /* the scale's last bit moves every value */
        fail_msg("seed %d: squared error %.9g, not %.9g", SEED, with.error, error);
    assert_true(with.error < without.error / 2); /* t(3): the tails are what is lost */
    free(x);
    free(sorted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_outliers_are_found),
        cmocka_unit_test(ties_and_edges_have_a_meaning),
        cmocka_unit_test(coding_counts_every_bit_and_every_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
