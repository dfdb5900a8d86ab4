#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/gemv_vector.h"

enum { TILES = 4 }; /* whose sums hide each other's latency, and share the columns */

#define FLATTEN static inline __attribute__((always_inline))

struct table {
    __m512 low[SIGN3D8_DIM], high[SIGN3D8_DIM];
};

/* Weight d of 16 rows: the low five bits of a lane choose a magnitude, bit 5 + d is its sign. */
FLATTEN __m512 weights(const struct table *t, __m512i code, unsigned d)
{
    __m512 magnitude = _mm512_permutex2var_ps(t->low[d], code, t->high[d]);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(_mm512_castps_si512(magnitude), _mm512_slli_epi32(code, 26 - d),
                                  _mm512_set1_epi32(INT32_MIN), 0x78)); /* a ^ (b & c) */
}

FLATTEN void tiles_sums(const struct table *t, const uint8_t *at, size_t tile_bytes, size_t cols,
                        const float *x, size_t tiles, __m512 *sum)
{
    for (size_t i = 0; i < tiles; i++)
        sum[i] = _mm512_setzero_ps();
    for (size_t c = 0; c < cols; c += SIGN3D8_DIM, at += SIGN3D8_TILE_ROWS) {
        size_t left = cols - c;
        for (size_t i = 0; i < tiles; i++) {
            __m512i code =
                _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(at + i * tile_bytes)));
            for (unsigned d = 0; d < SIGN3D8_DIM; d++)
                if (d < left)
                    sum[i] = _mm512_fmadd_ps(weights(t, code, d), _mm512_set1_ps(x[c + d]), sum[i]);
        }
    }
}

void gemv_sign3d8_avx512(const struct sign3d8_matrix *w, const float *x, float *y, size_t row0,
                         size_t row1)
{
    size_t tile_bytes = sign3d8_tile_bytes(w->cols);
    struct table t;
    for (size_t d = 0; d < SIGN3D8_DIM; d++) {
        t.low[d] = _mm512_loadu_ps(w->magnitude[d]);
        t.high[d] = _mm512_loadu_ps(w->magnitude[d] + 16);
    }
    for (size_t r = row0, tiles; r < row1; r += tiles * SIGN3D8_TILE_ROWS) {
        const uint8_t *at = w->tiles + r / SIGN3D8_TILE_ROWS * tile_bytes;
        __m512 sum[TILES];
        tiles = row1 - r >= TILES * SIGN3D8_TILE_ROWS ? TILES : 1;
        if (tiles == TILES)
            tiles_sums(&t, at, tile_bytes, w->cols, x, TILES, sum);
        else
            tiles_sums(&t, at, tile_bytes, w->cols, x, 1, sum);
        for (size_t i = 0; i < tiles; i++) {
            size_t left = row1 - r - i * SIGN3D8_TILE_ROWS;
            __mmask16 rows = left < SIGN3D8_TILE_ROWS ? (__mmask16)((1u << left) - 1) : 0xffff;
            _mm512_mask_storeu_ps(y + r + i * SIGN3D8_TILE_ROWS, rows, sum[i]);
        }
    }
}
