/*
 * Invertible affine maps T(x) = A x + v of vectors of length d: made from their parameters, undone,
 * folded into neighbouring weights, and the error that quantising between T and its inverse makes.
 *
 * Matrices are row-major without gaps, in f64.  Blocks of rows x [n][d] are transformed row by row.
 *
 * Parametrisations, s_i = sign_i exp(log_s_i):
 *   QR   A = Q (R + diag(s)), Q = expm((G - G^T) / 2), R strictly upper
 *   LU   A = P L (U + diag(s)), L unit lower, U strictly upper: row i of A is row perm[i] of
 *        L (U + diag(s))
 * So log |det A| is the sum of log_s, up to the rounding of either.
 *
 * Functions that return a status: E_NOMEM, or what they say; their outputs are then unspecified,
 * but *out is untouched.
 * Source: O. Gordon et al., LATMiX, arXiv 2602.17681 (QR, folding, the error); the LU form is made
 * in its likeness.
 */
#ifndef NUMERICS_TRANSFORMS_AFFINE_H
#define NUMERICS_TRANSFORMS_AFFINE_H

#include <stddef.h>

#include "numerics/formats/block_format.h"
#include "numerics/status.h"

enum { AFFINE_MAX_D = 8192 };

/* A map with a larger condition number is refused: half the digits of f64 are lost in T^-1. */
#define AFFINE_MAX_CONDITION 0x1p26

struct affine {
    size_t d;
    double *a, *inverse; /* [d][d]; owned, as v */
    double *v;           /* [d] */
    double log_det;      /* log |det A| */
    double condition;    /* of A, in the 2-norm */
};

/* Copies a [d][d] and v [d] (NULL: zeros) and inverts.  E_USAGE when d is 0 or above AFFINE_MAX_D,
 * or A or v is not finite, or A is singular or too badly conditioned. */
enum status affine_init(struct affine *out, size_t d, const double *a, const double *v,
                        struct err *err);
void affine_free(struct affine *t);

/* y = A x + v and x = A^-1 (y - v), for n rows.  x and y do not overlap. */
void affine_apply(const struct affine *t, const double *x, size_t n, double *y);
void affine_undo(const struct affine *t, const double *y, size_t n, double *x);

/* A layer W x + b of [rows][d] weights to W2 (A x + v) + b2 = W x + b: W2 = W A^-1 and
 * b2 = b - W2 v.  b NULL: zeros. */
void affine_fold(const struct affine *t, const double *w, const double *b, size_t rows, double *w2,
                 double *b2);

/* E(T) = the mean over rows and elements of (x - T^-1(Q(T(x))))^2 = (A^-1 (Q(y) - y))^2 with
 * y = A x + v; Q codes y, rounded to f32, in the format. n > 0. */
enum status affine_error(const struct affine *t, const double *x, size_t n,
                         const struct block_format *format, const struct block_kernels *kernels,
                         double *error, struct err *err);

/* inverse [d][d] = A^-1 and log |det A|.  E_USAGE when A is exactly singular; see affine_init() for
 * what is nearly so. */
enum status affine_invert(size_t d, const double *a, double *inverse, double *log_det,
                          struct err *err);

/* ---- Matrices from parameters ---- */

/* exp(m) by scaling and squaring of the [13/13] Pade approximant, [d][d]; a backward error of the
 * order of 2^-53 in the 1-norm of m.  Source: N. J. Higham, SIAM J. Matrix Anal. Appl. 26 (2005),
 * algorithm 2.3. */
enum status affine_expm(size_t d, const double *m, double *out, struct err *err);

struct affine_qr {
    size_t d;
    const double *g;            /* [d][d] */
    const double *upper;        /* [d][d]; only what is above the diagonal is read */
    const double *log_s, *sign; /* [d]; sign is +1 or -1 */
};
/* q [d][d] and a [d][d]. */
enum status affine_qr_matrix(const struct affine_qr *p, double *q, double *a, struct err *err);

struct affine_lu {
    size_t d;
    double *lower; /* [d][d]; only what is below the diagonal is read, which is 1 */
    double *upper; /* [d][d]; only what is above the diagonal is read */
    double *log_s, *sign;
    size_t *perm;
};
/* E_NOMEM; on success free with affine_lu_free(). */
enum status affine_lu_alloc(struct affine_lu *p, size_t d, struct err *err);
void affine_lu_free(struct affine_lu *p);
enum status affine_lu_matrix(const struct affine_lu *p, double *a, struct err *err);
/* The parameters of A, by partial pivoting.  E_USAGE when A is singular. */
enum status affine_lu_factor(const double *a, struct affine_lu *p, struct err *err);

/* H / sqrt(block) in blocks along the diagonal of a [d][d]: the whole Hadamard matrix for
 * block == d.  E_USAGE when block does not divide d, or hadamard_init() has none. */
enum status affine_hadamard(size_t d, size_t block, double *a, struct err *err);

#endif
