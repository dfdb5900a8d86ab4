#include "numerics/kernels/gemm_i8_512.h"

FLATTEN vec v_four(const int8_t *q)
{
    int32_t dword;
    memcpy(&dword, q, sizeof dword);
    return _mm512_set1_epi32(dword);
}

FLATTEN vec v_pairs(vec u, vec s)
{
    return _mm512_maddubs_epi16(u, s);
}

FLATTEN vec v_add16(vec a, vec b)
{
    return _mm512_add_epi16(a, b);
}

FLATTEN vec v_widen(vec a, int n)
{
    return _mm512_madd_epi16(a, _mm512_set1_epi16((short)n));
}

#include "numerics/kernels/gemm_i8_words.h"

#include "numerics/kernels/gemm_i8_simd.h"

void gemm_i8_avx512(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                    size_t row0, size_t row1)
{
    any_format(w, x, y, row0, row1);
}
