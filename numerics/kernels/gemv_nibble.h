/*
 * Matrix times vector, y = W x, with 4-bit weights that stay packed in memory, and f32 activations.
 *
 *   w        [rows][cols], numerics/kernels/nibble_matrix.h: gemv_lut4 looks each code up in
 *            w->table, gemv_int4 takes it as a two's complement number -8 .. 7
 *   x        [cols], aligned as float
 *   y        [rows]; only row0 .. row1-1 are computed and written, so callers share rows out
 *            among threads.  y overlaps neither w nor x.
 *   result   y[r] = scale * sum over blocks b of s[r][b] * (sum over c in b of value * x[c]);
 *            0 when cols == 0.  NaN and inf propagate.
 *
 * Work: 2 flop a weight, and 1/2 + 2 / block bytes read.  On AVX-512, 16 weights cost a shift (but
 * for one in eight), a permute and a fused add, and a block's scale two operations more: with
 * blocks of 64, and four pipes that take half a vector each (AMD Zen 4), 1.7 cycles.  So a core
 * that gets more than 5 bytes a cycle from memory is bound by these operations.  gemv_int4_avx512
 * looks codes up too, since arithmetic takes as many operations or more; gemv_int4_avx2, whose
 * look-up would take two permutes, computes. Accuracy: a kernel accumulates in f32, in an order of
 * its own, and is within gemv_lut4_bound() (gemv_int4_bound()) of the reference, which accumulates
 * in f64 and rounds once.
 */
#ifndef NUMERICS_KERNELS_GEMV_NIBBLE_H
#define NUMERICS_KERNELS_GEMV_NIBBLE_H

#include "numerics/cpu.h"
#include "numerics/kernels/nibble_matrix.h"

typedef void gemv_nibble_fn(const struct nibble_matrix *w, const float *x, float *y, size_t row0,
                            size_t row1);

gemv_nibble_fn gemv_lut4_ref, gemv_lut4_avx2, gemv_lut4_avx512;
gemv_nibble_fn gemv_int4_ref, gemv_int4_avx2, gemv_int4_avx512;
extern const struct kernel_variant gemv_lut4_variants[], gemv_int4_variants[];

/* The largest distance of y[row] from the reference's.  With n = cols, a term passes through its
 * product, at most n - 1 additions and two scalings, and one rounding of the reference:
 * gamma_f32(n + 3) * sum |weight x| (numerics/kernels/gamma.h).  Each product and each
 * scaled sum (at most one a term) that falls below the normal range adds F32_TINIEST times the
 * scales still to come.
 * INFINITY when a partial sum may overflow, scaled or not, or an operand is not finite. */
double gemv_lut4_bound(const struct nibble_matrix *w, const float *x, size_t row);
double gemv_int4_bound(const struct nibble_matrix *w, const float *x, size_t row);

#endif
