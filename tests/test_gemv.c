/* Every GEMV kernel equals its reference within the bound of its header, on the same data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemv_dense.h"
#include "numerics/kernels/gemv_nibble.h"
#include "tests/parity.h"

enum { SEED = 20, MAX_ROWS = 9, MAX_COLS = 300 };

/* The 16 levels of NF4 (Dettmers et al., QLoRA, app. E). */
static const float nf4[16] = {-1.0f,
                              -0.6961928009986877f,
                              -0.5250730514526367f,
                              -0.39491748809814453f,
                              -0.28444138169288635f,
                              -0.18477343022823334f,
                              -0.09105003625154495f,
                              0.0f,
                              0.07958029955625534f,
                              0.16093020141124725f,
                              0.24611230194568634f,
                              0.33791524171829224f,
                              0.44070982933044434f,
                              0.5626170039176941f,
                              0.7229568362236023f,
                              1.0f};

enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, TWO_INFS, VALUE_KINDS };

static float *activations(struct rng *rng, size_t n, enum values kind)
{
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i++) {
        if (kind == HUGE_VALUES)
            x[i] *= 0x1p118f;
        if (kind == TINY_VALUES)
            x[i] *= 0x1p-140f;
    }
    if (n && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)n)] = kind == ONE_NAN ? NAN : INFINITY;
    if (n && kind == TWO_INFS)
        x[rng_below(rng, (uint32_t)n)] = -INFINITY;
    return x;
}

/* Where nothing is claimed (an overflow may have happened) the bound is infinite, and only results
 * that overflow cannot explain are compared: those of a NaN or an infinity in x. */
static void same(const char *kernel, const char *isa, size_t rows, size_t cols, size_t block,
                 enum values kind, float y, float reference, double bound)
{
    bool right = kind >= ONE_NAN ? (isnan(reference) ? isnan(y) : y == reference)
                                 : isinf(bound) || fabs((double)y - reference) <= bound;
    if (!right)
        fail_msg("%s_%s, %zu x %zu, block %zu, x of kind %d, seed %d: %.9g, reference %.9g, "
                 "bound %g",
                 kernel, isa, rows, cols, block, kind, SEED, y, reference, bound);
}

static float *outputs(size_t rows)
{
    float *y = parity_alloc(rows * sizeof *y);
    for (size_t r = 0; r < rows; r++)
        y[r] = -77; /* what a row outside the range must still be */
    return y;
}

static void dense_case(struct rng *rng, size_t rows, size_t cols, enum values kind)
{
    unsigned features = cpu_features();
    size_t n = rows * cols, row0 = rows > 2 ? 1 : 0;
    float *w = parity_normal(rng, n), *x = activations(rng, cols, kind), *reference = outputs(rows);
    uint16_t *narrow = parity_alloc(n * sizeof *narrow);
    for (size_t i = 0; i < n; i++)
        narrow[i] = bf16_from_f32(w[i]);
    for (const struct kernel_variant *v = gemv_f32_variants; v->isa; v++) {
        if (v->needs & ~features)
            continue;
        float *y = outputs(rows);
        gemv_f32_ref(w, cols, x, reference, row0, rows);
        ((gemv_f32_fn *)v->fn)(w, cols, x, y, row0, rows);
        for (size_t r = 0; r < rows; r++)
            same("gemv_f32", v->isa, rows, cols, 0, r < row0 ? NORMAL : kind, y[r], reference[r],
                 r < row0 ? 0 : gemv_f32_bound(w + r * cols, x, cols));
        parity_free(y, rows * sizeof *y);
    }
    for (const struct kernel_variant *v = gemv_bf16_variants; v->isa; v++) {
        if (v->needs & ~features)
            continue;
        float *y = outputs(rows);
        gemv_bf16_ref(narrow, cols, x, reference, row0, rows);
        ((gemv_bf16_fn *)v->fn)(narrow, cols, x, y, row0, rows);
        for (size_t r = 0; r < rows; r++)
            same("gemv_bf16", v->isa, rows, cols, 0, r < row0 ? NORMAL : kind, y[r], reference[r],
                 r < row0 ? 0 : gemv_bf16_bound(narrow + r * cols, x, cols));
        parity_free(y, rows * sizeof *y);
    }
    parity_free(w, n * sizeof *w);
    parity_free(x, cols * sizeof *x);
    parity_free(reference, rows * sizeof *reference);
    parity_free(narrow, n * sizeof *narrow);
}

static void dense_kernels_meet_their_bound(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t cols = 0; cols <= 200; cols++)
        dense_case(&rng, cols % (MAX_ROWS + 1), cols, NORMAL);
    for (size_t rows = 0; rows <= MAX_ROWS; rows++)
        for (size_t cols = 1; cols <= 40; cols++)
            for (int kind = 0; kind < VALUE_KINDS; kind++)
                dense_case(&rng, rows, cols, (enum values)kind);
    dense_case(&rng, 5, 14336, NORMAL);
    dense_case(&rng, 300, 1024, NORMAL); /* a share that exceeds L2 is read ahead */
}

/* Random canonical codes and scales, packed to end before an unmapped page. */
static struct nibble_matrix random_nibbles(struct rng *rng, size_t rows, size_t cols, size_t block)
{
    size_t packed_bytes = rows * nibble_row_bytes(cols, block),
           code_bytes = rows * ((cols + 1) / 2);
    size_t scale_count = block ? rows * ((cols + block - 1) / block) : 0;
    uint8_t *packed = parity_alloc(packed_bytes), *codes = parity_alloc(code_bytes);
    uint16_t *scales = parity_alloc(scale_count * sizeof *scales);
    for (size_t i = 0; i < code_bytes; i++)
        codes[i] = (uint8_t)rng_below(rng, 256);
    for (size_t i = 0; i < scale_count; i++)
        scales[i] = bf16_from_f32((float)rng_normal(rng));
    nibble_pack(codes, scales, rows, cols, block, packed);
    struct nibble_matrix w = {
        .rows = packed, .cols = cols, .block = block, .scale = block ? 1 : 0.02f};
    memcpy(w.table, nf4, sizeof nf4);
    for (size_t r = 0; r < rows; r++) /* the packed form says what the canonical one did */
        for (size_t c = 0; c < cols; c++) {
            unsigned code = codes[r * ((cols + 1) / 2) + c / 2] >> 4 * (c % 2) & 15;
            assert_int_equal(nibble_code(packed + r * nibble_row_bytes(cols, block), c), code);
            if (block)
                assert_true(nibble_block_scale(&w, r, c) ==
                            bf16_to_f32(scales[r * ((cols + block - 1) / block) + c / block]));
        }
    parity_free(codes, code_bytes);
    parity_free(scales, scale_count * sizeof *scales);
    return w;
}

static void nibble_case(struct rng *rng, size_t rows, size_t cols, size_t block, enum values kind)
{
    size_t row0 = rows > 2 ? 1 : 0;
    struct nibble_matrix w = random_nibbles(rng, rows, cols, block);
    float *x = activations(rng, cols, kind), *reference = outputs(rows);
    for (int integer = 0; integer < 2; integer++) {
        const struct kernel_variant *v = integer ? gemv_int4_variants : gemv_lut4_variants;
        (integer ? gemv_int4_ref : gemv_lut4_ref)(&w, x, reference, row0, rows);
        for (; v->isa; v++) {
            if (v->needs & ~cpu_features())
                continue;
            float *y = outputs(rows);
            ((gemv_nibble_fn *)v->fn)(&w, x, y, row0, rows);
            for (size_t r = 0; r < rows; r++)
                same(integer ? "gemv_int4" : "gemv_lut4", v->isa, rows, cols, block,
                     r < row0 ? NORMAL : kind, y[r], reference[r],
                     r < row0 ? 0 : (integer ? gemv_int4_bound : gemv_lut4_bound)(&w, x, r));
            parity_free(y, rows * sizeof *y);
        }
    }
    parity_free((void *)w.rows, rows * nibble_row_bytes(cols, block));
    parity_free(x, cols * sizeof *x);
    parity_free(reference, rows * sizeof *reference);
}

static void four_bit_kernels_meet_their_bound(void **unused)
{
    (void)unused;
    static const size_t blocks[] = {0, 32, 64, 128, 256};
    struct rng rng = {SEED};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        for (size_t cols = 0; cols <= MAX_COLS; cols++)
            nibble_case(&rng, cols % (MAX_ROWS + 1), cols, blocks[b], NORMAL);
        for (size_t rows = 0; rows <= MAX_ROWS; rows++)
            for (size_t cols = 1; cols <= MAX_COLS; cols += 23)
                for (int kind = 0; kind < VALUE_KINDS; kind++)
                    nibble_case(&rng, rows, cols, blocks[b], (enum values)kind);
        nibble_case(&rng, 5, 14336, blocks[b], NORMAL);
    }
}

/* Worked by hand: 2 x 3, one block, so that the meaning does not rest on our own reference. */
static void the_meaning_is_that_of_the_header(void **unused)
{
    (void)unused;
    static const uint8_t codes[] = {0xf1, 0x0f, 0x80, 0x07}; /* rows {1, 15, 15}, {0, 8, 7} */
    static const uint16_t scales[] = {0x4000, 0x3f00};       /* 2 and 0.5 */
    static const float x[] = {1, 10, 100};
    uint8_t packed[2 * (64 + 8)];
    float y[2];
    assert_int_equal(nibble_row_bytes(3, 32), 64 + 8);
    nibble_pack(codes, scales, 2, 3, 32, packed);
    struct nibble_matrix w = {.rows = packed, .cols = 3, .block = 32, .scale = 1};
    for (int i = 0; i < 16; i++)
        w.table[i] = (float)i;
    gemv_lut4_ref(&w, x, y, 0, 2);
    assert_true(y[0] == 2 * (1 + 150 + 1500) && y[1] == 0.5f * (0 + 80 + 700));
    gemv_int4_ref(&w, x, y, 0, 2);
    assert_true(y[0] == 2 * (1 - 10 - 100) && y[1] == 0.5f * (0 - 80 + 700));
    w.scale = 4;
    gemv_int4_ref(&w, x, y, 0, 2);
    assert_true(y[0] == 8 * (1 - 10 - 100) && y[1] == 2 * (0 - 80 + 700));
}

/* A bound that nothing could exceed would prove nothing. */
static void a_wrong_scale_or_code_exceeds_the_bound(void **unused)
{
    (void)unused;
    enum { COLS = 512, BLOCK = 64 };
    struct rng rng = {SEED};
    struct nibble_matrix w = random_nibbles(&rng, 1, COLS, BLOCK);
    float *x = parity_normal(&rng, COLS), right, wrong;
    size_t scales = nibble_padded_cols(COLS, BLOCK) / 2;
    for (int i = 0; i < COLS; i++)
        x[i] = 1 + fabsf(x[i]);
    for (int i = 0; i < 16; i++)
        w.table[i] = (float)(i + 1);
    gemv_lut4_ref(&w, x, &right, 0, 1);
    double bound = gemv_lut4_bound(&w, x, 0);
    uint8_t *packed = (uint8_t *)w.rows;
    packed[17] ^= 8;
    gemv_lut4_ref(&w, x, &wrong, 0, 1);
    assert_true(fabs((double)wrong - right) > bound);
    packed[17] ^= 8;
    packed[scales + 1] ^= 0x80; /* the sign of the first scale */
    gemv_lut4_ref(&w, x, &wrong, 0, 1);
    assert_true(fabs((double)wrong - right) > bound);
    parity_free(x, COLS * sizeof *x);
    parity_free(packed, nibble_row_bytes(COLS, BLOCK));
}

static void bf16_rounds_to_nearest_even(void **unused)
{
    (void)unused;
    assert_int_equal(bf16_from_f32(1), 0x3f80);
    assert_int_equal(bf16_from_f32(0x1.01p0f), 0x3f80);       /* a tie, down to even */
    assert_int_equal(bf16_from_f32(0x1.03p0f), 0x3f82);       /* a tie, up to even */
    assert_int_equal(bf16_from_f32(0x1.010002p0f), 0x3f81);   /* just above a tie */
    assert_int_equal(bf16_from_f32(0x1.fffffep127f), 0x7f80); /* overflow */
    assert_int_equal(bf16_from_f32(0x1p-133f), 1);            /* the smallest subnormal */
    assert_int_equal(bf16_from_f32(-INFINITY), 0xff80);
    uint32_t bits = 0x7f800001; /* a NaN whose payload is all in the lower half */
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(bf16_to_f32(bf16_from_f32(nan))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(the_meaning_is_that_of_the_header),
        cmocka_unit_test(dense_kernels_meet_their_bound),
        cmocka_unit_test(four_bit_kernels_meet_their_bound),
        cmocka_unit_test(a_wrong_scale_or_code_exceeds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
