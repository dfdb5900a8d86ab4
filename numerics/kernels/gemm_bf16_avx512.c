#include <immintrin.h>

enum { LANES = 16, ROWS = 4, TOKENS = 4 };
#define GEMV gemv_bf16_avx512

typedef __m512 vec;
typedef __m512i vec_int;

#define v_zero _mm512_setzero_ps
#define v_load _mm512_loadu_ps
#define v_store _mm512_storeu_ps
#define v_load_int _mm512_loadu_si512
#define v_fmadd _mm512_fmadd_ps
#define v_sum _mm512_reduce_add_ps
#define v_even(v) _mm512_castsi512_ps(_mm512_slli_epi32(v, 16))
#define v_odd(v) _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32((int)0xffff0000)))
#define v_keep(v) __asm__ volatile("" : "+v"(v))

static inline __m512 v_even_of(__m512 a, __m512 b)
{
    __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, even, b);
}

static inline __m512 v_odd_of(__m512 a, __m512 b)
{
    __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_ps(a, odd, b);
}

#include "numerics/kernels/gemm_bf16_simd.h"

void gemm_bf16_avx512(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t m,
                      float *y, size_t row0, size_t row1)
{
    gemm_bf16(w, rows, cols, x, m, y, row0, row1);
}
