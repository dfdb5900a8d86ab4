#include <immintrin.h>
#include <stdbool.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemv_dense.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, ROWS = 4 };

/* Rows that do not fit into L2 are asked for ahead: the next tile's at the same column, so that
 * every byte is asked for once, whatever the length of a row; into L2, as x fills L1.  Rows that
 * fit are there already, and asking would cost a quarter of the speed. */
enum { ROWS_AHEAD = ROWS, L2_BYTES = 1 << 20 };

INLINE __m256 load_f32(const void *w, size_t i)
{
    return _mm256_loadu_ps((const float *)w + i);
}

INLINE __m256 load_bf16(const void *w, size_t i)
{
    __m128i narrow = _mm_loadu_si128((const __m128i *)((const uint16_t *)w + i));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
}

INLINE float one_f32(const void *w, size_t i)
{
    return ((const float *)w)[i];
}

INLINE float one_bf16(const void *w, size_t i)
{
    return bf16_to_f32(((const uint16_t *)w)[i]);
}

typedef __m256 load_fn(const void *w, size_t i);
typedef float one_fn(const void *w, size_t i);

INLINE float sum_of_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* y of `rows` adjacent rows: each x is loaded once for all of them, and each row has two sums so
 * that eight fused adds are under way.  rows, bytes, load and one are constants once inlined. */
INLINE void tile(const char *w, size_t cols, const float *x, float *y, int rows, bool far,
                 size_t bytes, load_fn *load, one_fn *one)
{
    __m256 sum[ROWS][2];
    size_t stride = cols * bytes, c = 0;
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (; c + 2 * LANES <= cols; c += 2 * LANES) {
        __m256 x0 = _mm256_loadu_ps(x + c), x1 = _mm256_loadu_ps(x + c + LANES);
        for (int r = 0; r < rows; r++) {
            const char *row = w + (size_t)r * stride;
            if (far)
                _mm_prefetch(row + ROWS_AHEAD * stride + c * bytes, _MM_HINT_T1);
            sum[r][0] = _mm256_fmadd_ps(load(row, c), x0, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(load(row, c + LANES), x1, sum[r][1]);
        }
    }
    for (int r = 0; r < rows; r++) {
        float rest = 0;
        for (size_t i = c; i < cols; i++)
            rest += one(w + (size_t)r * stride, i) * x[i];
        y[r] = sum_of_lanes(_mm256_add_ps(sum[r][0], sum[r][1])) + rest;
    }
}

void gemv_f32_avx2(const float *w, size_t cols, const float *x, float *y, size_t row0, size_t row1)
{
    bool far = (row1 - row0) * cols * sizeof *w > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile((const char *)(w + r * cols), cols, x, y + r, ROWS, far, sizeof *w, load_f32, one_f32);
    for (; r < row1; r++)
        tile((const char *)(w + r * cols), cols, x, y + r, 1, far, sizeof *w, load_f32, one_f32);
}

void gemv_bf16_avx2(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                    size_t row1)
{
    bool far = (row1 - row0) * cols * sizeof *w > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile((const char *)(w + r * cols), cols, x, y + r, ROWS, far, sizeof *w, load_bf16,
             one_bf16);
    for (; r < row1; r++)
        tile((const char *)(w + r * cols), cols, x, y + r, 1, far, sizeof *w, load_bf16, one_bf16);
}
