/*
 * Coding weights to four bits, blocks of 64 with a bf16 scale by their absmax, as a task for any
 * codebook.
 *
 * The case gives "rows" and "cols"; blocks run over the matrix as if it were one row.  Weights are
 * a pattern of up to 2^20 values, which a larger matrix repeats: Student-t(5) draws, tails as
 * trained weights have them, or the first values of the user's tensor, cyclically.
 *
 * A DRAM case rotates over copies of input and output, as many as exceed four times the last-level
 * cache together.  Threads own contiguous ranges of blocks; an iteration ends with a barrier.
 */
#ifndef BENCH_WORKLOADS_ENCODE4_H
#define BENCH_WORKLOADS_ENCODE4_H

#include <stdint.h>

#include "bench/technique.h"
#include "bench/workloads/rotation.h"
#include "numerics/formats/codebook.h"
#include "numerics/kernels/quantise.h"

/* What trial->state points to. */
struct encode4 {
    encode4_fn *encode;
    struct codebook codebook;
    size_t blocks, pattern_blocks;
    struct rotation rotation;
    float *x;         /* [copies][blocks][64]; the pattern comes first */
    uint8_t *codes;   /* [copies][blocks][32] */
    uint16_t *scales; /* [copies][blocks] */
};

/* The task's functions.  A codebook of integers (codebook->integer) is coded by encode_int4, any
 * other by encode_lut4; it is copied.  E_SKIP when the user's weights are empty or not finite;
 * E_NOMEM. */
enum status encode4_prepare(struct trial *t, const struct codebook *codebook, struct err *err);
void encode4_run(struct trial *t, size_t n);
struct work encode4_work(const struct trial *t);
void encode4_release(struct trial *t);

/* The pattern of a task of encoding: Student-t(5) draws, tails as trained weights have them, or the
 * user's weights, cyclically, into x [n].  E_SKIP when these are empty or not finite. */
enum status encode4_fill(struct trial *t, float *x, size_t n, struct err *err);

/* Correctness: bytes of codes and scales that differ from the reference's, bound 0.  Fidelity:
 * "weight_R", sqrt(sum of squared errors / sum of squares) of what the codes give back, and
 * "weight_R_2b", that times 2 to the power of the bits for a weight. */
void encode4_fidelity(struct trial *t);

#endif
