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

struct pair {
    __m256 v[2];
};

/* 2 * LANES weights of a row, and the activations in the order that the weights come in. */
typedef struct pair weights_fn(const void *w, size_t i);
typedef struct pair activations_fn(const float *x);
typedef float one_fn(const void *w, size_t i);

INLINE struct pair weights_f32(const void *w, size_t i)
{
    const float *from = (const float *)w + i;
    return (struct pair){{_mm256_loadu_ps(from), _mm256_loadu_ps(from + LANES)}};
}

INLINE struct pair activations_f32(const float *x)
{
    return weights_f32(x, 0);
}

/* The even columns and the odd ones: a shift and a mask widen what one load brings, where columns
 * in their order cost two loads and two shuffles more.  x pays for it once for all rows. */
INLINE struct pair weights_bf16(const void *w, size_t i)
{
    __m256i two = _mm256_loadu_si256((const __m256i *)((const uint16_t *)w + i));
    __m256i odd = _mm256_and_si256(two, _mm256_set1_epi32((int)0xffff0000));
    return (struct pair){
        {_mm256_castsi256_ps(_mm256_slli_epi32(two, 16)), _mm256_castsi256_ps(odd)}};
}

/* The shuffles work within halves: 0 2 8 10 4 6 12 14, which the permutes put in order by pairs. */
INLINE struct pair activations_bf16(const float *x)
{
    __m256 low = _mm256_loadu_ps(x), high = _mm256_loadu_ps(x + LANES);
    __m256d even = _mm256_castps_pd(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
    __m256d odd = _mm256_castps_pd(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
    return (struct pair){{_mm256_castpd_ps(_mm256_permute4x64_pd(even, _MM_SHUFFLE(3, 1, 2, 0))),
                          _mm256_castpd_ps(_mm256_permute4x64_pd(odd, _MM_SHUFFLE(3, 1, 2, 0)))}};
}

INLINE float one_f32(const void *w, size_t i)
{
    return ((const float *)w)[i];
}

INLINE float one_bf16(const void *w, size_t i)
{
    return bf16_to_f32(((const uint16_t *)w)[i]);
}

INLINE float sum_of_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* y of `rows` adjacent rows: each x is loaded once for all of them, and each row has two sums so
 * that eight fused adds are under way.  All but w, cols, x, y and far are constants once inlined.
 */
INLINE void tile(const char *w, size_t cols, const float *x, float *y, int rows, bool far,
                 weights_fn *weights, activations_fn *activations, one_fn *one, size_t bytes)
{
    __m256 sum[ROWS][2];
    size_t stride = cols * bytes, c = 0;
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (; c + 2 * LANES <= cols; c += 2 * LANES) {
        struct pair xs = activations(x + c);
        for (int r = 0; r < rows; r++) {
            const char *row = w + (size_t)r * stride;
            if (far)
                _mm_prefetch(row + ROWS_AHEAD * stride + c * bytes, _MM_HINT_T1);
            struct pair ws = weights(row, c);
            sum[r][0] = _mm256_fmadd_ps(ws.v[0], xs.v[0], sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(ws.v[1], xs.v[1], sum[r][1]);
        }
    }
    for (int r = 0; r < rows; r++) {
        float rest = 0;
        for (size_t i = c; i < cols; i++)
            rest += one(w + (size_t)r * stride, i) * x[i];
        y[r] = sum_of_lanes(_mm256_add_ps(sum[r][0], sum[r][1])) + rest;
    }
}

INLINE void all_rows(const char *w, size_t cols, const float *x, float *y, size_t row0, size_t row1,
                     weights_fn *weights, activations_fn *activations, one_fn *one, size_t bytes)
{
    bool far = (row1 - row0) * cols * bytes > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile(w + r * cols * bytes, cols, x, y + r, ROWS, far, weights, activations, one, bytes);
    for (; r < row1; r++)
        tile(w + r * cols * bytes, cols, x, y + r, 1, far, weights, activations, one, bytes);
}

void gemv_f32_avx2(const float *w, size_t cols, const float *x, float *y, size_t row0, size_t row1)
{
    all_rows((const char *)w, cols, x, y, row0, row1, weights_f32, activations_f32, one_f32,
             sizeof *w);
}

void gemv_bf16_avx2(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                    size_t row1)
{
    all_rows((const char *)w, cols, x, y, row0, row1, weights_bf16, activations_bf16, one_bf16,
             sizeof *w);
}
