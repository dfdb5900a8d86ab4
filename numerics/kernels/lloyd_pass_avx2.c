#include <string.h>

#include "numerics/kernels/lloyd_pass_lanes.h"

typedef float eight __attribute__((vector_size(32)));
typedef int32_t flags __attribute__((vector_size(32)));
typedef double eight_wide __attribute__((vector_size(64)));

/* Boundaries that share a load of the samples. */
enum { TOGETHER = 4, HALVES = LLOYD_PASS_LANES / 8 };

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

#include "numerics/kernels/lloyd_pass_simd.h"

void lloyd_pass_avx2(const float *x, size_t n, const float *boundary, size_t levels,
                     struct lloyd_above *above)
{
    lloyd_pass(x, n, boundary, levels, above);
}
