/*
 * Packed weights times 8-bit tokens, y = x W^T, in eight weight formats whose values are small
 * integers times scales: every product and sum of a block is an exact integer.
 *
 *   w        [rows][cols], packed by gemm_i8_pack() below; cols <= GEMM_I8_MAX_COLS
 *   x        m tokens of 8-bit activations, m >= 1, as numerics/kernels/quantise_token.h makes them
 *            (any int8 is allowed, -128 too)
 *   y        [m][w->rows]; columns row0 .. row1-1 are computed and written, so callers share rows
 *            out among threads.  row0 is a multiple of GEMM_I8_TILE; row1 is one too, or w->rows.
 *   result   y[t][r] = w->scale * f->unit / s[t] * (sum over blocks b of scale(r, b) * d), with
 *            d = sum over columns of q[t][c] * value(code[r][c]), an exact int32.  A bit b of
 *            "onebit" is worth w->low or w->high instead.  0 when cols == 0.  NaN and inf of the
 *            scales propagate.
 *
 * Packed form.  16 rows are a tile; tiles lie one behind the other, and a tile is read from its
 * first byte to its last: 64 bytes of scales (of 16 rows in one block as f32, in two as bf16, in
 * four as bytes), the codes of these blocks, the next scales, and so on, so that all lines are
 * aligned and memory sees one stream.  Codes lie in groups of f->group columns.  Column 4 v + j of
 * a group is item v of byte 4 i + j of the group's 64-byte vectors, where i is the row in the tile:
 * so the 16 dwords of a vector are 16 rows, each with four neighbouring columns, four activations
 * are broadcast to all of them, no sum runs across lanes, and the scales of 16 rows are a vector.
 * What item v of a byte is:
 *
 *   BYTES        byte of vector v                      int8, biased by 128
 *   NIBBLES      bits 4 (v % 2) .. of vector v / 2     int4, biased by 8; the code of E2M1
 *   SIXES        the low four bits as NIBBLES, in vectors 0 and 1; and bits 7 - 2 v, 6 - 2 v of
 *                vector 2: the inverse of the code's bit 4, and its bit 5, the sign
 *   PAIRS        bits 2 v, 2 v + 1                     ternary, as t + 1
 *   DIGITS       digit v (the first is the most significant) of the byte
 *                ceil(256 * n / 243), n the number of five digits t + 1 to the base 3
 *   BITS         bit v
 *
 * Work: 2 m operations a weight; gemm_i8_bytes() read.  Accuracy: within gemm_i8_bound() of the
 * reference, which adds the blocks in f64 and rounds once; and where there are no blocks and all
 * scales are powers of two, exact below 2^24.
 * Source: Ma et al., arXiv 2402.17764 (ternary, unsigned codes); ggml (digit bytes); OCP
 * Microscaling Formats 1.0; Xia et al., FP6-LLM, arXiv 2401.14112 (planes of 4 and 2 bits).
 */
#ifndef NUMERICS_KERNELS_GEMM_I8_H
#define NUMERICS_KERNELS_GEMM_I8_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

/* MAX_COLS: 256 times the largest ternary sum, 2 * 128 * cols, is kept below 2^31. */
enum { GEMM_I8_TILE = 16, GEMM_I8_MAX_GROUP = 32, GEMM_I8_MAX_COLS = 32767 };

enum gemm_i8_layout {
    GEMM_I8_BYTES,
    GEMM_I8_NIBBLES,
    GEMM_I8_SIXES,
    GEMM_I8_PAIRS,
    GEMM_I8_DIGITS,
    GEMM_I8_BITS
};

enum gemm_i8_scale {                 /* and the type that holds it */
                     GEMM_I8_TENSOR, /* none but w->scale */
                     GEMM_I8_ROW,    /* float [rows] */
                     GEMM_I8_BF16,   /* uint16_t [rows][ceil(cols / block)] */
                     GEMM_I8_E8M0,   /* uint8_t [rows][ceil(cols / block)] */
                     GEMM_I8_E4M3    /* uint8_t [rows][ceil(cols / block)] */
};

struct gemm_i8_format {
    const char *name, *title;
    enum gemm_i8_layout layout;
    enum gemm_i8_scale scale;
    size_t group;                   /* columns, a multiple of 4 */
    size_t group_bytes;             /* of 16 rows, a multiple of 64 */
    size_t min_block, max_block;    /* columns: powers of two; 0 for GEMM_I8_TENSOR and _ROW */
    unsigned codes;                 /* a code is below this */
    float unit;                     /* a weight is unit * value(code) * scales: a power of two */
    int8_t (*value)(unsigned code); /* as an integer */
};

/* int8, int4, mxfp4, nvfp4, fp6-e2m3, ternary, ternary-base3, onebit; ends in {0}.  Codes are
 * the format's own: two's complement, sign and magnitude of a float, t + 1, the bit. */
extern const struct gemm_i8_format gemm_i8_formats[];
const struct gemm_i8_format *gemm_i8_format_find(const char *name); /* NULL when there is none */

/* The code of an integer value, the lowest of two; f->codes when there is none. */
unsigned gemm_i8_code(const struct gemm_i8_format *f, int value);

struct gemm_i8_matrix {
    const struct gemm_i8_format *format;
    const uint8_t *tiles; /* packed; borrowed; a multiple of 64 makes loads fast */
    size_t rows, cols;
    size_t block;    /* columns that share a scale: a power of two in the format's range, or 0 */
    float scale;     /* of the tensor */
    float low, high; /* worth of the bits of "onebit"; not read for others */
};

struct gemm_i8_tokens {
    const int8_t *q;           /* [m][stride]; 0 from cols on to gemm_i8_padded_cols() */
    const float *s;            /* [m] */
    const int32_t *sum;        /* [m], of each token's q; read where there are no blocks */
    const int32_t *block_sums; /* [m][gemm_i8_padded_cols() / block], read where there are */
    size_t stride, m;
};

/* Columns that are kept, a multiple of 16 and of the block and group; bytes of a tile and of the
 * whole. */
size_t gemm_i8_padded_cols(const struct gemm_i8_format *f, size_t cols, size_t block);
size_t gemm_i8_tile_bytes(const struct gemm_i8_format *f, size_t cols, size_t block);
size_t gemm_i8_bytes(const struct gemm_i8_format *f, size_t rows, size_t cols, size_t block);

/* codes [rows][cols], one a byte, and scales as f->scale says (not read for GEMM_I8_TENSOR) to
 * out [gemm_i8_bytes()]. */
void gemm_i8_pack(const struct gemm_i8_format *f, const uint8_t *codes, const void *scales,
                  size_t rows, size_t cols, size_t block, uint8_t *out);

/* The codes [rows][cols] of a packed matrix. */
void gemm_i8_unpack(const struct gemm_i8_matrix *w, uint8_t *codes);

/* The digit byte of n < 243, and its digit 0 .. 4. */
uint8_t gemm_i8_digit_byte(unsigned n);
unsigned gemm_i8_digit(uint8_t byte, unsigned digit);

typedef void gemm_i8_fn(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                        size_t row0, size_t row1);

gemm_i8_fn gemm_i8_ref, gemm_i8_avx2, gemm_i8_avx512, gemm_i8_vnni;
extern const struct kernel_variant gemm_i8_variants[];

/* The largest distance of y[token][row] from the reference's.  A block's sum passes one conversion,
 * three roundings (only where bits are worth low and high), at most one addition for each block,
 * and two scalings; the factor in front of the sum is rounded once, and the reference once:
 * gamma_f32(blocks + 8) of the sum of magnitudes (numerics/kernels/gamma.h), and F32_TINIEST,
 * scaled as it will be, for each operation that falls below the normal range.  INFINITY when a
 * partial result may overflow, or an operand is not finite. */
double gemm_i8_bound(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, size_t token,
                     size_t row);

#endif
