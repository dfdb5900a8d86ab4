#include "numerics/kernels/gemm_fp6_panel.h"

enum { COLS = 16, WORDS = 3, ROWS = 8, TOKENS = 4 };

/* Column k of 16 for eight rows, its sign at bit 31 and its magnitude lowest; see fp6_matrix.h. */
FP6_INLINE __m256i column(const __m256i words[WORDS], int k)
{
    __m256i from = words[k < 15 ? k / 5 : 0];
    int by = (6 * (k % 5) + 2 * (k / 5)) % 32;
    if (k == 15) {
        __m256i first = _mm256_and_si256(from, _mm256_set1_epi32(0x60000000));
        __m256i second = _mm256_and_si256(words[1], _mm256_set1_epi32((int)0x80000001));
        __m256i third = _mm256_and_si256(words[2], _mm256_set1_epi32(6));
        from = _mm256_or_si256(_mm256_or_si256(first, second), third);
        by = 30;
    }
    return by ? _mm256_or_si256(_mm256_srli_epi32(from, by), _mm256_slli_epi32(from, 32 - by))
              : from;
}

/* Columns k and k + 1 as binary16, in the halves of eight dwords. */
FP6_INLINE __m256i two_columns(const __m256i words[WORDS], int k, __m256i left)
{
    __m256i sign = _mm256_set1_epi32((int)0x80000000), low = _mm256_set1_epi32(31);
    __m256i a = column(words, k), b = column(words, k + 1);
    __m256i halves =
        _mm256_or_si256(_mm256_and_si256(a, low), _mm256_slli_epi32(_mm256_and_si256(b, low), 16));
    __m256i signs = _mm256_or_si256(_mm256_srli_epi32(_mm256_and_si256(a, sign), 16),
                                    _mm256_and_si256(b, sign));
    return _mm256_or_si256(_mm256_sllv_epi32(halves, left), signs);
}

/* Eight rows from `half` * 8 of a tile on, and `tokens` tokens of a block from x on.  A sum's lanes
 * are the even columns and the odd ones of four rows. */
FP6_INLINE void rows(const struct fp6_matrix *w, const struct fp6_panel *p, const uint8_t *codes,
                     const float *x, size_t at_once, int tokens, float *out)
{
    __m256i left = _mm256_set1_epi32(10 - w->format->mantissa_bits);
    __m256 sum[TOKENS][2];
    for (int t = 0; t < tokens; t++)
        sum[t][0] = sum[t][1] = _mm256_setzero_ps();
    for (size_t c = 0; c < p->chunks; c++, x += at_once * FP6_CHUNK)
        for (size_t b = 0; b < FP6_CHUNK / COLS; b++, codes += WORDS * 64) {
            __m256i words[WORDS];
            for (int i = 0; i < WORDS; i++)
                words[i] = _mm256_loadu_si256((const __m256i *)(codes + i * 64));
#pragma GCC unroll 8
            for (int k = 0; k < COLS; k += 2) {
                __m256i half = two_columns(words, k, left);
                __m256 v[2] = {_mm256_cvtph_ps(_mm256_castsi256_si128(half)),
                               _mm256_cvtph_ps(_mm256_extracti128_si256(half, 1))};
#pragma GCC unroll 4
                for (int t = 0; t < tokens; t++) {
                    double two;
                    memcpy(&two, x + (size_t)t * FP6_CHUNK + b * COLS + (size_t)k, sizeof two);
                    __m256 xs = _mm256_castpd_ps(_mm256_set1_pd(two));
                    sum[t][0] = _mm256_fmadd_ps(v[0], xs, sum[t][0]);
                    sum[t][1] = _mm256_fmadd_ps(v[1], xs, sum[t][1]);
                }
            }
        }
    for (int t = 0; t < tokens; t++) {
        /* rows 0 1 4 5, 2 3 6 7 */
        __m256 both = _mm256_hadd_ps(sum[t][0], sum[t][1]);
        _mm256_storeu_ps(out + t * FP6_TILE,
                         _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(both), 0xd8)));
    }
}

FP6_INLINE void tile(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *out,
                     size_t at_once, int tokens)
{
    const uint8_t *codes = w->tiles +
                           row / FP6_TILE * fp6_tile_bytes(w->format, w->layout, w->cols) +
                           p->col / COLS * (WORDS * 64);
    for (size_t t = 0; t < at_once; t += (size_t)tokens)
        for (size_t half = 0; half < FP6_TILE / ROWS; half++)
            rows(w, p, codes + half * ROWS * sizeof(uint32_t), p->x + t * FP6_CHUNK, at_once,
                 tokens, out + t * FP6_TILE + half * ROWS);
}

static void one(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *sum)
{
    tile(w, p, row, sum, 1, 1);
}

static void many(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *sum)
{
    tile(w, p, row, sum, FP6_TOKENS, TOKENS);
}

void gemm_fp6_lanes_avx2(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1)
{
    struct fp6_kernel k = {.order = {{0, 16, 32, 48, 64, 80, 96, 112}, 16, 1, 0},
                           .rows = FP6_TILE,
                           .many_rows = FP6_TILE,
                           .exponent = 15 - w->format->bias};
    fp6_gemm(w, x, m, y, row0, row1, &k, one, many);
}
