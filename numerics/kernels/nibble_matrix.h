/*
 * A matrix of 4-bit codes with bf16 block scales, packed so that vectors unpack it cheaply.
 *
 * The canonical form, in which formats are exchanged: codes [rows][ceil(cols / 2)], the even column
 * in the low nibble, and scales [rows][ceil(cols / block)] in bf16, both row-major.
 *
 * The packed form is rows of nibble_row_bytes() each, one behind the other: the codes of the row
 * and then its scales.  Codes lie in chunks of 128 columns = 16 little-endian dwords: column
 * 16 p + i of a chunk is nibble p of dword i.  So 16 neighbouring columns lie at one bit position
 * of the 16 lanes of a vector, and one shift unpacks them (none, where the index of a permute may
 * carry higher bits).  A row is padded with zero codes and zero scales to a multiple of
 * max(128, block) columns, so kernels have no tail; x is padded with zeros there.
 *
 * The weight at (r, c) is scale * scales[r][c / block] * value(code), where value is table[code]
 * for gemv_lut4 and the code as a two's complement number for gemv_int4.
 */
#ifndef NUMERICS_KERNELS_NIBBLE_MATRIX_H
#define NUMERICS_KERNELS_NIBBLE_MATRIX_H

#include <stddef.h>
#include <stdint.h>

enum { NIBBLE_CHUNK = 128, NIBBLE_MAX_BLOCK = 256 };

struct nibble_matrix {
    const uint8_t *rows; /* packed; borrowed; any even address */
    size_t cols;
    size_t block;    /* columns that share a scale: 32, 64, 128 or 256; 0: none, `scale` alone */
    float scale;     /* of the whole tensor; 1 when the blocks' scales are all there is */
    float table[16]; /* finite; not read by gemv_int4 */
};

/* Columns of a packed row with its padding. */
size_t nibble_padded_cols(size_t cols, size_t block);

/* Bytes of a packed row; its scales begin at byte nibble_padded_cols() / 2. */
size_t nibble_row_bytes(size_t cols, size_t block);

/* Packs `rows` rows into out [rows * nibble_row_bytes(cols, block)].  scales is not read when
 * block == 0.  The unused high nibble of an odd row's last byte is ignored. */
void nibble_pack(const uint8_t *codes, const uint16_t *scales, size_t rows, size_t cols,
                 size_t block, uint8_t *out);

/* The code, 0 .. 15, and the bf16 scale (1 when there are no blocks) of one packed weight. */
static inline unsigned nibble_code(const uint8_t *packed_row, size_t col)
{
    size_t in_chunk = col % NIBBLE_CHUNK, plane = in_chunk / 16, lane = in_chunk % 16;
    uint8_t byte = packed_row[col / NIBBLE_CHUNK * (NIBBLE_CHUNK / 2) + 4 * lane + plane / 2];
    return byte >> 4 * (plane % 2) & 15;
}

float nibble_block_scale(const struct nibble_matrix *w, size_t row, size_t col);

#endif
