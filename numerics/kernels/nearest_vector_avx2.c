#include <immintrin.h>

#include "numerics/kernels/nearest_vector.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { WIDTH = 8 };
typedef __m256 lanes;
typedef __m256i places;

FLATTEN lanes load_lanes(const float *x)
{
    return _mm256_loadu_ps(x);
}

FLATTEN places load_places(const int32_t *x)
{
    return _mm256_loadu_si256((const __m256i *)x);
}

FLATTEN void store_lanes(float *x, lanes v)
{
    _mm256_storeu_ps(x, v);
}

FLATTEN void store_places(int32_t *x, places v)
{
    _mm256_storeu_si256((__m256i *)x, v);
}

FLATTEN lanes spread(float x)
{
    return _mm256_set1_ps(x);
}

FLATTEN places next(places at)
{
    return _mm256_add_epi32(at, _mm256_set1_epi32(WIDTH));
}

FLATTEN lanes negative_product(lanes sum, lanes a, lanes b)
{
    return _mm256_sub_ps(sum, _mm256_mul_ps(a, b));
}

FLATTEN void keep_nearer(lanes distance, places at, lanes *least, places *place)
{
    lanes nearer = _mm256_cmp_ps(distance, *least, _CMP_LT_OQ);
    *least = _mm256_blendv_ps(*least, distance, nearer);
    *place = _mm256_blendv_epi8(*place, at, _mm256_castps_si256(nearer));
}

#include "numerics/kernels/nearest_vector_simd.h"

void nearest_vector_avx2(const struct nearest_vectors *c, const float *x, size_t count,
                         uint16_t *codes)
{
    nearest_vector(c, x, count, codes);
}
