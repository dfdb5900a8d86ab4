/*
 * Six-bit floats with a binary16 scale for each row as formats of the GEMV task, for any number of
 * tokens; and their packing as a task of its own.
 *
 * A gemv_format's spec is a struct gemv_fp6_spec.  The kernel must take the layout: gemv_fp6_lanes
 * FP6_LANES alone, gemv_fp6_cvt and gemv_fp6_lut any other, gemv_fp6_scalar (one weight at a time,
 * the portable reference) every one.
 */
#ifndef BENCH_WORKLOADS_GEMV_FP6_H
#define BENCH_WORKLOADS_GEMV_FP6_H

#include "bench/workloads/gemv.h"
#include "numerics/kernels/fp6_matrix.h"

struct gemv_fp6_spec {
    const char *element; /* of float_formats[]: e3m2, e2m3, e2m2 */
    enum fp6_layout layout;
};

extern const struct gemv_kernel gemv_fp6_cvt, gemv_fp6_lut, gemv_fp6_lanes, gemv_fp6_scalar;

/* R of the pattern as the packed weights give it back: sqrt(sum of squared errors / sum of
 * squares).  g is of one of these kernels. */
double gemv_fp6_weight_error(const struct gemv *g);

/*
 * Packing: codes [rows][cols], one a byte, and scales to tiles in a layout.  The variant's param
 * "layout" is an enum fp6_layout, its "bits" 6 (E3M2) or 5 (E2M2); the case gives "rows" and
 * "cols".  A DRAM case rotates over copies of input and output that exceed four times the
 * last-level cache together; threads own contiguous ranges of tiles.
 */
enum status fp6_pack_prepare(struct trial *t, struct err *err);
void fp6_pack_run(struct trial *t, size_t n);
struct work fp6_pack_work(const struct trial *t);
void fp6_pack_release(struct trial *t);
/* Correctness: codes that do not come back, bound 0.  Fidelity: the bits of a packed weight. */
void fp6_pack_fidelity(struct trial *t);

#endif
