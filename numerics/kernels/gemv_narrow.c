#include "numerics/kernels/gemv_narrow.h"

#include "numerics/formats/float_format.h"
#include "numerics/kernels/gamma.h"

const struct kernel_variant gemv_narrow_variants[] = {
    KERNEL(gemv_narrow, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_narrow, avx2, CPU_AVX2),
    KERNEL(gemv_narrow, avx512, CPU_AVX512),
#endif
    {0},
};

size_t narrow_bytes(enum narrow_format format)
{
    return format == NARROW_F16 ? 2 : 1;
}

static const struct float_format *float_format_of(enum narrow_format format)
{
    return float_format_find(format == NARROW_F16    ? "fp16"
                             : format == NARROW_E4M3 ? "e4m3"
                                                     : "e5m2");
}

/* `values` is float_format_of(), or NULL for the integers. */
static double value(const struct narrow_matrix *w, const struct float_format *values, size_t i)
{
    if (values)
        return float_format_decode(values, w->format == NARROW_F16
                                               ? ((const uint16_t *)w->codes)[i]
                                               : ((const uint8_t *)w->codes)[i]);
    int code = ((const int8_t *)w->codes)[i];
    return w->format == NARROW_MXINT8 ? code / 64.0 : code;
}

static const struct float_format *values_of(const struct narrow_matrix *w)
{
    return w->format < NARROW_INT8 ? float_format_of(w->format) : NULL;
}

static double block_scale(const struct narrow_matrix *w, size_t row, size_t col)
{
    size_t blocks = (w->cols + NARROW_BLOCK - 1) / NARROW_BLOCK;
    return w->exponents ? e8m0_decode(w->exponents[row * blocks + col / NARROW_BLOCK]) : 1;
}

static double row_scale(const struct narrow_matrix *w, size_t row)
{
    return w->row_scales ? w->row_scales[row] : 1;
}

double narrow_weight(const struct narrow_matrix *w, size_t row, size_t col)
{
    return block_scale(w, row, col) * value(w, values_of(w), row * w->cols + col);
}

static size_t block_end(const struct narrow_matrix *w, size_t c)
{
    return w->exponents && w->cols - c > NARROW_BLOCK ? c + NARROW_BLOCK : w->cols;
}

void gemv_narrow_ref(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                     size_t row1)
{
    const struct float_format *values = values_of(w);
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < w->cols;) {
            double part = 0, scale = block_scale(w, r, c);
            for (size_t end = block_end(w, c); c < end; c++)
                part += value(w, values, r * w->cols + c) * x[c];
            sum += scale * part;
        }
        y[r] = (float)(row_scale(w, r) * sum);
    }
}

double gemv_narrow_bound(const struct narrow_matrix *w, const float *x, size_t row)
{
    const struct float_format *values = values_of(w);
    struct block_bound bound = {.unit = 0x1p8};
    for (size_t c = 0; c < w->cols;) {
        double absolute = 0, scale = block_scale(w, row, c);
        size_t begin = c;
        for (size_t end = block_end(w, c); c < end; c++)
            absolute += fabs(value(w, values, row * w->cols + c) * x[c]);
        block_bound_add(&bound, absolute, scale, c - begin);
    }
    return block_bound_of(&bound, row_scale(w, row), w->cols);
}
