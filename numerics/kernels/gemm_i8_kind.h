/* What an item of a byte is to the vectorised products of gemm_i8.h: its layout, and where that
 * leaves it open, its meaning.  Private to them. */
#ifndef NUMERICS_KERNELS_GEMM_I8_KIND_H
#define NUMERICS_KERNELS_GEMM_I8_KIND_H

enum kind { BYTES, INT4, E2M1, SIXES, PAIRS, DIGITS, BITS };

#endif
