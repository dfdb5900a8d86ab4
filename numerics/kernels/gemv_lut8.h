/*
 * Matrix times vector from the canonical packing, without a layout made for vectors: what portable
 * code can do.
 *
 *   w         [rows][cols], packed as numerics/kernels/code_matrix.h says under "canonical form"
 *   x         [cols], aligned as float
 *   y         [rows]; only row0 .. row1-1 are computed and written, so callers share rows out among
 *             threads.  y overlaps neither w nor x.
 *   gemv_lut8 decodes a byte at a time: a table of 256 entries, built in each call, holds the
 *             8 / bits values of a byte, which are multiplied with as many of x and added up; a
 *             block's sum is scaled once.
 *             y[r] = scale * sum over blocks b of s[r][b] * (sum over c in b of table[code] *
 * x[c]); 0 when cols == 0.  NaN and inf propagate. canonical_dequantise the other way, not fused:
 * writes the weights of the rows row0 .. row1-1, without w->scale, to out [row1 - row0][cols] in
 * f32, s[r][b] * table[code] rounded once, for gemv_f32 to read.
 *
 * Work: gemv_lut8 2 flop a weight, and bits / 8 + 2 / block bytes read; canonical_dequantise reads
 * the same and writes 4 bytes a weight.  The variants above `portable` are the same C, compiled for
 * longer vectors.
 * Accuracy: gemv_lut8 accumulates in f32 and is within gemv_lut8_bound() of the reference, which
 * accumulates in f64 and rounds once; variants of canonical_dequantise agree to the bit.
 * Source: Maskey et al., 1-Bit Wonder, arXiv 2602.15563 (byte table, and the unfused version).
 */
#ifndef NUMERICS_KERNELS_GEMV_LUT8_H
#define NUMERICS_KERNELS_GEMV_LUT8_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

struct canonical_matrix {
    const uint8_t *codes;   /* [rows][canonical_bytes(bits, cols)]; borrowed, as the scales are */
    const uint16_t *scales; /* [rows][ceil(cols / block)], bf16; not read when block == 0 */
    size_t cols;
    size_t block;    /* columns that share a scale, a multiple of 32; 0: none, `scale` alone */
    int bits;        /* 1, 2 or 4 */
    float scale;     /* of the whole tensor */
    float table[16]; /* finite; the first 2^bits are read */
};

typedef void gemv_lut8_fn(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                          size_t row1);
typedef void canonical_dequantise_fn(const struct canonical_matrix *w, size_t row0, size_t row1,
                                     float *out);

gemv_lut8_fn gemv_lut8_ref, gemv_lut8_portable, gemv_lut8_avx2;
canonical_dequantise_fn canonical_dequantise_ref, canonical_dequantise_portable,
    canonical_dequantise_avx2;
extern const struct kernel_variant gemv_lut8_variants[], canonical_dequantise_variants[];

/* The largest distance of y[row] from the reference's: as gemm_lut_bound() has it. */
double gemv_lut8_bound(const struct canonical_matrix *w, const float *x, size_t row);

#endif
