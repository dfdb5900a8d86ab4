#include "numerics/transforms/hadamard_vec256.h"

enum { RADIX = 2 };

#include "numerics/transforms/hadamard_simd.h"
#include "numerics/transforms/hadamard_textbook.h"

static void mix_by_terms(const struct hadamard *h, float *x)
{
    textbook_mix_row(h, x);
    for (size_t i = 0; i < h->n; i++)
        x[i] *= h->scale;
}

void hadamard_radix2_avx2(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    transform_rows(h, signs, x, rows, mix_by_terms);
}
