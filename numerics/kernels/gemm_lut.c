#include "numerics/kernels/gemm_lut.h"

#include "numerics/kernels/gamma.h"

const struct kernel_variant gemm_lut_variants[] = {
    KERNEL(gemm_lut, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemm_lut, avx2, CPU_AVX2),
    KERNEL(gemm_lut, avx512, CPU_AVX512),
#endif
    {0},
};

static size_t block_end(const struct code_matrix *w, size_t c)
{
    return w->block && w->cols - c > w->block ? c + w->block : w->cols;
}

void gemm_lut_ref(const struct code_matrix *w, const float *x, size_t m, float *y, size_t row0,
                  size_t row1)
{
    for (size_t t = 0; t < m; t++)
        for (size_t r = row0; r < row1; r++) {
            double sum = 0;
            for (size_t c = 0; c < w->cols;) {
                double part = 0, scale = code_block_scale(w, r, c);
                for (size_t end = block_end(w, c); c < end; c++)
                    part += (double)w->table[code_at(w, r, c)] * x[t * w->cols + c];
                sum += scale * part;
            }
            y[t * w->rows + r] = (float)(w->scale * sum);
        }
}

double gemm_lut_bound(const struct code_matrix *w, const float *x, size_t row)
{
    struct block_bound bound = {.unit = 1};
    for (size_t c = 0; c < w->cols;) {
        double absolute = 0, scale = code_block_scale(w, row, c);
        size_t begin = c;
        for (size_t end = block_end(w, c); c < end; c++)
            absolute += fabs((double)w->table[code_at(w, row, c)] * x[c]);
        block_bound_add(&bound, absolute, scale, c - begin);
    }
    return block_bound_of(&bound, w->scale, w->cols);
}
