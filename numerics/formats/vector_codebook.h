/*
 * Vector quantisation: a code for `dim` neighbouring elements at once.
 *
 *     plain     code = the nearest of n centroids                          log2(n) / dim bits
 *     signed    `dim` sign bits and the nearest of n vectors of magnitudes
 *                                                               (dim + log2(n)) / dim bits
 *
 * vq4x3b is plain with dim 4 and n = 4096, sign3d8 signed with dim 3 and n = 32: eight bits for
 * three weights, magnitude index in the low five, the sign of element d in bit 5 + d.  Centroids
 * are bf16 values in the units of the tensor, so no scale is kept; the table counts for its bits.
 *
 * x is [rows][cols], row-major; vectors lie along rows, and a row that is not a multiple of dim is
 * filled up with zeros.  An element that is not finite is coded as 0 would be, and counted.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_VECTOR_CODEBOOK_H
#define NUMERICS_FORMATS_VECTOR_CODEBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/block_format.h"
#include "numerics/kernels/nearest_vector.h"
#include "numerics/rng.h"
#include "numerics/status.h"

enum { VECTOR_CODEBOOK_MAX = 1 << 14 };

struct vector_codebook {
    size_t dim, n;
    bool is_signed;
    uint16_t *centroid;  /* [n][dim] in bf16; magnitudes when signed */
    float *plane, *half; /* of numerics/kernels/nearest_vector.h */
};

/* How centroids are fitted. */
struct vector_fit {
    size_t dim, n; /* 2 .. NEAREST_MAX_DIM; a power of two, 2 .. VECTOR_CODEBOOK_MAX */
    bool is_signed;
    size_t samples; /* at most so many vectors of the tensor, drawn without repetition */
    size_t rounds;  /* at most; it stops earlier when at most `tolerance` of them change cells */
    double tolerance;
    unsigned features;
    int threads;
};
extern const struct vector_fit vector_fit_vq4x3b, vector_fit_sign3d8; /* on one thread */

/* k-means from centroids drawn among the samples; an empty cell keeps its centroid, and with fewer
 * samples than centroids the rest are 0.  Depends on *rng, not on features or threads.  E_USAGE
 * when *fit is out of range; E_NOMEM.  Freed with vector_codebook_free(), which a zeroed one may be
 * given. */
enum status vector_codebook_fit(const struct vector_fit *fit, const float *x, size_t rows,
                                size_t cols, struct rng *rng, struct vector_codebook *out,
                                struct err *err);
void vector_codebook_free(struct vector_codebook *c);

/* Codes of a row; bits for an element of the tensor, with its share of the table. */
size_t vector_codebook_codes(const struct vector_codebook *c, size_t cols);
double vector_codebook_bits(const struct vector_codebook *c, size_t rows, size_t cols);

/* codes [rows][vector_codebook_codes(cols)]. Returns the number of elements that are not finite. */
size_t vector_codebook_encode(const struct vector_codebook *c, unsigned features, const float *x,
                              size_t rows, size_t cols, uint16_t *codes);

/* Element d of what a code stands for. */
float vector_codebook_value(const struct vector_codebook *c, uint16_t code, size_t d);

/* The error of coding x. */
struct block_error vector_codebook_error(const struct vector_codebook *c, unsigned features,
                                         const float *x, size_t rows, size_t cols);

#endif
