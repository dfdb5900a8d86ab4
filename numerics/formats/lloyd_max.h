/*
 * Lloyd-Max: the codebook of least mean squared error, for a known law or for samples.
 *
 * Source: S. P. Lloyd, Least Squares Quantization in PCM, 1982; J. Max, 1960.
 */
#ifndef NUMERICS_FORMATS_LLOYD_MAX_H
#define NUMERICS_FORMATS_LLOYD_MAX_H

#include "numerics/formats/codebook.h"
#include "numerics/rng.h"
#include "numerics/statistics/block_law.h"

/* Relative rms error R that the codebook causes on that law: the square root of expected squared
 * error over expected square, exactly (infinite data, unrounded scales).  R^2 is accurate to 1e-12
 * absolute for block_law_rms(). */
double codebook_expected_error(const struct codebook *c, const struct block_law *law);

/*
 * Iterates "level = centroid of its cell" from the cube-root codebook to a fixed point: at most
 * 20000 times, until no level moves by more than 1e-11 of the largest.  Levels mirror each other.
 * Under block_law_absmax() (energy 2) the ends are fitted too and stay inside (-1, 1).
 * E_USAGE when n is not 2 .. CODEBOOK_MAX, or the law is a Student-t with df <= 2.
 */
enum status lloyd_max_law(const struct block_law *law, size_t n, struct codebook *out,
                          struct err *err);
enum status lloyd_max_rms(const struct distribution *d, size_t n, struct codebook *out,
                          struct err *err);
enum status lloyd_max_absmax(const struct distribution *d, size_t block, size_t n,
                             struct codebook *out, struct err *err);

enum lloyd_max_start {
    LLOYD_MAX_PLUS_PLUS, /* k-means++: for data scaled by its rms */
    LLOYD_MAX_UNIFORM,   /* equally spaced over min..max: for data scaled by its absmax */
    LLOYD_MAX_GIVEN      /* the caller's levels */
};

struct lloyd_max_samples {
    const float *x;      /* [n], finite */
    const float *weight; /* [n], importance > 0; NULL: all 1 */
    size_t n;
    enum lloyd_max_start start;
    const double *given; /* [levels], ascending; read by LLOYD_MAX_GIVEN alone */
    double tolerance;    /* stops when at most this share of the samples changes its level: 1e-4 */
};

/* A cell that is empty keeps its level, and levels are kept ascending by a running maximum.  *rng
 * is used by LLOYD_MAX_PLUS_PLUS alone.  E_USAGE when there are no samples, one is not finite, or
 * levels is out of range; E_NOMEM. */
enum status lloyd_max_fit(const struct lloyd_max_samples *samples, size_t levels, struct rng *rng,
                          struct codebook *out, struct err *err);

#endif
