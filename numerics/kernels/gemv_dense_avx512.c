#include <immintrin.h>
#include <stdbool.h>

#include "numerics/kernels/gemv_dense.h"

enum { LANES = 16, ROWS = 8 };

/* Rows that do not fit into L2 are asked for ahead: the next tile's at the same column, so that
 * every byte is asked for once, whatever the length of a row; into L2, as x fills L1.  Rows that
 * fit are there already, and asking would cost a quarter of the speed. */
enum { ROWS_AHEAD = ROWS, L2_BYTES = 1 << 20 };

#define INLINE static inline __attribute__((always_inline))

enum { ALL = 0xffff }; /* lanes; a load of all of them needs no mask */

INLINE __m512 load_f32(const void *w, size_t i, __mmask16 lanes)
{
    const float *from = (const float *)w + i;
    return lanes == ALL ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(lanes, from);
}

INLINE __m512 load_bf16(const void *w, size_t i, __mmask16 lanes)
{
    const uint16_t *from = (const uint16_t *)w + i;
    __m256i narrow = lanes == ALL ? _mm256_loadu_si256((const __m256i *)from)
                                  : _mm256_maskz_loadu_epi16(lanes, from);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

typedef __m512 load_fn(const void *w, size_t i, __mmask16 lanes);

/* y of `rows` adjacent rows: each x is loaded once for all of them, and each row has two sums so
 * that sixteen fused adds are under way.  rows, load and bytes are constants once inlined. */
INLINE void tile(const char *w, size_t cols, const float *x, float *y, int rows, bool far,
                 load_fn *load, size_t bytes)
{
    __m512 sum[ROWS][2];
    size_t stride = cols * bytes, c = 0;
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (; c + 2 * LANES <= cols; c += 2 * LANES) {
        __m512 x0 = _mm512_loadu_ps(x + c), x1 = _mm512_loadu_ps(x + c + LANES);
        for (int r = 0; r < rows; r++) {
            const char *row = w + (size_t)r * stride;
            for (size_t line = 0; far && line < 2 * LANES * bytes; line += 64)
                _mm_prefetch(row + ROWS_AHEAD * stride + c * bytes + line, _MM_HINT_T1);
            sum[r][0] = _mm512_fmadd_ps(load(row, c, ALL), x0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(load(row, c + LANES, ALL), x1, sum[r][1]);
        }
    }
    for (; c < cols; c += LANES) {
        __mmask16 lanes = cols - c < LANES ? (__mmask16)((1u << (cols - c)) - 1) : ALL;
        __m512 x0 = _mm512_maskz_loadu_ps(lanes, x + c);
        for (int r = 0; r < rows; r++)
            sum[r][0] = _mm512_fmadd_ps(load(w + (size_t)r * stride, c, lanes), x0, sum[r][0]);
    }
    for (int r = 0; r < rows; r++)
        y[r] = _mm512_reduce_add_ps(_mm512_add_ps(sum[r][0], sum[r][1]));
}

void gemv_f32_avx512(const float *w, size_t cols, const float *x, float *y, size_t row0,
                     size_t row1)
{
    bool far = (row1 - row0) * cols * sizeof *w > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile((const char *)(w + r * cols), cols, x, y + r, ROWS, far, load_f32, sizeof *w);
    for (; r < row1; r++)
        tile((const char *)(w + r * cols), cols, x, y + r, 1, far, load_f32, sizeof *w);
}

void gemv_bf16_avx512(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                      size_t row1)
{
    bool far = (row1 - row0) * cols * sizeof *w > L2_BYTES;
    size_t r = row0;
    for (; r + ROWS <= row1; r += ROWS)
        tile((const char *)(w + r * cols), cols, x, y + r, ROWS, far, load_bf16, sizeof *w);
    for (; r < row1; r++)
        tile((const char *)(w + r * cols), cols, x, y + r, 1, far, load_bf16, sizeof *w);
}
