/*
 * Rows of a narrow float that share a binary16 scale: the quantiser of FP6-LLM.
 *
 *   f        a format without infinities and NaN, at most 8 bits (e3m2, e2m3, e2m2, ...)
 *   w        [cols]; a NaN enters no scale and becomes f->nan_code
 *   codes    [cols], one a byte
 *   return   the bits of the scale: max|w| / (largest value of f), computed in f32 and rounded to
 *            binary16, to nearest even, at most 65504.  1 where that is 0, and then all codes are
 *            those of zeros.
 *
 * A code is that of w / scale with the rounded scale, to nearest, a tie to the even code, what is
 * beyond the largest value becoming it; the quotient is one of f32.  The sign of zero is kept.
 * Source: H. Xia et al., FP6-LLM, arXiv 2401.14112; the scale as in its PyTorch port.
 */
#ifndef NUMERICS_FORMATS_FLOAT_ROW_H
#define NUMERICS_FORMATS_FLOAT_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/float_format.h"

uint16_t float_row_quantise(const struct float_format *f, const float *w, size_t cols,
                            uint8_t *codes);

/* The value of a scale's bits. */
float float_row_scale(uint16_t bits);

#endif
