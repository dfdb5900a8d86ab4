/*
 * How the values of a tensor are spread: counts by sign, exponent and leading mantissa bits, from
 * which quantiles, histograms and fits follow without the data.
 *
 * The bin of a value is the upper half of its f32, so a bin is at most 2^-7 of its value wide, and
 * sketches merge by addition: exact, and in any order.
 * Source: outlier statistics as in Masson, Rim, Lee, DDSketch, VLDB 2019, with the float's own
 * bins.
 */
#ifndef NUMERICS_STATISTICS_VALUE_SKETCH_H
#define NUMERICS_STATISTICS_VALUE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/statistics/distribution.h"
#include "numerics/status.h"

enum { SKETCH_BINS = 1 << 16 };

struct value_sketch {
    uint64_t count[SKETCH_BINS]; /* by the upper 16 bits of the f32; zeros of both signs too */
    uint64_t n, nonfinite;       /* values in bins; NaN and inf, which are in none */
    double squares;              /* sum of x^2 over the finite values */
    float largest;               /* max |x| over the finite values */
};

/* Adds n values.  About 1 ns each. */
void sketch_add(struct value_sketch *s, const float *x, size_t n);
void sketch_merge(struct value_sketch *into, const struct value_sketch *from);

/* sqrt(mean x^2) of the finite values; 0 of none. */
double sketch_rms(const struct value_sketch *s);

/* counts[i] of the values with edges[i] <= x / rms < edges[i+1]; edges [n_counts + 1] ascend.  A
 * bin of the sketch that an edge cuts is shared out by length: off by at most the values within
 * 2^-7 of an edge. */
void sketch_histogram(const struct value_sketch *s, const double *edges, size_t n_counts,
                      double *counts);

/*
 * Maximum-likelihood fits of the three distributions about 0, each value taken at the middle of its
 * bin (relative error of a value at most 2^-8).
 *   Normal: scale = rms.  Laplace: scale = mean |x|.
 *   Student-t: df in 1..9.5 by 0.5, 10..18 by 2, 20..100 by 10; for each the scale by the fixed
 * point s^2 = mean(w x^2), w = (df + 1) s^2 / (x^2 + df s^2); the df of largest likelihood. loglik
 * is per value, in nats.  With no value but 0, scales are 0 and loglik is NaN. Source: Orr, Ribar,
 * Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988, sec. 4.
 */
struct sketch_fit {
    struct distribution normal, laplace, t;
    double normal_loglik, laplace_loglik, t_loglik;
};
/* E_NOMEM. */
enum status sketch_fit(const struct value_sketch *s, struct sketch_fit *out, struct err *err);

#endif
