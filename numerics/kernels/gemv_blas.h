/*
 * Matrix times vector, y = W x, by the BLAS that is linked (OpenBLAS): what a user would call.  For
 * more than one token it is the library's matrix times matrix.
 *
 *   w [rows][cols] row-major, x [tokens][cols], y [tokens][rows], all f32; each
 *           dimension < 2^31
 *   threads   that the library may use; the caller must not be inside a parallel region
 *
 * Accuracy: within gemv_f32_bound() (numerics/kernels/gemv_dense.h), which holds for any order.
 */
#ifndef NUMERICS_KERNELS_GEMV_BLAS_H
#define NUMERICS_KERNELS_GEMV_BLAS_H

#include <stddef.h>

void gemv_blas_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                   float *y, int threads);

/* The processor whose kernels the library chose, by its own name: "Zen", "SkylakeX". */
const char *gemv_blas_core(void);

#endif
