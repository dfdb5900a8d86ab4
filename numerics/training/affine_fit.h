/*
 * Affine maps fitted to data, so that a block format in front of which they stand errs least: the
 * closed form for the model of the error, and gradient descent on it.
 *
 * The error of a block is modelled as noise of a variance proportional to the square of the
 * block's largest magnitude, so that with y = A x + v, blocks b of `block` outputs, and
 * c_b = ||A^-1[:, b]||_F^2
 *
 *     J(A, v) = (1/d) sum over b of mean over rows of max_b(y)^2 * c_b
 *
 * is E(T) of numerics/transforms/affine.h up to a constant.  J is the same for A and for A times
 * any number, so the size of A needs no penalty.
 *
 *   x    [n][d], row-major, n > 0, finite; d > 0 and a multiple of block
 *   rng  picks the rows of a step's batch, with replacement
 *   out  freed with affine_free()
 *
 * Errors: E_NOMEM; E_USAGE for a shape or a map that cannot be; *out is then untouched.
 * Determinism: one thread; the same bits for a seed on one machine.
 * Source: the objective of O. Gordon et al., LATMiX, arXiv 2602.17681; D. Kingma, J. Ba, Adam,
 * arXiv 1412.6980, algorithm 1.  The model, its gradient and its closed form are derived here.
 */
#ifndef NUMERICS_TRAINING_AFFINE_FIT_H
#define NUMERICS_TRAINING_AFFINE_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/rng.h"
#include "numerics/status.h"
#include "numerics/transforms/affine.h"

struct affine_fit {
    size_t block; /* outputs that share a scale */
    size_t steps, batch;
    double rate; /* of Adam; falls linearly to 0 */
    bool shift;  /* v is fitted too; else it stays 0 */
};

/* J and its gradient by A [d][d] and v [d], which may both be NULL. inverse: of A.
 *   dJ/dA = (1/d) [ sum over rows and b of (2 max_b c_b / n) e_idx x^T - 2 A^-T A^-1 W A^-T ],
 * with max_b signed and at output idx, W the diagonal of the mean of max_b^2, and dJ/dv the first
 * term without x^T. */
enum status affine_fit_model(size_t d, size_t block, const double *a, const double *inverse,
                             const double *v, const double *x, size_t n, double *j, double *by_a,
                             double *by_v, struct err *err);

/* A general map from the start [d][d], by its LU parameters: L, U, log s and, if so asked, v. */
enum status affine_fit_lu(const struct affine_fit *fit, size_t d, const double *start,
                          const double *x, size_t n, struct rng *rng, struct affine *out,
                          struct err *err);

/* Only rotations of the start: A <- expm(-rate * K) A, K the skew part of dJ/dA A^T as Adam sees
 * it.  v stays 0 and fit->shift is not read. */
enum status affine_fit_rotation(const struct affine_fit *fit, size_t d, const double *start,
                                const double *x, size_t n, struct rng *rng, struct affine *out,
                                struct err *err);

/*
 * The least error of the model when every block's largest magnitude is proportional to its rms:
 * A = H diag(lambda^-1/4) V^T for the covariance V diag(lambda) V^T (ascending; the entry of
 * largest magnitude of a column of V is positive) and H the Hadamard matrix, which spreads what is
 * left evenly over the blocks.
 *
 *   centred  the covariance is that about the mean, and v = -A mean; else about 0, and v = 0
 *   ratio    (mean sqrt(lambda))^2 / mean(lambda) <= 1: its error over that of H alone; may be NULL
 *
 * E_USAGE when the covariance is singular (fewer rows than d, say).
 */
enum status affine_fit_closed_form(size_t d, const double *x, size_t n, bool centred,
                                   struct affine *out, double *ratio, struct err *err);

#endif
