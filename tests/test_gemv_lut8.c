/* GEMV from the canonical packing: every variant equals the reference within the bound of its
 * header, dequantised weights to the bit, and both mean what the tiled kernels mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/code_matrix.h"
#include "numerics/kernels/gemm_lut.h"
#include "numerics/kernels/gemv_lut8.h"
#include "tests/parity.h"

enum { SEED = 44, MAX_COLS = 260, MAX_ROWS = 9 };
enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, VALUE_KINDS };

static void fail_case(const char *kernel, const char *isa, const struct canonical_matrix *w,
                      size_t rows, size_t r, enum values kind, double got, double want,
                      double bound)
{
    fail_msg("%s_%s, %d bits, %zu x %zu, block %zu, x of kind %d, row %zu, seed %d: %.9g, "
             "reference %.9g, bound %g",
             kernel, isa, w->bits, rows, w->cols, w->block, kind, r, SEED, got, want, bound);
}

static void products(const struct canonical_matrix *w, size_t rows, const float *x,
                     enum values kind)
{
    size_t row0 = rows > 2 ? 1 : 0;
    float reference[MAX_ROWS], y[MAX_ROWS];
    gemv_lut8_ref(w, x, reference, row0, rows);
    for (const struct kernel_variant *v = gemv_lut8_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        y[0] = reference[0];
        ((gemv_lut8_fn *)v->fn)(w, x, y, row0, rows);
        for (size_t r = row0; r < rows; r++) {
            double bound = gemv_lut8_bound(w, x, r);
            bool right = kind >= ONE_NAN
                             ? (isnan(reference[r]) ? isnan(y[r]) : y[r] == reference[r])
                             : isinf(bound) || fabs((double)y[r] - reference[r]) <= bound;
            if (!right)
                fail_case("gemv_lut8", v->isa, w, rows, r, kind, y[r], reference[r], bound);
        }
    }
}

static void dequantised(const struct canonical_matrix *w, size_t rows)
{
    size_t bytes = rows * w->cols * sizeof(float);
    float *want = parity_alloc(bytes), *got = parity_alloc(bytes);
    canonical_dequantise_ref(w, 0, rows, want);
    for (const struct kernel_variant *v = canonical_dequantise_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        memset(got, 0xff, bytes);
        ((canonical_dequantise_fn *)v->fn)(w, 0, rows, got);
        for (size_t i = 0; i < rows * w->cols; i++)
            if (!(got[i] == want[i]))
                fail_case("canonical_dequantise", v->isa, w, rows, i / w->cols, NORMAL, got[i],
                          want[i], 0);
    }
    parity_free(want, bytes);
    parity_free(got, bytes);
}

/* The tiled form of the same codes gives the same reference, to the bit. */
static void same_as_tiled(const struct canonical_matrix *w, size_t rows, const float *x)
{
    size_t tiles_bytes = code_tiles_bytes(w->bits, rows, w->cols, w->block);
    uint8_t *tiles = parity_alloc(tiles_bytes);
    float ours[MAX_ROWS], tiled[MAX_ROWS];
    struct code_matrix t = {tiles, rows, w->cols, w->block, w->bits, w->scale, {0}};
    memcpy(t.table, w->table, sizeof w->table);
    code_pack(w->codes, w->scales, w->bits, rows, w->cols, w->block, tiles);
    gemv_lut8_ref(w, x, ours, 0, rows);
    gemm_lut_ref(&t, x, 1, tiled, 0, rows);
    for (size_t r = 0; r < rows; r++)
        assert_true(ours[r] == tiled[r]);
    parity_free(tiles, tiles_bytes);
}

static void one_case(struct rng *rng, int bits, size_t rows, size_t cols, size_t block,
                     enum values kind)
{
    size_t code_bytes = rows * canonical_bytes(bits, cols),
           scale_bytes = block ? rows * ((cols + block - 1) / block) * sizeof(uint16_t) : 0;
    uint8_t *codes = parity_alloc(code_bytes);
    uint16_t *scales = parity_alloc(scale_bytes);
    float *x = parity_normal(rng, cols);
    struct canonical_matrix w = {codes, scales, cols, block, bits, 0.5f, {0}};
    for (size_t i = 0; i < code_bytes; i++)
        codes[i] = (uint8_t)rng_below(rng, 256);
    for (size_t i = 0; i < scale_bytes / sizeof *scales; i++)
        scales[i] = bf16_from_f32((float)rng_normal(rng));
    for (int i = 0; i < 16; i++)
        w.table[i] = i < 1 << bits ? (float)rng_normal(rng) : NAN;
    for (size_t i = 0; i < cols; i++)
        x[i] *= kind == HUGE_VALUES ? 0x1p118f : kind == TINY_VALUES ? 0x1p-140f : 1;
    if (cols && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)cols)] = kind == ONE_NAN ? NAN : INFINITY;
    products(&w, rows, x, kind);
    if (kind == NORMAL) {
        dequantised(&w, rows);
        same_as_tiled(&w, rows, x);
    }
    parity_free(codes, code_bytes);
    parity_free(scales, scale_bytes);
    parity_free(x, cols * sizeof *x);
}

static void variants_meet_their_bound(void **unused)
{
    (void)unused;
    static const size_t blocks[] = {0, 32, 64, 128, 256};
    struct rng rng = {SEED};
    for (int bits = 1; bits <= 4; bits *= 2)
        for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
            for (size_t cols = 0; cols <= MAX_COLS; cols++)
                one_case(&rng, bits, cols % (MAX_ROWS + 1), cols, blocks[b], NORMAL);
            for (int kind = 0; kind < VALUE_KINDS; kind++)
                one_case(&rng, bits, 5, 37 * ((size_t)kind + 1), blocks[b], (enum values)kind);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(variants_meet_their_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
