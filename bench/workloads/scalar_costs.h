/*
 * What low-bit weights cost once, before the first product: coding a matrix of f32 weights and
 * packing it for the kernels, and fitting levels to it by k-means, as two tasks.
 *
 * The variant's parameter "levels" is 16, 4 or 2: the formats km4-b64, km2-b64 and km1-b64; for the
 * pack task 0 or absent is rounding to bf16, the cost of the dense baseline.  The case gives "rows"
 * (a multiple of 64) and "cols".  Weights are Student-t(5) draws of standard deviation 0.02, 2^20
 * at most, which a larger matrix repeats, or the user's, cyclically.
 *
 * pack: each group of 64 rows is coded (scales, codes), brought to the canonical form and from that
 * to the tiles of numerics/kernels/code_matrix.h; threads own ranges of groups.  Levels are given.
 * fit: levels of the normalised weights by scalar_format_fit(), on one thread, allocation and
 * sorting included: they are what a fit costs.
 * A DRAM case rotates over copies of the input, as many as exceed four times the last-level cache.
 */
#ifndef BENCH_WORKLOADS_SCALAR_COSTS_H
#define BENCH_WORKLOADS_SCALAR_COSTS_H

#include "bench/technique.h"

/* E_SKIP when the user's weights are empty, not finite, or too few for the levels; E_NOMEM. */
enum status scalar_pack_prepare(struct trial *t, struct err *err);
enum status scalar_fit_prepare(struct trial *t, struct err *err);
void scalar_pack_run(struct trial *t, size_t n);
void scalar_fit_run(struct trial *t, size_t n);
struct work scalar_pack_work(const struct trial *t);
struct work scalar_fit_work(const struct trial *t);
void scalar_pack_release(struct trial *t);
void scalar_fit_release(struct trial *t);

/* pack: correctness is the number of weights whose packed code or scale is not that of the
 * definition (bf16: that are off by more than half a unit of the last place); bound 0.
 * fit: the number of samples that one more step of Lloyd's moves to another level; the bound
 * follows from the share of them at which a fit stops, 1e-4.
 * Fidelity of both: weight_R. */
void scalar_pack_fidelity(struct trial *t);
void scalar_fit_fidelity(struct trial *t);

#endif
