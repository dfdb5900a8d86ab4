/* lloyd_pass in vectors of the compiler, which maps them to the target's; private to the files that
 * compile it for an instruction set. */
#ifndef NUMERICS_KERNELS_LLOYD_PASS_SIMD_H
#define NUMERICS_KERNELS_LLOYD_PASS_SIMD_H

#include <string.h>

#include "numerics/kernels/lloyd_pass.h"
#include "numerics/kernels/quantise.h"

#define FLATTEN static inline __attribute__((always_inline))

typedef float eight __attribute__((vector_size(32)));
typedef int32_t flags __attribute__((vector_size(32)));
typedef double eight_wide __attribute__((vector_size(64)));

/* Samples that stay in L1 while all boundaries pass over them, and boundaries whose sums stay in
 * registers while the samples pass. */
enum { CHUNK = 2048, TOGETHER = 4, HALVES = LLOYD_PASS_LANES / 8 };

/* The sums of one boundary over everything. */
struct lanes {
    double sum[LLOYD_PASS_LANES];
    uint64_t count;
};

/* The samples above `together` boundaries; a whole number of vectors of them. */
FLATTEN void chunk_above(const float *x, size_t n, const float *boundary, size_t together,
                         struct lanes *lanes)
{
    eight_wide sum[TOGETHER][HALVES];
    flags count[TOGETHER];
    for (size_t j = 0; j < together; j++) {
        memcpy(sum[j], lanes[j].sum, sizeof sum[j]);
        count[j] = (flags){0};
    }
    for (size_t i = 0; i < n; i += LLOYD_PASS_LANES)
        for (size_t h = 0; h < HALVES; h++) {
            eight v;
            flags bits;
            memcpy(&v, x + i + 8 * h, sizeof v);
            memcpy(&bits, &v, sizeof bits);
            for (size_t j = 0; j < together; j++) {
                flags is_above = v > boundary[j], kept = bits & is_above;
                memcpy(&v, &kept, sizeof v);
                sum[j][h] += __builtin_convertvector(v, eight_wide);
                count[j] -= is_above;
                memcpy(&v, &bits, sizeof v);
            }
        }
    for (size_t j = 0; j < together; j++) {
        memcpy(lanes[j].sum, sum[j], sizeof sum[j]);
        for (size_t i = 0; i < 8; i++)
            lanes[j].count += (uint64_t)count[j][i];
    }
}

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
