#include "numerics/kernels/gemv_lut8.h"

#include "numerics/formats/bf16.h"
#include "numerics/kernels/code_matrix.h"
#include "numerics/kernels/gamma.h"
#include "numerics/kernels/gemv_lut8_plain.h"

const struct kernel_variant gemv_lut8_variants[] = {
    KERNEL(gemv_lut8, ref, 0),
    KERNEL(gemv_lut8, portable, 0),
#if defined(__x86_64__)
    KERNEL(gemv_lut8, avx2, CPU_AVX2),
#endif
    {0},
};

const struct kernel_variant canonical_dequantise_variants[] = {
    KERNEL(canonical_dequantise, ref, 0),
    KERNEL(canonical_dequantise, portable, 0),
#if defined(__x86_64__)
    KERNEL(canonical_dequantise, avx2, CPU_AVX2),
#endif
    {0},
};

static double block_scale(const struct canonical_matrix *w, size_t row, size_t c)
{
    if (!w->block)
        return 1;
    return bf16_to_f32(w->scales[row * ((w->cols + w->block - 1) / w->block) + c / w->block]);
}

static float value(const struct canonical_matrix *w, size_t row, size_t c)
{
    return w->table[canonical_code(w->codes + row * canonical_bytes(w->bits, w->cols), w->bits, c)];
}

void gemv_lut8_ref(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                   size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < w->cols;) {
            double part = 0, scale = block_scale(w, r, c);
            for (size_t end = block_end(w, c); c < end; c++)
                part += (double)value(w, r, c) * x[c];
            sum += scale * part;
        }
        y[r] = (float)(w->scale * sum);
    }
}

double gemv_lut8_bound(const struct canonical_matrix *w, const float *x, size_t row)
{
    struct block_bound bound = {.unit = 1};
    for (size_t c = 0; c < w->cols;) {
        double absolute = 0, scale = block_scale(w, row, c);
        size_t begin = c;
        for (size_t end = block_end(w, c); c < end; c++)
            absolute += fabs((double)value(w, row, c) * x[c]);
        block_bound_add(&bound, absolute, scale, c - begin);
    }
    return block_bound_of(&bound, w->scale, w->cols);
}

void canonical_dequantise_ref(const struct canonical_matrix *w, size_t row0, size_t row1,
                              float *out)
{
    for (size_t r = row0; r < row1; r++)
        for (size_t c = 0; c < w->cols; c++)
            *out++ = (float)(block_scale(w, r, c) * value(w, r, c));
}

void gemv_lut8_portable(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                        size_t row1)
{
    gemv_lut8(w, x, y, row0, row1);
}

void canonical_dequantise_portable(const struct canonical_matrix *w, size_t row0, size_t row1,
                                   float *out)
{
    canonical_dequantise(w, row0, row1, out);
}
