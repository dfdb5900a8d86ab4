#include "numerics/formats/float_row.h"

#include <math.h>

uint16_t float_row_quantise(const struct float_format *f, const float *w, size_t cols,
                            uint8_t *codes)
{
    const struct float_format *half = float_format_find("fp16");
    float largest = 0;
    for (size_t i = 0; i < cols; i++)
        largest = fmaxf(largest, fabsf(w[i]));
    float exact = largest / float_format_decode(f, f->max_code);
    uint32_t bits = float_format_encode(half, exact, FLOAT_RNE, true, 0);
    float scale = float_format_decode(half, bits);
    for (size_t i = 0; i < cols; i++) {
        float u = scale > 0 || isnan(w[i]) ? w[i] / scale : copysignf(0, w[i]);
        codes[i] = (uint8_t)float_format_encode(f, u, FLOAT_RNE, true, 0);
    }
    return (uint16_t)(scale > 0 ? bits : float_format_encode(half, 1, FLOAT_RNE, true, 0));
}

float float_row_scale(uint16_t bits)
{
    return float_format_decode(float_format_find("fp16"), bits);
}
