/*
 * The highest rates at which a core can multiply and add, take dot products of bytes, and look
 * bytes up: loops that live in registers.
 *
 * Each runs independent chains of n dependent steps and returns the sum of their ends, so that no
 * step can be left out.  There are more chains than latency times units of any core known to us
 * asks for: 12 vectors (of 64 bytes; of 32 in two passes with AVX2) against 4 cycles x 2 units.
 *
 *   peak_fma_f32  PEAK_CHAINS chains v_0 = c (its index), v <- x * v + y in f32: fused in AVX2 and
 *                 AVX-512, product and sum each rounded in the portable one.
 *                 PEAK_FMA_FLOPS flop a step.
 *   peak_dot_i8   PEAK_CHAINS chains v_0 = c, v <- v + the dot product of four bytes u (unsigned,
 *                 at most 127, so that the 16-bit sums of AVX2 do not saturate) and four bytes s,
 *                 modulo 2^32.  PEAK_DOT_OPS multiplications and additions a step.
 *   peak_lookup   PEAK_BYTES chains v_0 = c mod 16, v <- table[v]; every entry is below 16.
 *                 PEAK_LOOKUP_BYTES bytes looked up a step.
 *
 * Work: all variants do the same number of operations for the same n; only their time differs.
 * Accuracy: dot and look-up are exact.  fma is exact, hence equal in all variants, where every
 * product and sum is exact in f32.
 * Source: instruction latencies and ports, Fog, Instruction tables.
 */
#ifndef NUMERICS_KERNELS_PEAK_H
#define NUMERICS_KERNELS_PEAK_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

enum {
    PEAK_CHAINS = 192,
    PEAK_BYTES = 768,
    PEAK_FMA_FLOPS = 2 * PEAK_CHAINS,
    PEAK_DOT_OPS = 2 * 4 * PEAK_CHAINS,
    PEAK_LOOKUP_BYTES = PEAK_BYTES
};

typedef double peak_fma_f32_fn(size_t n, float x, float y);
typedef uint32_t peak_dot_i8_fn(size_t n, uint8_t u, int8_t s);
typedef uint32_t peak_lookup_fn(size_t n, const uint8_t table[16]);

peak_fma_f32_fn peak_fma_f32_ref, peak_fma_f32_avx2, peak_fma_f32_avx512;
peak_dot_i8_fn peak_dot_i8_ref, peak_dot_i8_avx2, peak_dot_i8_avx512, peak_dot_i8_vnni;
peak_lookup_fn peak_lookup_ref, peak_lookup_avx2, peak_lookup_avx512;

extern const struct kernel_variant peak_fma_f32_variants[];
extern const struct kernel_variant peak_dot_i8_variants[];
extern const struct kernel_variant peak_lookup_variants[];

#endif
