/*
 * Seeded draws of the distributions that weights and activations are compared with, and the sample
 * checkpoint made from them.
 *
 *   normal      standard normal
 *   laplace     double exponential, scaled to rms 1
 *   student_t   Student's t with df degrees of freedom, scaled to rms 1 when df > 2 (for df <= 2
 * the variance is infinite, and the draws are not scaled) uniform     on [-sqrt 3, sqrt 3): rms 1
 *   outliers    standard normal, but a draw is outlier_scale times as wide with probability
 *               outlier_share; scaled to rms 1
 *
 * Draws are made in double and rounded to f32; one beyond f32, which a small df can give, is
 * infinite.  Work: 1 logarithm and 1 cosine for a normal draw, 1 logarithm for a Laplace draw,
 * about three normal draws for a t draw. Source: inverse distribution functions; Marsaglia, Tsang,
 * A Simple Method for Generating Gamma Variables, ACM TOMS 26(3), 2000.
 */
#ifndef DATASETS_SYNTHETIC_H
#define DATASETS_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/rng.h"
#include "numerics/status.h"

enum synthetic_kind {
    SYNTHETIC_NORMAL,
    SYNTHETIC_LAPLACE,
    SYNTHETIC_STUDENT_T,
    SYNTHETIC_UNIFORM,
    SYNTHETIC_OUTLIERS
};

/* Those of other kinds are ignored. */
struct synthetic_params {
    double df;                           /* > 0 */
    double outlier_share, outlier_scale; /* in [0, 1], > 0 */
};

/* params may be NULL for the kinds that have none. */
void synthetic_fill(enum synthetic_kind kind, const struct synthetic_params *params,
                    struct rng *rng, float *out, size_t n);

/* A safetensors file of about 350 KB with a matrix of each kind, named after its kind, some with
 * outlier channels, a ragged width, or another dtype; freed with free().  E_NOMEM. */
enum status synthetic_sample(uint64_t seed, void **bytes, size_t *n, struct err *err);

/* The seed of datasets/sample.safetensors. */
enum { SYNTHETIC_SAMPLE_SEED = 1 };

#endif
