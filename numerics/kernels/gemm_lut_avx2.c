#include <immintrin.h>
#include <stdint.h>

enum { LANES = 8, TILES = 1 };

typedef __m256 vec;
typedef __m256i vec_int;

#define v_zero _mm256_setzero_ps
#define v_set1 _mm256_set1_ps
#define v_mul _mm256_mul_ps
#define v_add _mm256_add_ps
#define v_fmadd _mm256_fmadd_ps
#define v_load _mm256_loadu_ps
#define v_store _mm256_storeu_ps
#define v_load_int(p) _mm256_loadu_si256((const __m256i *)(p))
#define v_shift _mm256_srli_epi32
#define v_word(v, i) ((i) ? v_shift(v, 16) : (v))
#define v_shift_word v_shift
#define v_keep(v) __asm__ volatile("" : "+x"(v))
#define v_widen_bf16(p)                                                                            \
    _mm256_castsi256_ps(                                                                           \
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p))), 16))
#define v_lookup8(table, index) _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index)

static inline __m256i v_select(uint32_t mask, __m256i a, __m256i b)
{
    __m256i m = _mm256_set1_epi32((int)mask);
    return _mm256_or_si256(_mm256_and_si256(m, a), _mm256_andnot_si256(m, b));
}

/* a where bit `bit` of a lane of the index is 0, else b: the bit goes to the sign to be seen. */
static inline __m256 choose(__m256 a, __m256 b, __m256i index, int bit)
{
    return _mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_slli_epi32(index, 31 - bit)));
}

static inline __m256 v_lookup16(const float *table, __m256i index)
{
    return choose(v_lookup8(table, index), v_lookup8(table + 8, index), index, 3);
}

static inline __m256 v_lookup32(const float *table, __m256i index)
{
    return choose(v_lookup16(table, index), v_lookup16(table + 16, index), index, 4);
}

#include "numerics/kernels/gemm_lut_simd.h"

void gemm_lut_avx2(const struct code_matrix *w, const float *x, size_t m, float *y, size_t row0,
                   size_t row1)
{
    gemm_lut(w, x, m, y, row0, row1);
}
