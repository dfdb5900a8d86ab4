#include "numerics/kernels/gemv_lut8_plain.h"

void gemv_lut8_avx2(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                    size_t row1)
{
    gemv_lut8(w, x, y, row0, row1);
}

void canonical_dequantise_avx2(const struct canonical_matrix *w, size_t row0, size_t row1,
                               float *out)
{
    canonical_dequantise(w, row0, row1, out);
}
