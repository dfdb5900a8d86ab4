/*
 * The transform as its definition says it, for the reference and for the compiler's vectoriser.
 */
#ifndef NUMERICS_TRANSFORMS_HADAMARD_TEXTBOOK_H
#define NUMERICS_TRANSFORMS_HADAMARD_TEXTBOOK_H

#include "numerics/transforms/hadamard.h"

/* S_p x, natural order: S_{2s} = [[S_s, S_s], [S_s, -S_s]]. */
static inline void textbook_butterflies(float *x, size_t p)
{
    for (size_t stride = 1; stride < p; stride *= 2)
        for (size_t block = 0; block < p; block += 2 * stride)
            for (size_t i = block; i < block + stride; i++) {
                float a = x[i], b = x[i + stride];
                x[i] = a + b;
                x[i + stride] = a - b;
            }
}

enum { TEXTBOOK_WIDTH = 16 }; /* positions that the vectoriser handles together */

/* B_k across the k blocks for positions 0..width-1 of each block. */
static inline void textbook_mix_some(const struct hadamard *h, float *x, size_t width)
{
    float in[HADAMARD_MAX_BASE][TEXTBOOK_WIDTH];
    for (size_t l = 0; l < h->k; l++)
        for (size_t i = 0; i < width; i++)
            in[l][i] = x[l * h->p + i];
    for (size_t j = 0; j < h->k; j++) {
        float sum[TEXTBOOK_WIDTH] = {0};
        for (size_t l = 0; l < h->k; l++)
            for (size_t i = 0; i < width; i++)
                sum[i] += (float)h->base[j * h->k + l] * in[l][i];
        for (size_t i = 0; i < width; i++)
            x[j * h->p + i] = sum[i];
    }
}

/* B_k across the k blocks of one row. */
static inline void textbook_mix_row(const struct hadamard *h, float *x)
{
    for (size_t i = 0; i < h->p; i += TEXTBOOK_WIDTH)
        textbook_mix_some(h, x + i, h->p - i < TEXTBOOK_WIDTH ? h->p - i : TEXTBOOK_WIDTH);
}

static inline void textbook_rows(const struct hadamard *h, const float *signs, float *x,
                                 size_t rows)
{
    for (size_t r = 0; r < rows; r++, x += h->n) {
        for (size_t i = 0; signs && i < h->n; i++)
            x[i] *= signs[i];
        for (size_t l = 0; l < h->k; l++)
            textbook_butterflies(x + l * h->p, h->p);
        if (h->k > 1)
            textbook_mix_row(h, x);
        for (size_t i = 0; i < h->n; i++)
            x[i] *= h->scale;
    }
}

#endif
