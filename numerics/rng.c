#include "numerics/rng.h"

#include <math.h>

uint64_t rng_u64(struct rng *rng)
{
    uint64_t z = rng->state += RNG_STEP;
    z = (z ^ z >> 30) * RNG_MIX_1;
    z = (z ^ z >> 27) * RNG_MIX_2;
    return z ^ z >> 31;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)(((rng_u64(rng) >> 32) * n) >> 32);
}

double rng_normal(struct rng *rng)
{
    double a = rng_uniform(rng), b = rng_uniform(rng);
    return sqrt(-2 * log(1 - a)) * cos(2 * M_PI * b);
}

struct rng rng_split(const struct rng *parent, uint64_t index)
{
    struct rng child = {parent->state ^ (index + 1) * 0xD1B54A32D192ED03u};
    child.state = rng_u64(&child);
    return child;
}

/* Fisher and Yates. */
void rng_permutation(struct rng *rng, size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(rng, (uint32_t)i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
