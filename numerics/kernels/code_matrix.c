#include "numerics/kernels/code_matrix.h"

#include <string.h>

#include "numerics/formats/bf16.h"

enum { VECTOR_BYTES = 4 * CODE_TILE_ROWS, SCALES_BYTES = 2 * CODE_TILE_ROWS };

void canonical_pack(const uint8_t *codes, size_t rows, size_t cols, int bits, uint8_t *out)
{
    size_t row_bytes = canonical_bytes(bits, cols);
    memset(out, 0, rows * row_bytes);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            for (int i = 0; i < bits; i++) {
                size_t at = c * (size_t)bits + (size_t)i;
                unsigned bit = codes[r * cols + c] >> (bits - 1 - i) & 1;
                out[r * row_bytes + at / 8] |= (uint8_t)(bit << (7 - at % 8));
            }
}

size_t code_tile_bytes(int bits, size_t cols, size_t block)
{
    size_t units = (cols + CODE_UNIT - 1) / CODE_UNIT;
    return units * (size_t)bits * VECTOR_BYTES +
           (block ? (cols + block - 1) / block * SCALES_BYTES : 0);
}

size_t code_tiles_bytes(int bits, size_t rows, size_t cols, size_t block)
{
    return (rows + CODE_TILE_ROWS - 1) / CODE_TILE_ROWS * code_tile_bytes(bits, cols, block);
}

/* Where bit `i` of a column's code is within its unit: a vector, and a bit of its dwords. */
struct place {
    int vector, bit;
};

static struct place place(int bits, int column, int i)
{
    int per_word = 16 / bits, word = column / per_word;
    if (word < 2 * bits)
        return (struct place){word / 2, 16 * (word % 2) + column % per_word * bits + i};
    return (struct place){i, column == CODE_UNIT - 1 ? 31 : 15};
}

static size_t unit_offset(int bits, size_t block, size_t col)
{
    size_t unit = (size_t)bits * VECTOR_BYTES;
    return col / CODE_UNIT * unit + (block ? col / block * SCALES_BYTES : 0);
}

/* The scales of a block follow its last unit: the end of the tile, or where the next block starts.
 */
static size_t scales_offset(int bits, size_t cols, size_t block, size_t col)
{
    size_t next = (col / block + 1) * block;
    return (next < cols ? unit_offset(bits, block, next) : code_tile_bytes(bits, cols, block)) -
           SCALES_BYTES;
}

void code_pack(const uint8_t *canonical, const uint16_t *scales, int bits, size_t rows, size_t cols,
               size_t block, uint8_t *out)
{
    size_t tile_bytes = code_tile_bytes(bits, cols, block), row_bytes = canonical_bytes(bits, cols);
    size_t blocks = block ? (cols + block - 1) / block : 0;
    struct place places[CODE_UNIT][CODE_MAX_BITS];
    for (int c = 0; c < CODE_UNIT; c++)
        for (int i = 0; i < bits; i++)
            places[c][i] = place(bits, c, i);
    memset(out, 0, code_tiles_bytes(bits, rows, cols, block));
    for (size_t r = 0; r < rows; r++) {
        uint8_t *tile = out + r / CODE_TILE_ROWS * tile_bytes;
        size_t lane = r % CODE_TILE_ROWS;
        for (size_t c = 0; c < cols; c++) {
            uint8_t *unit = tile + unit_offset(bits, block, c) + 4 * lane;
            unsigned code = canonical_code(canonical + r * row_bytes, bits, c);
            for (int i = 0; i < bits; i++) {
                struct place p = places[c % CODE_UNIT][i];
                unit[VECTOR_BYTES * p.vector + p.bit / 8] |=
                    (uint8_t)((code >> i & 1) << p.bit % 8);
            }
        }
        for (size_t b = 0; b < blocks; b++)
            memcpy(tile + scales_offset(bits, cols, block, b * block) + sizeof *scales * lane,
                   scales + r * blocks + b, sizeof *scales);
    }
}

unsigned code_at(const struct code_matrix *w, size_t row, size_t col)
{
    const uint8_t *unit = w->tiles +
                          row / CODE_TILE_ROWS * code_tile_bytes(w->bits, w->cols, w->block) +
                          unit_offset(w->bits, w->block, col) + 4 * (row % CODE_TILE_ROWS);
    unsigned code = 0;
    for (int i = 0; i < w->bits; i++) {
        struct place p = place(w->bits, (int)(col % CODE_UNIT), i);
        code |= (unit[VECTOR_BYTES * p.vector + p.bit / 8] >> p.bit % 8 & 1u) << i;
    }
    return code;
}

float code_block_scale(const struct code_matrix *w, size_t row, size_t col)
{
    if (!w->block)
        return 1;
    uint16_t bits;
    memcpy(&bits,
           w->tiles + row / CODE_TILE_ROWS * code_tile_bytes(w->bits, w->cols, w->block) +
               scales_offset(w->bits, w->cols, w->block, col) +
               sizeof bits * (row % CODE_TILE_ROWS),
           sizeof bits);
    return bf16_to_f32(bits);
}
