/*
 * One block of a tensor against a codebook: what its scale is computed from, its codes, and the
 * error that coding it makes.
 *
 *   c        numerics/formats/codebook.h; the code of x is that of the f32 quotient x / scale, and
 *            its value is the f32 product level[code] * scale
 *   x        [n], aligned as float; an element that is not finite is counted and has no other
 *            effect: it enters no sum and no range, and is coded as 0 would be
 *   scale    finite, at least 2^-127 in magnitude; negative under SCALE_SIGNMAX
 *
 * Accuracy: every instruction set gives the same bits as the reference.  Codes follow from one f32
 * division and comparisons (rint() and a clamp where c->integer).  A sum has QUANTISE_LANES double
 * lanes, element i of the block in lane i mod QUANTISE_LANES, added with a rounding after the
 * square, and quantise_total() adds the lanes in one fixed order; so it is within
 * (n / 16 + 6) 2^-53 of the exact sum, relative, its terms being positive.
 * Work: 4n bytes read; a division and at most 8 comparisons for an element.
 */
#ifndef NUMERICS_KERNELS_QUANTISE_H
#define NUMERICS_KERNELS_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/formats/codebook.h"

enum { QUANTISE_LANES = 16 };

/* The sum of the lanes, which are overwritten. */
static inline double quantise_total(double lane[QUANTISE_LANES])
{
    for (size_t width = QUANTISE_LANES / 2; width; width /= 2)
        for (size_t i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

struct quantise_stats {
    float low, high; /* of the elements and 0 */
    double squares;  /* sum of x^2 */
    double sizes;    /* sum of |x| */
    size_t nonfinite;
};
typedef void quantise_stats_fn(const float *x, size_t n, struct quantise_stats *out);

/* codes [n], one in a byte. */
typedef void quantise_codes_fn(const struct codebook *c, const float *x, size_t n, float scale,
                               uint8_t *codes);

/* Sums over blocks; each call adds its own. */
struct quantise_sums {
    double error[QUANTISE_LANES]; /* sum of (value - x)^2 */
    double max_error;             /* largest |value - x| */
    size_t clipped;               /* x / scale beyond clip_low or clip_high */
    size_t flushed;               /* x is not 0, its value is */
};
typedef void quantise_error_fn(const struct codebook *c, const float *x, size_t n, float scale,
                               struct quantise_sums *sums);

quantise_stats_fn quantise_stats_ref, quantise_stats_avx2, quantise_stats_avx512;
quantise_codes_fn quantise_codes_ref, quantise_codes_avx2, quantise_codes_avx512;
quantise_error_fn quantise_error_ref, quantise_error_avx2, quantise_error_avx512;
extern const struct kernel_variant quantise_stats_variants[], quantise_codes_variants[],
    quantise_error_variants[];

/*
 * Blocks of 64 weights to 4-bit codes and bf16 scales, in the canonical form of
 * numerics/kernels/nibble_matrix.h: the even element of a pair in the low nibble.
 *
 *   c        at most 16 levels
 *   x        [64 * blocks]
 *   codes    [32 * blocks]: the code (encode_lut4), or the integer -8 .. 7 in two's complement
 *            (encode_int4, where c->integer)
 *   scales   [blocks]: max|x| over the smaller end of the codebook, rounded to bf16 (nearest even,
 *            within 2^-126 and the largest finite value) before anything is divided by it
 *
 * Work: 4.53 bytes moved a weight, one division and four comparisons or one rint().
 */
typedef void encode4_fn(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                        uint16_t *scales);

encode4_fn encode_lut4_ref, encode_lut4_avx2, encode_lut4_avx512;
encode4_fn encode_int4_ref, encode_int4_avx2, encode_int4_avx512;
extern const struct kernel_variant encode_lut4_variants[], encode_int4_variants[];

enum { ENCODE4_BLOCK = 64 };

/* The bf16 scale of a block from its absmax, as every encoder here rounds it. */
uint16_t encode4_scale(const struct codebook *c, float absmax);

#endif
