/*
 * Matrix times m vectors, y = x W^T, with dense bf16 weights and f32 activations.
 *
 *   w        [rows][cols], row-major without gaps; the upper 16 bits of an f32
 *   x        [m][cols]; m >= 1
 *   y        [m][rows]; only the columns row0 .. row1-1 are computed and written, so callers share
 *            rows out among threads.  y overlaps neither w nor x.  Alignment as for the element
 *            type.
 *   result   y[t][r] = sum over c of w[r][c] * x[t][c]; 0 when cols == 0.  NaN and inf propagate.
 *
 * Work: 2 m flop and 2 bytes read for each weight.  A tile of rows is read from memory once for all
 * tokens, and a weight is widened once for each few of them; m = 1 is gemv_bf16.  The
 * kernels prepare up to 36 tokens' activations at a time in 144 KiB of stack.
 * Accuracy: a kernel accumulates in f32, in an order of its own, and y[t][r] is within
 * gemv_bf16_bound() (numerics/kernels/gemv_dense.h) of row r and token t of the reference, which
 * accumulates in f64 and rounds once.
 */
#ifndef NUMERICS_KERNELS_GEMM_BF16_H
#define NUMERICS_KERNELS_GEMM_BF16_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

typedef void gemm_bf16_fn(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t m,
                          float *y, size_t row0, size_t row1);

gemm_bf16_fn gemm_bf16_ref, gemm_bf16_avx2, gemm_bf16_avx512;
extern const struct kernel_variant gemm_bf16_variants[];

#endif
