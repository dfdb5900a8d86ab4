/*
 * The decode step's matrix times vector, y = W x, as a task for any weight format.
 *
 * A technique names its variants' formats in a table; preparing, running, work, correctness and
 * the error of y are here:
 *
 *     static const struct gemv_format formats[] = {
 *         {"f32", &gemv_f32}, {"int4_b64", &gemv_int4, int4}, {0}};
 *     static enum status prepare(struct trial *t, struct err *err)
 *     {
 *         return gemv_prepare(t, formats, err);
 *     }
 *
 * The case gives "rows" and "cols".  Weights are a pattern of about 2^20 values (whole rows), which
 * the rows of W repeat: Student-t(5) draws of standard deviation 0.02, or the first values of the
 * user's tensor, cyclically.  Timing does not depend on values.  Activations are normal draws.
 *
 * A DRAM case rotates over copies of the packed weights, as many as make this variant's own
 * footprint exceed four times the last-level cache; the copy index persists across runs.  All
 * iterations of a run share one parallel region with a barrier after each, since a decode step
 * needs the whole of y before the next begins; threads own contiguous ranges of rows.
 */
#ifndef BENCH_WORKLOADS_GEMV_H
#define BENCH_WORKLOADS_GEMV_H

#include <stdint.h>

#include "bench/technique.h"
#include "bench/workloads/rotation.h"
#include "numerics/cpu.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/codebook.h"
#include "numerics/kernels/nibble_matrix.h"

struct gemv;

/* A kernel family and how its weights lie in memory: rows of row_bytes each, without gaps. */
struct gemv_kernel {
    const struct kernel_variant *variants; /* NULL: a library's, `whole` */
    const char *(*library_isa)(void);      /* what that library chose */
    size_t (*row_bytes)(const struct gemv *g);
    enum status (*pack)(struct gemv *g, void *out, struct err *err); /* the pattern's rows */
    void (*rows)(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1);
    void (*whole)(const struct gemv *g, const void *w, float *y); /* shares out its own threads */
    void (*reference)(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1);
    double (*bound)(const struct gemv *g, const void *w, size_t row); /* of |y - reference| */
};

/* The element format of a four-bit kernel for that block size (0: one scale for the tensor). */
typedef enum status gemv_codebook_fn(size_t block, struct codebook *out, struct err *err);

struct gemv_format {
    const char *variant;
    const struct gemv_kernel *kernel;
    gemv_codebook_fn *codebook; /* NULL where the kernel alone defines the format */
};

/* What trial->state points to. */
struct gemv {
    const struct gemv_format *format;
    const struct kernel_variant *variant; /* picked for the features */
    unsigned features;
    int threads;
    size_t rows, cols;
    size_t pattern_rows; /* W repeats the pattern's rows */
    float *pattern;      /* [pattern_rows][cols], unquantised */
    float *x, *y;        /* [cols], [rows] */
    struct nibble_matrix
        nibbles; /* four-bit kernels: cols, block (from the params), table, scale */
    struct rotation rotation;
    size_t row_bytes, copy_bytes;
    char *weights; /* [copies][copy_bytes], packed */
};

extern const struct gemv_kernel gemv_f32, gemv_bf16, gemv_sgemv; /* sgemv: OpenBLAS's */
/* Four bits a weight.  The params give "block": bf16 scales of blocks by their absmax; 0 or absent:
 * one f32 scale of the tensor by its rms.  gemv_lut4 looks levels up, 16 at most; gemv_int4 takes a
 * codebook of the integers -8 .. 7. */
extern const struct gemv_kernel gemv_lut4, gemv_int4;

/* How they quantise with that codebook, which is borrowed. */
struct block_format gemv_block_format(const struct codebook *codebook, size_t block);

/* The task's functions.  E_SKIP when the user's weights are empty or not finite; E_NOMEM. */
enum status gemv_prepare(struct trial *t, const struct gemv_format *formats, struct err *err);
void gemv_run(struct trial *t, size_t n);
struct work gemv_work(const struct trial *t);
void gemv_release(struct trial *t);

/* Correctness: max over y of |y - reference| / bound, bound 1.  Fidelity: "y_relative_error", the
 * 2-norm of y - W x over that of W x, the unquantised product in f64. */
void gemv_fidelity(struct trial *t);

#endif
