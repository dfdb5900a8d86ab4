/*
 * Matrix times vector, y = W x, with dense weights in f32 or bf16 and f32 activations.
 *
 *   w        [rows][cols], row-major without gaps; bf16 as the upper 16 bits of an f32
 *   x        [cols]
 *   y        [rows]; only row0 .. row1-1 are computed and written, so callers share rows out
 *            among threads.  y overlaps neither w nor x.  Alignment as for the element type.
 *   result   y[r] = sum over c of w[r][c] * x[c]; 0 when cols == 0.  NaN and inf propagate, and
 *            subnormal weights and activations count.
 *
 * Work: 2 flop and 4 (bf16: 2) bytes read for each weight; bound by memory when W exceeds L2.
 * Accuracy: a kernel accumulates in f32, in an order of its own, and is within gemv_f32_bound()
 * (gemv_bf16_bound()) of the exact sum; the reference accumulates in f64 and rounds once.
 */
#ifndef NUMERICS_KERNELS_GEMV_DENSE_H
#define NUMERICS_KERNELS_GEMV_DENSE_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

typedef void gemv_f32_fn(const float *w, size_t cols, const float *x, float *y, size_t row0,
                         size_t row1);
typedef void gemv_bf16_fn(const uint16_t *w, size_t cols, const float *x, float *y, size_t row0,
                          size_t row1);

gemv_f32_fn gemv_f32_ref, gemv_f32_avx2, gemv_f32_avx512;
gemv_bf16_fn gemv_bf16_ref, gemv_bf16_avx2, gemv_bf16_avx512;
extern const struct kernel_variant gemv_f32_variants[], gemv_bf16_variants[];

/* The largest distance of one element of y from the reference's; w is that element's row [cols].
 * A sum of n products passes each term through at most n roundings of the kernel, and one more of
 * the reference: gamma_f32(n + 1) * sum |w x| + (n + 1) * F32_TINIEST (numerics/kernels/gamma.h).
 * INFINITY when a partial sum may overflow or an operand is not finite. */
double gemv_f32_bound(const float *w, const float *x, size_t cols);
double gemv_bf16_bound(const uint16_t *w, const float *x, size_t cols);

#endif
