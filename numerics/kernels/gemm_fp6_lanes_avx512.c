#include "numerics/kernels/gemm_fp6_panel.h"

enum { COLS = 16, WORDS = 3, SUMS = 4 };

/* A column of all rows of a tile, whose signs are at bit 31 and whose magnitudes lie lowest. */
FP6_INLINE __m512 values(__m512i column, __m512 low, __m512 high)
{
    __m512i magnitude = _mm512_castps_si512(_mm512_permutex2var_ps(low, column, high));
    /* magnitude | column & 2^31 */
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(magnitude, column, _mm512_set1_epi32((int)0x80000000), 0xf8));
}

/* 16 columns, as values() wants them; see fp6_matrix.h.  A rotation of the one before is as cheap
 * as one of what was loaded, and always by as much. */
FP6_INLINE void unpack(const uint8_t *codes, __m512i column[COLS])
{
    __m512i first = _mm512_loadu_si512(codes), second = _mm512_loadu_si512(codes + 64),
            third = _mm512_loadu_si512(codes + 128);
    __m512i last = _mm512_ternarylogic_epi32(_mm512_set1_epi32(0x60000000), first, second, 0xca);
    last = _mm512_ternarylogic_epi32(_mm512_set1_epi32(6), third, last, 0xca);
    column[0] = first;
    column[5] = _mm512_ror_epi32(second, 2);
    column[10] = _mm512_ror_epi32(third, 4);
    column[15] = _mm512_ror_epi32(last, 30);
#pragma GCC unroll 16
    for (int k = 1; k < COLS - 1; k++)
        if (k % 5)
            column[k] = _mm512_ror_epi32(column[k - 1], 6);
}

FP6_INLINE void tile(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *out,
                     int tokens)
{
    int sums = tokens == 1 ? SUMS : tokens;
    __m512 low = _mm512_loadu_ps(w->value), high = _mm512_loadu_ps(w->value + 16);
    __m512 sum[FP6_TOKENS];
    const uint8_t *codes = w->tiles +
                           row / FP6_TILE * fp6_tile_bytes(w->format, w->layout, w->cols) +
                           p->col / COLS * (WORDS * 64);
    const float *x = p->x;
#pragma GCC unroll 8
    for (int s = 0; s < sums; s++)
        sum[s] = _mm512_setzero_ps();
    for (size_t c = 0; c < p->chunks; c++, x += tokens * FP6_CHUNK)
        for (size_t b = 0; b < FP6_CHUNK / COLS; b++, codes += WORDS * 64) {
            __m512i columns[COLS];
            unpack(codes, columns);
#pragma GCC unroll 16
            for (int k = 0; k < COLS; k++) {
                __m512 v = values(columns[k], low, high);
#pragma GCC unroll 8
                for (int t = 0; t < tokens; t++) {
                    __m512 *to = &sum[tokens == 1 ? k % SUMS : t];
                    *to = _mm512_fmadd_ps(
                        v, _mm512_set1_ps(x[(size_t)t * FP6_CHUNK + b * COLS + (size_t)k]), *to);
                }
            }
        }
    if (tokens == 1)
        sum[0] = _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3]));
    for (int t = 0; t < tokens; t++)
        _mm512_storeu_ps(out + t * FP6_TILE, sum[t]);
}

static void one(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *sum)
{
    tile(w, p, row, sum, 1);
}

static void many(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *sum)
{
    tile(w, p, row, sum, FP6_TOKENS);
}

void gemm_fp6_lanes_avx512(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                           size_t row0, size_t row1)
{
    static const struct fp6_kernel k = {
        .order = {{0, 16, 32, 48, 64, 80, 96, 112}, 16, 1, 0}, FP6_TILE, FP6_TILE, 0};
    fp6_gemm(w, x, m, y, row0, row1, &k, one, many);
}
