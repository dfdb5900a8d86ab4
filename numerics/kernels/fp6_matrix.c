#include "numerics/kernels/fp6_matrix.h"

#include <string.h>

#include "numerics/formats/float_row.h"

enum { LANE_COLS = 16, LANE_WORDS = 3, LANE_BYTES = LANE_WORDS * FP6_TILE * 4 };

struct fp6_matrix fp6_matrix_of(const struct float_format *f, enum fp6_layout layout,
                                const uint8_t *tiles, size_t rows, size_t cols)
{
    struct fp6_matrix w = {
        .tiles = tiles, .format = f, .layout = layout, .rows = rows, .cols = cols};
    for (uint32_t code = 0; code < 64; code++)
        w.value[code] = float_format_decode(f, code);
    return w;
}

bool fp6_has_layout(const struct float_format *f, enum fp6_layout layout)
{
    return f->bits == 6 || layout == FP6_PLANES || layout == FP6_BYTES;
}

size_t fp6_padded_cols(size_t cols)
{
    return (cols + FP6_CHUNK - 1) / FP6_CHUNK * FP6_CHUNK;
}

size_t fp6_row_bytes(const struct float_format *f, enum fp6_layout layout, size_t cols)
{
    size_t bits = layout == FP6_BYTES ? 8 : (size_t)f->bits;
    return fp6_padded_cols(cols) / 8 * bits;
}

size_t fp6_tile_bytes(const struct float_format *f, enum fp6_layout layout, size_t cols)
{
    size_t bytes = FP6_TILE * (fp6_row_bytes(f, layout, cols) + sizeof(uint16_t));
    return (bytes + 63) / 64 * 64;
}

/* Where the sign of column k < 15 of 16 lies in its dword, the magnitude above it; and of the last
 * column, in dwords whose two free bits are put together. */
static unsigned lane_bit(size_t k)
{
    return k == LANE_COLS - 1 ? 29 : (unsigned)(6 * (k % 5) + 2 * (k / 5) + 31) % 32;
}
static const uint32_t lane_free[LANE_WORDS] = {0x60000000, 0x80000001, 0x00000006};

static uint32_t rotate_left(uint32_t v, unsigned n)
{
    return v << n % 32 | v >> (32 - n) % 32;
}

static void pack_lanes(const uint8_t *codes, size_t row, uint8_t *tile)
{
    for (size_t c = 0; c < FP6_CHUNK; c += LANE_COLS) {
        uint32_t word[LANE_WORDS] = {0};
        for (size_t k = 0; k < LANE_COLS; k++) {
            unsigned code = codes[c + k];
            uint32_t v = rotate_left((code & 31) << 1 | code >> 5, lane_bit(k));
            for (size_t i = 0; i < LANE_WORDS; i++)
                word[i] |= k == LANE_COLS - 1 ? v & lane_free[i] : i == k / 5 ? v : 0;
        }
        for (size_t i = 0; i < LANE_WORDS; i++)
            memcpy(tile + c / LANE_COLS * LANE_BYTES + (i * FP6_TILE + row) * sizeof *word,
                   word + i, sizeof *word);
    }
}

static unsigned lane_code(const uint8_t *tile, size_t row, size_t col)
{
    size_t k = col % LANE_COLS;
    uint32_t v = 0;
    for (size_t i = 0; i < LANE_WORDS; i++) {
        uint32_t word;
        memcpy(&word, tile + col / LANE_COLS * LANE_BYTES + (i * FP6_TILE + row) * sizeof word,
               sizeof word);
        v |= k == LANE_COLS - 1 ? word & lane_free[i] : i == k / 5 ? word : 0;
    }
    v = rotate_left(v, 32 - lane_bit(k)) & 63;
    return v >> 1 | (v & 1) << 5;
}

static void pack_contiguous(const uint8_t *codes, uint8_t *out)
{
    for (size_t c = 0; c < FP6_CHUNK; c += 4, out += 3) {
        const uint8_t *four = codes + c;
        out[0] = (uint8_t)(four[0] << 2 | four[1] >> 4);
        out[1] = (uint8_t)((four[1] & 15) << 4 | four[2] >> 2);
        out[2] = (uint8_t)((four[2] & 3) << 6 | four[3]);
    }
}

static unsigned contiguous_code(const uint8_t *row, size_t col)
{
    const uint8_t *three = row + col / 4 * 3;
    uint32_t four = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
    return four >> (18 - 6 * (col % 4)) & 63;
}

/* One group of 64 columns; top: its bytes of the upper plane. */
static void pack_planes(const uint8_t *c, int bits, uint8_t *nibbles, uint8_t *top)
{
    for (size_t j = 0; j < 32; j++)
        nibbles[j] = (uint8_t)((c[j] & 15) | (c[j + 32] & 15) << 4);
    if (bits == 6) {
        for (size_t j = 0; j < 16; j++)
            top[j] = (uint8_t)(c[j] >> 4 | c[j + 16] >> 4 << 2 | c[j + 32] >> 4 << 4 |
                               c[j + 48] >> 4 << 6);
        return;
    }
    memset(top, 0, 8);
    for (size_t j = 0; j < 8; j++)
        for (size_t i = 0; i < 8; i++)
            top[i] |= (uint8_t)(c[8 * j + i] >> 4 << j);
}

static unsigned planes_code(const uint8_t *row, int bits, size_t padded, size_t col)
{
    size_t group = col / FP6_GROUP, i = col % FP6_GROUP;
    const uint8_t *top = row + padded / 2 + group * (bits == 6 ? 16 : 8);
    unsigned nibble = row[group * 32 + i % 32] >> 4 * (i / 32) & 15;
    return nibble | (bits == 6 ? (top[i % 16] >> 2 * (i / 16) & 3u) : (top[i % 8] >> i / 8 & 1u))
                        << 4;
}

static void pack_chunk(const struct fp6_matrix *w, const uint8_t *codes, size_t row, size_t col,
                       size_t row_bytes, uint8_t *tile)
{
    uint8_t *at = tile + row * row_bytes;
    int bits = w->format->bits;
    size_t top_bytes = bits == 6 ? 16 : 8;
    switch (w->layout) {
    case FP6_CONTIGUOUS:
        pack_contiguous(codes, at + col / 4 * 3);
        break;
    case FP6_PLANES:
        for (size_t c = 0; c < FP6_CHUNK; c += FP6_GROUP)
            pack_planes(codes + c, bits, at + (col + c) / 2,
                        at + fp6_padded_cols(w->cols) / 2 + (col + c) / FP6_GROUP * top_bytes);
        break;
    case FP6_BYTES:
        memcpy(at + col, codes, FP6_CHUNK);
        break;
    case FP6_LANES:
        pack_lanes(codes, row, tile + col / LANE_COLS * LANE_BYTES);
        break;
    }
}

static void pack_row(const struct fp6_matrix *w, const uint8_t *codes, size_t row, uint8_t *tile)
{
    size_t row_bytes = fp6_row_bytes(w->format, w->layout, w->cols), c = 0;
    for (; c + FP6_CHUNK <= w->cols; c += FP6_CHUNK)
        pack_chunk(w, codes + c, row, c, row_bytes, tile);
    if (c < w->cols) {
        uint8_t last[FP6_CHUNK] = {0};
        memcpy(last, codes + c, w->cols - c);
        pack_chunk(w, last, row, c, row_bytes, tile);
    }
}

void fp6_pack(const struct fp6_matrix *w, const uint8_t *codes, const uint16_t *scales,
              size_t first, size_t end, uint8_t *out)
{
    size_t tile_bytes = fp6_tile_bytes(w->format, w->layout, w->cols);
    size_t code_bytes = FP6_TILE * fp6_row_bytes(w->format, w->layout, w->cols);
    for (size_t t = first; t < end; t++) {
        uint8_t *tile = out + t * tile_bytes;
        size_t rows = w->rows - t * FP6_TILE < FP6_TILE ? w->rows - t * FP6_TILE : FP6_TILE;
        if (rows < FP6_TILE)
            memset(tile, 0, code_bytes);
        for (size_t r = 0; r < rows; r++)
            pack_row(w, codes + (t * FP6_TILE + r) * w->cols, r, tile);
        memset(tile + code_bytes, 0, tile_bytes - code_bytes);
        memcpy(tile + code_bytes, scales + t * FP6_TILE, rows * sizeof *scales);
    }
}

unsigned fp6_code(const struct fp6_matrix *w, size_t row, size_t col)
{
    size_t row_bytes = fp6_row_bytes(w->format, w->layout, w->cols), in_tile = row % FP6_TILE;
    const uint8_t *tile = w->tiles + row / FP6_TILE * fp6_tile_bytes(w->format, w->layout, w->cols);
    const uint8_t *at = tile + in_tile * row_bytes;
    switch (w->layout) {
    case FP6_CONTIGUOUS:
        return contiguous_code(at, col);
    case FP6_PLANES:
        return planes_code(at, w->format->bits, fp6_padded_cols(w->cols), col);
    case FP6_BYTES:
        return at[col];
    case FP6_LANES:
        return lane_code(tile, in_tile, col);
    }
    return 0;
}

uint16_t fp6_scale_bits(const struct fp6_matrix *w, size_t row)
{
    uint16_t bits;
    memcpy(&bits,
           w->tiles + row / FP6_TILE * fp6_tile_bytes(w->format, w->layout, w->cols) +
               FP6_TILE * fp6_row_bytes(w->format, w->layout, w->cols) +
               row % FP6_TILE * sizeof bits,
           sizeof bits);
    return bits;
}

void fp6_dequantise_row(const struct fp6_matrix *w, size_t row, float *out)
{
    float scale = float_row_scale(fp6_scale_bits(w, row));
    for (size_t c = 0; c < w->cols; c++)
        out[c] = scale * w->value[fp6_code(w, row, c)];
}
