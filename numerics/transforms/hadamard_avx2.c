#include "numerics/transforms/hadamard_vec256.h"

enum { RADIX = 8 };

#include "numerics/transforms/hadamard_simd.h"

void hadamard_avx2(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    transform_rows(h, signs, x, rows);
}
