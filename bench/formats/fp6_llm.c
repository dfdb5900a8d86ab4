/* bench/formats/fp6_llm.c: weights as six-bit floats E3M2 with a binary16 scale for each row, the
 * sign and top exponent bit stored apart from the low nibble so that all memory accesses are
 * aligned words; beside other packings of the same codes, E2M3, FP5, and 4-, 8- and 16-bit
 * weights.  Source: H. Xia et al., FP6-LLM, arXiv 2401.14112. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/gemv_fp6.h"
#include "datasets/synthetic.h"
#include "numerics/buffer.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/float_row.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/training/mlp.h"

/* ---- gemv: y = W x; gemm: the same for a batch of tokens ---- */

#define SIX                                                                                        \
    {                                                                                              \
        {                                                                                          \
            "bits", 6                                                                              \
        }                                                                                          \
    }

static const struct variant gemv_variants[] = {
    {"bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"f32", "dense f32", gemv_run, 0, {{"bits", 32}}},
    {"fp16", "dense binary16, f32 activations", gemv_run, 0, {{"bits", 16}}},
    {"int8row", "8-bit integers, a scale for a row", gemv_run, HEADLINE, {{"bits", 8}}},
    {"int4_b64",
     "4-bit integers, bf16 scale for 64 weights",
     gemv_run,
     0,
     {{"bits", 4.25}, {"block", 64}}},
    {"planes_cvt", "E3M2, planes of 2 and 4 bits, shifted to binary16", gemv_run, 0, SIX},
    {"planes_lut", "E3M2, planes of 2 and 4 bits, table", gemv_run, HEADLINE, SIX},
    {"contiguous_cvt", "E3M2, four codes in three bytes, shifted to binary16", gemv_run, 0, SIX},
    {"contiguous_lut", "E3M2, four codes in three bytes, table", gemv_run, 0, SIX},
    {"padded8", "E3M2, a byte for each, shifted to binary16", gemv_run, 0, {{"bits", 8}}},
    {"lanes", "E3M2, a column of 16 rows in the lanes of a vector", gemv_run, HEADLINE, SIX},
    {"scalar_ref", "E3M2, planes, one weight at a time", gemv_run, 0, SIX},
    {"e2m3_planes_lut", "E2M3, planes of 2 and 4 bits, table", gemv_run, 0, SIX},
    {"fp5_planes_lut", "E2M2, planes of 1 and 4 bits, table", gemv_run, 0, {{"bits", 5}}},
    {"e2m3_i8", "E2M3 as integers, 16 rows interleaved, 8-bit activations", gemv_run, 0, SIX},
    {0}};

static enum status int4(size_t block, struct codebook *out, struct err *err)
{
    (void)block;
    return codebook_integer(4, CODEBOOK_INT_TWOS, out, err);
}

static const struct gemv_fp6_spec planes = {"e3m2", FP6_PLANES},
                                  contiguous = {"e3m2", FP6_CONTIGUOUS},
                                  bytes = {"e3m2", FP6_BYTES}, lanes = {"e3m2", FP6_LANES},
                                  e2m3_planes = {"e2m3", FP6_PLANES},
                                  e2m2_planes = {"e2m2", FP6_PLANES};

static const struct gemv_i8_spec e2m3_i8 = {"fp6-e2m3", "fp6-llm-e2m3"};

static const struct gemv_format gemv_formats[] = {
    {.variant = "bf16", .kernel = &gemv_bf16},
    {.variant = "f32", .kernel = &gemv_f32},
    {.variant = "sgemm", .kernel = &gemv_sgemv},
    {.variant = "onednn_bf16", .kernel = &gemv_onednn_bf16},
    {.variant = "fp16", .kernel = &gemv_fp16},
    {.variant = "int8row", .kernel = &gemv_int8row},
    {.variant = "int4_b64", .kernel = &gemv_int4, .codebook = int4},
    {.variant = "planes_cvt", .kernel = &gemv_fp6_cvt, .spec = &planes},
    {.variant = "planes_lut", .kernel = &gemv_fp6_lut, .spec = &planes},
    {.variant = "contiguous_cvt", .kernel = &gemv_fp6_cvt, .spec = &contiguous},
    {.variant = "contiguous_lut", .kernel = &gemv_fp6_lut, .spec = &contiguous},
    {.variant = "padded8", .kernel = &gemv_fp6_cvt, .spec = &bytes},
    {.variant = "lanes", .kernel = &gemv_fp6_lanes, .spec = &lanes},
    {.variant = "scalar_ref", .kernel = &gemv_fp6_scalar, .spec = &planes},
    {.variant = "e2m3_planes_lut", .kernel = &gemv_fp6_lut, .spec = &e2m3_planes},
    {.variant = "fp5_planes_lut", .kernel = &gemv_fp6_lut, .spec = &e2m2_planes},
    {.variant = "e2m3_i8", .kernel = &gemv_i8, .spec = &e2m3_i8},
    {0}};

/* The paper's shapes: projections of Llama 7B and 65B.  256 x 512 fits into 1 MiB in f32. */
static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"l3.768x768", CACHE, {{"rows", 768}, {"cols", 768}}},
    {"llama-7b.o_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama-7b.qkv_proj", DRAM, {{"rows", 12288}, {"cols", 4096}}},
    {"llama-7b.gate_proj", DRAM, {{"rows", 11008}, {"cols", 4096}}},
    {"llama-7b.down_proj", DRAM, {{"rows", 4096}, {"cols", 11008}}},
    {"llama-65b.o_proj", DRAM, {{"rows", 8192}, {"cols", 8192}}},
    {"llama-65b.qkv_proj", DRAM, {{"rows", 24576}, {"cols", 8192}}},
    {"llama-65b.gate_proj", DRAM, {{"rows", 22016}, {"cols", 8192}}},
    {"llama-65b.down_proj", DRAM, {{"rows", 8192}, {"cols", 22016}}},
    {0}};

static const struct variant gemm_variants[] = {
    {"sgemm",
     "OpenBLAS cblas_sgemm (sgemv for one token), f32",
     gemv_run,
     HEADLINE | PEER,
     {{"bits", 32}}},
    {"bf16", "dense bf16, f32 activations", gemv_run, 0, {{"bits", 16}}},
    {"onednn_bf16", "oneDNN matmul, bf16", gemv_run, PEER, {{"bits", 16}}},
    {"planes_cvt", "E3M2, planes, decoded to binary16 for 8 tokens", gemv_run, HEADLINE, SIX},
    {"planes_lut", "E3M2, planes, decoded by table for 8 tokens", gemv_run, 0, SIX},
    {"lanes", "E3M2, lanes, decoded for 8 tokens", gemv_run, HEADLINE, SIX},
    {0}};

static const struct matrix_case gemm_cases[] = {
    {"l2.256x512.m8", CACHE | SMOKE, {{"rows", 256}, {"cols", 512}, {"tokens", 8}}},
    {"llama-7b.o_proj.m1", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 1}}},
    {"llama-7b.o_proj.m8", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}, {"tokens", 8}}},
    {"llama-7b.o_proj.m16", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 16}}},
    {"llama-7b.o_proj.m32", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 32}}},
    {0}};

static enum status prepare(struct trial *t, struct err *err)
{
    return gemv_prepare(t, gemv_formats, err);
}

/* R of the pattern in a format whose scales block_format.h makes. */
static double block_ratio(const struct trial *t, const struct block_format *f)
{
    const struct gemv *g = t->state;
    struct block_kernels kernels = block_kernels_pick(t->features);
    struct block_error e =
        block_format_error(f, &kernels, g->pattern, g->pattern_rows, g->cols, NULL);
    return block_error_ratio(&e);
}

static double dense_ratio(const struct gemv *g, const struct float_format *f)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < g->pattern_rows * g->cols; i++) {
        double w = g->pattern[i];
        double e =
            float_format_decode(f, float_format_encode(f, g->pattern[i], FLOAT_RNE, true, 0)) - w;
        off += e * e;
        all += w * w;
    }
    return sqrt(off / all);
}

static double weight_ratio(const struct trial *t)
{
    const struct gemv *g = t->state;
    const struct gemv_kernel *kernel = g->format->kernel;
    struct codebook c;
    if (kernel == &gemv_f32 || kernel == &gemv_sgemv)
        return 0;
    if (kernel == &gemv_bf16 || kernel == &gemv_onednn_bf16 || kernel == &gemv_fp16)
        return dense_ratio(g, float_format_find(kernel == &gemv_fp16 ? "fp16" : "bf16"));
    if (kernel == &gemv_i8)
        return block_ratio(t, g->coded);
    if (kernel == &gemv_int4) {
        if (int4(g->block, &c, NULL))
            return NAN;
        struct block_format f = gemv_block_format(&c, g->block);
        return block_ratio(t, &f);
    }
    if (kernel == &gemv_int8row) {
        if (codebook_integer(8, CODEBOOK_INT_RESTRICTED, &c, NULL))
            return NAN;
        struct block_format f = gemv_int8_format(&c);
        return block_ratio(t, &f);
    }
    return gemv_fp6_weight_error(g);
}

static void fidelity(struct trial *t)
{
    gemv_fidelity(t);
    trial_fidelity(t, NULL, "weight_R", weight_ratio(t), "fp64-exact", 0);
}

/* ---- pack: codes, a byte each, to their layout ---- */

static const struct variant pack_variants[] = {{"padded8",
                                                "a byte for each: a copy",
                                                fp6_pack_run,
                                                HEADLINE,
                                                {{"bits", 6}, {"layout", FP6_BYTES}}},
                                               {"contiguous",
                                                "four codes in three bytes",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 6}, {"layout", FP6_CONTIGUOUS}}},
                                               {"planes",
                                                "planes of 2 and 4 bits",
                                                fp6_pack_run,
                                                HEADLINE,
                                                {{"bits", 6}, {"layout", FP6_PLANES}}},
                                               {"lanes",
                                                "16 rows in the lanes of vectors",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 6}, {"layout", FP6_LANES}}},
                                               {"fp5_planes",
                                                "planes of 1 and 4 bits",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 5}, {"layout", FP6_PLANES}}},
                                               {0}};

static const struct matrix_case pack_cases[] = {
    {"l2.256x512", CACHE | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"llama-7b.o_proj", DRAM, {{"rows", 4096}, {"cols", 4096}}},
    {0}};

static const struct task tasks[] = {{.name = "gemv",
                                     .variants = gemv_variants,
                                     .cases = gemv_cases,
                                     .prepare = prepare,
                                     .work = gemv_work,
                                     .fidelity = fidelity,
                                     .release = gemv_release},
                                    {.name = "gemm",
                                     .variants = gemm_variants,
                                     .cases = gemm_cases,
                                     .prepare = prepare,
                                     .work = gemv_work,
                                     .fidelity = fidelity,
                                     .release = gemv_release},
                                    {.name = "pack",
                                     .variants = pack_variants,
                                     .cases = pack_cases,
                                     .prepare = fp6_pack_prepare,
                                     .work = fp6_pack_work,
                                     .fidelity = fp6_pack_fidelity,
                                     .release = fp6_pack_release},
                                    {0}};

/* R of 256 rows of 512 draws of t(5): the mean of 40 seeds of another generator and another
 * quantiser, and four standard deviations between those seeds. */
#define OTHER_R "mean R of t(5) rows of 512 by an independent quantiser, 40 seeds"
static const struct expect expect[] = {
    {"gemv", "planes_lut", "weight_R", 0.05112, 0.0008, OTHER_R, NULL},
    {"gemv", "contiguous_cvt", "weight_R", 0.05112, 0.0008, OTHER_R, NULL},
    {"gemv", "lanes", "weight_R", 0.05112, 0.0008, OTHER_R, NULL},
    {"gemv", "e2m3_planes_lut", "weight_R", 0.03301, 0.0024, OTHER_R, NULL},
    {"gemv", "fp5_planes_lut", "weight_R", 0.06854, 0.0053, OTHER_R, NULL},
    {"gemv", "int8row", "weight_R", 0.01286, 0.0016, OTHER_R, NULL},
    {"gemm", "planes_cvt", "weight_R", 0.05112, 0.0008, OTHER_R, NULL},
    {"gemv", "int4_b64", "weight_R", 0.1460281, 0.004,
     "exact integral of the error of t(5) in blocks of 64 with unrounded scales", NULL},
    {"pack", "planes", "bits_per_weight", 6 + 32.0 / 512, 1e-12,
     "six bits, and a binary16 scale with as much padding for 512 weights", NULL},
    {"pack", "padded8", "bits_per_weight", 8 + 32.0 / 512, 1e-12,
     "a byte, and a binary16 scale with as much padding for 512 weights", NULL},
    {0}};

/* ---- Claim check ---- */

/* How a matrix is rounded: a float in rows as the kernels have it, or integers. */
struct rounding {
    const char *name, *element; /* of float_formats[]; NULL: integers of `bits` */
    int bits;
    size_t block; /* of integers: columns, or BLOCK_CHANNEL */
    unsigned features;
};

static const struct rounding roundings[] = {
    {.name = "e3m2", .element = "e3m2"}, {.name = "int4-g64", .bits = 4, .block = 64},
    {.name = "e2m3", .element = "e2m3"}, {.name = "int6", .bits = 6, .block = BLOCK_CHANNEL},
    {.name = "e2m2", .element = "e2m2"}, {.name = "int8", .bits = 8, .block = BLOCK_CHANNEL},
    {.name = "fp4", .element = "e2m1"},  {.name = "int4", .bits = 4, .block = BLOCK_CHANNEL},
};
enum { E3M2, INT4_G64, E2M3, INT6, ROUNDINGS = sizeof roundings / sizeof *roundings };

/* wq [rows][cols]: what the codes of w stand for. */
static enum status round_weights(const struct rounding *of, const float *w, size_t rows,
                                 size_t cols, float *wq, struct err *err)
{
    struct codebook c = {0};
    uint8_t *codes = malloc(rows * cols);
    float *scales = malloc(rows * cols * sizeof *scales);
    const struct float_format *f = of->element ? float_format_find(of->element) : NULL;
    enum status s = OK;
    if (!codes || !scales)
        s = status_fail(err, E_NOMEM, "%s: out of memory", of->name);
    else if (!f)
        s = codebook_integer(of->bits, CODEBOOK_INT_RESTRICTED, &c, err);
    if (s)
        goto out;
    if (f) {
        for (size_t r = 0; r < rows; r++) {
            float scale =
                float_row_scale(float_row_quantise(f, w + r * cols, cols, codes + r * cols));
            for (size_t i = r * cols; i < (r + 1) * cols; i++)
                wq[i] = scale * float_format_decode(f, codes[i]);
        }
    } else {
        struct block_kernels kernels = block_kernels_pick(of->features);
        struct block_format format = {.codebook = &c,
                                      .rule = SCALE_ABSMAX,
                                      .scale_format = SCALE_F16,
                                      .block = of->block,
                                      .multiplier = 1};
        block_format_encode(&format, &kernels, w, rows, cols, codes, scales);
        block_format_decode(&format, codes, scales, rows, cols, wq);
    }
out:
    free(codes);
    free(scales);
    return s;
}

static enum status round_layer(const void *user, int layer, const float *w, size_t rows,
                               size_t cols, float *wq, struct err *err)
{
    (void)layer;
    return round_weights(user, w, rows, cols, wq, err);
}

/* (a) Held-out losses of one trained net, and of it with its matrices rounded. */
static enum status rounded_losses(struct check *check, double *full, double loss[ROUNDINGS],
                                  struct err *err)
{
    enum { INPUTS = 64, HIDDEN = 128, WIDTH = 128, HELD_OUT = 4096, STEPS = 1000 };
    struct mlp_task task = {0};
    struct mlp_job job = {.task = &task, .recipe = mlp_recipe_default(), .width = WIDTH};
    enum status s =
        mlp_task_make(&task, INPUTS, HIDDEN, INPUTS, HELD_OUT, rng_u64(check_rng(check)), err);
    job.seed = rng_u64(check_rng(check));
    job.recipe.steps = job.recipe.quantise_from = STEPS;
    if (!s)
        s = mlp_train_all(&job, 1, 1, err);
    *full = job.loss;
    for (size_t i = 0; !s && i < ROUNDINGS; i++) {
        struct rounding of = roundings[i];
        of.features = check_features(check);
        struct mlp_quantiser q = {.user = &of, .weights = round_layer};
        s = mlp_loss(&job.net, &q, &task, loss + i, err);
    }
    mlp_free(&job.net);
    mlp_task_free(&task);
    return s;
}

static void check_losses(struct check *check)
{
    /* of the prototype's net, another seed: increases of the loss 0.0763 */
    static const double prototype[ROUNDINGS] = {0.0035, 0.0168, 0.0011, 0.0009,
                                                NAN,    0.0001, 0.0185, 0.0194};
    const char *text = "six bits in floats cost at most 0.4 times the loss that four-bit integers "
                       "in groups do";
    double full, loss[ROUNDINGS];
    struct err err;
    if (rounded_losses(check, &full, loss, &err)) {
        check_skip(check, "a.loss", CLAIM_STATISTICAL, text, err.text);
        return;
    }
    check_row(check, &(struct claim){.row = "a.loss",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = text,
                                     .paper = {prototype[E3M2] / prototype[INT4_G64],
                                               "ratio of increases", "prototype of this check"},
                                     .measured = (loss[E3M2] - full) / (loss[INT4_G64] - full),
                                     .unit = "ratio of increases",
                                     .low = 0,
                                     .high = 0.4,
                                     .no_effect = 1});
    /* Of the others, what has more than four bits is on E3M2's side of the threshold, and what has
     * four is beyond it. */
    for (size_t i = E2M3; i < ROUNDINGS; i++) {
        char row[64], of[96];
        bool four = roundings[i].bits == 4 || !strcmp(roundings[i].name, "fp4");
        snprintf(row, sizeof row, "a.loss.%s", roundings[i].name);
        snprintf(of, sizeof of, "rows of %s cost %s 0.4 times that loss", roundings[i].name,
                 four ? "more than" : "at most");
        check_row(check, &(struct claim){.row = row,
                                         .kind = CLAIM_STATISTICAL,
                                         .text = of,
                                         .paper = {prototype[i] / prototype[INT4_G64],
                                                   "ratio of increases", "prototype of this check"},
                                         .measured = (loss[i] - full) / (loss[INT4_G64] - full),
                                         .unit = "ratio of increases",
                                         .low = four ? 0.4 : -INFINITY,
                                         .high = four ? INFINITY : 0.4,
                                         .no_effect = NAN});
    }
}

/* R of weights, rounded; NaN without memory. */
static double rounding_ratio(const struct rounding *of, const float *w, size_t rows, size_t cols,
                             float *wq)
{
    struct err err;
    double off = 0, all = 0;
    if (round_weights(of, w, rows, cols, wq, &err))
        return NAN;
    for (size_t i = 0; i < rows * cols; i++) {
        off += ((double)wq[i] - w[i]) * ((double)wq[i] - w[i]);
        all += (double)w[i] * w[i];
    }
    return sqrt(off / all);
}

/* (a) E3M2's error hardly depends on the tails, that of integers does. */
static void check_tails(struct check *check)
{
    enum { ROWS = 64, COLS = 4096, TAILS = 3, FORMATS = 4 };
    static const struct {
        const char *name;
        enum synthetic_kind kind;
        double df;
    } tails[TAILS] = {{"normal", SYNTHETIC_NORMAL, 0},
                      {"t5", SYNTHETIC_STUDENT_T, 5},
                      {"t3", SYNTHETIC_STUDENT_T, 3}};
    static const size_t of[FORMATS] = {E3M2, E2M3, INT6, INT4_G64};
    /* Mean R of 40 seeds of another generator and another quantiser, and four standard deviations
     * between those seeds, relative.  A row's scale is its largest draw, and under t(3) the fourth
     * moment of a draw does not exist. */
    static const double right[FORMATS][TAILS] = {{0.05267, 0.05231, 0.05070},
                                                 {0.02855, 0.04458, 0.09067},
                                                 {0.03549, 0.08122, 0.16899},
                                                 {0.10754, 0.14580, 0.18109}};
    static const double scatter[FORMATS][TAILS] = {{0.0072, 0.009, 0.040},
                                                   {0.0076, 0.163, 0.415},
                                                   {0.0367, 0.194, 0.324},
                                                   {0.0081, 0.024, 0.057}};
    float *w = buffer_alloc((size_t)ROWS * COLS * sizeof *w);
    float *wq = buffer_alloc((size_t)ROWS * COLS * sizeof *wq);
    double r[FORMATS][TAILS], mean = 0, spread = 0;
    if (!w || !wq) {
        check_skip(check, "a.tails", CLAIM_STATISTICAL, "errors against tails",
                   "no memory for 2 MB");
        goto out;
    }
    for (size_t t = 0; t < TAILS; t++) {
        synthetic_fill(tails[t].kind, &(struct synthetic_params){.df = tails[t].df},
                       check_rng(check), w, (size_t)ROWS * COLS);
        for (size_t f = 0; f < FORMATS; f++) {
            struct rounding rounding = roundings[of[f]];
            char row[64], text[96];
            rounding.features = check_features(check);
            r[f][t] = rounding_ratio(&rounding, w, ROWS, COLS, wq);
            snprintf(row, sizeof row, "a.R.%s.%s", rounding.name, tails[t].name);
            snprintf(text, sizeof text, "R of %s rows in %s", tails[t].name, rounding.name);
            check_row(check, &(struct claim){.row = row,
                                             .kind = CLAIM_STATISTICAL,
                                             .text = text,
                                             .paper = {right[f][t], "R", "a simulation"},
                                             .measured = r[f][t],
                                             .unit = "R",
                                             .low = right[f][t] * (1 - scatter[f][t]),
                                             .high = right[f][t] * (1 + scatter[f][t]),
                                             .no_effect = NAN});
        }
    }
    for (size_t t = 0; t < TAILS; t++)
        mean += r[0][t] / TAILS;
    for (size_t t = 0; t < TAILS; t++)
        spread = fmax(spread, fabs(r[0][t] / mean - 1));
    check_row(check, &(struct claim){.row = "a.e3m2-spread",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "R of E3M2 is the same for normal, t(5) and t(3) rows",
                                     .paper = {0.021, "of the mean", "a simulation"},
                                     .measured = isnan(mean) ? NAN : spread,
                                     .unit = "of the mean",
                                     .low = 0,
                                     .high = 0.06,
                                     .no_effect = NAN});
    check_row(check, &(struct claim){.row = "a.int6-growth",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "R of 6-bit integers grows from normal to t(3) rows",
                                     .paper = {0.172 / 0.0356, "ratio of R", "a simulation"},
                                     .measured = r[2][2] / r[2][0],
                                     .unit = "ratio of R",
                                     .low = 3,
                                     .high = INFINITY,
                                     .no_effect = 1});
out:
    buffer_free(w, (size_t)ROWS * COLS * sizeof *w);
    buffer_free(wq, (size_t)ROWS * COLS * sizeof *wq);
}

/* (b) Times in one interleaved block; ratio of two of them. */
static void check_speed(struct check *check)
{
    static const char *const names[] = {"planes_lut",     "bf16",       "int8row", "contiguous_cvt",
                                        "contiguous_lut", "planes_cvt", "lanes"};
    enum {
        LUT,
        BF16,
        INT8,
        CONTIGUOUS,
        CONTIGUOUS_LUT,
        CVT,
        LANES,
        VARIANTS = sizeof names / sizeof *names
    };
    static const struct {
        const char *row, *text;
        size_t slow, fast;
        double paper;
        const char *where;
        double low;
        const char *explained;
    } rows[] = {
        {"b.planes-over-bf16", "six bits in planes are 2.2 times as fast as 16 bits", BF16, LUT,
         2.2, "figure 9, batches 8 to 32", 2.2,
         "decoding six bits takes longer than loading them does here: see the share of the roof"},
        {"b.planes-over-int8", "six bits in planes are 1.3 times as fast as eight bits", INT8, LUT,
         1.3, "figure 9", 1.3,
         "8-bit integers decode in two operations, and six bits in planes in more"},
        {"b.lanes-over-bf16", "six bits in lanes of 16 rows are 2.2 times as fast as 16 bits", BF16,
         LANES, 2.2, "figure 9, batches 8 to 32", 2.2,
         "decoding six bits takes longer than loading them does here: see the share of the roof"},
        {"b.planes-over-contiguous",
         "packed beforehand is not slower than contiguous, decoded as "
         "the paper does",
         CONTIGUOUS, LUT, NAN, "section 5.2", 1, NULL},
        {"b.planes-over-contiguous.cvt", "the layout alone, both by conversion", CONTIGUOUS, CVT,
         NAN, "section 5.2", 1,
         "the layout is for a processor that reads words; this one moves any byte of a vector in "
         "one "
         "operation, so that three bytes come apart as fast as planes"},
        {"b.planes-over-contiguous.lut", "the layout alone, both by table", CONTIGUOUS_LUT, LUT,
         NAN, "section 5.2", 1,
         "the layout is for a processor that reads words; this one moves any byte of a vector in "
         "one "
         "operation, so that three bytes come apart as fast as planes"}};
    double ns[VARIANTS];
    struct err err;
    enum status s = check_time(check, "gemv", "llama-7b.o_proj", names, VARIANTS, ns, &err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (s) {
            check_skip(check, rows[i].row, CLAIM_TIMING, rows[i].text, err.text);
            continue;
        }
        check_row(check, &(struct claim){.row = rows[i].row,
                                         .kind = CLAIM_TIMING,
                                         .text = rows[i].text,
                                         .paper = {rows[i].paper, "speed-up", rows[i].where},
                                         .measured = ns[rows[i].slow] / ns[rows[i].fast],
                                         .unit = "speed-up",
                                         .low = rows[i].low,
                                         .high = INFINITY,
                                         .no_effect = rows[i].low > 1 ? 1 : NAN,
                                         .explained = rows[i].explained});
    }
}

static void check(struct check *check)
{
    check_losses(check);
    check_tails(check);
    check_speed(check);
}

const struct technique fp6_llm = {
    .id = "fp6-llm",
    .title = "Six-bit floats in planes",
    .source = "arXiv 2401.14112",
    .claim = "six-bit weights keep the quality of 16 bits, which 4-bit integers do not, and a "
             "matrix times a vector takes 6/16 of its time",
    .tasks = tasks,
    .check = check,
    .check_seconds = 4,
    .expect = expect};
