#include <immintrin.h>

#include "numerics/kernels/peak.h"

enum { VECTORS = 12, LANES = 16 };
_Static_assert(PEAK_CHAINS == VECTORS * LANES, "one pass");

/* Written as an instruction, so that nothing but these is in the loop. */
static inline __m512i dot_step(__m512i v, __m512i factor, __m512i weight)
{
    __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(v) : "v"(factor), "v"(weight));
    return v;
}

uint32_t peak_dot_i8_vnni(size_t n, uint8_t u, int8_t s)
{
    __m512i v[VECTORS], factor = _mm512_set1_epi8((char)u), weight = _mm512_set1_epi8(s);
    __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (int j = 0; j < VECTORS; j++)
        v[j] = _mm512_add_epi32(lane, _mm512_set1_epi32(j * LANES));
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < VECTORS; j++)
            v[j] = dot_step(v[j], factor, weight);
    __m512i sum = _mm512_setzero_si512();
    for (int j = 0; j < VECTORS; j++)
        sum = _mm512_add_epi32(sum, v[j]);
    /* in 64 bits: the intrinsic's last addition of 32-bit lanes is a signed one in C */
    __m512i high = _mm512_srli_epi64(sum, 32), low = _mm512_maskz_mov_epi32(0x5555, sum);
    return (uint32_t)_mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
}
