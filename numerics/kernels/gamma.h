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

#endif
