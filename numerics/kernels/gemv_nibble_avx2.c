#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/gemv_nibble.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, ROWS = 2 };

/* How far ahead DRAM is asked for: eight rows' worth at the same column, so that every byte of
 * codes and scales is asked for once, whatever the length of a row; into L2, as x fills L1. */
enum { ROWS_AHEAD = 8 };

struct tables {
    __m256 low, high; /* codes 0 .. 7 and 8 .. 15 */
};
typedef __m256 decode_fn(__m256i dwords, int plane, const struct tables *table);

/* The table's value for nibble `plane` (0 .. 7) of each dword.  A permute reads the low three bits
 * of a dword alone; the nibble's highest bit, moved to the sign, blends the two halves. */
INLINE __m256 lut4(__m256i dwords, int plane, const struct tables *table)
{
    __m256i index = _mm256_srli_epi32(dwords, 4 * plane);
    __m256i top = _mm256_slli_epi32(dwords, 28 - 4 * plane);
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(table->low, index),
                            _mm256_permutevar8x32_ps(table->high, index), _mm256_castsi256_ps(top));
}

/* Nibble `plane` (0 .. 7) of each dword as a two's complement number.  Flipping its sign bit makes
 * it code + 8 >= 0.  In the mantissa of 2^(23 - 4 p), at bit 4 p, it reads 2^(23 - 4 p) + 8 + code;
 * the subtraction is exact. */
INLINE __m256 int4(__m256i dwords, int plane, const struct tables *table)
{
    (void)table;
    int p = plane % 4;
    if (plane >= 4)
        dwords = _mm256_srli_epi32(dwords, 16);
    __m256i nibble = _mm256_set1_epi32(15 << 4 * p);
    __m256i magic = _mm256_set1_epi32((127 + 23 - 4 * p) << 23 | 8 << 4 * p);
    __m256i biased = _mm256_xor_si256(_mm256_and_si256(dwords, nibble), magic);
    return _mm256_sub_ps(_mm256_castsi256_ps(biased),
                         _mm256_set1_ps((float)(1 << (23 - 4 * p)) + 8));
}

/* A block's scale in all lanes: the dword that ends with it, its lower half cleared.  That half
 * holds what lies before in the same row, codes or another scale. */
INLINE __m256 block_scale(const uint8_t *scale)
{
    int dword;
    memcpy(&dword, scale - sizeof(uint16_t), sizeof dword);
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_set1_epi32(dword), _mm256_set1_epi32((int)0xffff0000)));
}

INLINE float sum_of_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Adds max(128, block) columns of `rows` adjacent rows to their sums.  x is loaded once for all of
 * them; a block is summed unscaled, and its scale costs one fused add.  Half h of a plane is its
 * lanes 8 h .. 8 h + 7. */
INLINE void columns(const uint8_t *codes, const uint8_t *scales, size_t row_bytes, const float *x,
                    __m256 (*sum)[2], int rows, int block, decode_fn *decode,
                    const struct tables *table)
{
    __m256i dwords[ROWS][2];
    __m256 part[ROWS];
    int planes = (block > NIBBLE_CHUNK ? block : NIBBLE_CHUNK) / 16, per_block = block / 16;
#pragma GCC unroll 16
    for (int p = 0; p < planes; p++) {
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            __m256 xp = _mm256_loadu_ps(x + 16 * p + LANES * h);
#pragma GCC unroll 2
            for (int r = 0; r < rows; r++) {
                const uint8_t *row = codes + (size_t)r * row_bytes + p / 8 * 64 + 32 * h;
                if (p % 8 == 0) {
                    _mm_prefetch((const char *)row + ROWS_AHEAD * row_bytes, _MM_HINT_T1);
                    if (block && p == 0 && h == 0)
                        _mm_prefetch((const char *)scales + (ROWS_AHEAD + (size_t)r) * row_bytes,
                                     _MM_HINT_T1);
                    dwords[r][h] = _mm256_loadu_si256((const __m256i *)row);
                }
                __m256 value = decode(dwords[r][h], p % 8, table);
                if (!block)
                    sum[r][h] = _mm256_fmadd_ps(value, xp, sum[r][h]);
                else if (p % per_block == 0 && h == 0)
                    part[r] = _mm256_mul_ps(value, xp);
                else
                    part[r] = _mm256_fmadd_ps(value, xp, part[r]);
                if (block && (p + 1) % per_block == 0 && h == 1) {
                    const uint8_t *scale = scales + (size_t)r * row_bytes + 2 * (p / per_block);
                    sum[r][h] = _mm256_fmadd_ps(block_scale(scale), part[r], sum[r][h]);
                }
            }
        }
    }
}

INLINE void tile(const struct nibble_matrix *w, size_t row, const float *x, const float *x_tail,
                 float *y, int rows, int block, decode_fn *decode)
{
    __m256 sum[ROWS][2];
    struct tables table = {_mm256_loadu_ps(w->table), _mm256_loadu_ps(w->table + 8)};
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    size_t unit = block > NIBBLE_CHUNK ? (size_t)block : NIBBLE_CHUNK;
    size_t row_bytes = nibble_row_bytes(w->cols, w->block);
    const uint8_t *codes = w->rows + row * row_bytes;
    const uint8_t *scales = codes + nibble_padded_cols(w->cols, w->block) / 2;
    size_t scale_step = block ? 2 * unit / (size_t)block : 0, c = 0;
    for (; c + unit <= w->cols; c += unit, codes += unit / 2, scales += scale_step)
        columns(codes, scales, row_bytes, x + c, sum, rows, block, decode, &table);
    if (c < w->cols)
        columns(codes, scales, row_bytes, x_tail, sum, rows, block, decode, &table);
    for (int r = 0; r < rows; r++)
        y[row + (size_t)r] = w->scale * sum_of_lanes(_mm256_add_ps(sum[r][0], sum[r][1]));
}

INLINE void all_rows(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                     size_t row1, int block, decode_fn *decode)
{
    float x_tail[NIBBLE_MAX_BLOCK] = {0};
    size_t unit = block > NIBBLE_CHUNK ? (size_t)block : NIBBLE_CHUNK, tail = w->cols % unit;
    if (tail)
        memcpy(x_tail, x + w->cols - tail, tail * sizeof *x);
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile(w, r, x, x_tail, y, ROWS, block, decode);
    for (; r < row1; r++)
        tile(w, r, x, x_tail, y, 1, block, decode);
}

/* The block size and the decoder become constants of five copies of the loops each. */
INLINE void any_block(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1, decode_fn *decode)
{
    switch (w->block) {
    case 0:
        all_rows(w, x, y, row0, row1, 0, decode);
        break;
    case 32:
        all_rows(w, x, y, row0, row1, 32, decode);
        break;
    case 64:
        all_rows(w, x, y, row0, row1, 64, decode);
        break;
    case 128:
        all_rows(w, x, y, row0, row1, 128, decode);
        break;
    default:
        all_rows(w, x, y, row0, row1, 256, decode);
        break;
    }
}

void gemv_lut4_avx2(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                    size_t row1)
{
    any_block(w, x, y, row0, row1, lut4);
}

void gemv_int4_avx2(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                    size_t row1)
{
    any_block(w, x, y, row0, row1, int4);
}
