/*
 * The published packings of ternary weights, bit by bit.
 *
 * A packing turns `cols` neighbouring weights of a row, -1, 0 or 1, into `bytes` bytes, a unit.  A
 * row is packed unit by unit, and padded with zeros to a whole number of them.  Rows are packed in
 * groups of row_group: byte b of unit u of row r of a group lies at (u * bytes + b) * row_group +
 * r, so a look-up serves a vector of rows where there are many in a group, and a row is contiguous
 * where there is one.  The last group is padded with rows of zeros.
 *
 *   i2s     2 bits.  128 weights in 32 bytes: byte p has t + 1 of weights p, p + 32, p + 64, p + 96
 *           at bits 6, 4, 2, 0.
 *   tq2     2.0625 bits.  256 weights in 64 + 2 bytes, in two halves of 32: byte m of a half has
 *           t + 1 of its weights m, m + 32, m + 64, m + 96 at bits 0, 2, 4, 6; then the scale.
 *   tq1     1.6875 bits.  256 weights in 48 + 4 + 2 digit bytes (gemm_i8_digit_byte() of five
 *           digits t + 1, the first the most significant): byte m < 32 has weights m + 32 n as
 *           digits n = 0 .. 4; byte 32 + m, m < 16, weights 160 + m + 16 n; byte 48 + j, j < 4,
 *           weights 240 + j + 4 n as digits n = 0 .. 3, its digit 4 is 0; then the scale.
 *   tl1     2 bits.  4 weights in a byte, two pairs: the low nibble is 3 (t_0 + 1) + t_1 + 1.
 *   tl2     1.667 bits.  24 weights in 5 bytes, eight triples: v = 9 t_0 + 3 t_1 + t_2; byte b < 4
 *           has |v| of triples 2 b and 2 b + 1 in its low and high nibble; bit j of byte 4 says
 *           that v of triple j is negative.  The last cols mod 24 are packed by tl1.
 *   planes  2 bits.  4 weights in a byte: bit i of the low (high) nibble is bit 0 (1) of t_i + 2.
 *
 * The scale is the tensor's gamma as a little-endian binary16, the same in every unit: kernels read
 * it from the matrix, in f32.
 * Source: Ma et al., arXiv 2402.17764; bitnet.cpp, arXiv 2410.16144 and 2502.11880 (i2s, tl1, tl2);
 * ggml's TQ1_0 and TQ2_0; Wei et al., T-MAC, arXiv 2407.00088 (planes).
 */
#ifndef NUMERICS_KERNELS_TERNARY_PACKING_H
#define NUMERICS_KERNELS_TERNARY_PACKING_H

#include <stddef.h>
#include <stdint.h>

enum { TERNARY_LANES = 64, TERNARY_MAX_UNIT = 256 };

struct ternary_packing {
    const char *name;
    size_t cols, bytes;                 /* of a unit */
    size_t row_group;                   /* 1 or TERNARY_LANES */
    const struct ternary_packing *tail; /* packs the columns beyond whole units; NULL: itself */
    void (*pack)(const int8_t *t, uint16_t scale, uint8_t *unit);
    void (*unpack)(const uint8_t *unit, int8_t *t);
};

extern const struct ternary_packing ternary_i2s, ternary_tq2, ternary_tq1, ternary_tl1, ternary_tl2,
    ternary_planes;

/* Bytes of a group of rows. */
size_t ternary_group_bytes(const struct ternary_packing *p, size_t cols);

/* t [rows][cols] to out [ceil(rows / row_group) * ternary_group_bytes()]. */
void ternary_pack(const struct ternary_packing *p, const int8_t *t, size_t rows, size_t cols,
                  float gamma, uint8_t *out);

/* One row: t [cols]. */
void ternary_unpack_row(const struct ternary_packing *p, const uint8_t *packed, size_t row,
                        size_t cols, int8_t *t);

/* The weights t [3] whose triple is v >= 0. */
void ternary_triple(int v, int8_t *t);

#endif
