/*
 * The Huber loss of a scaling law and its gradient over a table of runs, as a task: what one step
 * of a fit costs a row.
 *
 * A variant's "simd" 1 takes the best kernel that is allowed, else the C library's exp and log.  A
 * case's "rows" is the length of the table, 24 bytes a row (ln N, ln D, ln L; weights of 1 are not
 * read): runs of datasets/synthetic_runs.h, repeated.
 *
 * Threads own contiguous ranges of rows, and each leaves its own sums; an iteration ends with a
 * barrier.  Adding up the threads' six numbers is left out.  A DRAM case rotates over copies.
 */
#ifndef BENCH_WORKLOADS_LAW_OBJECTIVE_H
#define BENCH_WORKLOADS_LAW_OBJECTIVE_H

#include "bench/technique.h"

enum {
    LAW_PARAMETERS = 5,
    LAW_FLOPS_PER_ROW = 60 /* as numerics/kernels/law_sums.h counts them */
};

/* Value and gradient in one pass; the gradient from ten values, by central differences. */
run_fn law_objective_run, law_objective_run_differences;

/* The task's other functions.  E_NOMEM. */
enum status law_objective_prepare(struct trial *t, struct err *err);
struct work law_objective_work(const struct trial *t);
void law_objective_release(struct trial *t);

/* Correctness: the largest difference from the reference kernel over its bound.  Fidelity:
 * "objective_relative_error" and "gradient_relative_error" (the largest of five). */
void law_objective_fidelity(struct trial *t);

#endif
