/*
 * Matrix times m vectors, y = x W^T, with 1- to 5-bit codes into a table that stay packed in
 * memory, and f32 activations.
 *
 *   w        [rows][cols], numerics/kernels/code_matrix.h, tiled
 *   x        [m][cols], aligned as float; m >= 1
 *   y        [m][rows]; only the columns row0 .. row1-1 are computed and written, so callers share
 *            rows out among threads, best at multiples of 64.  y overlaps neither w nor x.
 *   result   y[t][r] = scale * sum over blocks b of s[r][b] * (sum over c in b of table[code] *
 *            x[t][c]); 0 when cols == 0.  NaN and inf propagate.
 *
 * Work: 2 m flop a weight, and bits / 8 + 2 / block bytes read.  A vector holds a column of 16
 * rows.  3, 4 and 5 bits: a shift and a permute decode it (once for four tokens), and a fused add a
 * token uses it.  1 and 2 bits: the 16 sums that a nibble of codes (four columns, or two) can give
 * are worked out once a token for all rows, and a nibble costs a shift, and a permute and an add a
 * token, so at 1 bit a core computes at more than its own multiply-add rate.  The kernels keep up
 * to 16 tokens' activations, or sums, in 128 KiB of stack, and read the weights once for these.
 *
 * Accuracy: a kernel accumulates in f32, in an order of its own, and is within gemm_lut_bound() of
 * the reference, which accumulates in f64 and rounds once.
 * Source: tables of partial sums: Wei et al., T-MAC: CPU Renaissance via Table Lookup for Low-Bit
 * LLM Deployment on Edge, arXiv 2407.00088.
 */
#ifndef NUMERICS_KERNELS_GEMM_LUT_H
#define NUMERICS_KERNELS_GEMM_LUT_H

#include "numerics/cpu.h"
#include "numerics/kernels/code_matrix.h"

typedef void gemm_lut_fn(const struct code_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1);

gemm_lut_fn gemm_lut_ref, gemm_lut_avx2, gemm_lut_avx512;
extern const struct kernel_variant gemm_lut_variants[];

/* The largest distance of y[t][row] from the reference's; x is token t's [cols].  With n = cols, a
 * term passes through its product, at most n - 1 additions and two scalings, and one rounding of
 * the reference: gamma_f32(n + 3) * sum |weight x| (numerics/kernels/gamma.h).  Each product and
 * each scaled sum (at most one a term) that falls below the normal range adds F32_TINIEST times the
 * scales still to come.
 * INFINITY when a partial sum may overflow, scaled or not, or an operand is not finite. */
double gemm_lut_bound(const struct code_matrix *w, const float *x, size_t row);

#endif
