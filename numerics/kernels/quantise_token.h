/*
 * One token's activations to 8-bit integers, symmetric, with one scale.
 *
 *   x           [n], aligned as float
 *   padded      columns of q: n or more, a multiple of 16 and of block
 *   block       columns of a block sum: a multiple of 16, or 0 for no block sums
 *   q           [padded]: round(x * s), to nearest even, within -127 .. 127; 0 from n on
 *   block_sums  [padded / block]: the sum of q over each block; not touched when block == 0
 *   sum         one number: the sum of all q
 *   return      s = 127 / max(max|x|, 1e-5), a value of f32; so x is nearly q / s.  When an element
 *               is not finite, NaN, and every q and sum is 0: what is divided by s is NaN.
 *
 * x, q, block_sums and sum do not overlap.  n <= 2^24.
 * Work: 8n bytes read (x twice, the second time from cache), n bytes written; 5 operations an
 * element. Accuracy: s is rounded once and x * s once, so every instruction set gives the bits of
 * the reference.
 * Source: Ma et al., The Era of 1-bit LLMs, arXiv 2402.17764, and its released code.
 */
#ifndef NUMERICS_KERNELS_QUANTISE_TOKEN_H
#define NUMERICS_KERNELS_QUANTISE_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

enum { TOKEN_STEP = 16 };

typedef float quantise_token_fn(const float *x, size_t n, size_t padded, size_t block, int8_t *q,
                                int32_t *block_sums, int32_t *sum);

quantise_token_fn quantise_token_ref, quantise_token_avx2, quantise_token_avx512;
extern const struct kernel_variant quantise_token_variants[];

/* The s of a token whose largest magnitude has these bits (of an f32 without its sign). */
float quantise_token_scale(uint32_t largest_bits);

#endif
