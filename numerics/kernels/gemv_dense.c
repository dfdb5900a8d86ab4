#include "numerics/kernels/gemv_dense.h"

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gamma.h"

const struct kernel_variant gemv_f32_variants[] = {
    KERNEL(gemv_f32, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_f32, avx2, CPU_AVX2),
    KERNEL(gemv_f32, avx512, CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant gemv_bf16_variants[] = {
    KERNEL(gemv_bf16, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_bf16, avx2, CPU_AVX2),
    KERNEL(gemv_bf16, avx512, CPU_AVX512),
#endif
    {0},
};

void gemv_f32_ref(const float *w, size_t cols, const float *x, float *y, size_t row0, size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < cols; c++)
            sum += (double)w[r * cols + c] * x[c];
        y[r] = (float)sum;
    }
}

void gemv_bf16_ref(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                   size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < cols; c++)
            sum += (double)bf16_to_f32(w[r * cols + c]) * x[c];
        y[r] = (float)sum;
    }
}

static double bound(double absolute, size_t cols)
{
    if (!(absolute < FLT_MAX / 2))
        return INFINITY;
    return gamma_f32(cols + 1) * absolute + (double)(cols + 1) * F32_TINIEST;
}

double gemv_f32_bound(const float *w, const float *x, size_t cols)
{
    double absolute = 0;
    for (size_t c = 0; c < cols; c++)
        absolute += fabs((double)w[c] * x[c]);
    return bound(absolute, cols);
}

double gemv_bf16_bound(const uint16_t *w, const float *x, size_t cols)
{
    double absolute = 0;
    for (size_t c = 0; c < cols; c++)
        absolute += fabs((double)bf16_to_f32(w[c]) * x[c]);
    return bound(absolute, cols);
}
