/*
 * Matrix times vector, y = W x, with dense 8- and 16-bit weights and f32 activations.
 *
 *   w        [rows][cols], row-major without gaps, with a scale of each row (f32), or of each 32
 *            columns of a row (E8M0), or none
 *   x        [cols], aligned as float
 *   y        [rows]; only row0 .. row1-1 are computed and written, so callers share rows out
 *            among threads.  y overlaps neither w nor x.
 *   result   y[r] = row_scales[r] * sum over blocks b of 2^(exponents[r][b] - 127) *
 *            (sum over c in b of value(code) * x[c]); 0 when cols == 0, unless a scale is NaN.
 *            NaN and inf propagate, those of the codes too; an exponent of 255 is NaN.
 *
 * The values of the codes are those of numerics/formats/float_format.h for NARROW_F16,
 * NARROW_E4M3 (OCP, without inf) and NARROW_E5M2, the number itself for NARROW_INT8, and code / 64
 * for NARROW_MXINT8.
 *
 * Work: 2 flop a weight, and 1 or 2 bytes read with 1/32 for exponents.
 * Accuracy: a kernel accumulates in f32, in an order of its own, and is within
 * gemv_narrow_bound() of the reference, which accumulates in f64 and rounds once.
 * Source: OCP Microscaling Formats 1.0 (MXFP8, MXINT8).
 */
#ifndef NUMERICS_KERNELS_GEMV_NARROW_H
#define NUMERICS_KERNELS_GEMV_NARROW_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

enum { NARROW_BLOCK = 32 };
enum narrow_format { NARROW_F16, NARROW_E4M3, NARROW_E5M2, NARROW_INT8, NARROW_MXINT8 };

struct narrow_matrix {
    const void *codes; /* borrowed, aligned as its elements; so are the others */
    enum narrow_format format;
    size_t cols;
    const float *row_scales;  /* [rows]; NULL: all 1 */
    const uint8_t *exponents; /* [rows][ceil(cols / 32)], E8M0; NULL: all 127 */
};

typedef void gemv_narrow_fn(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                            size_t row1);

gemv_narrow_fn gemv_narrow_ref, gemv_narrow_avx2, gemv_narrow_avx512;
extern const struct kernel_variant gemv_narrow_variants[];

/* Bytes of a code: 2 for NARROW_F16, else 1. */
size_t narrow_bytes(enum narrow_format format);

/* The weight at (row, col) without the row's scale. */
double narrow_weight(const struct narrow_matrix *w, size_t row, size_t col);

/* The largest distance of y[row] from the reference's.  With n = cols, a term passes through its
 * product, at most n - 1 additions and two scalings, and one rounding of the reference:
 * gamma_f32(n + 3) * sum |weight x| (numerics/kernels/gamma.h).  Each product and each scaled sum
 * (at most one a term) that falls below the normal range adds F32_TINIEST times the scales still to
 * come.  A kernel may hold what it sums over 2^8 (NARROW_E4M3) or times 2^6 (NARROW_MXINT8).
 * INFINITY when 2^8 times a partial sum, or that sum scaled, may overflow, or an operand is not
 * finite. */
double gemv_narrow_bound(const struct narrow_matrix *w, const float *x, size_t row);

#endif
