#include <immintrin.h>

#include "numerics/transforms/hadamard.h"

enum { LANES = 16, RADIX = 16 };
typedef __m512 vec;

static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, vec x)
{
    _mm512_storeu_ps(p, x);
}

static inline vec vec_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) vec vec_swap(vec x, int s)
{
    switch (s) {
    case 1:
        return _mm512_permute_ps(x, 0xB1);
    case 2:
        return _mm512_permute_ps(x, 0x4E);
    case 4:
        return _mm512_shuffle_f32x4(x, x, 0xB1);
    default:
        return _mm512_shuffle_f32x4(x, x, 0x4E);
    }
}

#include "numerics/transforms/hadamard_simd.h"

void hadamard_avx512(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    transform_rows(h, signs, x, rows);
}
