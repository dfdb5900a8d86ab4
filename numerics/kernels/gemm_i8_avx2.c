#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "numerics/kernels/gemm_i8_kind.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { LANES = 8, TOKENS_AT_ONCE = 4 };

typedef __m256i vec;
typedef __m256 vec_float;

FLATTEN vec v_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

FLATTEN vec v_zero(void)
{
    return _mm256_setzero_si256();
}

FLATTEN vec v_set8(int b)
{
    return _mm256_set1_epi8((char)b);
}

FLATTEN vec v_set32(int32_t n)
{
    return _mm256_set1_epi32(n);
}

FLATTEN vec v_add8(vec a, vec b)
{
    return _mm256_add_epi8(a, b);
}

FLATTEN vec v_add32(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

FLATTEN vec v_sub32(vec a, vec b)
{
    return _mm256_sub_epi32(a, b);
}

FLATTEN vec v_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

FLATTEN vec v_average8(vec a, vec b)
{
    return _mm256_avg_epu8(a, b);
}

FLATTEN vec v_less8(vec a, vec b)
{
    return _mm256_subs_epu8(a, b);
}

FLATTEN vec v_shift_left16(vec a, int n)
{
    return n ? _mm256_slli_epi16(a, n) : a;
}

FLATTEN vec v_shift_right16(vec a, int n)
{
    return n ? _mm256_srli_epi16(a, n) : a;
}

FLATTEN vec v_lookup(vec table, vec index)
{
    return _mm256_shuffle_epi8(table, index);
}

FLATTEN vec_float v_float(vec a)
{
    return _mm256_cvtepi32_ps(a);
}

FLATTEN vec_float vf_zero(void)
{
    return _mm256_setzero_ps();
}

FLATTEN vec_float vf_set(float x)
{
    return _mm256_set1_ps(x);
}

FLATTEN vec_float vf_load(const uint8_t *p)
{
    return _mm256_loadu_ps((const float *)p);
}

FLATTEN void vf_store(float *p, vec_float v)
{
    _mm256_storeu_ps(p, v);
}

FLATTEN vec_float vf_multiply(vec_float a, vec_float b)
{
    return _mm256_mul_ps(a, b);
}

FLATTEN vec_float vf_fused(vec_float a, vec_float b, vec_float c)
{
    return _mm256_fmadd_ps(a, b, c);
}

FLATTEN vec v_choose_bits(vec m, vec a, vec b)
{
    return _mm256_or_si256(_mm256_and_si256(m, a), _mm256_andnot_si256(m, b));
}

FLATTEN vec v_mirror(vec u, vec flags)
{
    __m256i mirrored = _mm256_sub_epi8(_mm256_set1_epi8((char)128), u);
    return _mm256_blendv_epi8(u, mirrored, _mm256_add_epi8(flags, flags));
}

FLATTEN vec v_table(const uint8_t *bytes)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
}

FLATTEN vec_float scale_bf16(const uint8_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

/* Code 0 is 2^-127, a subnormal number, and code 255 NaN. */
FLATTEN vec_float scale_e8m0(const uint8_t *p)
{
    __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    __m256i bits = _mm256_max_epu32(_mm256_slli_epi32(code, 23), _mm256_set1_epi32(0x00400000));
    __m256i nan = _mm256_cmpeq_epi32(code, _mm256_set1_epi32(255));
    return _mm256_castsi256_ps(_mm256_or_si256(bits, nan));
}

/* As binary16, which has one exponent bit more, hence 2^-8; the code of all ones is NaN. */
FLATTEN vec_float scale_e4m3(const uint8_t *p)
{
    __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)p));
    __m128i half = _mm_and_si128(_mm_slli_epi16(wide, 7), _mm_set1_epi16((short)0xbfff));
    __m128i magnitude = _mm_and_si128(half, _mm_set1_epi16(0x3fff));
    __m128i nan = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x3f80));
    return _mm256_cvtph_ps(_mm_or_si128(half, nan));
}

FLATTEN vec v_four(const int8_t *q)
{
    int32_t dword;
    memcpy(&dword, q, sizeof dword);
    return _mm256_set1_epi32(dword);
}

FLATTEN vec v_pairs(vec u, vec s)
{
    return _mm256_maddubs_epi16(u, s);
}

FLATTEN vec v_add16(vec a, vec b)
{
    return _mm256_add_epi16(a, b);
}

FLATTEN vec v_widen(vec a, int n)
{
    return _mm256_madd_epi16(a, _mm256_set1_epi16((short)n));
}

#include "numerics/kernels/gemm_i8_words.h"

#include "numerics/kernels/gemm_i8_simd.h"

void gemm_i8_avx2(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                  size_t row0, size_t row1)
{
    any_format(w, x, y, row0, row1);
}
