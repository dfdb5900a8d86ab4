/*
 * Matrix times m vectors, y = x W^T, with 6-bit floats that stay packed in memory, and f32
 * activations.
 *
 *   w        [rows][cols], numerics/kernels/fp6_matrix.h: gemm_fp6_cvt and gemm_fp6_lut take any
 *            layout but LANES, gemm_fp6_lanes that alone, gemm_fp6_ref every one
 *   x        [m][cols], aligned as float; m >= 1
 *   y        [m][w->rows]; only the columns row0 .. row1-1 are computed and written, so callers
 *            share rows out among threads.  row0 is a multiple of FP6_TILE; row1 is one too, or
 *            w->rows.  y overlaps neither w nor x.
 *   result   y[t][r] = scale[r] * sum over c of value(code[r][c]) * x[t][c]; 0 when cols == 0.  NaN
 *            and inf of x propagate.
 *
 * gemm_fp6_cvt moves a code's sign to bit 15 of a word and the rest below it, so that its exponent
 * stands on the least bits of binary16's: the word as binary16, times 2^(15 - bias), is the code's
 * value, of subnormal codes too, since the instruction converts binary16's subnormals whatever mode
 * the unit is in.  The power of two is left to the row's scale.  gemm_fp6_lut looks the code up in
 * a table of 64 bf16 in two registers; AVX2 has no such look-up, and converts.  gemm_fp6_lanes
 * rotates a column of 16 rows, looks 32 magnitudes up, and joins the sign.
 *
 * Work: 2 m flop a weight, and 3/4 byte read.  Weights are decoded once for 8 tokens.  AVX-512, for
 * 64 weights of planes, beside 4 fused adds a token: 6 operations to put the planes together, and
 * by table 2 look-ups and 4 to widen, by conversion 6 shifts and masks, 2 extractions and 4
 * conversions.  Of lanes, 16 weights cost a rotation, a look-up and one bit operation.  Kernels
 * keep activations, in the order in which they decode, in 128 KiB of stack.
 *
 * Accuracy: a kernel accumulates in f32, in an order of its own, and is within gemm_fp6_bound() of
 * the reference, which accumulates in f64 and rounds once.
 * Source: H. Xia et al., FP6-LLM, arXiv 2401.14112, sec. 5.3 and fig. 6.
 */
#ifndef NUMERICS_KERNELS_GEMM_FP6_H
#define NUMERICS_KERNELS_GEMM_FP6_H

#include "numerics/cpu.h"
#include "numerics/kernels/fp6_matrix.h"

typedef void gemm_fp6_fn(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1);

gemm_fp6_fn gemm_fp6_ref;
gemm_fp6_fn gemm_fp6_cvt_avx2, gemm_fp6_cvt_avx512, gemm_fp6_lut_avx512;
gemm_fp6_fn gemm_fp6_lanes_avx2, gemm_fp6_lanes_avx512;
extern const struct kernel_variant gemm_fp6_cvt_variants[], gemm_fp6_lut_variants[],
    gemm_fp6_lanes_variants[];

/* The largest distance of y[t][row] from the reference's; x is token t's [cols].  With n = cols, a
 * term passes through its product, at most n - 1 additions and one scaling (binary16's product with
 * a power of two is exact), and one rounding of the reference: gamma_f32(n + 2) * sum |weight x|
 * (numerics/kernels/gamma.h).  A product below the normal range, of the value divided by as much as
 * 2^14, adds F32_TINIEST times 2^14 and the scale.
 * INFINITY when a partial sum may overflow, scaled or not, or an operand is not finite. */
double gemm_fp6_bound(const struct fp6_matrix *w, const float *x, size_t row);

#endif
