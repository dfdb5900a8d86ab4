/* The operations of gemm_i8_simd.h but dots and digit_sums, in AVX-512 F + BW. */
#ifndef NUMERICS_KERNELS_GEMM_I8_512_H
#define NUMERICS_KERNELS_GEMM_I8_512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "numerics/kernels/gemm_i8_kind.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { LANES = 16, TOKENS_AT_ONCE = 8 };

typedef __m512i vec;
typedef __m512 vec_float;

FLATTEN vec v_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

FLATTEN vec v_zero(void)
{
    return _mm512_setzero_si512();
}

FLATTEN vec v_set8(int b)
{
    return _mm512_set1_epi8((char)b);
}

FLATTEN vec v_set32(int32_t n)
{
    return _mm512_set1_epi32(n);
}

FLATTEN vec v_add8(vec a, vec b)
{
    return _mm512_add_epi8(a, b);
}

FLATTEN vec v_add32(vec a, vec b)
{
    return _mm512_add_epi32(a, b);
}

FLATTEN vec v_sub32(vec a, vec b)
{
    return _mm512_sub_epi32(a, b);
}

FLATTEN vec v_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

FLATTEN vec v_average8(vec a, vec b)
{
    return _mm512_avg_epu8(a, b);
}

FLATTEN vec v_less8(vec a, vec b)
{
    return _mm512_subs_epu8(a, b);
}

FLATTEN vec v_shift_left16(vec a, int n)
{
    return n ? _mm512_slli_epi16(a, (unsigned)n) : a;
}

FLATTEN vec v_shift_right16(vec a, int n)
{
    return n ? _mm512_srli_epi16(a, (unsigned)n) : a;
}

FLATTEN vec v_choose_bits(vec m, vec a, vec b)
{
    return _mm512_ternarylogic_epi32(m, a, b, 0xca);
}

FLATTEN vec v_lookup(vec table, vec index)
{
    return _mm512_shuffle_epi8(table, index);
}

FLATTEN vec v_mirror(vec u, vec flags)
{
    __mmask64 k = _mm512_test_epi8_mask(flags, _mm512_set1_epi8(64));
    return _mm512_mask_sub_epi8(u, k, _mm512_set1_epi8((char)128), u);
}

FLATTEN vec v_table(const uint8_t *bytes)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
}

FLATTEN vec_float v_float(vec a)
{
    return _mm512_cvtepi32_ps(a);
}

FLATTEN vec_float vf_zero(void)
{
    return _mm512_setzero_ps();
}

FLATTEN vec_float vf_set(float x)
{
    return _mm512_set1_ps(x);
}

FLATTEN vec_float vf_load(const uint8_t *p)
{
    return _mm512_loadu_ps(p);
}

FLATTEN void vf_store(float *p, vec_float v)
{
    _mm512_storeu_ps(p, v);
}

FLATTEN vec_float vf_multiply(vec_float a, vec_float b)
{
    return _mm512_mul_ps(a, b);
}

FLATTEN vec_float vf_fused(vec_float a, vec_float b, vec_float c)
{
    return _mm512_fmadd_ps(a, b, c);
}

FLATTEN vec_float scale_bf16(const uint8_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* Code 0 is 2^-127, a subnormal number, and code 255 NaN. */
FLATTEN vec_float scale_e8m0(const uint8_t *p)
{
    __m512i code = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
    __m512i bits = _mm512_max_epu32(_mm512_slli_epi32(code, 23), _mm512_set1_epi32(0x00400000));
    __mmask16 nan = _mm512_cmpeq_epi32_mask(code, _mm512_set1_epi32(255));
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(bits, nan, _mm512_set1_epi32(0x7fc00000)));
}

/* As binary16, which has one exponent bit more, hence 2^-8; the code of all ones is NaN. */
FLATTEN vec_float scale_e4m3(const uint8_t *p)
{
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
    __m256i half = _mm256_and_si256(_mm256_slli_epi16(wide, 7), _mm256_set1_epi16((short)0xbfff));
    __m256i magnitude = _mm256_and_si256(half, _mm256_set1_epi16(0x3fff));
    __m256i nan = _mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x3f80));
    return _mm512_cvtph_ps(_mm256_or_si256(half, nan));
}

#endif
