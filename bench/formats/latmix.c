/* bench/formats/latmix.c: the block formats of MX and NVFP4, and the affine map x -> A x + v in
 * front of a cast that LATMiX learns so that the cast errs less.  Folded into the layers before and
 * after, the map costs nothing at run time; as a product with a whole matrix it costs more than all
 * else, and a Hadamard rotation stands between.  Source: Gordon et al., LATMiX, arXiv 2602.17681,
 * sec. 3; OCP Microscaling Formats (MX) 1.0; NVIDIA, NVFP4. */
#include <math.h>
#include <stdlib.h>

#include "bench/technique.h"
#include "bench/workloads/gemv_mx.h"
#include "bench/workloads/token_cast.h"
#include "numerics/formats/block_format.h"
#include "numerics/training/affine_fit.h"
#include "numerics/transforms/affine.h"

/* ---- cast: f32 to the block formats and back ---- */

static const struct variant cast_variants[] = {
    {"cast_none", "the same loop without a cast", token_cast_run, HEADLINE, {{"bits", 32}}},
    {"mx_encode_fp4", "f32 to MXFP4 E2M1", token_cast_run, HEADLINE, {{"bits", 4.25}}},
    {"mx_encode_fp4_ceil",
     "f32 to MXFP4 E2M1, scales that clip nothing (not the rule of OCP)",
     token_cast_run,
     0,
     {{"bits", 4.25}}},
    {"mx_encode_fp6e3m2", "f32 to MXFP6 E3M2", token_cast_run, 0, {{"bits", 6.25}}},
    {"mx_encode_fp6e2m3", "f32 to MXFP6 E2M3", token_cast_run, 0, {{"bits", 6.25}}},
    {"mx_encode_fp8e4m3", "f32 to MXFP8 E4M3", token_cast_run, 0, {{"bits", 8.25}}},
    {"mx_encode_fp8e5m2", "f32 to MXFP8 E5M2", token_cast_run, 0, {{"bits", 8.25}}},
    {"mx_encode_int4", "f32 to MXINT4 (not in OCP 1.0)", token_cast_run, 0, {{"bits", 4.25}}},
    {"mx_encode_int8", "f32 to MXINT8", token_cast_run, 0, {{"bits", 8.25}}},
    {"nvfp4_encode",
     "f32 to NVFP4, the tensor's scale known before",
     token_cast_run,
     HEADLINE,
     {{"bits", 4.5}}},
    {"mx_decode_fp4", "MXFP4 to f32", token_cast_run, HEADLINE, {{"bits", 4.25}}},
    {"mx_decode_fp6e3m2", "MXFP6 E3M2 to f32", token_cast_run, 0, {{"bits", 6.25}}},
    {"mx_decode_fp6e2m3", "MXFP6 E2M3 to f32", token_cast_run, 0, {{"bits", 6.25}}},
    {"mx_decode_fp8e4m3", "MXFP8 E4M3 to f32", token_cast_run, 0, {{"bits", 8.25}}},
    {"mx_decode_fp8e5m2", "MXFP8 E5M2 to f32", token_cast_run, 0, {{"bits", 8.25}}},
    {"mx_decode_int4", "MXINT4 to f32", token_cast_run, 0, {{"bits", 4.25}}},
    {"mx_decode_int8", "MXINT8 to f32", token_cast_run, 0, {{"bits", 8.25}}},
    {"nvfp4_decode", "NVFP4 to f32", token_cast_run, 0, {{"bits", 4.5}}},
    {0}};

static const struct token_cast_format cast_formats[] = {
    {.variant = "cast_none"},
    {.variant = "mx_encode_fp4", .format = "mxfp4"},
    {.variant = "mx_encode_fp4_ceil", .format = "mxfp4", .rule = MX_CEIL},
    {.variant = "mx_encode_fp6e3m2", .format = "mxfp6-e3m2"},
    {.variant = "mx_encode_fp6e2m3", .format = "mxfp6-e2m3"},
    {.variant = "mx_encode_fp8e4m3", .format = "mxfp8-e4m3"},
    {.variant = "mx_encode_fp8e5m2", .format = "mxfp8-e5m2"},
    {.variant = "mx_encode_int4", .format = "mxint4"},
    {.variant = "mx_encode_int8", .format = "mxint8"},
    {.variant = "nvfp4_encode", .format = "nvfp4"},
    {.variant = "mx_decode_fp4", .format = "mxfp4", .decodes = true},
    {.variant = "mx_decode_fp6e3m2", .format = "mxfp6-e3m2", .decodes = true},
    {.variant = "mx_decode_fp6e2m3", .format = "mxfp6-e2m3", .decodes = true},
    {.variant = "mx_decode_fp8e4m3", .format = "mxfp8-e4m3", .decodes = true},
    {.variant = "mx_decode_fp8e5m2", .format = "mxfp8-e5m2", .decodes = true},
    {.variant = "mx_decode_int4", .format = "mxint4", .decodes = true},
    {.variant = "mx_decode_int8", .format = "mxint8", .decodes = true},
    {.variant = "nvfp4_decode", .format = "nvfp4", .decodes = true},
    {0}};

/* 128 tokens: f32 in and out, 1 MB together, which two cores' L2 hold. */
static const struct matrix_case cast_cases[] = {
    {"l2.128x1024", CACHE | QUICK | SMOKE, {{"tokens", 128}, {"d", 1024}}},
    {"llama3.1-8b.1x4096", DRAM, {{"tokens", 1}, {"d", 4096}}},
    {"llama3.2-1b.512x2048", DRAM | QUICK, {{"tokens", 512}, {"d", 2048}}},
    {"llama3.1-8b.512x4096", DRAM, {{"tokens", 512}, {"d", 4096}}},
    {0}};

static enum status cast_prepare(struct trial *t, struct err *err)
{
    return token_cast_prepare(t, cast_formats, err);
}

/* ---- transform: in front of a cast to MXFP4 ---- */

static const struct variant transform_variants[] = {
    {"identity", "f32 to MXFP4 as it is", token_cast_run, HEADLINE, {{"bits", 4.25}}},
    {"block_hadamard",
     "a 32-point Hadamard transform of each block before",
     token_cast_run,
     0,
     {{"bits", 4.25}}},
    {"hadamard",
     "a Hadamard transform of the whole token before",
     token_cast_run,
     HEADLINE,
     {{"bits", 4.25}}},
    {"affine_folded",
     "tokens that a layer with A and v folded into its weights gives: how the method is used",
     token_cast_run,
     HEADLINE,
     {{"bits", 4.25}}},
    {"affine_dense",
     "A x + v by a product with all of A: what it would cost if it were not folded",
     token_cast_run,
     HEADLINE,
     {{"bits", 4.25}}},
    {0}};

static const struct token_cast_format transform_formats[] = {
    {.variant = "identity", .format = "mxfp4"},
    {.variant = "block_hadamard", .format = "mxfp4", .transform = TRANSFORM_BLOCK_HADAMARD},
    {.variant = "hadamard", .format = "mxfp4", .transform = TRANSFORM_HADAMARD},
    {.variant = "affine_folded", .format = "mxfp4", .transform = TRANSFORM_FOLDED},
    {.variant = "affine_dense", .format = "mxfp4", .transform = TRANSFORM_AFFINE},
    {0}};

static const struct matrix_case transform_cases[] = {
    {"l2.128x1024", CACHE | QUICK | SMOKE, {{"tokens", 128}, {"d", 1024}, {"spread", 1}}},
    {"llama3.1-8b.1x4096", DRAM, {{"tokens", 1}, {"d", 4096}, {"spread", 1}}},
    {"llama3.2-1b.512x2048", DRAM | QUICK, {{"tokens", 512}, {"d", 2048}, {"spread", 1}}},
    {"llama3.1-8b.512x4096", DRAM, {{"tokens", 512}, {"d", 4096}, {"spread", 1}}},
    {0}};

static enum status transform_prepare(struct trial *t, struct err *err)
{
    return token_cast_prepare(t, transform_formats, err);
}

/* ---- gemv: weights in the block formats ---- */

static const struct variant gemv_variants[] = {
    {"gemv_f32", "dense f32", gemv_run, HEADLINE, {{"bits", 32}}},
    {"gemv_bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"gemv_mxfp4", "MXFP4 weights, int8 activations", gemv_run, HEADLINE, {{"bits", 4.25}}},
    {"gemv_nvfp4", "NVFP4 weights, int8 activations", gemv_run, 0, {{"bits", 4.5}}},
    {"gemv_mxfp8", "MXFP8 E4M3 weights, f32 activations", gemv_run, HEADLINE, {{"bits", 8.25}}},
    {"gemv_mxint8", "MXINT8 weights, f32 activations", gemv_run, 0, {{"bits", 8.25}}},
    {0}};

static const struct gemv_format gemv_formats[] = {
    {.variant = "gemv_f32", .kernel = &gemv_f32},
    {.variant = "gemv_bf16", .kernel = &gemv_bf16},
    {.variant = "gemv_mxfp4", .kernel = &gemv_mx_i8, .spec = "mxfp4"},
    {.variant = "gemv_nvfp4", .kernel = &gemv_mx_i8, .spec = "nvfp4"},
    {.variant = "gemv_mxfp8", .kernel = &gemv_mx_narrow, .spec = "mxfp8-e4m3"},
    {.variant = "gemv_mxint8", .kernel = &gemv_mx_narrow, .spec = "mxint8"},
    {0}};

static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}}, /* 0.5 MB in f32 */
    {"llama3.1-8b.q_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama3.1-8b.gate_proj", DRAM, {{"rows", 14336}, {"cols", 4096}}},
    {0}};

static enum status gemv_prepare_formats(struct trial *t, struct err *err)
{
    return gemv_prepare(t, gemv_formats, err);
}

static void gemv_fidelity_formats(struct trial *t)
{
    const struct gemv *g = t->state;
    gemv_fidelity(t);
    if (g->format->spec)
        trial_fidelity(t, NULL, "weight_R", gemv_mx_weight_error(g), "fp64-exact", 0);
}

static const struct task tasks[] = {{.name = "cast",
                                     .variants = cast_variants,
                                     .cases = cast_cases,
                                     .prepare = cast_prepare,
                                     .work = token_cast_work,
                                     .fidelity = token_cast_fidelity,
                                     .release = token_cast_release},
                                    {.name = "transform",
                                     .variants = transform_variants,
                                     .cases = transform_cases,
                                     .prepare = transform_prepare,
                                     .work = token_cast_work,
                                     .fidelity = token_cast_fidelity,
                                     .release = token_cast_release},
                                    {.name = "gemv",
                                     .variants = gemv_variants,
                                     .cases = gemv_cases,
                                     .prepare = gemv_prepare_formats,
                                     .work = gemv_work,
                                     .fidelity = gemv_fidelity_formats,
                                     .release = gemv_release},
                                    {0}};

/* Tolerances are five standard errors of 4096 blocks, rounded up: 2 % (E4M3: 2.6 %). */
#define NORMAL                                                                                     \
    "normal draws by the definition of the format, element for element: a simulation of 20000 "    \
    "blocks apart from this program"
#define SPREAD                                                                                     \
    "the map and the format by their definitions, apart from this program, on 1500 tokens of "     \
    "these variances; five standard errors of 128 tokens, whose energy is in few channels"
static const struct expect expect[] = {
    {"cast", "mx_encode_fp4", "relative_rms_error", 0.1151, 2.3e-3, NORMAL, NULL},
    {"cast", "mx_encode_fp4_ceil", "relative_rms_error", 0.1157, 2.3e-3, NORMAL, NULL},
    {"cast", "mx_encode_fp6e3m2", "relative_rms_error", 0.05393, 1.1e-3, NORMAL, NULL},
    {"cast", "mx_encode_fp6e2m3", "relative_rms_error", 0.02834, 5.7e-4, NORMAL, NULL},
    {"cast", "mx_encode_fp8e4m3", "relative_rms_error", 0.02931, 7.7e-4, NORMAL, NULL},
    {"cast", "mx_encode_fp8e5m2", "relative_rms_error", 0.05393, 1.1e-3, NORMAL, NULL},
    {"cast", "mx_encode_int4", "relative_rms_error", 0.1326, 2.7e-3, NORMAL, NULL},
    {"cast", "mx_encode_int8", "relative_rms_error", 8.270e-3, 1.7e-4, NORMAL, NULL},
    {"cast", "nvfp4_encode", "relative_rms_error", 0.09524, 1.9e-3, NORMAL, NULL},
    {"cast", "mx_decode_fp4", "relative_rms_error", 0.1151, 2.3e-3, NORMAL, NULL},
    {"cast", "nvfp4_decode", "relative_rms_error", 0.09524, 1.9e-3, NORMAL, NULL},
    {"transform", "identity", "relative_rms_error", 0.1564, 7.2e-3, SPREAD, NULL},
    {"transform", "hadamard", "relative_rms_error", 0.1151, 3.5e-3,
     "a rotation leaves normal draws of variance 1 in every output, which lie in blocks as those "
     "of the casts do",
     NULL},
    {"transform", "affine_folded", "relative_rms_error", 0.0860, 3.9e-3, SPREAD, NULL},
    {"transform", "affine_dense", "relative_rms_error", 0.0860, 3.9e-3, SPREAD, NULL},
    {0}};

/* ---- Claim check: maps learned on one half of the data and judged on the other ---- */

enum { D = 64, ROWS = 4096, OUTPUTS = 16 };

struct data {
    double *train, *test; /* [ROWS][D] */
};

/* Channels of variance lambda_i, of mean 1 over the channels; their means are `offset` times
 * sqrt(lambda_i), of alternating sign. */
static bool draw(struct data *data, double offset, struct rng *rng)
{
    double lambda[D], sum = 0;
    data->train = malloc(ROWS * D * sizeof *data->train);
    data->test = malloc(ROWS * D * sizeof *data->test);
    if (!data->train || !data->test)
        return false;
    for (size_t i = 0; i < D; i++) {
        lambda[i] = 1 / (1 + (double)((29 * i + 7) % D));
        sum += lambda[i];
    }
    for (size_t r = 0; r < 2 * ROWS; r++) {
        double *x = (r < ROWS ? data->train : data->test) + r % ROWS * D;
        for (size_t i = 0; i < D; i++)
            x[i] = sqrt(lambda[i] * D / sum) * (rng_normal(rng) + (i % 2 ? -offset : offset));
    }
    return true;
}

static void data_free(struct data *data)
{
    free(data->train);
    free(data->test);
}

/* MXFP4 by the rule floor. */
struct judge {
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels;
};

static enum status judge_open(struct judge *j, unsigned features, struct err *err)
{
    j->kernels = block_kernels_pick(features);
    j->format = (struct block_format){.codebook = &j->codebook,
                                      .rule = SCALE_FLOOR,
                                      .scale_format = SCALE_E8M0,
                                      .block = MX_BLOCK,
                                      .multiplier = 1};
    return codebook_float(float_format_find("e2m1"), &j->codebook, err);
}

static enum status judge_error(const struct judge *j, const struct affine *t,
                               const struct data *data, double *error, struct err *err)
{
    return affine_error(t, data->test, ROWS, &j->format, &j->kernels, error, err);
}

/* E(T) of the Hadamard matrix of that order along the diagonal. */
static enum status rotation_error(const struct judge *j, const struct data *data, size_t order,
                                  double *error, struct err *err)
{
    double a[D * D];
    struct affine t = {0};
    enum status s = affine_hadamard(D, order, a, err);
    if (!s)
        s = affine_init(&t, D, a, NULL, err);
    if (!s)
        s = judge_error(j, &t, data, error, err);
    affine_free(&t);
    return s;
}

enum { IDENTITY, BLOCK_HADAMARD, HADAMARD, ROTATION, AFFINE, CLOSED_FORM, MAPS };

struct outcome {
    double error[MAPS];           /* on data without a mean */
    double with_v, without_v;     /* of A, on data with one */
    double condition, fold_error; /* of the learned map */
};

/* The largest |W2 (A x + v) + b2 - (W x + b)| over the largest |W x + b|, on random layers. */
static double fold_error(const struct affine *t, const struct data *data, struct rng *rng)
{
    double w[OUTPUTS * D], b[OUTPUTS], w2[OUTPUTS * D], b2[OUTPUTS], y[D], off = 0, largest = 0;
    for (size_t i = 0; i < OUTPUTS * D; i++)
        w[i] = rng_normal(rng) / sqrt(D);
    for (size_t i = 0; i < OUTPUTS; i++)
        b[i] = rng_normal(rng);
    affine_fold(t, w, b, OUTPUTS, w2, b2);
    for (size_t r = 0; r < D; r++) {
        const double *x = data->test + r * D;
        affine_apply(t, x, 1, y);
        for (size_t o = 0; o < OUTPUTS; o++) {
            double plain = b[o], folded = b2[o];
            for (size_t i = 0; i < D; i++) {
                plain += w[o * D + i] * x[i];
                folded += w2[o * D + i] * y[i];
            }
            off = fmax(off, fabs(folded - plain));
            largest = fmax(largest, fabs(plain));
        }
    }
    return off / largest;
}

/* Every map starts from the Hadamard matrix, and none sees the test rows. */
static enum status learn(struct check *check, struct outcome *out, struct err *err)
{
    struct affine_fit by_lu = {
        .block = MX_BLOCK, .steps = 400, .batch = 256, .rate = 5e-3, .shift = true};
    struct affine_fit by_rotation = {.block = MX_BLOCK, .steps = 200, .batch = 256, .rate = 1e-2};
    struct data plain = {0}, offset = {0};
    struct affine rotation = {0}, affine = {0}, closed = {0}, with_v = {0}, without_v = {0};
    struct rng *rng = check_rng(check);
    struct judge j;
    double start[D * D];
    enum status s = judge_open(&j, check_features(check), err);
    if (!s && (!draw(&plain, 0, rng) || !draw(&offset, 1, rng)))
        s = status_fail(err, E_NOMEM, "latmix: out of memory");
    if (s || (s = affine_hadamard(D, D, start, err)) ||
        (s = rotation_error(&j, &plain, 1, &out->error[IDENTITY], err)) ||
        (s = rotation_error(&j, &plain, MX_BLOCK, &out->error[BLOCK_HADAMARD], err)) ||
        (s = rotation_error(&j, &plain, D, &out->error[HADAMARD], err)) ||
        (s = affine_fit_rotation(&by_rotation, D, start, plain.train, ROWS, rng, &rotation, err)) ||
        (s = judge_error(&j, &rotation, &plain, &out->error[ROTATION], err)) ||
        (s = affine_fit_lu(&by_lu, D, start, plain.train, ROWS, rng, &affine, err)) ||
        (s = judge_error(&j, &affine, &plain, &out->error[AFFINE], err)) ||
        (s = affine_fit_closed_form(D, plain.train, ROWS, true, &closed, NULL, err)) ||
        (s = judge_error(&j, &closed, &plain, &out->error[CLOSED_FORM], err)) ||
        (s = affine_fit_lu(&by_lu, D, start, offset.train, ROWS, rng, &with_v, err)) ||
        (s = judge_error(&j, &with_v, &offset, &out->with_v, err)))
        goto out;
    by_lu.shift = false;
    if ((s = affine_fit_lu(&by_lu, D, start, offset.train, ROWS, rng, &without_v, err)) ||
        (s = judge_error(&j, &without_v, &offset, &out->without_v, err)))
        goto out;
    out->condition = affine.condition;
    out->fold_error = fold_error(&with_v, &offset, rng);
out:
    data_free(&plain);
    data_free(&offset);
    affine_free(&rotation);
    affine_free(&affine);
    affine_free(&closed);
    affine_free(&with_v);
    affine_free(&without_v);
    return s;
}

static void check_learning(struct check *check)
{
    struct outcome o;
    struct err err;
    if (learn(check, &o, &err)) {
        check_skip(check, "a-f", CLAIM_STATISTICAL, "a learned affine map errs least", err.text);
        return;
    }
    const double *e = o.error;
    const struct claim rows[] = {
        {.row = "a.hadamard-over-identity",
         .kind = CLAIM_STATISTICAL,
         .text = "a Hadamard rotation before the cast errs less than none",
         .paper = {1.3e-3 / 6.4e-4, "error ratio", "Figure 2a, block 32, by eye"},
         .measured = e[IDENTITY] / e[HADAMARD],
         .unit = "error ratio",
         .low = 1.3,
         .high = INFINITY,
         .no_effect = 1},
        {.row = "b.rotation-over-hadamard",
         .kind = CLAIM_STATISTICAL,
         .text = "a learned rotation errs as the Hadamard one does",
         .paper = {1, "error ratio", "Figure 2a, superimposed"},
         .measured = e[ROTATION] / e[HADAMARD],
         .unit = "error ratio",
         .low = 0.95,
         .high = 1.05,
         .no_effect = NAN},
        {.row = "c.affine-over-hadamard",
         .kind = CLAIM_STATISTICAL,
         .text = "a learned affine map errs less than any rotation",
         .paper = {4.7e-4 / 6.4e-4, "error ratio", "Figure 2a, block 32, by eye"},
         .measured = e[AFFINE] / e[HADAMARD],
         .unit = "error ratio",
         .low = 0,
         .high = 0.85,
         .no_effect = 1},
        {.row = "d.affine-over-closed-form",
         .kind = CLAIM_STATISTICAL,
         .text = "what is learned comes near the closed form and does not pass it",
         .paper = {NAN, NULL, "derived: A = H Sigma^(-1/4)"},
         .measured = e[AFFINE] / e[CLOSED_FORM],
         .unit = "error ratio",
         .low = 0.95,
         .high = INFINITY,
         .no_effect = NAN},
        {.row = "e.shift-on-data-with-a-mean",
         .kind = CLAIM_STATISTICAL,
         .text = "on data with a mean, v lowers the error by a tenth or more",
         .paper = {NAN, NULL, "sec. 3: the maps have a shift"},
         .measured = o.with_v / o.without_v,
         .unit = "error ratio",
         .low = 0,
         .high = 0.9,
         .no_effect = 1},
        /* that of the closed form is (largest lambda / least)^(1/4) = 64^(1/4) = 2.83 */
        {.row = "f.condition-number",
         .kind = CLAIM_STATISTICAL,
         .text = "the learned matrix is well conditioned",
         .paper = {2.83, "condition number", "derived: (64 / 1)^(1/4) of the closed form"},
         .measured = o.condition,
         .unit = "condition number",
         .low = 1,
         .high = 2 * 2.83,
         .no_effect = NAN},
        /* D products and additions forth and D back, and an inverse, each of 2^-53 of sizes that
         * are at most D times the result's */
        {.row = "g.folding-is-exact",
         .kind = CLAIM_EXACT,
         .text = "a layer with the inverse map folded in gives what it gave",
         .paper = {0, "relative error", "sec. 3"},
         .measured = o.fold_error,
         .unit = "relative error",
         .low = 0,
         .high = 3 * D * D * 0x1p-53,
         .no_effect = NAN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(check, &rows[i]);
}

/* Of a matrix that no cache holds: bf16 is read at 90 % of the bandwidth or more and four bits at
 * 85 %, and another 5 % are granted to the noise of two medians. */
static void check_speed(struct check *check)
{
    static const char row[] = "h.mxfp4-over-bf16";
    static const char text[] = "a matrix in DRAM times a vector takes as much less time in MXFP4 "
                               "than in bf16 as it has fewer bytes";
    static const char *const variants[] = {"gemv_bf16", "gemv_mxfp4"};
    const double ideal = 16 / 4.25;
    double ns[2];
    struct err err;
    if (check_time(check, "gemv", "llama3.1-8b.q_proj", variants, 2, ns, &err)) {
        check_skip(check, row, CLAIM_TIMING, text, err.text);
        return;
    }
    check_row(check,
              &(struct claim){.row = row,
                              .kind = CLAIM_TIMING,
                              .text = text,
                              .paper = {ideal, "speed-up", "traffic: 16 and 4.25 bits a weight"},
                              .measured = ns[0] / ns[1],
                              .unit = "speed-up",
                              .low = ideal * 0.85 * 0.95,
                              .high = ideal / (0.9 * 0.95),
                              .no_effect = 1,
                              .explained = check_features(check) & CPU_VNNI
                                               ? NULL
                                               : "without VNNI the kernel is bound by arithmetic"});
}

static void check(struct check *check)
{
    check_learning(check);
    check_speed(check);
}

const struct technique latmix = {
    .id = "latmix",
    .title = "MX and NVFP4 block formats, learned affine maps before the cast",
    .source = "arXiv 2602.17681; OCP Microscaling Formats (MX) 1.0",
    .claim = "a learned invertible affine map before an MX cast, folded into the weights, errs "
             "less than no map, a Hadamard rotation or a learned rotation",
    .tasks = tasks,
    .check = check,
    .check_seconds = 5, /* most of them for the timing row */
    .expect = expect};
