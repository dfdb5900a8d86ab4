#include "numerics/kernels/gemm_fp6.h"

#include <math.h>

#include "numerics/formats/float_row.h"
#include "numerics/kernels/gamma.h"

const struct kernel_variant gemm_fp6_cvt_variants[] = {
    KERNEL(gemm_fp6, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_fp6_cvt, avx2, CPU_AVX2), /* numerics/kernels/gemm_fp6_avx2.c */
    KERNEL(gemm_fp6_cvt, avx512, CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant gemm_fp6_lut_variants[] = {
    KERNEL(gemm_fp6, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_fp6_cvt, avx2, CPU_AVX2),
    KERNEL(gemm_fp6_lut, avx512, CPU_AVX512), /* numerics/kernels/gemm_fp6_avx512.c */
#endif
    {0},
};

const struct kernel_variant gemm_fp6_lanes_variants[] = {
    KERNEL(gemm_fp6, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_fp6_lanes, avx2, CPU_AVX2), /* numerics/kernels/gemm_fp6_lanes_avx2.c */
    KERNEL(gemm_fp6_lanes, avx512, CPU_AVX512),
#endif
    {0},
};

void gemm_fp6_ref(const struct fp6_matrix *w, const float *x, size_t m, float *y, size_t row0,
                  size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double scale = float_row_scale(fp6_scale_bits(w, r));
        for (size_t t = 0; t < m; t++) {
            double sum = 0;
            for (size_t c = 0; c < w->cols; c++)
                sum += (double)w->value[fp6_code(w, r, c)] * x[t * w->cols + c];
            y[t * w->rows + r] = (float)(scale * sum);
        }
    }
}

double gemm_fp6_bound(const struct fp6_matrix *w, const float *x, size_t row)
{
    double scale = float_row_scale(fp6_scale_bits(w, row)), terms = 0;
    for (size_t c = 0; c < w->cols; c++)
        terms += fabs((double)w->value[fp6_code(w, row, c)] * x[c]);
    if (!(terms < FLT_MAX / 2 && scale * terms < FLT_MAX / 2))
        return INFINITY;
    return gamma_f32(w->cols + 2) * scale * terms +
           (scale * 0x1p14 * (double)w->cols + 1) * F32_TINIEST;
}
