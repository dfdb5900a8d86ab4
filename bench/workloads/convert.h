/*
 * Conversion between f32 and packed narrow floats as a task: what it costs to write f32 in a narrow
 * format and to read it back, and what of the value is lost.
 *
 * A variant's "bits" and "exponent_bits" name its format: the first such row of float_formats, that
 * of OCP or IEEE; none (32 bits) copies f32.  "scalar" 1 takes the reference kernels.  A case's "n"
 * is the number of elements: a multiple of 512, and of 2^20 where it is larger.
 *
 * Values are 2^20 normal draws, which longer inputs repeat, with the format's largest value at six
 * standard deviations: too far for them to reach (one run in 500), so that the error is that of
 * rounding alone.
 *
 * A DRAM case rotates over copies of input and output, as many as exceed four times the last-level
 * cache together; the copy index persists across runs.  Threads own contiguous ranges of whole
 * pieces of 512 elements; an iteration ends with a barrier.
 */
#ifndef BENCH_WORKLOADS_CONVERT_H
#define BENCH_WORKLOADS_CONVERT_H

#include "bench/technique.h"

/* memcpy of f32; the same loop as the others without a conversion; to nearest even; stochastic; to
 * f32. */
run_fn convert_run_memcpy, convert_run_copy, convert_run_rne, convert_run_sr, convert_run_decode;

/* The task's other functions.  E_NOMEM. */
enum status convert_prepare(struct trial *t, struct err *err);
struct work convert_work(const struct trial *t);
void convert_release(struct trial *t);

/* Correctness: bytes that differ from the reference's, bound 0.  Fidelity: "relative_rms_error",
 * sqrt(sum of squared errors / sum of squares) of the draws as the output has them. */
void convert_fidelity(struct trial *t);

#endif
