/*
 * A uniform grid with entropy coding: the format that no fixed number of bits matches.
 *
 * The grid has an odd number of levels, 2 half + 1, over [-amax, amax], so 0 is one of them:
 *
 *     level(code) = (code - half) delta,  delta = amax / half,  code = round(x / delta) + half
 *
 * with ties to even.  Level i has the probability (count_i + 1) / (n + 2 half + 1), and costs
 * -log2 of it (an ideal coder) or as many bits as its word in the Huffman code of count_i + 1.
 * half is chosen by bisection: the finest grid whose mean cost is not above a number of bits.
 *
 * An element that is not finite is coded as 0 and counted.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_ENTROPY_GRID_H
#define NUMERICS_FORMATS_ENTROPY_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/block_format.h"
#include "numerics/formats/huffman.h"
#include "numerics/status.h"

enum { ENTROPY_GRID_MAX_HALF = HUFFMAN_MAX_SYMBOLS / 2 - 1 };

enum entropy_coder { ENTROPY_IDEAL, ENTROPY_HUFFMAN };

struct entropy_grid {
    size_t half; /* 1 .. ENTROPY_GRID_MAX_HALF */
    float delta; /* at least the smallest normal number */
};

static inline size_t entropy_grid_levels(const struct entropy_grid *g)
{
    return 2 * g->half + 1;
}

static inline float entropy_grid_level(const struct entropy_grid *g, size_t code)
{
    return (float)((long)code - (long)g->half) * g->delta;
}

/* The grid with 2 half + 1 levels up to amax >= 0, finite. */
struct entropy_grid entropy_grid_over(float amax, size_t half);

/* codes [n] of x [n]. */
void entropy_grid_encode(const struct entropy_grid *g, const float *x, size_t n, uint16_t *codes);

/* Adds how often each level is taken to count [levels]. */
void entropy_grid_count(const struct entropy_grid *g, const float *x, size_t n, uint64_t *count);

/* Mean ideal cost in bits of counts [levels], smoothed by one each; 0 when they are all 0. */
double entropy_bits(const uint64_t *count, size_t levels);

/* The Huffman code of the counts + 1.  As huffman_make(). */
enum status entropy_huffman(const uint64_t *count, size_t levels, struct huffman_code *out,
                            struct err *err);

/* The grid for x [n], and the mean cost that it comes to (which may be NULL).  half is
 * ENTROPY_GRID_MAX_HALF where even the finest grid costs less than `bits`, 1 where the coarsest
 * costs more.  bits > 0.  E_NOMEM; E_USAGE when n >= 2^37.  Work: about 2 log2(half) counts. */
enum status entropy_grid_fit(const float *x, size_t n, double bits, enum entropy_coder coder,
                             struct entropy_grid *out, double *cost, struct err *err);

/* Sums the error of coding x, and the bits for an element: the mean cost, and once for the tensor
 * the word lengths (8 bits a level) and delta (32).  An ideal coder's probabilities are granted the
 * same room.  As entropy_grid_fit(). */
enum status entropy_grid_code(const float *x, size_t n, double bits, enum entropy_coder coder,
                              struct block_error *error, double *true_bits, struct err *err);

#endif
