#include "numerics/kernels/lloyd_pass_simd.h"

void lloyd_pass_avx512(const float *x, size_t n, const float *boundary, size_t levels,
                       struct lloyd_above *above)
{
    lloyd_pass(x, n, boundary, levels, above);
}
