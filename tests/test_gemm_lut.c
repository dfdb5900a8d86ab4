/* GEMM by table: the packed form says what the canonical one did, the meaning is that of golden
 * values, and every kernel equals the reference within the bound of its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemm_lut.h"
#include "tests/parity.h"

enum { SEED = 41, MAX_COLS = 260, MAX_ROWS = 70 };
enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, TWO_INFS, VALUE_KINDS };

static const size_t blocks[] = {0, 32, 64, 128, 256};
enum { N_BLOCKS = sizeof blocks / sizeof *blocks };

static float *activations(struct rng *rng, size_t n, enum values kind)
{
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i++)
        x[i] *= kind == HUGE_VALUES ? 0x1p118f : kind == TINY_VALUES ? 0x1p-140f : 1;
    if (n && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)n)] = kind == ONE_NAN ? NAN : INFINITY;
    if (n && kind == TWO_INFS)
        x[rng_below(rng, (uint32_t)n)] = -INFINITY;
    return x;
}

/* Random codes and scales, packed to end before an unmapped page, and both forms compared. */
static struct code_matrix random_codes(struct rng *rng, int bits, size_t rows, size_t cols,
                                       size_t block)
{
    size_t n_blocks = block ? (cols + block - 1) / block : 0;
    size_t row_bytes = canonical_bytes(bits, cols),
           tiles_bytes = code_tiles_bytes(bits, rows, cols, block);
    uint8_t *codes = parity_alloc(rows * cols), *canonical = parity_alloc(rows * row_bytes),
            *tiles = parity_alloc(tiles_bytes);
    uint16_t *scales = parity_alloc(rows * n_blocks * sizeof *scales);
    for (size_t i = 0; i < rows * cols; i++)
        codes[i] = (uint8_t)rng_below(rng, 1u << bits);
    for (size_t i = 0; i < rows * n_blocks; i++)
        scales[i] = bf16_from_f32((float)rng_normal(rng));
    canonical_pack(codes, rows, cols, bits, canonical);
    code_pack(canonical, scales, bits, rows, cols, block, tiles);
    struct code_matrix w = {tiles, rows, cols, block, bits, block ? 1 : 0.02f, {0}};
    for (int i = 0; i < 1 << CODE_MAX_BITS; i++)
        w.table[i] = i < 1 << bits ? (float)rng_normal(rng) : NAN;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            assert_int_equal(canonical_code(canonical + r * row_bytes, bits, c),
                             codes[r * cols + c]);
            assert_int_equal(code_at(&w, r, c), codes[r * cols + c]);
            if (block)
                assert_true(code_block_scale(&w, r, c) ==
                            bf16_to_f32(scales[r * n_blocks + c / block]));
        }
    parity_free(codes, rows * cols);
    parity_free(canonical, rows * row_bytes);
    parity_free(scales, rows * n_blocks * sizeof *scales);
    return w;
}

static float *outputs(size_t n)
{
    float *y = parity_alloc(n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = -77; /* what a row outside the range must still be */
    return y;
}

/* Where nothing is claimed (an overflow may have happened) the bound is infinite, and only results
 * that overflow cannot explain are compared: those of a NaN or an infinity in x. */
static void compare(const struct code_matrix *w, const char *isa, const float *x, size_t m,
                    enum values kind, const float *y, const float *reference, size_t row0,
                    size_t row1)
{
    for (size_t t = 0; t < m; t++)
        for (size_t r = 0; r < w->rows; r++) {
            float got = y[t * w->rows + r], want = reference[t * w->rows + r];
            bool inside = r >= row0 && r < row1;
            double bound = inside ? gemm_lut_bound(w, x + t * w->cols, r) : 0;
            bool right = inside && kind >= ONE_NAN && !isfinite(want)
                             ? (isnan(want) ? isnan(got) : got == want)
                             : isinf(bound) || fabs((double)got - want) <= bound;
            if (!right)
                fail_msg("gemm_lut_%s, %d bits, %zu x %zu, block %zu, m = %zu, x of kind %d, row "
                         "%zu, token %zu, seed %d: %.9g, reference %.9g, bound %g",
                         isa, w->bits, w->rows, w->cols, w->block, m, kind, r, t, SEED, got, want,
                         bound);
        }
}

static void one_case(struct rng *rng, int bits, size_t rows, size_t cols, size_t block, size_t m,
                     enum values kind)
{
    struct code_matrix w = random_codes(rng, bits, rows, cols, block);
    float *x = activations(rng, m * cols, kind), *reference = outputs(m * rows);
    size_t row0 = rows > 2 ? 1 + rng_below(rng, (uint32_t)rows / 2) : 0;
    size_t row1 = rows - (rows > 4 ? rng_below(rng, 2) : 0);
    gemm_lut_ref(&w, x, m, reference, row0, row1);
    for (const struct kernel_variant *v = gemm_lut_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        float *y = outputs(m * rows);
        ((gemm_lut_fn *)v->fn)(&w, x, m, y, row0, row1);
        compare(&w, v->isa, x, m, kind, y, reference, row0, row1);
        parity_free(y, m * rows * sizeof *y);
    }
    parity_free((void *)w.tiles, code_tiles_bytes(bits, rows, cols, block));
    parity_free(x, m * cols * sizeof *x);
    parity_free(reference, m * rows * sizeof *reference);
}

static void kernels_meet_their_bound_at_every_length(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int bits = 1; bits <= CODE_MAX_BITS; bits++)
        for (size_t cols = 0; cols <= MAX_COLS; cols++)
            one_case(&rng, bits, 1 + cols * 7 % MAX_ROWS, cols, blocks[cols % N_BLOCKS], 1, NORMAL);
}

static void kernels_meet_their_bound_for_many_tokens(void **unused)
{
    (void)unused;
    static const size_t tokens[] = {1, 2, 3, 8, 17, 32};
    struct rng rng = {SEED};
    for (int bits = 1; bits <= CODE_MAX_BITS; bits++)
        for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
            for (size_t b = 0; b < N_BLOCKS; b++) {
                one_case(&rng, bits, 17, 31 + 64 * b, blocks[b], tokens[i], NORMAL);
                one_case(&rng, bits, 65, 96, blocks[b], tokens[i], NORMAL);
            }
}

static void kernels_meet_their_bound_on_extreme_values(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int bits = 1; bits <= CODE_MAX_BITS; bits++)
        for (size_t b = 0; b < N_BLOCKS; b++)
            for (int kind = 0; kind < VALUE_KINDS; kind++)
                for (size_t m = 1; m <= 5; m += 4)
                    one_case(&rng, bits, 5, 77 + 60 * b, blocks[b], m, (enum values)kind);
}

/* So many columns that the prepared activations take several panels. */
static void kernels_meet_their_bound_over_panels(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int bits = 1; bits <= CODE_MAX_BITS; bits++) {
        one_case(&rng, bits, 19, 2350, 64, 17, NORMAL);
        one_case(&rng, bits, 5, 9000, 256, 3, NORMAL);
        one_case(&rng, bits, 2, 34000, 0, 1, NORMAL);
    }
}

/* Sixteen levels whose block scale has the sign of the block's largest value. */
static void signed_scales_are_kept(void **unused)
{
    (void)unused;
    static const uint16_t scales[] = {0xc000, 0x3f00}; /* -2 and 0.5 */
    uint8_t codes[64], canonical[32], tiles[4 * 64 * 2 + 2 * 32];
    float x[64], y;
    assert_int_equal(sizeof tiles, code_tiles_bytes(4, 1, 64, 32));
    for (int i = 0; i < 64; i++) {
        codes[i] = (uint8_t)(i % 16);
        x[i] = 1;
    }
    canonical_pack(codes, 1, 64, 4, canonical);
    assert_int_equal(canonical[0], 0x01); /* the first code is in the upper half */
    code_pack(canonical, scales, 4, 1, 64, 32, tiles);
    struct code_matrix w = {tiles, 1, 64, 32, 4, 1, {0}};
    for (int i = 0; i < 16; i++)
        w.table[i] = (float)(i - 8);
    for (const struct kernel_variant *v = gemm_lut_variants; v->isa; v++)
        if (!(v->needs & ~cpu_features())) {
            ((gemm_lut_fn *)v->fn)(&w, x, 1, &y, 0, 1);
            assert_true(y == -2 * -16 + 0.5f * -16);
        }
}

/* A bound that nothing could exceed would prove nothing. */
static void a_wrong_code_or_scale_exceeds_the_bound(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int bits = 1; bits <= CODE_MAX_BITS; bits++) {
        struct code_matrix w = random_codes(&rng, bits, 1, 512, 64);
        uint8_t *tiles = (uint8_t *)w.tiles;
        float x[512], right, wrong;
        for (int i = 0; i < 512; i++)
            x[i] = 1;
        for (int i = 0; i < 1 << bits; i++)
            w.table[i] = (float)(i + 1);
        gemm_lut_ref(&w, x, 1, &right, 0, 1);
        double bound = gemm_lut_bound(&w, x, 0);
        tiles[0] ^= 1; /* the lowest bit of column 0 of row 0 */
        gemm_lut_ref(&w, x, 1, &wrong, 0, 1);
        assert_true(fabs((double)wrong - right) > bound);
        tiles[0] ^= 1;
        tiles[2 * bits * 64 + 1] ^= 0x80; /* the sign of the first scale */
        gemm_lut_ref(&w, x, 1, &wrong, 0, 1);
        assert_true(fabs((double)wrong - right) > bound);
        parity_free(tiles, code_tiles_bytes(bits, 1, 512, 64));
    }
}

/* Numbers of a JSON array; the caller frees. */
static double *numbers(const struct json *array, size_t *n)
{
    double *out = malloc((json_size(array) + 1) * sizeof *out);
    assert_non_null(out);
    *n = 0;
    for (const struct json *v = json_first(array); v; v = json_next(v))
        out[(*n)++] = json_number(v, NAN);
    return out;
}

static void golden_block(const struct json *row)
{
    int bits = (int)json_get_number(row, "bits", 0);
    size_t rows = (size_t)json_get_number(row, "rows", 0),
           cols = (size_t)json_get_number(row, "K", 0),
           block = (size_t)json_get_number(row, "B", 0), n, n_packed, n_scales, n_table;
    double *codes = numbers(json_get(row, "codes"), &n),
           *packed = numbers(json_get(row, "packed"), &n_packed),
           *scales = numbers(json_get(row, "scales"), &n_scales),
           *dequant = numbers(json_get(row, "dequant"), &n),
           *table = numbers(json_get(row, "centroids"), &n_table),
           *x = numbers(json_get(row, "x"), &n), *y = numbers(json_get(row, "y"), &n);
    uint8_t *bytes = malloc(rows * cols), *canonical = malloc(n_packed),
            *tiles = malloc(code_tiles_bytes(bits, rows, cols, block));
    uint16_t *narrow = malloc(n_scales * sizeof *narrow);
    float *xs = malloc(cols * sizeof *xs), *ys = malloc(rows * sizeof *ys);
    assert_int_equal(n_packed, rows * canonical_bytes(bits, cols));
    assert_int_equal(n_scales, rows * cols / block);
    assert_int_equal(n, rows);
    assert_true(n_table == 0 || n_table == (size_t)1 << bits);
    for (size_t i = 0; i < rows * cols; i++)
        bytes[i] = (uint8_t)codes[i];
    for (size_t i = 0; i < n_scales; i++)
        narrow[i] = bf16_from_f32((float)scales[i]);
    for (size_t i = 0; i < cols; i++)
        xs[i] = (float)x[i];
    canonical_pack(bytes, rows, cols, bits, canonical);
    for (size_t i = 0; i < n_packed; i++)
        assert_int_equal(canonical[i], (int)packed[i]);
    code_pack(canonical, narrow, bits, rows, cols, block, tiles);
    struct code_matrix w = {tiles, rows, cols, block, bits, 1, {0}};
    for (int i = 0, g = (1 << (bits - 1)) - 1; i < 1 << bits; i++) /* uniform: {-g .. g} / g */
        w.table[i] = (float)(n_table ? table[i] : bits == 1 ? 2 * i - 1 : (double)(i - g) / g);
    for (size_t i = 0; i < rows * cols; i++) { /* the level and the product are rounded once each */
        float weight =
            code_block_scale(&w, i / cols, i % cols) * w.table[code_at(&w, i / cols, i % cols)];
        assert_true(fabs(weight - dequant[i]) <= 0x1p-23 * fabs(dequant[i]));
    }
    for (const struct kernel_variant *v = gemm_lut_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        ((gemm_lut_fn *)v->fn)(&w, xs, 1, ys, 0, rows);
        for (size_t r = 0; r < rows; r++)
            if (!(fabs(ys[r] - y[r]) <= gemm_lut_bound(&w, xs, r)))
                fail_msg("gemm_lut_%s, golden block of %d bits, row %zu: %.9g, not %.9g", v->isa,
                         bits, r, ys[r], y[r]);
    }
    free(codes), free(packed), free(scales), free(dequant), free(table), free(x), free(y);
    free(bytes), free(canonical), free(tiles), free(narrow), free(xs), free(ys);
}

static void golden_blocks_are_met(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/one-bit-weights.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *rows = json_get(root, "blocks");
    assert_int_equal(json_size(rows), 6);
    for (const struct json *row = json_first(rows); row; row = json_next(row))
        golden_block(row);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_blocks_are_met),
        cmocka_unit_test(signed_scales_are_kept),
        cmocka_unit_test(kernels_meet_their_bound_at_every_length),
        cmocka_unit_test(kernels_meet_their_bound_for_many_tokens),
        cmocka_unit_test(kernels_meet_their_bound_on_extreme_values),
        cmocka_unit_test(kernels_meet_their_bound_over_panels),
        cmocka_unit_test(a_wrong_code_or_scale_exceeds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
