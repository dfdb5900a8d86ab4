/*
 * A matrix of 6-bit floats (or of 5 bits: FP5) with a binary16 scale for each row, and the ways
 * its codes are packed.
 *
 * The canonical form: codes [rows][cols], one a byte, sign | exponent | mantissa, and the bits of
 * scales [rows].  The weight at (r, c) is scale[r] * float_format_decode(format, code).
 *
 * The packed form is tiles of 16 rows, one behind the other: their codes, their 16 scales, and
 * zeros up to a multiple of 64 bytes.  Columns are padded with zero codes to a multiple of 128, and
 * rows to one of 16.  Codes lie
 *
 *   CONTIGUOUS  row by row, four codes in three bytes, the first in the high bits: c0 << 2 |
 *               c1 >> 4, (c1 & 15) << 4 | c2 >> 2, (c2 & 3) << 6 | c3.  6 bits only.
 *   PLANES      row by row, the low nibbles of the whole row and then its top bits.  Of 64 columns,
 *               byte j of 32 is the nibbles of columns j and j + 32 (the high one); and of 6 bits,
 *               byte j of 16 is the top two bits of columns j, j + 16, j + 32 and j + 48, from bit
 *               0 on; of 5 bits, bit j of byte i of 8 is the top bit of column 8 j + i.
 *   BYTES       row by row, one a byte.
 *   LANES       16 columns of 16 rows in 3 * 16 dwords: dword 16 i + r is of row r.  With v = the
 *               code's magnitude << 1 | its sign, column k < 15 is rotl(v, 6 (k % 5) + 2 i - 1) in
 *               dword i = k / 5.  So one rotation brings a sign to bit 31 and a magnitude to bits
 *               0 .. 4, where a permutation looks for its index.  The two bits that are left in
 *               each of the three dwords, 29 and 30, 31 and 0, 1 and 2, are rotl(v, 29) of column
 *               15.  6 bits only.
 *
 * Source: H. Xia et al., FP6-LLM, arXiv 2401.14112, sec. 5 (contiguous order, split into planes of
 * 2 and 4 bits).
 */
#ifndef NUMERICS_KERNELS_FP6_MATRIX_H
#define NUMERICS_KERNELS_FP6_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/float_format.h"

enum { FP6_TILE = 16, FP6_CHUNK = 128, FP6_GROUP = 64 };
enum fp6_layout { FP6_CONTIGUOUS, FP6_PLANES, FP6_BYTES, FP6_LANES };

struct fp6_matrix {
    const uint8_t *tiles;              /* packed; borrowed; a multiple of 64 makes loads fast */
    const struct float_format *format; /* e3m2, e2m3 or e2m2 */
    enum fp6_layout layout;
    size_t rows, cols;
    float value[64]; /* of each code; of a 5-bit format twice the same 32 */
};

struct fp6_matrix fp6_matrix_of(const struct float_format *f, enum fp6_layout layout,
                                const uint8_t *tiles, size_t rows, size_t cols);

/* Whether a format has that layout. */
bool fp6_has_layout(const struct float_format *f, enum fp6_layout layout);

/* Columns of a packed row with its padding; bytes of its codes (of LANES: the share of one in 16);
 * and of a tile with its scales. */
size_t fp6_padded_cols(size_t cols);
size_t fp6_row_bytes(const struct float_format *f, enum fp6_layout layout, size_t cols);
size_t fp6_tile_bytes(const struct float_format *f, enum fp6_layout layout, size_t cols);

/* Packs tiles first .. end-1 of w (w->tiles is not read) to their places in out, which holds them
 * all.  Codes must be below 2^bits. */
void fp6_pack(const struct fp6_matrix *w, const uint8_t *codes, const uint16_t *scales,
              size_t first, size_t end, uint8_t *out);

/* One code, and the bits of a row's scale, of a packed matrix. */
unsigned fp6_code(const struct fp6_matrix *w, size_t row, size_t col);
uint16_t fp6_scale_bits(const struct fp6_matrix *w, size_t row);

/* The values of w, scaled, in f32: [cols] of one row. */
void fp6_dequantise_row(const struct fp6_matrix *w, size_t row, float *out);

#endif
