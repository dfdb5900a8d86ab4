#include <immintrin.h>

#include "numerics/kernels/peak.h"

enum { VECTORS = 12, LANES = 16, BYTES = 64 };
_Static_assert(PEAK_CHAINS == VECTORS * LANES && PEAK_BYTES == VECTORS * BYTES, "one pass");

/* The steps are written as instructions, so that none is shared between chains or kept from one
 * step to the next, and nothing but them is in the loop. */
static inline __m512 fma_step(__m512 v, __m512 factor, __m512 addend)
{
    __asm__ volatile("vfmadd213ps %2, %1, %0" : "+v"(v) : "v"(factor), "v"(addend));
    return v;
}

static inline __m512i dot_step(__m512i v, __m512i factor, __m512i weight, __m512i ones)
{
    __m512i products;
    __asm__ volatile("vpmaddubsw %3, %2, %1; vpmaddwd %4, %1, %1; vpaddd %1, %0, %0"
                     : "+v"(v), "=&v"(products)
                     : "v"(factor), "v"(weight), "v"(ones));
    return v;
}

static inline __m512i lookup_step(__m512i v, __m512i entries)
{
    __asm__ volatile("vpshufb %0, %1, %0" : "+v"(v) : "v"(entries));
    return v;
}

double peak_fma_f32_avx512(size_t n, float x, float y)
{
    __m512 v[VECTORS], factor = _mm512_set1_ps(x), addend = _mm512_set1_ps(y);
    __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (int j = 0; j < VECTORS; j++)
        v[j] = _mm512_cvtepi32_ps(_mm512_add_epi32(lane, _mm512_set1_epi32(j * LANES)));
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            v[j] = fma_step(v[j], factor, addend);
    __m512d sum = _mm512_setzero_pd();
    for (int j = 0; j < VECTORS; j++) {
        __m256 high = _mm512_extractf32x8_ps(v[j], 1);
        sum = _mm512_add_pd(sum, _mm512_cvtps_pd(_mm512_castps512_ps256(v[j])));
        sum = _mm512_add_pd(sum, _mm512_cvtps_pd(high));
    }
    return _mm512_reduce_add_pd(sum);
}

uint32_t peak_dot_i8_avx512(size_t n, uint8_t u, int8_t s)
{
    __m512i v[VECTORS], factor = _mm512_set1_epi8((char)u), weight = _mm512_set1_epi8(s);
    __m512i ones = _mm512_set1_epi16(1);
    __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (int j = 0; j < VECTORS; j++)
        v[j] = _mm512_add_epi32(lane, _mm512_set1_epi32(j * LANES));
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            v[j] = dot_step(v[j], factor, weight, ones);
    __m512i sum = _mm512_setzero_si512();
    for (int j = 0; j < VECTORS; j++)
        sum = _mm512_add_epi32(sum, v[j]);
    /* in 64 bits: the intrinsic's last addition of 32-bit lanes is a signed one in C */
    __m512i high = _mm512_srli_epi64(sum, 32), low = _mm512_maskz_mov_epi32(0x5555, sum);
    return (uint32_t)_mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
}

uint32_t peak_lookup_avx512(size_t n, const uint8_t table[16])
{
    __m512i v[VECTORS];
    __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
    __m512i start =
        _mm512_broadcast_i32x4(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    for (int j = 0; j < VECTORS; j++)
        v[j] = start;
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            v[j] = lookup_step(v[j], entries);
    __m512i sum = _mm512_setzero_si512();
    for (int j = 0; j < VECTORS; j++)
        sum = _mm512_add_epi64(sum, _mm512_sad_epu8(v[j], _mm512_setzero_si512()));
    return (uint32_t)_mm512_reduce_add_epi64(sum);
}
