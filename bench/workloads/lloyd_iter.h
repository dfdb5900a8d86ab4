/*
 * One iteration of Lloyd-Max as a task: assign every weight to the nearest of 16 levels, and make
 * each level the mean of its cell.
 *
 * The case gives "rows" and "cols".  Weights are those of bench/workloads/encode4.h over their root
 * mean square, a pattern of up to 2^20 that a larger tensor repeats; every iteration starts from
 * the same levels.  Threads own contiguous ranges of weights and keep sums of their own; one of
 * them adds these up and updates the levels while the others wait.
 *
 * A DRAM case rotates over copies of the weights, as many as exceed four times the last-level
 * cache.
 */
#ifndef BENCH_WORKLOADS_LLOYD_ITER_H
#define BENCH_WORKLOADS_LLOYD_ITER_H

#include "bench/technique.h"
#include "numerics/formats/codebook.h"

/* start: at most 16 levels, for weights of rms 1; copied.  E_SKIP when the user's weights are
 * empty, not finite, or all 0; E_NOMEM. */
enum status lloyd_iter_prepare(struct trial *t, const struct codebook *start, struct err *err);
void lloyd_iter_run(struct trial *t, size_t n);
struct work lloyd_iter_work(const struct trial *t);
void lloyd_iter_release(struct trial *t);

/* Correctness: the largest distance of an updated level from the reference's, over its bound.
 * Fidelity: "weight_R" of the updated levels, with "start" as the subject of the levels before. */
void lloyd_iter_fidelity(struct trial *t);

#endif
