/*
 * The decode step's matrix times vector, y = W x, as a task for any weight format; or, where the
 * case gives "tokens" above 1, the small batch's matrix times that many vectors.
 *
 * A technique names its variants' formats in a table; preparing, running, work, correctness and
 * the error of y are here:
 *
 *     static const struct gemv_format formats[] = {
 *         {.variant = "f32", .kernel = &gemv_f32},
 *         {.variant = "int4_b64", .kernel = &gemv_int4, .codebook = int4},
 *         {0}};
 *
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
 * needs the whole of y before the next begins; threads own contiguous ranges of groups of rows.
 */
#ifndef BENCH_WORKLOADS_GEMV_H
#define BENCH_WORKLOADS_GEMV_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/technique.h"
#include "bench/workloads/rotation.h"
#include "numerics/cpu.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/codebook.h"

struct gemv;

/* A kernel family and how its weights lie in memory: groups of g->row_group rows, group_bytes each,
 * without gaps; the last group of a matrix may have fewer rows, and is as large. */
struct gemv_kernel {
    const struct kernel_variant *variants; /* NULL: open() sets g->variant, or it is a library's */
    const char *(*library_isa)(void);      /* what that library chose */
    size_t max_tokens;                     /* 0: 1 */
    bool
        opaque; /* a library's layout: the whole matrix is one group, and pack() writes all of it */
    enum roof roof; /* what binds many tokens: ROOF_FMA_F32, ROOF_DOT_I8 */
    /* Sets what the format needs in *g: row_group, variant, own.  May be NULL, as may close, which
     * frees g->own and is called whatever open returned. */
    enum status (*open)(struct gemv *g, struct err *err);
    void (*close)(struct gemv *g);
    /* When the pattern is there and nothing is laid out yet: what sizes depend on.  May be NULL. */
    enum status (*fit)(struct gemv *g, struct err *err);
    size_t (*group_bytes)(const struct gemv *g);
    /* What a copy of the whole of W has behind its groups, at gemv_tail().  May both be NULL. */
    size_t (*tail_bytes)(const struct gemv *g);
    void (*tail)(const struct gemv *g, void *out);
    /* The pattern's rows, as whole groups. */
    enum status (*pack)(struct gemv *g, void *out, struct err *err);
    /* What an iteration does to x before its rows (quantises it, builds tables of it), in scratch
     * that each thread has for itself, so that no barrier is needed.  May be NULL. */
    void (*activate)(struct gemv *g, size_t thread);
    /* y [tokens][rows], rows row0 .. row1-1 of each; row0 is a multiple of row_group, and row1 too
     * but for the last. */
    void (*rows)(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread);
    void (*whole)(const struct gemv *g, const void *w, float *y); /* shares out its own threads */
    /* One token by the reference: y [row1], rows row0 .. row1-1 of it. */
    void (*reference)(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1);
    /* Of |y - reference| in one row of one token. */
    double (*bound)(const struct gemv *g, const void *w, size_t token, size_t row);
};

/* The element format of a four-bit kernel for that block size (0: one scale for the tensor). */
typedef enum status gemv_codebook_fn(size_t block, struct codebook *out, struct err *err);

struct gemv_format {
    const char *variant;
    const struct gemv_kernel *kernel;
    gemv_codebook_fn *codebook; /* NULL where the kernel alone defines the format */
    const void *spec;           /* what else the kernel needs to know of the format; or NULL */
};

/* What trial->state points to. */
struct gemv {
    const struct gemv_format *format;
    const struct kernel_variant *variant; /* picked for the features */
    unsigned features;
    int threads;
    size_t rows, cols, tokens;
    size_t block;        /* of the params: columns that share a scale; 0: none do */
    size_t pattern_rows; /* W repeats the pattern's rows; whole groups, so perhaps more than rows */
    float *pattern;      /* [pattern_rows][cols], unquantised */
    float *x, *y;        /* [tokens][cols], [tokens][rows] */
    void *own;           /* the kernel's */
    /* How the pattern was coded, with fitted levels; NULL where the kernel alone knows. */
    const struct block_format *coded;
    struct rotation rotation;
    size_t row_group, groups, group_bytes, tail_bytes, copy_bytes;
    char *weights; /* [copies][copy_bytes], packed */
};

/* sgemv: OpenBLAS's, and its sgemm for more than one token */
extern const struct gemv_kernel gemv_f32, gemv_bf16, gemv_sgemv;
/* oneDNN's bf16 product, and its 8-bit one of weights with a scale for a row and tokens with a
 * scale each, which are applied behind it.  Cells are skipped where the library is absent. */
extern const struct gemv_kernel gemv_onednn_bf16, gemv_onednn_i8;
/* binary16; and 8-bit integers with an f32 scale for each row by its absmax, f32 activations. */
extern const struct gemv_kernel gemv_fp16, gemv_int8row;
/* FP8 with an f32 scale for each row, its absmax over the largest value of the format. */
extern const struct gemv_kernel gemv_e4m3, gemv_e5m2;
/* Four bits a weight.  The params give "block": bf16 scales of blocks by their absmax; 0 or absent:
 * one f32 scale of the tensor by its rms.  gemv_lut4 looks levels up, 16 at most, with scales by
 * the rule that spec points to, an enum scale_rule, where it is not NULL; gemv_int4 takes a
 * codebook of evenly spaced levels with a 0, at most 8 below it and 7 above, and computes them. */
extern const struct gemv_kernel gemv_lut4, gemv_int4;

/* 2 to 32 levels in 1 to 5 bits (gemv_lut8 and gemv_unfused: 1, 2 or 4), f32 activations.  spec is
 * the name of one of named_formats[] with bf16 block scales or one scale, whose block replaces that
 * of the params; NULL: the codebook's levels, scaled as for gemv_lut4.  gemv_lut packs for vectors;
 * gemv_lut8 keeps the form of exchange and decodes by a byte table; gemv_unfused decodes that to
 * f32 in memory, and then multiplies (blocks only). */
extern const struct gemv_kernel gemv_lut, gemv_lut8, gemv_unfused;
/* Packed weights times 8-bit tokens (numerics/kernels/gemm_i8.h), any number of them; spec is a
 * struct gemv_i8_spec.  x is quantised in the timed region. */
struct gemv_i8_spec {
    const char *kernel; /* of gemm_i8_formats[] */
    /* Of named_formats[], or NULL: the codebook in the params' blocks.  Its levels are values of
     * the kernel's codes. */
    const char *format;
};
extern const struct gemv_kernel gemv_i8;
/* BitNet b1.58 in a published packing; spec is the name of one of ternary_schemes[].  x is
 * quantised, and its tables are built, in the timed region.  Correctness is the same bits. */
extern const struct gemv_kernel gemv_ternary;

/* gemv_lut4 with the SPARSE_RATIO largest weights apart (numerics/formats/sparse_outliers.h), in
 * coordinates of the whole of W that follow its groups, and added in the timed region. */
#define GEMV_SPARSE_RATIO 0x1p-10
extern const struct gemv_kernel gemv_lut4_sparse;
/* A uniform grid of mean Huffman length GEMV_HUFFMAN_BITS, decoded in the timed region; vectors of
 * four weights in 12 bits, and of three in 8 (numerics/formats/vector_codebook.h). */
#define GEMV_HUFFMAN_BITS 3.0
extern const struct gemv_kernel gemv_huffman, gemv_vq4x3b, gemv_sign3d8;

/* Behind the groups of a copy, on a boundary of 64 bytes. */
const void *gemv_tail(const struct gemv *g, const void *w);

/* How they quantise with that codebook, which is borrowed. */
struct block_format gemv_block_format(const struct codebook *codebook, size_t block);
struct block_format gemv_int8_format(const struct codebook *codebook); /* -127 .. 127 */

/* The task's functions.  E_SKIP when the user's weights are empty or not finite, or the kernel has
 * no form for so many tokens; E_NOMEM. */
enum status gemv_prepare(struct trial *t, const struct gemv_format *formats, struct err *err);
void gemv_run(struct trial *t, size_t n);
struct work gemv_work(const struct trial *t);
void gemv_release(struct trial *t);

/* Correctness: max over y of |y - reference| / bound, bound 1.  Fidelity: "y_relative_error", the
 * 2-norm of y - W x over that of W x, the unquantised product in f64. */
void gemv_fidelity(struct trial *t);

#endif
