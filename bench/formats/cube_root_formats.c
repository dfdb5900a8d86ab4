/* bench/formats/cube_root_formats.c: codebooks whose level density is the cube root of the weights'
 * pdf, which is optimal for a fixed number of bits, beside NF4, SF4, AF4, Lloyd-Max and plain
 * integers.  One look-up kernel serves every codebook: they differ in error, not in time.
 * Source: Orr, Ribar, Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988. */
#include <math.h>

#include "bench/formats/cube_root_formats_check.h"
#include "bench/technique.h"
#include "bench/workloads/encode4.h"
#include "bench/workloads/gemv.h"
#include "bench/workloads/lloyd_iter.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/codebook.h"
#include "numerics/formats/entropy_grid.h"
#include "numerics/formats/sparse_outliers.h"
#include "numerics/formats/vector_codebook.h"

/* ---- gemv: y = W x with W packed ---- */

static enum status nf4(size_t block, struct codebook *out, struct err *err)
{
    return codebook_named("nf4", block, out, err);
}

static enum status crd_normal(size_t block, struct codebook *out, struct err *err)
{
    return codebook_named("crd-normal", block, out, err);
}

static enum status int4(size_t block, struct codebook *out, struct err *err)
{
    (void)block;
    return codebook_integer(4, CODEBOOK_INT_TWOS, out, err);
}

/* n levels for t(5), the weights of the task. */
static enum status crd_t5(size_t n, enum scale_rule rule, enum codebook_mode mode, size_t block,
                          struct codebook *out, struct err *err)
{
    struct cube_root spec = {.family = DISTRIBUTION_T,
                             .df = 5,
                             .rule = rule,
                             .mode = mode,
                             .alpha = 1.0 / 3,
                             .n = n,
                             .block = block};
    return codebook_cube_root(&spec, out, err);
}

static enum status crd3(size_t block, struct codebook *out, struct err *err)
{
    return crd_t5(8, SCALE_ABSMAX, CODEBOOK_SYMMETRIC, block, out, err);
}

static enum status crd5(size_t block, struct codebook *out, struct err *err)
{
    return crd_t5(32, SCALE_ABSMAX, CODEBOOK_SYMMETRIC, block, out, err);
}

static const enum scale_rule signmax = SCALE_SIGNMAX;

static enum status crd_signmax(size_t block, struct codebook *out, struct err *err)
{
    return crd_t5(16, signmax, CODEBOOK_ASYMMETRIC, block, out, err);
}

static const struct variant gemv_variants[] = {
    {"f32", "dense f32", gemv_run, HEADLINE, {{"bits", 32}}},
    {"bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"openblas_sgemv", "OpenBLAS cblas_sgemv, f32", gemv_run, PEER, {{"bits", 32}}},
    {"lut4_b64",
     "16-entry table, bf16 scale for 64 weights",
     gemv_run,
     HEADLINE,
     {{"bits", 4.25}, {"block", 64}}},
    {"lut4_tensor_rms", "16-entry table, one scale", gemv_run, 0, {{"bits", 4}}},
    {"int4_b64",
     "4-bit integers, bf16 scale for 64 weights",
     gemv_run,
     HEADLINE,
     {{"bits", 4.25}, {"block", 64}}},
    {"lut3_b64", "8-entry table", gemv_run, 0, {{"bits", 3.25}, {"block", 64}}},
    {"lut5_b64", "32-entry table", gemv_run, 0, {{"bits", 5.25}, {"block", 64}}},
    {"lut4_b64_signmax",
     "16-entry table, bf16 scale with the sign of the largest weight",
     gemv_run,
     0,
     {{"bits", 4.25}, {"block", 64}}},
    {"lut4_tensor_rms_sparse",
     "16-entry table, one scale, and 1 in 1024 weights apart",
     gemv_run,
     0,
     {{"bits", 4 + SPARSE_OUTLIER_BITS *GEMV_SPARSE_RATIO}}},
    {"grid_huffman",
     "uniform grid in a Huffman stream",
     gemv_run,
     0,
     {{"bits", GEMV_HUFFMAN_BITS}}},
    {"vq4x3b", "four weights by 12 bits: a table of 4096 vectors", gemv_run, 0, {{"bits", 3}}},
    {"sign3d8",
     "three weights by 8 bits: signs and one of 32 vectors",
     gemv_run,
     0,
     {{"bits", 8.0 / 3}}},
    {"int4_b64_i8",
     "4-bit integers, 16 rows interleaved, 8-bit activations",
     gemv_run,
     0,
     {{"bits", 4.25}, {"block", 64}}},
    {0}};

static const struct gemv_i8_spec int4_i8 = {"int4", NULL};

static const struct gemv_format gemv_formats[] = {
    {.variant = "f32", .kernel = &gemv_f32},
    {.variant = "bf16", .kernel = &gemv_bf16},
    {.variant = "openblas_sgemv", .kernel = &gemv_sgemv},
    {.variant = "lut4_b64", .kernel = &gemv_lut4, .codebook = nf4},
    {.variant = "lut4_tensor_rms", .kernel = &gemv_lut4, .codebook = crd_normal},
    {.variant = "int4_b64", .kernel = &gemv_int4, .codebook = int4},
    {.variant = "lut3_b64", .kernel = &gemv_lut, .codebook = crd3},
    {.variant = "lut5_b64", .kernel = &gemv_lut, .codebook = crd5},
    {.variant = "lut4_b64_signmax",
     .kernel = &gemv_lut4,
     .codebook = crd_signmax,
     .spec = &signmax},
    {.variant = "lut4_tensor_rms_sparse", .kernel = &gemv_lut4_sparse, .codebook = crd_normal},
    {.variant = "grid_huffman", .kernel = &gemv_huffman},
    {.variant = "vq4x3b", .kernel = &gemv_vq4x3b},
    {.variant = "sign3d8", .kernel = &gemv_sign3d8},
    {.variant = "int4_b64_i8", .kernel = &gemv_i8, .codebook = int4, .spec = &int4_i8},
    {0}};

/* L2 is 1 MiB a core or more on current servers: 256 x 512 fits in f32 on one.  1024 x 1024 is 4 MB
 * in f32 and so in L3, but 0.5 MB in 4 bits.  The others are projections of Llama-3.1-8B. */
static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"l3.1024x1024", CACHE, {{"rows", 1024}, {"cols", 1024}}},
    {"llama3.1-8b.q_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama3.1-8b.gate_proj", DRAM, {{"rows", 14336}, {"cols", 4096}}},
    {"llama3.1-8b.down_proj", DRAM, {{"rows", 4096}, {"cols", 14336}}},
    {0}};

static enum status gemv_prepare_formats(struct trial *t, struct err *err)
{
    return gemv_prepare(t, gemv_formats, err);
}

static void error_fidelity(struct trial *t, const char *subject, const struct block_error *error,
                           double bits)
{
    double r = block_error_ratio(error);
    trial_fidelity(t, subject, "weight_R", r, "fp64-exact", 0);
    trial_fidelity(t, subject, "weight_R_2b", r * exp2(bits), "fp64-exact", 0);
}

/* R and R 2^b of weights [rows][cols] with one codebook. */
static void weight_fidelity(struct trial *t, const char *name, const struct codebook *codebook,
                            enum scale_rule rule, const float *weights, size_t rows, size_t cols,
                            size_t block)
{
    struct block_kernels kernels = block_kernels_pick(t->features);
    struct block_format f = gemv_block_format(codebook, block);
    f.rule = rule;
    struct block_error error = block_format_error(&f, &kernels, weights, rows, cols, NULL);
    error_fidelity(t, name, &error, block_format_bits(&f, rows, cols));
}

/* The same with every codebook that has a form for such scales. */
static void named_fidelity(struct trial *t, const float *weights, size_t rows, size_t cols,
                           size_t block)
{
    struct codebook c;
    enum scale_rule rule = block ? SCALE_ABSMAX : SCALE_RMS;
    for (const char *const *name = codebook_names; *name; name++)
        if (!codebook_named(*name, block, &c, NULL))
            weight_fidelity(t, *name, &c, rule, weights, rows, cols, block);
}

/* Of formats that are more than a codebook and scales; the bits are those of a whole matrix of the
 * pattern's shape, tables included. */
static void coded_fidelity(struct trial *t, const struct gemv *g)
{
    const struct gemv_kernel *kernel = g->format->kernel;
    struct block_kernels kernels = block_kernels_pick(t->features);
    struct block_error error = {0};
    struct codebook c;
    double bits = NAN;
    size_t rows = g->pattern_rows, cols = g->cols;
    if (kernel == &gemv_lut4_sparse && !crd_normal(0, &c, NULL)) {
        struct block_format f = gemv_block_format(&c, 0);
        if (sparse_outliers_code(&f, &kernels, g->pattern, rows, cols, GEMV_SPARSE_RATIO, &error,
                                 &bits, NULL))
            return;
    } else if (kernel == &gemv_huffman) {
        if (entropy_grid_code(g->pattern, rows * cols, GEMV_HUFFMAN_BITS, ENTROPY_HUFFMAN, &error,
                              &bits, NULL))
            return;
        bits += 32 / (double)cols; /* where each row begins */
    } else if (kernel == &gemv_vq4x3b || kernel == &gemv_sign3d8) {
        const struct vector_codebook *table = g->own;
        error = vector_codebook_error(table, t->features, g->pattern, rows, cols);
        bits = vector_codebook_bits(table, rows, cols);
    }
    if (!isnan(bits))
        error_fidelity(t, NULL, &error, bits);
}

/* One timing of gemv_lut4 serves every codebook. */
static void gemv_formats_fidelity(struct trial *t)
{
    const struct gemv *g = t->state;
    size_t block = g->block;
    struct codebook c;
    enum scale_rule rule = g->format->spec ? signmax : block ? SCALE_ABSMAX : SCALE_RMS;
    gemv_fidelity(t);
    coded_fidelity(t, g);
    if (g->format->kernel == &gemv_lut4_sparse)
        return;
    if (g->format->codebook && !g->format->codebook(block, &c, NULL))
        weight_fidelity(t, NULL, &c, rule, g->pattern, g->pattern_rows, g->cols, block);
    if (g->format->kernel == &gemv_lut4 && !g->format->spec)
        named_fidelity(t, g->pattern, g->pattern_rows, g->cols, block);
}

/* ---- encode: f32 weights to 4-bit codes and bf16 scales, blocks of 64 ---- */

static int is_lloyd(const struct trial *t)
{
    return t->v->run == lloyd_iter_run;
}

/* Levels of the integers where the variant says so, else those for t(5). */
static enum status encode_prepare(struct trial *t, struct err *err)
{
    struct codebook codebook;
    enum status s = param(t, "integer") ? codebook_integer(4, CODEBOOK_INT_TWOS, &codebook, err)
                    : is_lloyd(t)       ? codebook_named("crd-t5", 0, &codebook, err)
                                        : codebook_named("crd-t5", ENCODE4_BLOCK, &codebook, err);
    if (s)
        return s;
    return is_lloyd(t) ? lloyd_iter_prepare(t, &codebook, err) : encode4_prepare(t, &codebook, err);
}

static struct work encode_work(const struct trial *t)
{
    return is_lloyd(t) ? lloyd_iter_work(t) : encode4_work(t);
}

static void encode_release(struct trial *t)
{
    if (is_lloyd(t))
        lloyd_iter_release(t);
    else
        encode4_release(t);
}

/* One timing of encode_lut4 serves every codebook. */
static void encode_fidelity(struct trial *t)
{
    if (is_lloyd(t)) {
        lloyd_iter_fidelity(t);
        return;
    }
    const struct encode4 *e = t->state;
    encode4_fidelity(t);
    if (!e->codebook.integer)
        named_fidelity(t, e->x, e->pattern_blocks, ENCODE4_BLOCK, ENCODE4_BLOCK);
}

static const struct variant encode_variants[] = {
    {"encode_int4",
     "round to integers -8 .. 7",
     encode4_run,
     HEADLINE,
     {{"bits", 4.25}, {"block", ENCODE4_BLOCK}, {"integer", 1}}},
    {"encode_lut4",
     "nearest of 16 levels of a table",
     encode4_run,
     HEADLINE,
     {{"bits", 4.25}, {"block", ENCODE4_BLOCK}}},
    {"lloyd_iter", "one iteration of Lloyd-Max, 16 levels", lloyd_iter_run, 0, {{"bits", 4}}},
    {0}};

static const struct matrix_case encode_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}}, /* 0.6 MB in and out */
    {"l3.1024x1024", CACHE, {{"rows", 1024}, {"cols", 1024}}},             /* 4.8 MB */
    {"llama3.1-8b.q_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama3.1-8b.gate_proj", DRAM, {{"rows", 14336}, {"cols", 4096}}},
    {0}};

static const struct task tasks[] = {{.name = "gemv",
                                     .variants = gemv_variants,
                                     .cases = gemv_cases,
                                     .prepare = gemv_prepare_formats,
                                     .work = gemv_work,
                                     .fidelity = gemv_formats_fidelity,
                                     .release = gemv_release},
                                    {.name = "encode",
                                     .variants = encode_variants,
                                     .cases = encode_cases,
                                     .prepare = encode_prepare,
                                     .work = encode_work,
                                     .fidelity = encode_fidelity,
                                     .release = encode_release},
                                    {0}};

/* One seed, 2^17 draws of t(5): three standard deviations between seeds. */
#define EXACT_R "exact integral of the error of t(5) in blocks of 64 with unrounded scales"
static const struct expect expect[] = {
    {"gemv", "lut4_b64", "weight_R", 0.1047393, 0.002, EXACT_R, NULL},
    {"gemv", "lut4_b64", "weight_R", 0.1018751, 0.002, EXACT_R, "crd-t5"},
    {"gemv", "lut4_b64", "weight_R", 0.1047393, 0.002, EXACT_R, "nf4"},
    {"gemv", "lut4_b64", "weight_R", 0.1053999, 0.002, EXACT_R, "sf4"},
    {"gemv", "int4_b64", "weight_R", 0.1460281, 0.004, EXACT_R, NULL},
    {"gemv", "lut3_b64", "weight_R", 0.2188840, 0.004, EXACT_R, NULL},
    {"gemv", "lut5_b64", "weight_R", 0.0492807, 0.001, EXACT_R, NULL},
    {"gemv", "lut4_b64_signmax", "weight_R", 0.1009661, 0.002,
     EXACT_R ", whose largest weight has no error", NULL},
    {"gemv", "lut4_tensor_rms_sparse", "weight_R", 0.1489533, 0.003,
     "exact integral of the error of t(5) cut at its quantile 1 - 2^-11", NULL},
    {"gemv", "grid_huffman", "weight_R", 0.1504, 0.0025,
     "1 / (2 sqrt 12), a step of 1/2 without ends, at 3.0476 bits, times 2^0.0476; and up to a "
     "60th "
     "by which the next finer grid differs",
     NULL},
    {"encode", "encode_int4", "weight_R", 0.1460281, 0.004, EXACT_R, NULL},
    {"encode", "encode_lut4", "weight_R", 0.1018751, 0.002, EXACT_R, NULL},
    {"encode", "encode_lut4", "weight_R", 0.1018751, 0.002, EXACT_R, "crd-t5"},
    {"encode", "encode_lut4", "weight_R", 0.1047393, 0.002, EXACT_R, "nf4"},
    {"encode", "encode_lut4", "weight_R", 0.1053999, 0.002, EXACT_R, "sf4"},
    {0}};

const struct technique cube_root_formats = {
    .id = "cube-root-formats",
    .title = "Codebooks by the cube root of the pdf",
    .source = "arXiv 2505.12988",
    .claim =
        "level density p^(1/3) has the least error at a fixed number of bits, and costs no more "
        "time than any other table",
    .tasks = tasks,
    .check = cube_root_formats_check,
    .check_seconds = 3,
    .expect = expect};
