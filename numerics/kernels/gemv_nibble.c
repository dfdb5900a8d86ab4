#include "numerics/kernels/gemv_nibble.h"

#include "numerics/kernels/gamma.h"

const struct kernel_variant gemv_lut4_variants[] = {
    KERNEL(gemv_lut4, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_lut4, avx2, CPU_AVX2),
    KERNEL(gemv_lut4, avx512, CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant gemv_int4_variants[] = {
    KERNEL(gemv_int4, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_int4, avx2, CPU_AVX2),
    KERNEL(gemv_int4, avx512, CPU_AVX512),
#endif
    {0},
};

static const float two_s_complement[16] = {0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1};

/* sum of the block's values times x, and the same of the absolute values */
static double block_sum(const uint8_t *packed_row, const float value[16], const float *x, size_t c,
                        size_t end, double *absolute)
{
    double sum = 0;
    for (*absolute = 0; c < end; c++) {
        double term = (double)value[nibble_code(packed_row, c)] * x[c];
        sum += term;
        *absolute += fabs(term);
    }
    return sum;
}

static size_t block_end(const struct nibble_matrix *w, size_t c)
{
    return w->block && w->cols - c > w->block ? c + w->block : w->cols;
}

static void reference(const struct nibble_matrix *w, const float value[16], const float *x,
                      float *y, size_t row0, size_t row1)
{
    size_t row_bytes = nibble_row_bytes(w->cols, w->block);
    for (size_t r = row0; r < row1; r++) {
        double sum = 0, absolute;
        for (size_t c = 0; c < w->cols; c = block_end(w, c))
            sum += nibble_block_scale(w, r, c) *
                   block_sum(w->rows + r * row_bytes, value, x, c, block_end(w, c), &absolute);
        y[r] = (float)(w->scale * sum);
    }
}

void gemv_lut4_ref(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                   size_t row1)
{
    reference(w, w->table, x, y, row0, row1);
}

void gemv_int4_ref(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                   size_t row1)
{
    reference(w, two_s_complement, x, y, row0, row1);
}

static double bound(const struct nibble_matrix *w, const float value[16], const float *x,
                    size_t row)
{
    const uint8_t *packed = w->rows + row * nibble_row_bytes(w->cols, w->block);
    double terms = 0, tiny = 1, largest = 0;
    for (size_t c = 0; c < w->cols; c = block_end(w, c)) {
        size_t end = block_end(w, c);
        double scale = fabs((double)nibble_block_scale(w, row, c)), absolute;
        block_sum(packed, value, x, c, end, &absolute);
        terms += scale * absolute;
        tiny += (scale + 1) * (double)(end - c);
        if (!(absolute <= largest))
            largest = absolute;
    }
    double scaled = fabs((double)w->scale);
    if (!(largest < FLT_MAX / 2 && terms < FLT_MAX / 2 && scaled * terms < FLT_MAX / 2))
        return INFINITY;
    return gamma_f32(w->cols + 3) * scaled * terms + (scaled * tiny + 1) * F32_TINIEST;
}

double gemv_lut4_bound(const struct nibble_matrix *w, const float *x, size_t row)
{
    return bound(w, w->table, x, row);
}

double gemv_int4_bound(const struct nibble_matrix *w, const float *x, size_t row)
{
    return bound(w, two_s_complement, x, row);
}
