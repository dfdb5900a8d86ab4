#include "numerics/kernels/nibble_matrix.h"

#include <string.h>

#include "numerics/formats/bf16.h"

size_t nibble_padded_cols(size_t cols, size_t block)
{
    size_t unit = block > NIBBLE_CHUNK ? block : NIBBLE_CHUNK;
    return (cols + unit - 1) / unit * unit;
}

size_t nibble_row_bytes(size_t cols, size_t block)
{
    size_t padded = nibble_padded_cols(cols, block);
    return padded / 2 + (block ? padded / block * sizeof(uint16_t) : 0);
}

void nibble_pack(const uint8_t *codes, const uint16_t *scales, size_t rows, size_t cols,
                 size_t block, uint8_t *out)
{
    size_t row_bytes = nibble_row_bytes(cols, block);
    size_t code_bytes = nibble_padded_cols(cols, block) / 2;
    size_t blocks = block ? (cols + block - 1) / block : 0;
    memset(out, 0, rows * row_bytes);
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *row = codes + r * ((cols + 1) / 2);
        uint8_t *packed = out + r * row_bytes;
        for (size_t c = 0; c < cols; c++) {
            size_t in_chunk = c % NIBBLE_CHUNK, plane = in_chunk / 16, lane = in_chunk % 16;
            unsigned code = row[c / 2] >> 4 * (c % 2) & 15;
            packed[c / NIBBLE_CHUNK * (NIBBLE_CHUNK / 2) + 4 * lane + plane / 2] |=
                (uint8_t)(code << 4 * (plane % 2));
        }
        if (blocks)
            memcpy(packed + code_bytes, scales + r * blocks, blocks * sizeof *scales);
    }
}

float nibble_block_scale(const struct nibble_matrix *w, size_t row, size_t col)
{
    if (!w->block)
        return 1;
    uint16_t bits;
    memcpy(&bits,
           w->rows + row * nibble_row_bytes(w->cols, w->block) +
               nibble_padded_cols(w->cols, w->block) / 2 + col / w->block * sizeof bits,
           sizeof bits);
    return bf16_to_f32(bits);
}
