/* lloyd_pass around chunk_above(x, n, boundary, together, lanes), which adds n samples, a multiple
 * of LLOYD_PASS_LANES, to the sums of 1 or TOGETHER boundaries; private to the files that define
 * these. */
#ifndef NUMERICS_KERNELS_LLOYD_PASS_SIMD_H
#define NUMERICS_KERNELS_LLOYD_PASS_SIMD_H

#include <string.h>

#include "numerics/kernels/lloyd_pass_lanes.h"
#include "numerics/kernels/quantise.h"

/* Samples that stay in L1 while all boundaries pass over them. */
enum { CHUNK = 2048 };

FLATTEN void boundaries_above(const float *x, size_t n, const float *boundary, size_t boundaries,
                              struct lanes *lanes)
{
    size_t j = 0;
    for (; j + TOGETHER <= boundaries; j += TOGETHER)
        chunk_above(x, n, boundary + j, TOGETHER, lanes + j);
    for (; j < boundaries; j++)
        chunk_above(x, n, boundary + j, 1, lanes + j);
}

FLATTEN void lloyd_pass(const float *x, size_t n, const float *boundary, size_t levels,
                        struct lloyd_above *above)
{
    struct lanes lanes[CODEBOOK_MAX] = {{{0}, 0}};
    float from[CODEBOOK_MAX];
    size_t whole = n / LLOYD_PASS_LANES * LLOYD_PASS_LANES;
    from[0] = -__builtin_inff();
    memcpy(from + 1, boundary, (levels - 1) * sizeof *from);
    for (size_t i = 0, part; i < whole; i += part) {
        part = whole - i < CHUNK ? whole - i : CHUNK;
        boundaries_above(x + i, part, from, levels, lanes);
    }
    for (size_t i = whole; i < n; i++)
        for (size_t j = 0; j < levels; j++)
            if (from[j] < x[i]) {
                lanes[j].count++;
                lanes[j].sum[i - whole] += x[i];
            }
    for (size_t j = 0; j < levels; j++) {
        above[j].count += lanes[j].count;
        above[j].sum += quantise_total(lanes[j].sum);
    }
}

#endif
