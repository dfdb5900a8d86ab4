/*
 * Casting tokens to block-scaled narrow elements (numerics/kernels/mx_encode.h) and back, with a
 * transform in front or none, as a task: what it costs, and what of the tokens is lost.
 *
 * A technique names its variants in a table:
 *
 *     static const struct token_cast_format formats[] = {
 *         {.variant = "cast_none"},
 *         {.variant = "hadamard", .format = "mxfp4", .transform = TRANSFORM_HADAMARD},
 *         {0}};
 *
 * The case gives "tokens" and "d", a power of two from 32 on.  Values are normal draws, a pattern
 * of up to 2^20 in whole tokens, which more tokens repeat.  Channels have the variance 1, or with
 * "spread" 1 the variances lambda_i proportional to 1 / (1 + ((29 i + 7) mod d)), of mean 1.
 *
 * TRANSFORM_AFFINE multiplies by a whole matrix (OpenBLAS's sgemm, sgemv for one token) and adds v
 * before it casts: A = H diag(lambda^-1/4), the least error of the model in
 * numerics/training/affine_fit.h for these variances; v is 0, since the data have no mean.
 * TRANSFORM_FOLDED is what the same map costs when the layer before has it in its weights: its
 * tokens come transformed, and are only cast.
 *
 * A DRAM case rotates over copies of input, output and matrix.  Threads own contiguous ranges of
 * tokens; an iteration ends with a barrier.
 */
#ifndef BENCH_WORKLOADS_TOKEN_CAST_H
#define BENCH_WORKLOADS_TOKEN_CAST_H

#include <stdbool.h>

#include "bench/technique.h"
#include "numerics/kernels/mx_encode.h"

enum token_transform {
    TRANSFORM_NONE,
    TRANSFORM_BLOCK_HADAMARD, /* within each MX block */
    TRANSFORM_HADAMARD,       /* of the whole token */
    TRANSFORM_AFFINE,
    TRANSFORM_FOLDED
};

struct token_cast_format {
    const char *variant;
    const char *format; /* of mx_formats[], or "nvfp4"; NULL: f32, copied */
    enum mx_rule rule;
    enum token_transform transform;
    bool decodes; /* reads the format and writes f32 */
};

/* The task's functions.  E_NOMEM. */
enum status token_cast_prepare(struct trial *t, const struct token_cast_format *formats,
                               struct err *err);
void token_cast_run(struct trial *t, size_t n);
struct work token_cast_work(const struct trial *t);
void token_cast_release(struct trial *t);

/* Correctness: bytes that differ from the reference's cast of the same transformed tokens, bound 0;
 * and for a transform the largest error of its outputs over their bound, 1.  Fidelity:
 * "relative_rms_error", sqrt(sum (x - x')^2 / sum x^2), and "transform_error", the mean of
 * (x - x')^2, with x' = T^-1(Q(T(x))) in f32. */
void token_cast_fidelity(struct trial *t);

#endif
