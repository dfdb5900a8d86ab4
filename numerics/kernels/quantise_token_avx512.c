#include "numerics/kernels/quantise_token.h"

#include <immintrin.h>

static inline __mmask16 first(size_t n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

static uint32_t largest_magnitude(const float *x, size_t n)
{
    __m512i largest[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                          _mm512_setzero_si512()};
    __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++)
            largest[k] = _mm512_max_epu32(
                largest[k], _mm512_and_si512(_mm512_loadu_si512(x + i + 16 * k), magnitude));
    for (; i < n; i += 16)
        largest[0] = _mm512_max_epu32(
            largest[0], _mm512_and_si512(_mm512_maskz_loadu_epi32(first(n - i), x + i), magnitude));
    return _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_max_epu32(largest[0], largest[1]),
                                                    _mm512_max_epu32(largest[2], largest[3])));
}

/* Sixteen elements, those that the mask lacks as 0 (where the scale is NaN, a product with 0 is
 * not); the sum of their codes goes to the lanes of *sums. */
static inline void step(const float *x, __mmask16 mask, __m512 scale, int8_t *q, __m512i *sums)
{
    __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x), scale);
    __m512i rounded = _mm512_maskz_cvtps_epi32(mask, v);
    *sums = _mm512_add_epi32(*sums, rounded);
    _mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(rounded));
}

float quantise_token_avx512(const float *x, size_t n, size_t padded, size_t block, int8_t *q,
                            int32_t *block_sums, int32_t *sum)
{
    float s = quantise_token_scale(largest_magnitude(x, n));
    size_t valid = s == s ? n : 0, span = block ? block : padded;
    __m512 scale = _mm512_set1_ps(s);
    *sum = 0;
    for (size_t begin = 0; begin < padded; begin += span) {
        __m512i sums = _mm512_setzero_si512();
        size_t i = begin;
        for (; i < begin + span && i + TOKEN_STEP <= valid; i += TOKEN_STEP)
            step(x + i, 0xffff, scale, q + i, &sums);
        for (; i < begin + span; i += TOKEN_STEP)
            step(x + i, i < valid ? first(valid - i) : 0, scale, q + i, &sums);
        int32_t total = _mm512_reduce_add_epi32(sums);
        if (block)
            block_sums[begin / block] = total;
        *sum += total;
    }
    return s;
}
