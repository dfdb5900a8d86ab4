#include <immintrin.h>

/* Eight rows: with four, binary16 came from DRAM at four fifths of the rate. */
enum { LANES = 16, ROWS = 8 };

typedef __m512 vec;
typedef __m256i bytes;

#define v_zero _mm512_setzero_ps
#define v_set1 _mm512_set1_ps
#define v_add _mm512_add_ps
#define v_mul _mm512_mul_ps
#define v_fmadd _mm512_fmadd_ps
#define v_load _mm512_loadu_ps
#define v_sum _mm512_reduce_add_ps
#define load_bytes(p) _mm_loadu_si128((const __m128i *)(p))
#define v_load_f16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define v_load_i8(p) _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_bytes(p)))
#define v_load_e5m2(p) _mm512_cvtph_ps(_mm256_slli_epi16(_mm256_cvtepu8_epi16(load_bytes(p)), 8))
/* The sign comes along twice, from the extension of the byte; the upper exponent bit loses it. */
#define v_load_e4m3(p)                                                                             \
    _mm512_cvtph_ps(_mm256_and_si256(_mm256_slli_epi16(_mm256_cvtepi8_epi16(load_bytes(p)), 7),    \
                                     _mm256_set1_epi16((short)0xbfff)))
#define b_zero _mm256_setzero_si256
#define b_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define b_max_magnitude(a, b) _mm256_max_epu8(a, _mm256_and_si256(b, _mm256_set1_epi8(127)))
#define b_has_127(b) (_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, _mm256_set1_epi8(127))) != 0)

#include "numerics/kernels/gemv_narrow_simd.h"

void gemv_narrow_avx512(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                        size_t row1)
{
    gemv_narrow(w, x, y, row0, row1);
}
