/*
 * Block-scaled weights (numerics/kernels/mx_encode.h) as formats of the GEMV task: every byte that
 * is read is of packed codes or of 8-bit scales.
 *
 * A gemv_format's spec is the format's name.
 */
#ifndef BENCH_WORKLOADS_GEMV_MX_H
#define BENCH_WORKLOADS_GEMV_MX_H

#include "bench/workloads/gemv.h"

/* "mxfp8-e4m3", "mxfp8-e5m2", "mxint8": f32 activations (numerics/kernels/gemv_narrow.h). */
extern const struct gemv_kernel gemv_mx_narrow;
/* "mxfp4", "nvfp4": 8-bit activations (numerics/kernels/gemm_i8.h), any number of tokens; x is
 * quantised in the timed region. */
extern const struct gemv_kernel gemv_mx_i8;

/* sqrt(sum (w - w')^2 / sum w^2) of the pattern's weights in the format of one of these; NaN
 * without memory. */
double gemv_mx_weight_error(const struct gemv *g);

#endif
