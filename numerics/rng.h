/*
 * splitmix64 and the draws made from it: every random number of the suite.
 *
 * A draw depends on the state alone, so a seed in a record or in a failure message reproduces it.
 * Source: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
 */
#ifndef NUMERICS_RNG_H
#define NUMERICS_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state; /* the seed */
};

/* The constants of splitmix64: an output is a mix of the state, which grows by RNG_STEP. */
#define RNG_STEP UINT64_C(0x9E3779B97F4A7C15)
#define RNG_MIX_1 UINT64_C(0xBF58476D1CE4E5B9)
#define RNG_MIX_2 UINT64_C(0x94D049BB133111EB)

uint64_t rng_u64(struct rng *rng);

/* Uniform in [0, 1): the top 53 bits times 2^-53. */
double rng_uniform(struct rng *rng);

/* Uniform in 0..n-1, n < 2^32: the high half of (top 32 bits times n). */
uint32_t rng_below(struct rng *rng, uint32_t n);

/* Standard normal by Box-Muller, the cosine only: two uniform draws make one. */
double rng_normal(struct rng *rng);

/* A random permutation of 0..n-1, n < 2^32, each equally likely, into order [n]. */
void rng_permutation(struct rng *rng, size_t *order, size_t n);

/* A generator independent of the parent's further draws, for the part named by index. */
struct rng rng_split(const struct rng *parent, uint64_t index);

#endif
