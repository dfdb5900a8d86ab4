#include <immintrin.h>
#include <stdint.h>

#define FLATTEN static inline __attribute__((always_inline))

enum { LANES = 32 };
typedef __m256i vec;

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

FLATTEN vec v_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

FLATTEN vec v_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

FLATTEN vec v_shift_right16(vec a, int n)
{
    return _mm256_srli_epi16(a, n);
}

FLATTEN vec v_table(const uint8_t *bytes)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
}

FLATTEN vec v_lookup(vec table, vec index)
{
    return _mm256_shuffle_epi8(table, index);
}

FLATTEN vec v_unpack_low(vec a, vec b)
{
    return _mm256_unpacklo_epi8(a, b);
}

FLATTEN vec v_unpack_high(vec a, vec b)
{
    return _mm256_unpackhi_epi8(a, b);
}

FLATTEN vec v_sub8(vec a, vec b)
{
    return _mm256_sub_epi8(a, b);
}

FLATTEN vec v_add16(vec a, vec b)
{
    return _mm256_add_epi16(a, b);
}

FLATTEN vec v_bit(vec bytes, int j)
{
    vec bit = _mm256_set1_epi8((char)(1 << j));
    return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

FLATTEN vec v_one_two(vec a)
{
    return _mm256_maddubs_epi16(_mm256_set1_epi16(0x0201), a);
}

FLATTEN void v_add_words(int32_t *sum, vec a)
{
    __m256i *s = (__m256i *)sum;
    vec low = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(a));
    vec high = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1));
    _mm256_storeu_si256(s, _mm256_add_epi32(_mm256_loadu_si256(s), low));
    _mm256_storeu_si256(s + 1, _mm256_add_epi32(_mm256_loadu_si256(s + 1), high));
}

#include "numerics/kernels/ternary_lut_simd.h"

void ternary_tl1_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    all_rows(TL1, w, x, y, row0, row1);
}

void ternary_arrange_tl1_avx2(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl1(tokens, i);
}

void ternary_tl2_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    all_rows(TL2, w, x, y, row0, row1);
}

void ternary_arrange_tl2_avx2(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl2(tokens, i);
}

void ternary_tmac_int16_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x,
                             float *y, size_t row0, size_t row1)
{
    all_rows(TMAC16, w, x, y, row0, row1);
}

void ternary_arrange_tmac_int16_avx2(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tmac_int16(tokens, i);
}

void ternary_tmac_int8_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x,
                            float *y, size_t row0, size_t row1)
{
    all_rows(TMAC8, w, x, y, row0, row1);
}

void ternary_arrange_tmac_int8_avx2(const float *x, struct ternary_tokens *tokens, size_t i)
{
    arrange_tmac_int8(x, tokens, i);
}
