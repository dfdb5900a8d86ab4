#include <immintrin.h>
#include <stdbool.h>

#include "numerics/kernels/gemv_dense.h"

enum { LANES = 16, ROWS = 8 };

/* Rows that do not fit into L2 are asked for ahead: the next tile's at the same column, so that
 * every byte is asked for once, whatever the length of a row; into L2, as x fills L1.  Rows that
 * fit are there already, and asking would cost a quarter of the speed. */
enum { ROWS_AHEAD = ROWS, L2_BYTES = 1 << 20 };

#define INLINE static inline __attribute__((always_inline))

struct pair {
    __m512 v[2];
};

/* 2 * LANES weights of a row, and the activations in the order that the weights come in. */
typedef struct pair weights_fn(const void *w, size_t i);
typedef struct pair activations_fn(const float *x);
/* The last weights of a row, in their own order; zeros beyond. */
typedef __m512 last_fn(const void *w, size_t i, __mmask16 lanes);

INLINE struct pair weights_f32(const void *w, size_t i)
{
    const float *from = (const float *)w + i;
    return (struct pair){{_mm512_loadu_ps(from), _mm512_loadu_ps(from + LANES)}};
}

INLINE struct pair activations_f32(const float *x)
{
    return weights_f32(x, 0);
}

INLINE __m512 last_f32(const void *w, size_t i, __mmask16 lanes)
{
    return _mm512_maskz_loadu_ps(lanes, (const float *)w + i);
}

/* The even columns and the odd ones: a shift and a mask widen what one load brings, where columns
 * in their order cost two loads and two shuffles more.  x pays for it once for all rows. */
INLINE struct pair weights_bf16(const void *w, size_t i)
{
    __m512i two = _mm512_loadu_si512((const uint16_t *)w + i);
    __m512i odd = _mm512_and_si512(two, _mm512_set1_epi32((int)0xffff0000));
    return (struct pair){
        {_mm512_castsi512_ps(_mm512_slli_epi32(two, 16)), _mm512_castsi512_ps(odd)}};
}

INLINE struct pair activations_bf16(const float *x)
{
    __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + LANES);
    return (struct pair){
        {_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high)}};
}

INLINE __m512 last_bf16(const void *w, size_t i, __mmask16 lanes)
{
    __m256i narrow = _mm256_maskz_loadu_epi16(lanes, (const uint16_t *)w + i);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

/* y of `rows` adjacent rows: each x is loaded once for all of them, and each row has two sums so
 * that sixteen fused adds are under way.  All but w, cols, x, y and far are constants once inlined.
 */
INLINE void tile(const char *w, size_t cols, const float *x, float *y, int rows, bool far,
                 weights_fn *weights, activations_fn *activations, last_fn *last, size_t bytes)
{
    __m512 sum[ROWS][2];
    size_t stride = cols * bytes, c = 0;
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (; c + 2 * LANES <= cols; c += 2 * LANES) {
        struct pair xs = activations(x + c);
        for (int r = 0; r < rows; r++) {
            const char *row = w + (size_t)r * stride;
            for (size_t line = 0; far && line < 2 * LANES * bytes; line += 64)
                _mm_prefetch(row + ROWS_AHEAD * stride + c * bytes + line, _MM_HINT_T1);
            struct pair ws = weights(row, c);
            sum[r][0] = _mm512_fmadd_ps(ws.v[0], xs.v[0], sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(ws.v[1], xs.v[1], sum[r][1]);
        }
    }
    for (; c < cols; c += LANES) {
        __mmask16 lanes = cols - c < LANES ? (__mmask16)((1u << (cols - c)) - 1) : 0xffff;
        __m512 xs = _mm512_maskz_loadu_ps(lanes, x + c);
        for (int r = 0; r < rows; r++)
            sum[r][0] = _mm512_fmadd_ps(last(w + (size_t)r * stride, c, lanes), xs, sum[r][0]);
    }
    for (int r = 0; r < rows; r++)
        y[r] = _mm512_reduce_add_ps(_mm512_add_ps(sum[r][0], sum[r][1]));
}

INLINE void all_rows(const char *w, size_t cols, const float *x, float *y, size_t row0, size_t row1,
                     weights_fn *weights, activations_fn *activations, last_fn *last, size_t bytes)
{
    bool far = (row1 - row0) * cols * bytes > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile(w + r * cols * bytes, cols, x, y + r, ROWS, far, weights, activations, last, bytes);
    for (; r < row1; r++)
        tile(w + r * cols * bytes, cols, x, y + r, 1, far, weights, activations, last, bytes);
}

void gemv_f32_avx512(const float *w, size_t cols, const float *x, float *y, size_t row0,
                     size_t row1)
{
    all_rows((const char *)w, cols, x, y, row0, row1, weights_f32, activations_f32, last_f32,
             sizeof *w);
}

void gemv_bf16_avx512(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                      size_t row1)
{
    all_rows((const char *)w, cols, x, y, row0, row1, weights_bf16, activations_bf16, last_bf16,
             sizeof *w);
}
