#include <immintrin.h>

#include "numerics/kernels/nearest_vector.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { WIDTH = 16 };
typedef __m512 lanes;
typedef __m512i places;

FLATTEN lanes load_lanes(const float *x)
{
    return _mm512_loadu_ps(x);
}

FLATTEN places load_places(const int32_t *x)
{
    return _mm512_loadu_si512((const __m512i *)x);
}

FLATTEN void store_lanes(float *x, lanes v)
{
    _mm512_storeu_ps(x, v);
}

FLATTEN void store_places(int32_t *x, places v)
{
    _mm512_storeu_si512((__m512i *)x, v);
}

FLATTEN lanes spread(float x)
{
    return _mm512_set1_ps(x);
}

FLATTEN places next(places at)
{
    return _mm512_add_epi32(at, _mm512_set1_epi32(WIDTH));
}

FLATTEN lanes negative_product(lanes sum, lanes a, lanes b)
{
    return _mm512_sub_ps(sum, _mm512_mul_ps(a, b));
}

FLATTEN void keep_nearer(lanes distance, places at, lanes *least, places *place)
{
    __mmask16 nearer = _mm512_cmp_ps_mask(distance, *least, _CMP_LT_OQ);
    *least = _mm512_mask_mov_ps(*least, nearer, distance);
    *place = _mm512_mask_mov_epi32(*place, nearer, at);
}

#include "numerics/kernels/nearest_vector_simd.h"

void nearest_vector_avx512(const struct nearest_vectors *c, const float *x, size_t count,
                           uint16_t *codes)
{
    nearest_vector(c, x, count, codes);
}
