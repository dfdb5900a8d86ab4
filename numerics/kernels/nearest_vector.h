/*
 * The nearest of n centroids to each of a number of short vectors.
 *
 *   plane    [dim][padded], dim 1 .. NEAREST_MAX_DIM, padded = nearest_padded(n): coordinate d of
 *            every centroid in plane d; padding is 0
 *   half     [padded]: half the squared length of each centroid; padding is +inf
 *   x        [count][dim], aligned as float
 *   codes    [count]: the i < n that makes half[i] - sum over d of x[d] * plane[d][i] least, the
 *            first of equals; 0 where x has a NaN
 *
 * That is half the squared distance less half of |x|^2, worked out in f32, term after term, without
 * fusing: every instruction set gives the same codes.  A centroid that is nearer by less than
 * (dim + 1) 2^-24 (|x| + |centroid|)^2 may lose.
 * Work: 2 dim + 2 operations for a vector and a centroid, in lanes of 16 centroids.
 */
#ifndef NUMERICS_KERNELS_NEAREST_VECTOR_H
#define NUMERICS_KERNELS_NEAREST_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

enum { NEAREST_MAX_DIM = 8, NEAREST_LANES = 16 };

static inline size_t nearest_padded(size_t n)
{
    return (n + NEAREST_LANES - 1) / NEAREST_LANES * NEAREST_LANES;
}

struct nearest_vectors {
    const float *plane, *half;
    size_t dim, padded;
};

typedef void nearest_vector_fn(const struct nearest_vectors *c, const float *x, size_t count,
                               uint16_t *codes);

nearest_vector_fn nearest_vector_ref, nearest_vector_avx2, nearest_vector_avx512;
extern const struct kernel_variant nearest_vector_variants[];

#endif
