#include "numerics/kernels/quantise_token.h"

#include <immintrin.h>
#include <string.h>

static uint32_t largest_magnitude(const float *x, size_t n)
{
    __m256i largest[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                          _mm256_setzero_si256()};
    __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++) {
            __m256i bits = _mm256_loadu_si256((const __m256i *)(x + i + 8 * k));
            largest[k] = _mm256_max_epu32(largest[k], _mm256_and_si256(bits, magnitude));
        }
    uint32_t lane[8], most = 0;
    _mm256_storeu_si256((__m256i *)lane,
                        _mm256_max_epu32(_mm256_max_epu32(largest[0], largest[1]),
                                         _mm256_max_epu32(largest[2], largest[3])));
    for (size_t k = 0; k < 8; k++)
        most = lane[k] > most ? lane[k] : most;
    for (; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

/* Sixteen elements; the sum of their codes goes to the lanes of *sums. */
static inline void step(const float *x, __m256 scale, int8_t *q, __m256i *sums)
{
    __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), scale));
    __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), scale));
    *sums = _mm256_add_epi32(*sums, _mm256_add_epi32(low, high));
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    _mm_storeu_si128((__m128i *)q, _mm_packs_epi16(_mm256_castsi256_si128(words),
                                                   _mm256_extracti128_si256(words, 1)));
}

static inline int32_t sum_of_lanes(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

float quantise_token_avx2(const float *x, size_t n, size_t padded, size_t block, int8_t *q,
                          int32_t *block_sums, int32_t *sum)
{
    float s = quantise_token_scale(largest_magnitude(x, n)), tail[TOKEN_STEP] = {0};
    size_t valid = s == s ? n : 0, span = block ? block : padded;
    size_t whole = valid / TOKEN_STEP * TOKEN_STEP;
    __m256 scale = _mm256_set1_ps(s);
    memcpy(tail, x + whole, (valid - whole) * sizeof *x);
    *sum = 0;
    for (size_t begin = 0; begin < padded; begin += span) {
        __m256i sums = _mm256_setzero_si256();
        for (size_t i = begin; i < begin + span; i += TOKEN_STEP)
            if (i < whole)
                step(x + i, scale, q + i, &sums);
            else if (i < valid)
                step(tail, scale, q + i, &sums);
            else
                memset(q + i, 0, TOKEN_STEP);
        int32_t total = sum_of_lanes(sums);
        if (block)
            block_sums[begin / block] = total;
        *sum += total;
    }
    return s;
}
