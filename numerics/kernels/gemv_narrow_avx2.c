#include <immintrin.h>

enum { LANES = 8, ROWS = 4 };

typedef __m256 vec;
typedef __m256i bytes;

#define v_zero _mm256_setzero_ps
#define v_set1 _mm256_set1_ps
#define v_add _mm256_add_ps
#define v_mul _mm256_mul_ps
#define v_fmadd _mm256_fmadd_ps
#define v_load _mm256_loadu_ps
#define load_bytes(p) _mm_loadl_epi64((const __m128i *)(p))
#define v_load_f16(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define v_load_i8(p) _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_bytes(p)))
#define v_load_e5m2(p) _mm256_cvtph_ps(_mm_slli_epi16(_mm_cvtepu8_epi16(load_bytes(p)), 8))
/* The sign comes along twice, from the extension of the byte; the upper exponent bit loses it. */
#define v_load_e4m3(p)                                                                             \
    _mm256_cvtph_ps(_mm_and_si128(_mm_slli_epi16(_mm_cvtepi8_epi16(load_bytes(p)), 7),             \
                                  _mm_set1_epi16((short)0xbfff)))
#define b_zero _mm256_setzero_si256
#define b_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define b_max_magnitude(a, b) _mm256_max_epu8(a, _mm256_and_si256(b, _mm256_set1_epi8(127)))
#define b_has_127(b) (_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, _mm256_set1_epi8(127))) != 0)

static inline float v_sum(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#include "numerics/kernels/gemv_narrow_simd.h"

void gemv_narrow_avx2(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    gemv_narrow(w, x, y, row0, row1);
}
