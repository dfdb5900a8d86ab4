#include "numerics/kernels/gemm_fp6_panel.h"

enum { COLS = 16, WORDS = 3, SUMS = 4 };

/* Column k of 16, for all rows of a tile: the rotation that brings its sign to bit 31 and its
 * magnitude below, or no rotation; see fp6_matrix.h. */
FP6_INLINE __m512 column(const __m512i words[WORDS], int k, __m512 low, __m512 high)
{
    __m512i from = words[k < 15 ? k / 5 : 0];
    unsigned by = (6 * (k % 5) + 2 * (k / 5)) % 32u;
    if (k == 15) {
        from = _mm512_ternarylogic_epi32(_mm512_set1_epi32(0x60000000), from, words[1], 0xca);
        from = _mm512_ternarylogic_epi32(_mm512_set1_epi32(6), words[2], from, 0xca);
        by = 30;
    }
    if (by) /* compilers make one rotation of it */
        from = _mm512_or_si512(_mm512_srli_epi32(from, by), _mm512_slli_epi32(from, 32 - by));
    __m512i magnitude = _mm512_castps_si512(_mm512_permutex2var_ps(low, from, high));
    /* magnitude | from & 2^31 */
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(magnitude, from, _mm512_set1_epi32((int)0x80000000), 0xf8));
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
            __m512i words[WORDS];
            for (int i = 0; i < WORDS; i++)
                words[i] = _mm512_loadu_si512(codes + i * 64);
#pragma GCC unroll 16
            for (int k = 0; k < COLS; k++) {
                __m512 v = column(words, k, low, high);
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
