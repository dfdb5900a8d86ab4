#include "numerics/kernels/gemm_bf16.h"

#include "numerics/kernels/gemv_dense.h"

const struct kernel_variant gemm_bf16_variants[] = {
    KERNEL(gemm_bf16, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_bf16, avx2, CPU_AVX2),
    KERNEL(gemm_bf16, avx512, CPU_AVX512),
#endif
    {0},
};

void gemm_bf16_ref(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t m, float *y,
                   size_t row0, size_t row1)
{
    for (size_t t = 0; t < m; t++)
        gemv_bf16_ref(w, cols, x + t * cols, y + t * rows, row0, row1);
}
