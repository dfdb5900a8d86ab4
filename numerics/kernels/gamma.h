/*
 * The constant of first-order rounding analysis in binary32.
 *
 * A sum of products whose terms each pass through at most n roundings, in whatever order they are
 * added and whether or not products are fused, is off by at most gamma_f32(n) * sum |terms| plus
 * n * F32_TINIEST for products that fall below the normal range.  It holds while no partial sum can
 * overflow; where sum |terms| >= FLT_MAX / 2, nothing is claimed.
 * Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sec. 3.1 and 4.2.
 */
#ifndef NUMERICS_KERNELS_GAMMA_H
#define NUMERICS_KERNELS_GAMMA_H

#include <float.h>
#include <math.h>
#include <stddef.h>

#define F32_TINIEST 0x1p-149 /* twice the largest error of rounding to a subnormal */

static inline double gamma_f32(size_t n)
{
    double nu = (double)n * 0x1p-24;
    return nu < 1 ? nu / (1 - nu) : INFINITY;
}

/* The bound of a sum of products in blocks: each block is summed, its sum is scaled, and the sum of
 * these is scaled again, so that of n terms each passes through at most n + 3 roundings, the
 * reference's one included.  A kernel may hold what it sums times or over `unit` >= 1. */
struct block_bound {
    double unit, terms, tiny, largest; /* all but the unit start at 0 */
};

static inline void block_bound_add(struct block_bound *b, double absolute, double scale, size_t n)
{
    b->terms += fabs(scale) * absolute;
    b->tiny += b->unit * (fabs(scale) + 1) * (double)n; /* the products, and their scaled sum */
    if (!(absolute <= b->largest))
        b->largest = absolute;
}

static inline double block_bound_of(const struct block_bound *b, double scale, size_t n)
{
    scale = fabs(scale);
    if (!(b->unit * b->largest < FLT_MAX / 2 && b->unit * b->terms < FLT_MAX / 2 &&
          scale * b->terms < FLT_MAX / 2))
        return INFINITY;
    return gamma_f32(n + 3) * scale * b->terms + (scale * (b->tiny + b->unit) + 1) * F32_TINIEST;
}

#endif
