/*
 * Vectors of eight floats for hadamard_simd.h.
 */
#ifndef NUMERICS_TRANSFORMS_HADAMARD_VEC256_H
#define NUMERICS_TRANSFORMS_HADAMARD_VEC256_H

#include <immintrin.h>

enum { LANES = 8 };
typedef __m256 vec;

static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vec_store(float *p, vec x)
{
    _mm256_storeu_ps(p, x);
}

static inline vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) vec vec_swap(vec x, int s)
{
    switch (s) {
    case 1:
        return _mm256_permute_ps(x, 0xB1);
    case 2:
        return _mm256_permute_ps(x, 0x4E);
    default:
        return _mm256_permute2f128_ps(x, x, 0x01);
    }
}

#endif
