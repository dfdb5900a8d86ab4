#include <immintrin.h>

enum { LANES = 8, ROWS = 2, TOKENS = 4 };
#define GEMV gemv_bf16_avx2

typedef __m256 vec;
typedef __m256i vec_int;

#define v_zero _mm256_setzero_ps
#define v_load _mm256_loadu_ps
#define v_store _mm256_storeu_ps
#define v_load_int(p) _mm256_loadu_si256((const __m256i *)(p))
#define v_fmadd _mm256_fmadd_ps
#define v_even(v) _mm256_castsi256_ps(_mm256_slli_epi32(v, 16))
#define v_odd(v) _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32((int)0xffff0000)))
#define v_keep(v) __asm__ volatile("" : "+x"(v))

/* A shuffle takes pairs from each half of both; the permute puts the four quarters in order. */
#define in_order(v)                                                                                \
    _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), _MM_SHUFFLE(3, 1, 2, 0)))
#define v_even_of(a, b) in_order(_mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)))
#define v_odd_of(a, b) in_order(_mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)))

static inline float v_sum(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#include "numerics/kernels/gemm_bf16_simd.h"

void gemm_bf16_avx2(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t m, float *y,
                    size_t row0, size_t row1)
{
    gemm_bf16(w, rows, cols, x, m, y, row0, row1);
}
