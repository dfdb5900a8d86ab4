#include <immintrin.h>
#include <stdint.h>

#define FLATTEN static inline __attribute__((always_inline))

enum { LANES = 64 };
typedef __m512i vec;

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

FLATTEN vec v_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

FLATTEN vec v_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

FLATTEN vec v_shift_right16(vec a, int n)
{
    return _mm512_srli_epi16(a, (unsigned)n);
}

FLATTEN vec v_table(const uint8_t *bytes)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
}

FLATTEN vec v_lookup(vec table, vec index)
{
    return _mm512_shuffle_epi8(table, index);
}

FLATTEN vec v_unpack_low(vec a, vec b)
{
    return _mm512_unpacklo_epi8(a, b);
}

FLATTEN vec v_unpack_high(vec a, vec b)
{
    return _mm512_unpackhi_epi8(a, b);
}

FLATTEN vec v_sub8(vec a, vec b)
{
    return _mm512_sub_epi8(a, b);
}

FLATTEN vec v_add16(vec a, vec b)
{
    return _mm512_add_epi16(a, b);
}

FLATTEN vec v_bit(vec bytes, int j)
{
    return _mm512_movm_epi8(_mm512_test_epi8_mask(bytes, _mm512_set1_epi8((char)(1 << j))));
}

FLATTEN vec v_one_two(vec a)
{
    return _mm512_maddubs_epi16(_mm512_set1_epi16(0x0201), a);
}

FLATTEN void v_add_words(int32_t *sum, vec a)
{
    vec low = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(a));
    vec high = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(a, 1));
    _mm512_storeu_si512(sum, _mm512_add_epi32(_mm512_loadu_si512(sum), low));
    _mm512_storeu_si512(sum + 16, _mm512_add_epi32(_mm512_loadu_si512(sum + 16), high));
}

#include "numerics/kernels/ternary_lut_simd.h"

void ternary_tl1_avx512(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                        size_t row0, size_t row1)
{
    all_rows(TL1, w, x, y, row0, row1);
}

void ternary_arrange_tl1_avx512(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl1(tokens, i);
}

void ternary_tl2_avx512(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                        size_t row0, size_t row1)
{
    all_rows(TL2, w, x, y, row0, row1);
}

void ternary_arrange_tl2_avx512(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl2(tokens, i);
}

void ternary_tmac_int16_avx512(const struct ternary_matrix *w, const struct ternary_tokens *x,
                               float *y, size_t row0, size_t row1)
{
    all_rows(TMAC16, w, x, y, row0, row1);
}

void ternary_arrange_tmac_int16_avx512(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tmac_int16(tokens, i);
}

void ternary_tmac_int8_avx512(const struct ternary_matrix *w, const struct ternary_tokens *x,
                              float *y, size_t row0, size_t row1)
{
    all_rows(TMAC8, w, x, y, row0, row1);
}

void ternary_arrange_tmac_int8_avx512(const float *x, struct ternary_tokens *tokens, size_t i)
{
    arrange_tmac_int8(x, tokens, i);
}
