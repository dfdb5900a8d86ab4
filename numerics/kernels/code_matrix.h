/*
 * A matrix of 1- to 5-bit codes into one table, with bf16 block scales: its interchange form, and
 * the form whose vectors hold 16 rows.
 *
 * The canonical form, in which formats are exchanged: codes [rows][canonical_bytes(bits, cols)],
 * code c of a row in bits c * bits to (c + 1) * bits - 1 of the row, counted from the MOST
 * significant bit of its first byte on; and scales [rows][ceil(cols / block)] in bf16, row-major.
 *
 * The tiled form is tiles of 16 rows, code_tile_bytes() each, one behind the other; the last one is
 * filled up with rows of zero codes and zero scales.  A tile is a stream: for every block of
 * columns its units and then the scales of its 16 rows, 16 x bf16.  A unit is 32 columns, the last
 * one filled up with zero codes: `bits` vectors of 16 little-endian dwords, dword i of each
 * belonging to row i.  A dword is two words of 16 bits, the lower first, and word c / n of a row's
 * 2 * bits holds column c from bit c % n * bits on, where n = 16 / bits.  When n * bits is 15, bit
 * i of the columns 30 and 31 is the top bit of the lower and the upper word of dword i.
 *
 * So a shift within words brings a column (a nibble of 1-bit or 2-bit columns) of 16 rows to the
 * low bits of 16 lanes, where a permute looks it up, and the whole of a tile is read in order.
 *
 * The weight at (r, c) is scale * scales[r][c / block] * table[code].
 */
#ifndef NUMERICS_KERNELS_CODE_MATRIX_H
#define NUMERICS_KERNELS_CODE_MATRIX_H

#include <stddef.h>
#include <stdint.h>

enum { CODE_TILE_ROWS = 16, CODE_UNIT = 32, CODE_MAX_BITS = 5, CODE_MAX_BLOCK = 256 };

struct code_matrix {
    const uint8_t *tiles; /* borrowed; any alignment */
    size_t rows, cols;
    size_t block; /* columns that share a scale: 32, 64, 128 or 256; 0: none, `scale` alone */
    int bits;     /* 1 .. 5 */
    float scale;  /* of the whole tensor; 1 when the blocks' scales are all there is */
    float table[1 << CODE_MAX_BITS]; /* finite; the first 2^bits are read */
};

/* Bytes of a canonical row. */
static inline size_t canonical_bytes(int bits, size_t cols)
{
    size_t b = (size_t)bits;
    return cols / 8 * b + (cols % 8 * b + 7) / 8;
}

/* The code of column c of a canonical row. */
static inline unsigned canonical_code(const uint8_t *row, int bits, size_t c)
{
    size_t first = c * (size_t)bits, last = first + (size_t)bits - 1;
    unsigned two = (unsigned)row[first / 8] << 8 | row[last / 8];
    return two >> (7 - last % 8) & ((1u << bits) - 1);
}

/* codes [rows][cols], a byte each, below 2^bits, to out [rows][canonical_bytes(bits, cols)]; the
 * bits behind a row's last code are written as 0.  bits is 1 .. 8. */
void canonical_pack(const uint8_t *codes, size_t rows, size_t cols, int bits, uint8_t *out);

/* Bytes of a tile, and of all the tiles of a matrix. */
size_t code_tile_bytes(int bits, size_t cols, size_t block);
size_t code_tiles_bytes(int bits, size_t rows, size_t cols, size_t block);

/* The canonical form to out [code_tiles_bytes()].  scales is not read when block == 0. */
void code_pack(const uint8_t *canonical, const uint16_t *scales, int bits, size_t rows, size_t cols,
               size_t block, uint8_t *out);

/* The code and the bf16 scale (1 when there are no blocks) of one packed weight. */
unsigned code_at(const struct code_matrix *w, size_t row, size_t col);
float code_block_scale(const struct code_matrix *w, size_t row, size_t col);

#endif
