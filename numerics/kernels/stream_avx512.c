#include <immintrin.h>

#include "numerics/kernels/stream.h"

enum { LANES = 16, UNROLL = 4 };

/* The lanes of a last vector of n < LANES elements. */
static inline __mmask16 first_lanes(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

uint32_t stream_read_avx512(const float *x, size_t begin, size_t end)
{
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a; /* XOR has a latency of 1 */
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES) {
        a = _mm512_xor_si512(a, _mm512_loadu_si512(x + i));
        b = _mm512_xor_si512(b, _mm512_loadu_si512(x + i + LANES));
        c = _mm512_xor_si512(c, _mm512_loadu_si512(x + i + 2 * LANES));
        d = _mm512_xor_si512(d, _mm512_loadu_si512(x + i + 3 * LANES));
    }
    for (; i + LANES <= end; i += LANES)
        a = _mm512_xor_si512(a, _mm512_loadu_si512(x + i));
    b = _mm512_xor_si512(b, _mm512_maskz_loadu_epi32(first_lanes(end - i), x + i));
    a = _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
    __m256i v = _mm256_xor_si256(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    __m128i w = _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    w = _mm_xor_si128(w, _mm_shuffle_epi32(w, 0x4E));
    w = _mm_xor_si128(w, _mm_shuffle_epi32(w, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(w);
}

void stream_write_avx512(float *x, float value, size_t begin, size_t end)
{
    __m512 v = _mm512_set1_ps(value);
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES)
        for (int j = 0; j < UNROLL; j++)
            _mm512_storeu_ps(x + i + j * LANES, v);
    for (; i + LANES <= end; i += LANES)
        _mm512_storeu_ps(x + i, v);
    _mm512_mask_storeu_ps(x + i, first_lanes(end - i), v);
}

void stream_triad_avx512(float *a, const float *b, const float *c, float s, size_t begin,
                         size_t end)
{
    __m512 scale = _mm512_set1_ps(s);
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES)
        for (int j = 0; j < UNROLL; j++) {
            __m512 product = _mm512_mul_ps(scale, _mm512_loadu_ps(c + i + j * LANES));
            _mm512_storeu_ps(a + i + j * LANES,
                             _mm512_add_ps(_mm512_loadu_ps(b + i + j * LANES), product));
        }
    for (; i < end; i += LANES) {
        __mmask16 lanes = i + LANES <= end ? 0xFFFF : first_lanes(end - i);
        __m512 product = _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(lanes, c + i));
        _mm512_mask_storeu_ps(a + i, lanes,
                              _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, b + i), product));
    }
}
