/*
 * One pass of Lloyd-Max over samples: which cell each lies in, and what the cells' means are.
 *
 *   x          [n], finite, n < 2^31, aligned as float
 *   boundary   [levels - 1], ascending; a sample lies above a boundary that is strictly below it
 *   above      adds for each boundary the number and the sum of the samples above it, and in
 *              above[0] those of all: above[j], j > 0, is for boundary[j - 1]
 *
 * So cell j has above[j] less above[j + 1], and none lies above the last.
 *
 * Accuracy: every instruction set gives the same bits as the reference.  A sum has
 * LLOYD_PASS_LANES double lanes, element i of x in lane i mod LLOYD_PASS_LANES, added up one by one
 * and in a fixed order in the end: relative to the sum of |x| it is within (n / 16 + 5) 2^-53.
 * Work: a comparison and an addition for a sample and a boundary, 4 bytes read.
 */
#ifndef NUMERICS_KERNELS_LLOYD_PASS_H
#define NUMERICS_KERNELS_LLOYD_PASS_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/formats/codebook.h"

enum { LLOYD_PASS_LANES = 16 };

struct lloyd_above {
    uint64_t count;
    double sum;
};

typedef void lloyd_pass_fn(const float *x, size_t n, const float *boundary, size_t levels,
                           struct lloyd_above *above);

lloyd_pass_fn lloyd_pass_ref, lloyd_pass_avx2, lloyd_pass_avx512;
extern const struct kernel_variant lloyd_pass_variants[];

/* The new levels: the means of the cells; an empty cell keeps its level, and levels are kept
 * ascending by a running maximum. */
void lloyd_pass_update(const struct lloyd_above *above, size_t levels, float *level);

#endif
