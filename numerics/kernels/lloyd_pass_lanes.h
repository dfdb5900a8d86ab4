/* What the vector forms of lloyd_pass share before they differ; private to them. */
#ifndef NUMERICS_KERNELS_LLOYD_PASS_LANES_H
#define NUMERICS_KERNELS_LLOYD_PASS_LANES_H

#include "numerics/kernels/lloyd_pass.h"

#define FLATTEN static inline __attribute__((always_inline))

/* The sums of one boundary over everything. */
struct lanes {
    double sum[LLOYD_PASS_LANES];
    uint64_t count;
};

#endif
