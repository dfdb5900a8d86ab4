/* GEMV with Huffman streams and vector codes: every variant meets its bound at every width, the
 * references mean what the packing says, and no one reads or writes outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemv_huffman.h"
#include "numerics/kernels/gemv_vector.h"
#include "tests/parity.h"

enum { SEED = 8, MAX_COLS = 260, MAX_ROWS = 70 };

/* A call with some rows of y, which leaves the others alone. */
#define CHECK_ROWS(v, fn_type, w, bound, cols, x, want)                                            \
    do {                                                                                           \
        float y[MAX_ROWS];                                                                         \
        for (size_t i_ = 0; i_ < MAX_ROWS; i_++)                                                   \
            y[i_] = 77;                                                                            \
        ((fn_type *)(v)->fn)(&(w), x, y, row0, row1);                                              \
        for (size_t r_ = 0; r_ < MAX_ROWS; r_++)                                                   \
            if (r_ < row0 || r_ >= row1                                                            \
                    ? y[r_] != 77                                                                  \
                    : !(fabs((double)y[r_] - (want)[r_]) <= bound(&(w), x, r_)))                   \
                fail_msg("seed %d, %s, %zu columns, row %zu of %zu..%zu: %.9g, not %.9g", SEED,    \
                         (v)->isa, (size_t)(cols), r_, row0, row1, y[r_], (want)[r_]);             \
    } while (0)

/* Symbols with words of up to 25 bits, so that some exceed the look-up. */
static void huffman_of_width(struct rng *rng, size_t cols, int skew)
{
    enum { SYMBOLS = 26 };
    uint64_t weight[SYMBOLS] = {1, 1};
    float level[SYMBOLS];
    uint16_t symbols[MAX_ROWS * MAX_COLS];
    uint32_t begin[MAX_ROWS];
    struct huffman_code code;
    static struct huffman_lookup lookup;
    size_t rows = 1 + rng_below(rng, 11), bytes = 0;
    for (size_t i = 0; i < SYMBOLS; i++) {
        weight[i] = skew && i > 1 ? weight[i - 1] + weight[i - 2] : 1;
        level[i] = (float)rng_normal(rng);
    }
    assert_int_equal(huffman_make(weight, SYMBOLS, &code, NULL), OK);
    huffman_lookup_make(&code, level, &lookup);
    for (size_t i = 0; i < rows * cols; i++) /* mostly frequent ones */
        symbols[i] = (uint16_t)(rng_below(rng, 4) ? SYMBOLS - 1 - rng_below(rng, 3)
                                                  : rng_below(rng, SYMBOLS));
    for (size_t r = 0; r < rows; r++) {
        begin[r] = (uint32_t)bytes;
        bytes += huffman_bytes(huffman_bits(&code, symbols + r * cols, cols)) - HUFFMAN_PADDING;
    }
    uint8_t *stream = parity_alloc(bytes + HUFFMAN_PADDING);
    for (size_t r = 0; r < rows; r++)
        huffman_encode(&code, symbols + r * cols, cols, stream + begin[r]);
    float *x = parity_normal(rng, cols), want[MAX_ROWS];
    struct huffman_matrix w = {stream, begin, cols, &code, level, &lookup};
    gemv_huffman_ref(&w, x, want, 0, rows);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t c = 0; c < cols; c++)
            sum += (double)level[symbols[r * cols + c]] * x[c];
        assert_true(want[r] == (float)sum);
    }
    size_t row0 = rng_below(rng, (uint32_t)rows),
           row1 = row0 + rng_below(rng, (uint32_t)(rows - row0) + 1);
    for (const struct kernel_variant *v = gemv_huffman_variants; v->isa; v++)
        CHECK_ROWS(v, gemv_huffman_fn, w, gemv_huffman_bound, cols, x, want);
    parity_free(stream, bytes + HUFFMAN_PADDING);
    parity_free(x, cols * sizeof *x);
    huffman_free(&code);
}

static void huffman_streams_are_multiplied_at_every_width(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t cols = 0; cols <= MAX_COLS; cols++)
        for (int skew = 0; skew < 2; skew++)
            huffman_of_width(&rng, cols, skew);
}

static void vq4x3b_at_every_width(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    uint16_t(*table)[VQ4X3B_DIM] = parity_alloc(sizeof *table * VQ4X3B_ENTRIES);
    for (size_t i = 0; i < VQ4X3B_ENTRIES * VQ4X3B_DIM; i++)
        table[i / VQ4X3B_DIM][i % VQ4X3B_DIM] = bf16_from_f32((float)rng_normal(&rng));
    for (size_t cols = 0; cols <= MAX_COLS; cols++) {
        size_t rows = 1 + rng_below(&rng, 5), per_row = (cols + 3) / 4;
        uint16_t codes[5 * MAX_COLS];
        float *x = parity_normal(&rng, cols), want[MAX_ROWS];
        uint8_t *packed = parity_alloc(rows * vq4x3b_row_bytes(cols));
        for (size_t i = 0; i < rows * per_row; i++)
            codes[i] = (uint16_t)rng_below(&rng, VQ4X3B_ENTRIES);
        vq4x3b_pack(codes, rows, cols, packed);
        struct vq4x3b_matrix w = {packed, (const uint16_t(*)[VQ4X3B_DIM])table, cols};
        for (size_t i = 0; i < rows * cols; i++)
            assert_true((float)vq4x3b_weight(&w, i / cols, i % cols) ==
                        bf16_to_f32(table[codes[i / cols * per_row + i % cols / 4]][i % cols % 4]));
        gemv_vq4x3b_ref(&w, x, want, 0, rows);
        size_t row0 = rng_below(&rng, (uint32_t)rows), row1 = rows;
        for (const struct kernel_variant *v = gemv_vq4x3b_variants; v->isa; v++)
            if (!(v->needs & ~cpu_features()))
                CHECK_ROWS(v, gemv_vq4x3b_fn, w, gemv_vq4x3b_bound, cols, x, want);
        parity_free(x, cols * sizeof *x);
        parity_free(packed, rows * vq4x3b_row_bytes(cols));
    }
    parity_free(table, sizeof *table * VQ4X3B_ENTRIES);
}

static void sign3d8_at_every_width(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t cols = 0; cols <= MAX_COLS; cols++) {
        size_t rows = cols % 3 ? 1 + rng_below(&rng, MAX_ROWS) : MAX_ROWS, per_row = (cols + 2) / 3;
        static uint16_t codes[MAX_ROWS * MAX_COLS];
        float *x = parity_normal(&rng, cols), want[MAX_ROWS];
        size_t bytes = (rows + 15) / 16 * sign3d8_tile_bytes(cols);
        uint8_t *packed = parity_alloc(bytes);
        struct sign3d8_matrix w = {.tiles = packed, .cols = cols};
        for (size_t i = 0; i < SIGN3D8_DIM * SIGN3D8_ENTRIES; i++)
            w.magnitude[i / SIGN3D8_ENTRIES][i % SIGN3D8_ENTRIES] = (float)fabs(rng_normal(&rng));
        for (size_t i = 0; i < rows * per_row; i++)
            codes[i] = (uint16_t)rng_below(&rng, 256);
        sign3d8_pack(codes, rows, cols, packed);
        for (size_t i = 0; i < rows * cols; i++) {
            unsigned code = codes[i / cols * per_row + i % cols / 3];
            float magnitude = w.magnitude[i % cols % 3][code & 31];
            assert_true(sign3d8_weight(&w, i / cols, i % cols) ==
                        (code & 32u << i % cols % 3 ? -magnitude : magnitude));
        }
        gemv_sign3d8_ref(&w, x, want, 0, rows);
        size_t row0 = rng_below(&rng, (uint32_t)rows) / 16 * 16;
        for (size_t row1 = row0; row1 <= rows; row1 = row1 == rows ? rows + 1 : rows)
            for (const struct kernel_variant *v = gemv_sign3d8_variants; v->isa; v++)
                if (!(v->needs & ~cpu_features()))
                    CHECK_ROWS(v, gemv_sign3d8_fn, w, gemv_sign3d8_bound, cols, x, want);
        parity_free(x, cols * sizeof *x);
        parity_free(packed, bytes);
    }
}

/* An activation that is not finite reaches the rows whose weight there is not 0, and makes no bound
 * finite; a column that does not exist has no effect. */
static void nonfinite_activations_propagate(void **unused)
{
    (void)unused;
    enum { COLS = 34 };
    float x[COLS] = {0}, y[16];
    uint8_t packed[16 * 12] = {0};
    struct sign3d8_matrix w = {.tiles = packed, .cols = COLS};
    for (size_t i = 0; i < SIGN3D8_DIM * SIGN3D8_ENTRIES; i++)
        w.magnitude[i / SIGN3D8_ENTRIES][i % SIGN3D8_ENTRIES] = 1;
    for (size_t c = 0; c < COLS; c++) {
        x[c] = INFINITY;
        for (const struct kernel_variant *v = gemv_sign3d8_variants; v->isa; v++) {
            if (v->needs & ~cpu_features())
                continue;
            ((gemv_sign3d8_fn *)v->fn)(&w, x, y, 0, 16);
            for (size_t r = 0; r < 16; r++)
                if (y[r] != INFINITY)
                    fail_msg("%s, column %zu: row %zu is %g", v->isa, c, r, y[r]);
        }
        assert_true(isinf(gemv_sign3d8_bound(&w, x, 0)));
        x[c] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huffman_streams_are_multiplied_at_every_width),
        cmocka_unit_test(vq4x3b_at_every_width),
        cmocka_unit_test(sign3d8_at_every_width),
        cmocka_unit_test(nonfinite_activations_propagate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
