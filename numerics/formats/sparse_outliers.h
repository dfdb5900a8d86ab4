/*
 * Sparse outliers: the largest magnitudes of a tensor kept apart, so that what is left fits a dense
 * format better.
 *
 *   count    floor(ratio * n) elements of largest magnitude; of equal ones the first
 *   index    their flat indices, ascending, 32 bits each
 *   value    rounded to bf16, 16 bits each
 *
 * They are set to 0 in the dense part before it is coded, and written over what it decodes to.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_SPARSE_OUTLIERS_H
#define NUMERICS_FORMATS_SPARSE_OUTLIERS_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/formats/block_format.h"
#include "numerics/status.h"

enum { SPARSE_OUTLIER_BITS = 48 };

struct sparse_outliers {
    size_t count;
    uint32_t *index;
    uint16_t *value;
};

/* Takes the outliers out of x [n], which has 0 in their places afterwards.  An element that is not
 * finite is none.  E_USAGE when ratio is not in [0, 1] or n >= 2^32, and E_NOMEM: x is untouched.
 * Freed with sparse_outliers_free(), which a zeroed one may be given.  Work: linear on average. */
enum status sparse_outliers_split(float *x, size_t n, double ratio, struct sparse_outliers *out,
                                  struct err *err);
void sparse_outliers_free(struct sparse_outliers *s);

/* Writes them into x [n]. */
void sparse_outliers_restore(const struct sparse_outliers *s, float *x);

/* The error of coding x [rows][cols] with its outliers apart and the rest in f, and the bits for an
 * element, the outliers' included.  E_USAGE, E_NOMEM as above; x is only read. */
enum status sparse_outliers_code(const struct block_format *f, const struct block_kernels *k,
                                 const float *x, size_t rows, size_t cols, double ratio,
                                 struct block_error *error, double *true_bits, struct err *err);

#endif
