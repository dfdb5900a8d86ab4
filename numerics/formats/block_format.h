/*
 * Block quantisation: elements that share a scale, each divided by it and rounded to a codebook.
 * Every scalar block format is a row of this: INT4 in groups, NF4, MXFP4, a cube-root codebook with
 * one scale for a tensor.
 *
 * The scale of a block is
 *
 *     SCALE_ABSMAX    max|x| / min(-lo, hi)                    lo, hi: codebook->low, ->high
 *     SCALE_SIGNMAX   x of the largest magnitude (an exact tie takes the positive one) over the end
 *                     of larger magnitude; it has a sign
 *     SCALE_RMS       sqrt(mean x^2) / codebook->rms
 *     SCALE_MEAN      mean |x|
 *     SCALE_FLOOR     2^(floor(log2 max|x|) - floor(log2 hi)): values beyond hi are clipped
 *
 * times `multiplier` and at least `least`, computed in double, rounded to the scale format and only
 * then divided by: coding and decoding use the same rounded scale.  Its magnitude is kept within
 * the smallest normal number (2^-127 for E8M0) and the largest finite one of the format, so a block
 * of zeros is coded as 0 / scale = 0.
 *
 * SCALE_E4M3 has two levels: the scale of a block is coded relative to one f32 of the tensor, which
 * block_format_relative() makes, and the scale in use is the f32 product of the two.  It may be
 * subnormal there, and 0, and then the block is coded as zeros.
 *
 * x is [rows][cols], row-major.  Blocks are (1, block) along rows; a row that is not a multiple of
 * `block` ends in a shorter block with a scale of its own.  An element that is not finite enters no
 * scale and no sum, is coded as 0 would be, and is counted.
 *
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_BLOCK_FORMAT_H
#define NUMERICS_FORMATS_BLOCK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/codebook.h"
#include "numerics/kernels/quantise.h"

enum scale_format {
    SCALE_F32,
    SCALE_BF16,
    SCALE_F16,
    SCALE_E8M0, /* rounded up, so that absmax never clips; no sign: not for SCALE_SIGNMAX */
    SCALE_E4M3, /* relative to a scale of the tensor (NVFP4); no sign either */
    SCALE_FORMATS
};
const char *scale_format_name(enum scale_format f);
int scale_format_bits(enum scale_format f);
/* s, finite or infinite, to the nearest scale of the format (E8M0: the next above) in its range.
 * SCALE_E4M3: s is already relative, and so is the result. */
float scale_format_round(enum scale_format f, double s);

/* Beside a number of elements, what may share a scale. */
#define BLOCK_CHANNEL SIZE_MAX /* a row */
#define BLOCK_TENSOR ((size_t)0)

struct block_format {
    const struct codebook *codebook; /* borrowed; its ends are below and above 0 */
    enum scale_rule rule;
    enum scale_format scale_format;
    size_t block;      /* elements of a row, BLOCK_CHANNEL or BLOCK_TENSOR */
    double multiplier; /* of every scale: 1, or what block_format_search() found */
    double extra_bits; /* kept once for the tensor: a fitted df or multiplier, a table of levels */
    double least;      /* no scale is smaller, before it is rounded; 0: none */
    float relative;    /* SCALE_E4M3: what the coded scales are relative to; else not read */
};

/* Scales of a tensor; 0 when it is empty. */
size_t block_format_scales(const struct block_format *f, size_t rows, size_t cols);

/* Bits for an element of the tensor with its share of scales (ragged tails counted) and of
 * extra_bits; 0 for an empty tensor. */
double block_format_bits(const struct block_format *f, size_t rows, size_t cols);

/* What one format did to one tensor, or to a part of it: parts add up by block_error_add(). */
struct block_error {
    size_t n, nonfinite; /* elements, and those that are not finite */
    size_t clipped;      /* more than half a cell beyond the end levels */
    size_t flushed;      /* not 0, and become 0 */
    double squares;      /* sum x^2 */
    double error;        /* sum (x' - x)^2 */
    double max_error;    /* largest |x' - x| */
};
void block_error_add(struct block_error *to, const struct block_error *part);
/* R = sqrt(error / squares): one ratio of two sums over everything.  0 when both are 0. */
double block_error_ratio(const struct block_error *e);

/* Kernels for the features the caller may use; picked once. */
struct block_kernels {
    quantise_stats_fn *stats;
    quantise_codes_fn *codes;
    quantise_error_fn *error;
};
struct block_kernels block_kernels_pick(unsigned features);

/* The scale of a block from its range and squares. finite is the number of elements in them. */
float block_format_scale(const struct block_format *f, const struct quantise_stats *stats,
                         size_t finite);

/* Every finite element divided by the scale of its block, one behind the other: what a codebook is
 * fitted to.  out [rows * cols]; returns how many there are.  given: as for block_format_error().
 * A block whose scale is 0 gives none. */
size_t block_format_normalise(const struct block_format *f, const struct block_kernels *k,
                              const float *x, size_t rows, size_t cols, const float *given,
                              float *out);

/* What the coded scales of SCALE_E4M3 are relative to, from the range of the whole tensor: the f32
 * that makes its largest magnitude the largest level times the largest E4M3. */
float block_format_relative(const struct codebook *c, const struct quantise_stats *tensor);

/* Range and squares of a tensor in parts: what a BLOCK_TENSOR scale is made from when the tensor
 * is not in memory as a whole.  Start from {0}. */
void quantise_stats_add(struct quantise_stats *to, const struct quantise_stats *part);

/*
 * Codes [rows][cols] (a byte each) and scales [block_format_scales()] of x.  Returns the number of
 * elements that are not finite.
 */
size_t block_format_encode(const struct block_format *f, const struct block_kernels *k,
                           const float *x, size_t rows, size_t cols, uint8_t *codes, float *scales);

/* x' [rows][cols] of codes < codebook->n and scales. */
void block_format_decode(const struct block_format *f, const uint8_t *codes, const float *scales,
                         size_t rows, size_t cols, float *x);

/*
 * The error of coding x, without storing codes.  given: the scale of the whole tensor, for
 * BLOCK_TENSOR when x is only a part of it; NULL: computed from x.
 * Accuracy: sums in double, relative (n / 16 + blocks + 6) 2^-53; the same bits on every ISA.
 */
struct block_error block_format_error(const struct block_format *f, const struct block_kernels *k,
                                      const float *x, size_t rows, size_t cols, const float *given);

/* How often each code is used: adds to counts [codebook->n], an element that is not finite as 0.
 * given: as for block_format_error(). */
void block_format_count(const struct block_format *f, const struct block_kernels *k, const float *x,
                        size_t rows, size_t cols, const float *given, uint64_t *counts);

/* The multipliers of a scale that are tried: 2^(-2), 2^(-7/4) .. 2^2. */
enum { BLOCK_MULTIPLIERS = 17 };
double block_format_multiplier(size_t i);

/* Sets f->multiplier to the one of least error (the smaller at a tie); returns that error.  Cost:
 * BLOCK_MULTIPLIERS passes. */
struct block_error block_format_search(struct block_format *f, const struct block_kernels *k,
                                       const float *x, size_t rows, size_t cols);

#endif
