#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/stream.h"

enum { LANES = 8, UNROLL = 4 };

static inline __m256i load(const float *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

uint32_t stream_read_avx2(const float *x, size_t begin, size_t end)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a; /* XOR has a latency of 1 */
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES) {
        a = _mm256_xor_si256(a, load(x + i));
        b = _mm256_xor_si256(b, load(x + i + LANES));
        c = _mm256_xor_si256(c, load(x + i + 2 * LANES));
        d = _mm256_xor_si256(d, load(x + i + 3 * LANES));
    }
    a = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
    __m128i w = _mm_xor_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    w = _mm_xor_si128(w, _mm_shuffle_epi32(w, 0x4E));
    w = _mm_xor_si128(w, _mm_shuffle_epi32(w, 0xB1));
    uint32_t all = (uint32_t)_mm_cvtsi128_si32(w);
    for (; i < end; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        all ^= bits;
    }
    return all;
}

void stream_write_avx2(float *x, float value, size_t begin, size_t end)
{
    __m256 v = _mm256_set1_ps(value);
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES)
        for (int j = 0; j < UNROLL; j++)
            _mm256_storeu_ps(x + i + j * LANES, v);
    for (; i < end; i++)
        x[i] = value;
}

void stream_triad_avx2(float *a, const float *b, const float *c, float s, size_t begin, size_t end)
{
    __m256 scale = _mm256_set1_ps(s);
    size_t i = begin;
    for (; i + UNROLL * LANES <= end; i += UNROLL * LANES)
        for (int j = 0; j < UNROLL; j++) {
            __m256 product = _mm256_mul_ps(scale, _mm256_loadu_ps(c + i + j * LANES));
            _mm256_storeu_ps(a + i + j * LANES,
                             _mm256_add_ps(_mm256_loadu_ps(b + i + j * LANES), product));
        }
    for (; i < end; i++)
        a[i] = b[i] + s * c[i];
}
