#include "numerics/kernels/gemm_i8.h"

#include <stdbool.h>
#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/formats/float_format.h"
#include "numerics/kernels/gamma.h"

const struct kernel_variant gemm_i8_variants[] = {
    KERNEL(gemm_i8, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_i8, avx2, CPU_AVX2),
    KERNEL(gemm_i8, avx512, CPU_AVX512),
    KERNEL(gemm_i8, vnni, CPU_AVX512 | CPU_VNNI),
#endif
    {0},
};

enum { TILE = GEMM_I8_TILE, VECTOR = 64, MOST_ITEMS = GEMM_I8_MAX_GROUP / 4 };

/* ---- Values of codes ---- */

static int8_t int8_value(unsigned code)
{
    return (int8_t)((int)(code ^ 128) - 128);
}

static int8_t int4_value(unsigned code)
{
    return (int8_t)((int)(code ^ 8) - 8);
}

/* A float of mantissa_bits with a subnormal range, in units of its smallest value. */
static int8_t float_value(unsigned magnitude, int mantissa_bits, bool negative)
{
    unsigned exponent = magnitude >> mantissa_bits, one = 1u << mantissa_bits;
    unsigned v = exponent ? (magnitude % one + one) << (exponent - 1) : magnitude;
    return (int8_t)(negative ? -(int)v : (int)v);
}

static int8_t e2m1_value(unsigned code)
{
    return float_value(code & 7, 1, code >> 3);
}

static int8_t e2m3_value(unsigned code)
{
    return float_value(code & 31, 3, code >> 5);
}

static int8_t ternary_value(unsigned code)
{
    return (int8_t)((int)code - 1);
}

static int8_t bit_value(unsigned code)
{
    return (int8_t)code;
}

const struct gemm_i8_format gemm_i8_formats[] = {
    {"int8", "8-bit integers, a scale for a row", GEMM_I8_BYTES, GEMM_I8_ROW, 16, 256, 0, 0, 256, 1,
     int8_value},
    {"int4", "4-bit integers, bf16 block scales", GEMM_I8_NIBBLES, GEMM_I8_BF16, 16, 128, 32, 256,
     16, 1, int4_value},
    {"mxfp4", "E2M1, a power of two for 32", GEMM_I8_NIBBLES, GEMM_I8_E8M0, 16, 128, 32, 32, 16,
     0.5f, e2m1_value},
    {"nvfp4", "E2M1, E4M3 scales of 16", GEMM_I8_NIBBLES, GEMM_I8_E4M3, 16, 128, 16, 16, 16, 0.5f,
     e2m1_value},
    {"fp6-e2m3", "E2M3, a scale for a row", GEMM_I8_SIXES, GEMM_I8_ROW, 16, 192, 0, 0, 64, 0.125f,
     e2m3_value},
    {"ternary", "ternary in 2 bits", GEMM_I8_PAIRS, GEMM_I8_TENSOR, 16, 64, 0, 0, 3, 1,
     ternary_value},
    {"ternary-base3", "ternary, five in a byte", GEMM_I8_DIGITS, GEMM_I8_TENSOR, 20, 64, 0, 0, 3, 1,
     ternary_value},
    {"onebit", "two levels, bf16 scales of 64", GEMM_I8_BITS, GEMM_I8_BF16, 32, 64, 64, 64, 2, 1,
     bit_value},
    {0},
};

const struct gemm_i8_format *gemm_i8_format_find(const char *name)
{
    for (const struct gemm_i8_format *f = gemm_i8_formats; f->name; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

unsigned gemm_i8_code(const struct gemm_i8_format *f, int value)
{
    unsigned code = 0;
    while (code < f->codes && f->value(code) != value)
        code++;
    return code;
}

/* ---- Sizes ---- */

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

size_t gemm_i8_padded_cols(const struct gemm_i8_format *f, size_t cols, size_t block)
{
    size_t unit = f->group % 16 ? 4 * f->group : f->group; /* 4 of 20: a multiple of 16 as well */
    return round_up(cols, block > unit ? block : unit);
}

static size_t scale_size(const struct gemm_i8_format *f)
{
    switch (f->scale) {
    case GEMM_I8_TENSOR:
        return 0;
    case GEMM_I8_ROW:
        return sizeof(float);
    case GEMM_I8_BF16:
        return sizeof(uint16_t);
    default:
        return 1;
    }
}

/* Where block b of a tile is; b = the number of blocks gives the end.  Blocks come in lots whose
 * scales fill a vector, and each lot follows that vector. */
struct place {
    size_t codes, scales;
};

static struct place place_of(const struct gemm_i8_format *f, size_t b, size_t block_bytes)
{
    size_t size = TILE * scale_size(f), lot = size ? VECTOR / size : 1, line = size ? VECTOR : 0;
    return (struct place){b * block_bytes + (b / lot + 1) * line,
                          b / lot * (lot * block_bytes + line) + b % lot * size};
}

/* Blocks of a packed row, and columns of one; a row without blocks is one. */
static size_t padded_blocks(const struct gemm_i8_format *f, size_t cols, size_t block)
{
    return block ? gemm_i8_padded_cols(f, cols, block) / block : 1;
}

static size_t block_cols(const struct gemm_i8_format *f, size_t cols, size_t block)
{
    return block ? block : gemm_i8_padded_cols(f, cols, block);
}

size_t gemm_i8_tile_bytes(const struct gemm_i8_format *f, size_t cols, size_t block)
{
    size_t blocks = padded_blocks(f, cols, block);
    size_t block_bytes = block_cols(f, cols, block) / f->group * f->group_bytes;
    return blocks ? place_of(f, blocks - 1, block_bytes).codes + block_bytes : 0;
}

size_t gemm_i8_bytes(const struct gemm_i8_format *f, size_t rows, size_t cols, size_t block)
{
    return round_up(rows, TILE) / TILE * gemm_i8_tile_bytes(f, cols, block);
}

/* ---- Packing ---- */

uint8_t gemm_i8_digit_byte(unsigned n)
{
    return (uint8_t)((256 * n + 242) / 243);
}

unsigned gemm_i8_digit(uint8_t byte, unsigned digit)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    return 3u * (uint8_t)(byte * power[digit]) >> 8;
}

/* What is kept for a code (of SIXES in six bits: 2 * (the inverse of bit 4) + bit 5, above the low
 * four). Its own inverse but for SIXES. */
static uint8_t kept(const struct gemm_i8_format *f, uint8_t code)
{
    switch (f->layout) {
    case GEMM_I8_BYTES:
        return code ^ 128;
    case GEMM_I8_SIXES:
        return (uint8_t)((code & 15) | (~code & 16) << 1 | (code & 32) >> 1);
    default:
        return f->value == int4_value ? code ^ 8 : code;
    }
}

static uint8_t code_of_kept(const struct gemm_i8_format *f, uint8_t k)
{
    if (f->layout == GEMM_I8_SIXES)
        return (uint8_t)((k & 15) | (~k & 32) >> 1 | (k & 16) << 1);
    return kept(f, k);
}

/* items [group / 4][64], what is kept of a group, to and from its bytes. */
static void pack_group(const struct gemm_i8_format *f, uint8_t items[][VECTOR], uint8_t *bytes)
{
    memset(bytes, 0, f->group_bytes);
    for (size_t v = 0; v < f->group / 4; v++)
        for (size_t i = 0; i < VECTOR; i++) {
            uint8_t item = items[v][i];
            switch (f->layout) {
            case GEMM_I8_BYTES:
                bytes[VECTOR * v + i] = item;
                break;
            case GEMM_I8_SIXES:
                bytes[2 * VECTOR + i] |= (uint8_t)((item >> 4) << (6 - 2 * v));
                /* fall through */
            case GEMM_I8_NIBBLES:
                bytes[VECTOR * (v / 2) + i] |= (uint8_t)((item & 15) << 4 * (v % 2));
                break;
            case GEMM_I8_PAIRS:
                bytes[i] |= (uint8_t)(item << 2 * v);
                break;
            case GEMM_I8_DIGITS: /* the number so far, and at the end its byte */
                bytes[i] = (uint8_t)(3 * bytes[i] + item);
                if (v == 4)
                    bytes[i] = gemm_i8_digit_byte(bytes[i]);
                break;
            case GEMM_I8_BITS:
                bytes[i] |= (uint8_t)(item << v);
                break;
            }
        }
}

static void unpack_group(const struct gemm_i8_format *f, const uint8_t *bytes,
                         uint8_t items[][VECTOR])
{
    for (unsigned v = 0; v < f->group / 4; v++)
        switch (f->layout) {
        case GEMM_I8_BYTES:
            memcpy(items[v], bytes + VECTOR * v, VECTOR);
            break;
        case GEMM_I8_NIBBLES:
        case GEMM_I8_SIXES:
            for (size_t i = 0; i < VECTOR; i++)
                items[v][i] = bytes[VECTOR * (v / 2) + i] >> 4 * (v % 2) & 15;
            for (size_t i = 0; f->layout == GEMM_I8_SIXES && i < VECTOR; i++)
                items[v][i] |= (uint8_t)((bytes[2 * VECTOR + i] >> (6 - 2 * v) & 3) << 4);
            break;
        case GEMM_I8_PAIRS:
            for (size_t i = 0; i < VECTOR; i++)
                items[v][i] = bytes[i] >> 2 * v & 3;
            break;
        case GEMM_I8_DIGITS:
            for (size_t i = 0; i < VECTOR; i++)
                items[v][i] = (uint8_t)gemm_i8_digit(bytes[i], v);
            break;
        case GEMM_I8_BITS:
            for (size_t i = 0; i < VECTOR; i++)
                items[v][i] = bytes[i] >> v & 1;
            break;
        }
}

/* The codes of 16 rows in one group of columns; those outside are 0. */
static void items_of_group(const struct gemm_i8_matrix *w, const uint8_t *codes, size_t row,
                           size_t col, uint8_t items[][VECTOR])
{
    memset(items, 0, MOST_ITEMS * VECTOR);
    for (size_t r = row; r < w->rows && r < row + TILE; r++)
        for (size_t c = col; c < w->cols && c < col + w->format->group; c++)
            items[(c - col) / 4][4 * (r - row) + (c - col) % 4] =
                kept(w->format, codes[r * w->cols + c]);
}

void gemm_i8_pack(const struct gemm_i8_format *f, const uint8_t *codes, const void *scales,
                  size_t rows, size_t cols, size_t block, uint8_t *out)
{
    struct gemm_i8_matrix w = {.format = f, .rows = rows, .cols = cols, .block = block};
    size_t blocks = padded_blocks(f, cols, block), size = scale_size(f);
    size_t step = block_cols(f, cols, block), block_bytes = step / f->group * f->group_bytes;
    size_t tile_bytes = gemm_i8_tile_bytes(f, cols, block);
    size_t count = block ? (cols + block - 1) / block : 1; /* scales of a given row */
    for (size_t row = 0; row < rows; row += TILE, out += tile_bytes) {
        memset(out, 0, tile_bytes);
        for (size_t b = 0; b < blocks; b++) {
            struct place at = place_of(f, b, block_bytes);
            uint8_t items[MOST_ITEMS][VECTOR];
            for (size_t c = 0; c < step; c += f->group) {
                items_of_group(&w, codes, row, b * step + c, items);
                pack_group(f, items, out + at.codes + c / f->group * f->group_bytes);
            }
            for (size_t r = 0; size && b < count && r < TILE && row + r < rows; r++)
                memcpy(out + at.scales + r * size,
                       (const uint8_t *)scales + ((row + r) * count + b) * size, size);
        }
    }
}

void gemm_i8_unpack(const struct gemm_i8_matrix *w, uint8_t *codes)
{
    const struct gemm_i8_format *f = w->format;
    size_t tile_bytes = gemm_i8_tile_bytes(f, w->cols, w->block);
    size_t step = block_cols(f, w->cols, w->block), block_bytes = step / f->group * f->group_bytes;
    for (size_t row = 0; row < w->rows; row += TILE)
        for (size_t col = 0; col < w->cols; col += f->group) {
            uint8_t items[MOST_ITEMS][VECTOR];
            const uint8_t *tile = w->tiles + row / TILE * tile_bytes;
            unpack_group(f,
                         tile + place_of(f, col / step, block_bytes).codes +
                             col % step / f->group * f->group_bytes,
                         items);
            for (size_t r = row; r < w->rows && r < row + TILE; r++)
                for (size_t c = col; c < w->cols && c < col + f->group; c++)
                    codes[r * w->cols + c] =
                        code_of_kept(f, items[(c - col) / 4][4 * (r - row) + (c - col) % 4]);
        }
}

/* ---- The reference ---- */

/* A scale of one row: `scales` are those of 16 rows. */
static double scale_at(const struct gemm_i8_format *f, const uint8_t *scales, size_t row)
{
    float row_scale;
    uint16_t bits;
    switch (f->scale) {
    case GEMM_I8_TENSOR:
        return 1;
    case GEMM_I8_ROW:
        memcpy(&row_scale, scales + sizeof row_scale * row, sizeof row_scale);
        return row_scale;
    case GEMM_I8_BF16:
        memcpy(&bits, scales + sizeof bits * row, sizeof bits);
        return bf16_to_f32(bits);
    case GEMM_I8_E8M0:
        return e8m0_decode(scales[row]);
    default:
        return float_format_decode(float_format_find("e4m3"), scales[row]);
    }
}

/* Sums of 16 rows over `cols` columns, a multiple of the group. */
static void block_sums(const struct gemm_i8_format *f, const int8_t value[256],
                       const uint8_t *bytes, const int8_t *q, size_t cols, int32_t sum[TILE])
{
    uint8_t items[MOST_ITEMS][VECTOR];
    memset(sum, 0, TILE * sizeof *sum);
    for (size_t c = 0; c < cols; c += f->group, bytes += f->group_bytes) {
        unpack_group(f, bytes, items);
        for (size_t v = 0; v < f->group / 4; v++)
            for (size_t r = 0; r < TILE; r++)
                for (size_t j = 0; j < 4; j++)
                    sum[r] += value[items[v][4 * r + j]] * q[c + 4 * v + j];
    }
}

static void values_of_kept(const struct gemm_i8_format *f, int8_t value[256])
{
    for (unsigned k = 0; k < 256; k++)
        value[k] = k < f->codes ? f->value(code_of_kept(f, (uint8_t)k)) : 0;
}

/* What 16 rows of one token sum to before the tensor's scale: exactly as far as f64 is, and the
 * same of magnitudes. */
static void tile_totals(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x,
                        size_t token, size_t row, const int8_t value[256], double total[TILE],
                        double magnitude[TILE])
{
    const struct gemm_i8_format *f = w->format;
    size_t blocks = padded_blocks(f, w->cols, w->block);
    size_t step = block_cols(f, w->cols, w->block), block_bytes = step / f->group * f->group_bytes;
    const uint8_t *tile = w->tiles + row / TILE * gemm_i8_tile_bytes(f, w->cols, w->block);
    memset(total, 0, TILE * sizeof *total);
    memset(magnitude, 0, TILE * sizeof *magnitude);
    for (size_t b = 0; b < blocks; b++) {
        int32_t sum[TILE];
        struct place at = place_of(f, b, block_bytes);
        const uint8_t *scales = tile + at.scales;
        block_sums(f, value, tile + at.codes, x->q + token * x->stride + b * step, step, sum);
        for (size_t r = 0; r < TILE && row + r < w->rows; r++) {
            double scale = scale_at(f, scales, r), d = sum[r], absolute = fabs(d);
            if (f->layout == GEMM_I8_BITS) {
                double low = (double)w->low * x->block_sums[token * blocks + b];
                double gap = (double)w->high - w->low;
                absolute = fabs(low) + fabs(gap * d);
                d = low + gap * d;
            }
            total[r] += scale * d;
            magnitude[r] += fabs(scale) * absolute;
        }
    }
}

void gemm_i8_ref(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                 size_t row0, size_t row1)
{
    int8_t value[256];
    double total[TILE], magnitude[TILE];
    values_of_kept(w->format, value);
    for (size_t row = row0; row < row1; row += TILE)
        for (size_t t = 0; t < x->m; t++) {
            tile_totals(w, x, t, row, value, total, magnitude);
            for (size_t r = 0; r < TILE && row + r < row1; r++)
                y[t * w->rows + row + r] =
                    (float)((double)w->scale * w->format->unit / x->s[t] * total[r]);
        }
}

double gemm_i8_bound(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, size_t token,
                     size_t row)
{
    const struct gemm_i8_format *f = w->format;
    int8_t value[256];
    double total[TILE], magnitude[TILE];
    values_of_kept(f, value);
    tile_totals(w, x, token, row / TILE * TILE, value, total, magnitude);
    double terms = magnitude[row % TILE];
    double factor = fabs((double)w->scale * f->unit / x->s[token]);
    double blocks = (double)padded_blocks(f, w->cols, w->block);
    if (!(terms < FLT_MAX / 2 && factor < FLT_MAX / 2 && factor * terms < FLT_MAX / 2))
        return INFINITY;
    return gamma_f32((size_t)blocks + 8) * factor * terms +
           (terms + (blocks + 8) * (factor + 1)) * F32_TINIEST;
}
