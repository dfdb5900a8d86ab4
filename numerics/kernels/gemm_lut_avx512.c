#include <immintrin.h>

enum { LANES = 16, TILES = 4 };

typedef __m512 vec;
typedef __m512i vec_int;

#define v_zero _mm512_setzero_ps
#define v_set1 _mm512_set1_ps
#define v_mul _mm512_mul_ps
#define v_add _mm512_add_ps
#define v_fmadd _mm512_fmadd_ps
#define v_load _mm512_loadu_ps
#define v_store _mm512_storeu_ps
#define v_load_int _mm512_loadu_si512
#define v_shift(v, n) _mm512_srli_epi32(v, (unsigned)(n))
#define v_word(v, i) ((i) ? v_shift(v, 16) : (v))
/* A product's upper half, on pipes that neither shifts nor permutes use (AMD Zen 4): with a shift,
 * 64 weights of 1 bit took 30 % longer. */
#define v_shift_word(v, n)                                                                         \
    ((n) > 0 ? _mm512_mulhi_epu16(v, _mm512_set1_epi16((short)(1 << (16 - (n))))) : (v))
#define v_select(mask, a, b) _mm512_ternarylogic_epi32(_mm512_set1_epi32((int)(mask)), a, b, 0xca)
#define v_keep(v) __asm__ volatile("" : "+v"(v))
#define v_widen_bf16(p)                                                                            \
    _mm512_castsi512_ps(                                                                           \
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p))), 16))
#define v_lookup8 v_lookup16
#define v_lookup16(table, index) _mm512_permutexvar_ps(index, _mm512_loadu_ps(table))
#define v_lookup32(table, index)                                                                   \
    _mm512_permutex2var_ps(_mm512_loadu_ps(table), index, _mm512_loadu_ps((table) + 16))

#include "numerics/kernels/gemm_lut_simd.h"

void gemm_lut_avx512(const struct code_matrix *w, const float *x, size_t m, float *y, size_t row0,
                     size_t row1)
{
    gemm_lut(w, x, m, y, row0, row1);
}
