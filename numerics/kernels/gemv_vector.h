/*
 * Matrix times vector, y = W x, with weights coded a few at a time by a table of short vectors, and
 * f32 activations.
 *
 *   vq4x3b    four weights are row `code` of a table [4096][4] in bf16, 12 bits.  A row is
 *             vq4x3b_row_bytes(cols): codes lie one behind the other, code i in bits 12 i to
 *             12 i + 11 counted from the least significant bit of the first byte on, and the row is
 *             filled up with zero bits to a multiple of four codes.
 *   sign3d8   three weights are one of 32 vectors of magnitudes (bits 0 to 4), weight d negated
 *             where bit 5 + d is 1; the table is [3][32] in f32.  Tiles of 16 rows of
 *             sign3d8_tile_bytes(cols): byte 16 t + i is triple t of row i.
 *
 * Where cols is no multiple of 4 (3), the last code's further weights are not used.
 *
 *   x        [cols], aligned as float
 *   y        [rows]; only row0 .. row1-1 are computed and written (sign3d8: row0 a multiple of 16),
 *            so callers share rows out among threads.  y overlaps neither w nor x.
 *   result   y[r] = sum over c of weight * x[c]; 0 when cols == 0.  NaN and inf propagate.
 *
 * Work: 2 flop a weight, and 3/8 or 1/3 bytes read.  The table of vq4x3b is 32 KiB, a whole L1 data
 * cache or most of one, and each code loads 8 bytes of it.  gemv_sign3d8_avx512 holds its table in
 * registers, a column of 16 rows in a vector; gemv_sign3d8_avx2 has one of 256 signed vectors.
 * Accuracy: a kernel accumulates in f32, in an order of its own, and is within gemv_vector_bound()
 * of the reference, which accumulates in f64 and rounds once.
 */
#ifndef NUMERICS_KERNELS_GEMV_VECTOR_H
#define NUMERICS_KERNELS_GEMV_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

enum { VQ4X3B_DIM = 4, VQ4X3B_ENTRIES = 4096, SIGN3D8_DIM = 3, SIGN3D8_ENTRIES = 32 };
enum { SIGN3D8_TILE_ROWS = 16 };

struct vq4x3b_matrix {
    const uint8_t *rows; /* borrowed, as is the table */
    const uint16_t (*table)[VQ4X3B_DIM];
    size_t cols;
};

struct sign3d8_matrix {
    const uint8_t *tiles; /* borrowed */
    size_t cols;
    float magnitude[SIGN3D8_DIM][SIGN3D8_ENTRIES]; /* not negative */
};

static inline size_t vq4x3b_row_bytes(size_t cols)
{
    return (cols + 15) / 16 * 6;
}

static inline size_t sign3d8_tile_bytes(size_t cols)
{
    return (cols + 2) / 3 * SIGN3D8_TILE_ROWS;
}

/* codes [rows][ceil(cols / 4)] to out [rows * vq4x3b_row_bytes()]. */
void vq4x3b_pack(const uint16_t *codes, size_t rows, size_t cols, uint8_t *out);
/* codes [rows][ceil(cols / 3)] to out, whole tiles; what rows the last one lacks are 0. */
void sign3d8_pack(const uint16_t *codes, size_t rows, size_t cols, uint8_t *out);

double vq4x3b_weight(const struct vq4x3b_matrix *w, size_t row, size_t col);
double sign3d8_weight(const struct sign3d8_matrix *w, size_t row, size_t col);

typedef void gemv_vq4x3b_fn(const struct vq4x3b_matrix *w, const float *x, float *y, size_t row0,
                            size_t row1);
typedef void gemv_sign3d8_fn(const struct sign3d8_matrix *w, const float *x, float *y, size_t row0,
                             size_t row1);

gemv_vq4x3b_fn gemv_vq4x3b_ref, gemv_vq4x3b_avx2;
gemv_sign3d8_fn gemv_sign3d8_ref, gemv_sign3d8_avx2, gemv_sign3d8_avx512;
extern const struct kernel_variant gemv_vq4x3b_variants[], gemv_sign3d8_variants[];

/* The largest distance of y[row] from the reference's.  With n = cols, a term passes through its
 * product, at most n additions (one of a 0 that fills a code up), and one rounding of the
 * reference: gamma_f32(n + 3) * sum |weight x| (numerics/kernels/gamma.h).  Each product below the
 * normal range adds F32_TINIEST.  INFINITY when a partial sum may overflow or an operand is not
 * finite. */
double gemv_vq4x3b_bound(const struct vq4x3b_matrix *w, const float *x, size_t row);
double gemv_sign3d8_bound(const struct sign3d8_matrix *w, const float *x, size_t row);

#endif
