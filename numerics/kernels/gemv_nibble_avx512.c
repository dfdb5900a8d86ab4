#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/gemv_nibble.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16, ROWS = 4 };

/* How far ahead DRAM is asked for: eight rows' worth at the same column, so that every byte of
 * codes and scales is asked for once, whatever the length of a row; into L2, as x fills L1. */
enum { ROWS_AHEAD = 8 };

/* The table's value for nibble `plane` (0 .. 7) of each dword.  The permute reads the low four bits
 * of a dword alone, so the nibble need only be shifted there. */
INLINE __m512 lut4(__m512i dwords, int plane, __m512 table)
{
    return _mm512_permutexvar_ps(_mm512_srli_epi32(dwords, (unsigned)(4 * plane)), table);
}

/* A block's scale in all lanes: the dword that ends with it, its lower half cleared.  That half
 * holds what lies before in the same row, codes or another scale. */
INLINE __m512 block_scale(const uint8_t *scale)
{
    int dword;
    memcpy(&dword, scale - sizeof(uint16_t), sizeof dword);
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_set1_epi32(dword), _mm512_set1_epi32((int)0xffff0000)));
}

/* Adds max(128, block) columns of `rows` adjacent rows to their sums.  x is loaded once for all of
 * them; a block is summed unscaled, and its scale costs one fused add. */
INLINE void columns(const uint8_t *codes, const uint8_t *scales, size_t row_bytes, const float *x,
                    __m512 *sum, int rows, int block, __m512 table)
{
    __m512i dwords[ROWS];
    __m512 part[ROWS];
    int planes = (block > NIBBLE_CHUNK ? block : NIBBLE_CHUNK) / LANES, per_block = block / LANES;
#pragma GCC unroll 16
    for (int p = 0; p < planes; p++) {
        __m512 xp = _mm512_loadu_ps(x + LANES * p);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const uint8_t *row = codes + (size_t)r * row_bytes + p / 8 * 64;
            if (p % 8 == 0) {
                _mm_prefetch((const char *)row + ROWS_AHEAD * row_bytes, _MM_HINT_T1);
                if (block && p == 0)
                    _mm_prefetch((const char *)scales + (ROWS_AHEAD + (size_t)r) * row_bytes,
                                 _MM_HINT_T1);
                dwords[r] = _mm512_loadu_si512(row);
            }
            __m512 value = lut4(dwords[r], p % 8, table);
            if (!block)
                sum[r] = _mm512_fmadd_ps(value, xp, sum[r]);
            else if (p % per_block == 0)
                part[r] = _mm512_mul_ps(value, xp);
            else
                part[r] = _mm512_fmadd_ps(value, xp, part[r]);
            if (block && (p + 1) % per_block == 0) {
                const uint8_t *scale = scales + (size_t)r * row_bytes + 2 * (p / per_block);
                sum[r] = _mm512_fmadd_ps(block_scale(scale), part[r], sum[r]);
            }
        }
    }
}

INLINE void tile(const struct nibble_matrix *w, size_t row, const float *x, const float *x_tail,
                 float *y, int rows, int block)
{
    __m512 sum[ROWS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                        _mm512_setzero_ps()};
    __m512 table = _mm512_loadu_ps(w->table);
    size_t unit = block > NIBBLE_CHUNK ? (size_t)block : NIBBLE_CHUNK;
    size_t row_bytes = nibble_row_bytes(w->cols, w->block);
    const uint8_t *codes = w->rows + row * row_bytes;
    const uint8_t *scales = codes + nibble_padded_cols(w->cols, w->block) / 2;
    size_t scale_step = block ? 2 * unit / (size_t)block : 0, c = 0;
    for (; c + unit <= w->cols; c += unit, codes += unit / 2, scales += scale_step)
        columns(codes, scales, row_bytes, x + c, sum, rows, block, table);
    if (c < w->cols)
        columns(codes, scales, row_bytes, x_tail, sum, rows, block, table);
    for (int r = 0; r < rows; r++)
        y[row + (size_t)r] = w->scale * _mm512_reduce_add_ps(sum[r]);
}

INLINE void all_rows(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                     size_t row1, int block)
{
    float x_tail[NIBBLE_MAX_BLOCK] = {0};
    size_t unit = block > NIBBLE_CHUNK ? (size_t)block : NIBBLE_CHUNK, tail = w->cols % unit;
    if (tail)
        memcpy(x_tail, x + w->cols - tail, tail * sizeof *x);
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile(w, r, x, x_tail, y, ROWS, block);
    for (; r < row1; r++)
        tile(w, r, x, x_tail, y, 1, block);
}

/* The block size becomes a constant of five copies of the loops. */
void gemv_lut4_avx512(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    switch (w->block) {
    case 0:
        all_rows(w, x, y, row0, row1, 0);
        break;
    case 32:
        all_rows(w, x, y, row0, row1, 32);
        break;
    case 64:
        all_rows(w, x, y, row0, row1, 64);
        break;
    case 128:
        all_rows(w, x, y, row0, row1, 128);
        break;
    default:
        all_rows(w, x, y, row0, row1, 256);
        break;
    }
}

/* Arithmetic would decode no faster: a nibble put into the mantissa of a power of two by a mask and
 * an exclusive or, and freed from it by a subtraction, takes one operation more than the shift and
 * the permute do. */
void gemv_int4_avx512(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    struct nibble_matrix by_table = *w;
    for (int code = 0; code < 16; code++)
        by_table.table[code] = (float)(code < 8 ? code : code - 16);
    gemv_lut4_avx512(&by_table, x, y, row0, row1);
}
