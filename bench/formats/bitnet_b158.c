/* bench/formats/bitnet_b158.c: BitNet b1.58.  One gamma = max(mean|w|, 1e-5) for a tensor, weights
 * t = clip(round(w / gamma), -1, 1); activations of a token as 8-bit integers of one scale; and the
 * product of both is an exact integer.
 * Source: Ma, Wang et al., The Era of 1-bit LLMs, arXiv 2402.17764; packings and kernels of
 * bitnet.cpp, arXiv 2410.16144 and 2502.11880, of T-MAC, arXiv 2407.00088, and of ggml. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/gemv.h"
#include "datasets/synthetic.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/quantise_token.h"
#include "numerics/kernels/ternary.h"
#include "numerics/training/mlp.h"

/* ---- gemv: y = W x with W packed; gemm: several tokens at once ---- */

static const struct variant gemv_variants[] = {
    {"gemv_bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"gemv_f32", "dense f32", gemv_run, 0, {{"bits", 32}}},
    {"gemv_int8",
     "8-bit integers, a scale for a row, 8-bit activations",
     gemv_run,
     0,
     {{"bits", 8}}},
    {"i2s_vnni", "2 bits, 4 x 32 codes, byte dot products", gemv_run, HEADLINE, {{"bits", 2}}},
    {"i2s_maddubs",
     "2 bits, 4 x 32 codes, byte products in 16-bit sums",
     gemv_run,
     0,
     {{"bits", 2}}},
    {"tq2_vnni", "2.06 bits, TQ2_0 blocks, byte dot products", gemv_run, 0, {{"bits", 2.0625}}},
    {"tq1_vnni",
     "1.69 bits, TQ1_0 digit bytes, byte dot products",
     gemv_run,
     0,
     {{"bits", 1.6875}}},
    {"tl1", "2 bits, 16-bit tables of pairs", gemv_run, 0, {{"bits", 2}}},
    {"tl2",
     "1.67 bits, 16-bit tables of triples and signs",
     gemv_run,
     HEADLINE,
     {{"bits", 5.0 / 3}}},
    {"tmac_int8", "2 bit planes, 8-bit tables of fours: lossy", gemv_run, 0, {{"bits", 2}}},
    {"tmac_int16", "2 bit planes, 16-bit tables of fours", gemv_run, 0, {{"bits", 2}}},
    {"add_sub_ref", "2 bits, +x or -x by masks, portable", gemv_run, 0, {{"bits", 2}}},
    {"rows16_2bit",
     "2 bits, 16 rows interleaved, byte dot products",
     gemv_run,
     HEADLINE,
     {{"bits", 2}}},
    {"rows16_base3", "1.6 bits, digit bytes of 16 rows interleaved", gemv_run, 0, {{"bits", 1.6}}},
    {0}};

static const struct variant gemm_variants[] = {
    {"gemm_f32", "OpenBLAS cblas_sgemm, f32", gemv_run, PEER, {{"bits", 32}}},
    {"gemm_int8",
     "8-bit integers, a scale for a row, 8-bit activations",
     gemv_run,
     0,
     {{"bits", 8}}},
    {"gemm_i2s", "2 bits, 4 x 32 codes, decoded once for 4 tokens", gemv_run, 0, {{"bits", 2}}},
    {"rows16_2bit", "2 bits, 16 rows interleaved", gemv_run, 0, {{"bits", 2}}},
    {"rows16_base3", "1.6 bits, digit bytes of 16 rows interleaved", gemv_run, 0, {{"bits", 1.6}}},
    {0}};

static const struct gemv_i8_spec int8 = {"int8", "int8-row"}, rows16_2bit = {"ternary", "b158"},
                                 rows16_base3 = {"ternary-base3", "b158"};

static const struct gemv_format formats[] = {
    {.variant = "gemv_bf16", .kernel = &gemv_bf16},
    {.variant = "gemv_f32", .kernel = &gemv_f32},
    {.variant = "gemv_int8", .kernel = &gemv_i8, .spec = &int8},
    {.variant = "i2s_vnni", .kernel = &gemv_ternary, .spec = "i2s_vnni"},
    {.variant = "i2s_maddubs", .kernel = &gemv_ternary, .spec = "i2s_maddubs"},
    {.variant = "tq2_vnni", .kernel = &gemv_ternary, .spec = "tq2_vnni"},
    {.variant = "tq1_vnni", .kernel = &gemv_ternary, .spec = "tq1_vnni"},
    {.variant = "tl1", .kernel = &gemv_ternary, .spec = "tl1"},
    {.variant = "tl2", .kernel = &gemv_ternary, .spec = "tl2"},
    {.variant = "tmac_int8", .kernel = &gemv_ternary, .spec = "tmac_int8"},
    {.variant = "tmac_int16", .kernel = &gemv_ternary, .spec = "tmac_int16"},
    {.variant = "add_sub_ref", .kernel = &gemv_ternary, .spec = "add_sub_ref"},
    {.variant = "rows16_2bit", .kernel = &gemv_i8, .spec = &rows16_2bit},
    {.variant = "rows16_base3", .kernel = &gemv_i8, .spec = &rows16_base3},
    {.variant = "gemm_f32", .kernel = &gemv_sgemv},
    {.variant = "gemm_int8", .kernel = &gemv_i8, .spec = &int8},
    {.variant = "gemm_i2s", .kernel = &gemv_ternary, .spec = "i2s_vnni"},
    {0}};

/* L2 is 1 MiB a core or more on current servers: 256 x 512 fits in f32 on one.  A larger warm case
 * would be in L2 when packed, and in L3 when not.  The others are projections of BitNet b1.58
 * 2B-4T, of the public reproduction of the paper's 3B, and of a 70B. */
static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"2b.o_proj", DRAM, {{"rows", 2560}, {"cols", 2560}}},
    {"2b.qkv_proj", DRAM, {{"rows", 3840}, {"cols", 2560}}},
    {"2b.up_proj", DRAM, {{"rows", 6912}, {"cols", 2560}}},
    {"2b.down_proj", DRAM, {{"rows", 2560}, {"cols", 6912}}},
    {"3b.q_proj", DRAM, {{"rows", 3200}, {"cols", 3200}}},
    {"3b.gate_proj", DRAM | QUICK, {{"rows", 8640}, {"cols", 3200}}},
    {"3b.down_proj", DRAM, {{"rows", 3200}, {"cols", 8640}}},
    {"70b.q_proj", DRAM, {{"rows", 8192}, {"cols", 8192}}},
    {"70b.gate_proj", DRAM, {{"rows", 28672}, {"cols", 8192}}},
    {0}};

static const struct matrix_case gemm_cases[] = {
    {"l2.256x512.m8", CACHE | SMOKE, {{"rows", 256}, {"cols", 512}, {"tokens", 8}}},
    {"2b.up_proj.m8", DRAM, {{"rows", 6912}, {"cols", 2560}, {"tokens", 8}}},
    {"2b.up_proj.m32", DRAM, {{"rows", 6912}, {"cols", 2560}, {"tokens", 32}}},
    {"2b.up_proj.m128", DRAM, {{"rows", 6912}, {"cols", 2560}, {"tokens", 128}}},
    {"70b.q_proj.m8", DRAM, {{"rows", 8192}, {"cols", 8192}, {"tokens", 8}}},
    {"70b.q_proj.m32", DRAM, {{"rows", 8192}, {"cols", 8192}, {"tokens", 32}}},
    {"70b.q_proj.m128", DRAM, {{"rows", 8192}, {"cols", 8192}, {"tokens", 128}}},
    {0}};

static enum status prepare(struct trial *t, struct err *err)
{
    return gemv_prepare(t, formats, err);
}

/* ---- Fidelity ---- */

/* What ternary quantisation makes of weights. */
struct ternary_law {
    double r, zeros, entropy;
};

/* One tensor of n weights; codes [n] holds t + 1. */
static struct ternary_law law_of(const struct block_format *f, const struct block_kernels *k,
                                 const float *w, size_t n, uint8_t *codes, float *gamma)
{
    struct ternary_law law = {0};
    size_t count[3] = {0};
    struct block_error error = block_format_error(f, k, w, 1, n, NULL);
    block_format_encode(f, k, w, 1, n, codes, gamma);
    for (size_t i = 0; i < n; i++)
        count[codes[i]]++;
    for (int c = 0; c < 3; c++)
        if (count[c])
            law.entropy -= (double)count[c] / (double)n * log2((double)count[c] / (double)n);
    law.zeros = (double)count[1] / (double)n;
    law.r = block_error_ratio(&error);
    return law;
}

/* |y - gamma t x| / |gamma t x| in the 2-norm: what 8-bit activations, or tables, cost. */
static double activation_error(const struct gemv *g, const uint8_t *codes, float gamma)
{
    double off = 0, all = 0;
    size_t rows = g->pattern_rows < g->rows ? g->pattern_rows : g->rows;
#pragma omp parallel for num_threads(g->threads) reduction(+ : off, all) schedule(static)
    for (size_t r = 0; r < rows; r++)
        for (size_t token = 0; token < g->tokens; token++) {
            double exact = 0;
            for (size_t c = 0; c < g->cols; c++)
                exact += (codes[r * g->cols + c] - 1) * (double)g->x[token * g->cols + c];
            double error = g->y[token * g->rows + r] - gamma * exact;
            off += error * error;
            all += gamma * exact * (gamma * exact);
        }
    return sqrt(off / all);
}

static void fidelity(struct trial *t)
{
    const struct gemv *g = t->state;
    const char *reference = "fp64-exact";
    bool ternary = g->format->kernel == &gemv_ternary || g->format->spec == &rows16_2bit ||
                   g->format->spec == &rows16_base3;
    struct codebook codebook;
    struct block_format f;
    struct block_kernels k = block_kernels_pick(t->features);
    size_t n = g->pattern_rows * g->cols;
    uint8_t *codes = NULL;
    float gamma;
    gemv_fidelity(t);
    if (g->format->spec == &int8 && !named_format_make(int8.format, &codebook, &f, NULL)) {
        struct block_error e =
            block_format_error(&f, &k, g->pattern, g->pattern_rows, g->cols, NULL);
        trial_fidelity(t, NULL, "weight_R", block_error_ratio(&e), reference, 0);
    }
    if (ternary && !named_format_make("b158", &codebook, &f, NULL) && (codes = malloc(n))) {
        struct ternary_law law = law_of(&f, &k, g->pattern, n, codes, &gamma);
        trial_fidelity(t, NULL, "weight_R", law.r, reference, 0);
        trial_fidelity(t, NULL, "zero_fraction", law.zeros, reference, 0);
        trial_fidelity(t, NULL, "code_entropy_bits", law.entropy, reference, 0);
        trial_fidelity(t, NULL, "activation_y_relative_error", activation_error(g, codes, gamma),
                       reference, 0);
    }
    free(codes);
}

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
                                    {0}};

/* Integrals for Student-t(5) weights; 2^17 draws.  Tolerances are four standard deviations between
 * seeds or more; the fourth moment, 9, rules that of R.
 * Activations: a rounding error is uniform in a step M / 127, M the largest of 512 normal
 * magnitudes, 2.4 .. 5.2 but for two seeds in 10^4: M / (127 sqrt 12).
 * Tables: two roundings of each group of four, the second twice, halved: step / 2 * sqrt(5 / 12 *
 * 128) against sqrt(0.655 * 512), with step = S / 127 and S, the largest of 128 sums of four
 * magnitudes, 4.9 .. 10.7 likewise. */
#define EXACT "integral over Student-t(5)"
static const struct expect expect[] = {
    {"gemv", "i2s_vnni", "weight_R", 0.6036550, 0.02, EXACT, NULL},
    {"gemv", "i2s_vnni", "zero_fraction", 0.3448262, 0.006, EXACT, NULL},
    {"gemv", "i2s_vnni", "code_entropy_bits", 1.5845361, 0.0006, EXACT, NULL},
    {"gemv", "i2s_vnni", "activation_y_relative_error", 0.0086, 0.0036,
     "M / (127 sqrt 12), M = 2.4 .. 5.2", NULL},
    {"gemv", "tmac_int8", "activation_y_relative_error", 0.0122, 0.0055,
     "S / 254 * sqrt(160 / 3 / 335)", NULL},
    {0}};
#undef EXACT

/* ---- Claim check ---- */

enum { SAMPLES = 1 << 20, INPUTS = 64, HIDDEN = 128, HELD_OUT = 4096, STEPS = 1000, WIDTHS = 3 };
enum { WIDEST = 256 };

/* Normal weights: R, zeros and entropy of ternary codes, from the closed form. */
static void check_law(struct check *check)
{
    struct codebook codebook;
    struct block_format f;
    struct block_kernels k = block_kernels_pick(check_features(check));
    float *w = malloc(SAMPLES * sizeof *w), gamma;
    uint8_t *codes = malloc(SAMPLES);
    if (!w || !codes || named_format_make("b158", &codebook, &f, NULL)) {
        check_skip(check, "law", CLAIM_STATISTICAL, "ternary codes of normal weights",
                   "no memory for 5 MB");
        goto out;
    }
    synthetic_fill(SYNTHETIC_NORMAL, NULL, check_rng(check), w, SAMPLES);
    struct ternary_law law = law_of(&f, &k, w, SAMPLES, codes, &gamma);
    /* four standard deviations of 2^20 draws: 0.001 of R; zeros sqrt(0.31 * 0.69 / n), and half
     * as much again from gamma */
    check_row(check, &(struct claim){.row = "law.R",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "R of normal weights at one absmean for the tensor",
                                     .paper = {NAN, NULL, NULL},
                                     .measured = law.r,
                                     .unit = "R",
                                     .low = 0.5132073 - 0.002,
                                     .high = 0.5132073 + 0.002,
                                     .no_effect = NAN});
    check_row(check, &(struct claim){.row = "law.zeros",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "share of zeros: 2 Phi(gamma / 2) - 1",
                                     .paper = {NAN, NULL, NULL},
                                     .measured = law.zeros,
                                     .unit = "share",
                                     .low = 0.3100643 - 0.003,
                                     .high = 0.3100643 + 0.003,
                                     .no_effect = NAN});
    check_row(check, &(struct claim){.row = "law.entropy",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "a weight is worth 1.58 bits",
                                     .paper = {1.58, "bits", "title"},
                                     .measured = law.entropy,
                                     .unit = "bits",
                                     .low = 1.5831834 - 0.0006,
                                     .high = 1.5831834 + 0.0006,
                                     .no_effect = NAN});
out:
    free(w);
    free(codes);
}

/* Results that are not the exact integer, over all lossless schemes. */
static double inexact_results(struct check *check, struct err *err)
{
    enum { ROWS = 96, COLS = 1000 };
    int8_t *t = malloc(ROWS * COLS);
    uint8_t *packed = malloc(TERNARY_LANES * 2 * COLS);
    float x[COLS], y[ROWS];
    double wrong = t && packed ? 0 : NAN;
    struct rng *rng = check_rng(check);
    for (size_t i = 0; t && i < ROWS * COLS; i++)
        t[i] = (int8_t)((int)rng_below(rng, 3) - 1);
    for (size_t i = 0; i < COLS; i++)
        x[i] = (float)rng_normal(rng);
    for (const struct ternary_scheme *s = ternary_schemes; s->name && !isnan(wrong); s++) {
        struct ternary_kernels k = ternary_pick(s, check_features(check));
        struct ternary_tokens tokens;
        if (!s->exact)
            continue;
        if (ternary_tokens_alloc(s, COLS, 1, &tokens, err)) {
            wrong = NAN;
            break;
        }
        ternary_pack(s->packing, t, ROWS, COLS, 1, packed);
        ternary_prepare(&k, x, &tokens);
        struct ternary_matrix w = {s->packing, packed, ROWS, COLS, tokens.s[0]}; /* y is the sum */
        k.multiply(&w, &tokens, y, 0, ROWS);
        for (size_t r = 0; r < ROWS; r++) {
            int32_t dot = 0;
            for (size_t c = 0; c < COLS; c++)
                dot += t[r * COLS + c] * tokens.q[c];
            wrong += !(y[r] == (float)dot);
        }
        ternary_tokens_free(&tokens);
    }
    free(t);
    free(packed);
    return wrong;
}

static void check_exact(struct check *check)
{
    struct err err = {{0}};
    check_row(check, &(struct claim){.row = "lossless",
                                     .kind = CLAIM_EXACT,
                                     .text = "every packing's kernel gives the exact integer sum",
                                     .paper = {0, "results", "arXiv 2502.11880, lossless kernels"},
                                     .measured = inexact_results(check, &err),
                                     .unit = "results",
                                     .no_effect = NAN});
    size_t cols = 8192;
    double bits = 8 * (double)ternary_group_bytes(&ternary_i2s, cols) / (double)cols;
    check_row(check,
              &(struct claim){.row = "memory",
                              .kind = CLAIM_EXACT,
                              .text = "bytes of 16-bit weights over those of packed ones; the "
                                      "paper's is of a whole model, whose embeddings stay in 16 "
                                      "bits",
                              .paper = {7.16, "x", "Figure 2, 70B"},
                              .measured = 16 / bits,
                              .unit = "x",
                              .low = 7.16,
                              .high = INFINITY,
                              .no_effect = 1});
}

/* What the trainer's hooks need. */
struct quantiser {
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels;
    quantise_token_fn *token;
};

static enum status ternary_weights(const void *user, int layer, const float *w, size_t rows,
                                   size_t cols, float *wq, struct err *err)
{
    (void)layer;
    const struct quantiser *q = user;
    float gamma;
    uint8_t *codes = malloc(rows * cols);
    if (!codes)
        return status_fail(err, E_NOMEM, "%zu x %zu weights: out of memory", rows, cols);
    block_format_encode(&q->format, &q->kernels, w, rows, cols, codes, &gamma);
    block_format_decode(&q->format, codes, &gamma, rows, cols, wq);
    free(codes);
    return OK;
}

static enum status int8_activations(const void *user, int layer, const float *x, size_t rows,
                                    size_t cols, float *xq, struct err *err)
{
    (void)layer, (void)err;
    const struct quantiser *q = user;
    for (size_t r = 0; r < rows; r++, x += cols, xq += cols) {
        int8_t codes[WIDEST];
        int32_t sum;
        float s = q->token(x, cols, cols, 0, codes, NULL, &sum);
        for (size_t c = 0; c < cols; c++)
            xq[c] = (float)codes[c] / s;
    }
    return OK;
}

/* Losses by width: trained in full precision, trained as ternary, and the former made ternary
 * afterwards. */
struct losses {
    double fp[WIDTHS], qat[WIDTHS], ptq[WIDTHS];
};
static const size_t widths[WIDTHS] = {64, 128, WIDEST};

static enum status train(struct check *check, struct losses *out, struct err *err)
{
    struct quantiser q = {.kernels = block_kernels_pick(check_features(check))};
    q.token = (quantise_token_fn *)kernel_pick(quantise_token_variants, check_features(check))->fn;
    struct mlp_quantiser hooks = {
        .user = &q, .weights = ternary_weights, .activations = int8_activations};
    struct mlp_task task = {0};
    struct mlp_job jobs[2 * WIDTHS] = {{0}};
    uint64_t seed = rng_u64(check_rng(check));
    enum status s = named_format_make("b158", &q.codebook, &q.format, err);
    if (!s)
        s = mlp_task_make(&task, INPUTS, HIDDEN, INPUTS, HELD_OUT, seed, err);
    for (size_t i = 0; i < 2 * WIDTHS; i++) { /* the widest first */
        jobs[i] = (struct mlp_job){.task = &task,
                                   .q = i % 2 ? &hooks : NULL,
                                   .recipe = mlp_recipe_default(),
                                   .width = widths[WIDTHS - 1 - i / 2],
                                   .seed = seed};
        jobs[i].recipe.steps = STEPS;
    }
    if (!s)
        s = mlp_train_all(jobs, 2 * WIDTHS, omp_get_max_threads(), err);
    for (size_t i = 0; !s && i < WIDTHS; i++) {
        const struct mlp_job *job = jobs + 2 * (WIDTHS - 1 - i);
        out->fp[i] = job[0].loss;
        out->qat[i] = job[1].loss;
        s = mlp_loss(&job[0].net, &hooks, &task, &out->ptq[i], err);
    }
    for (size_t i = 0; i < 2 * WIDTHS; i++)
        mlp_free(&jobs[i].net);
    mlp_task_free(&task);
    return s;
}

/* How much of what quantising afterwards loses is still lost by training ternary weights. */
static double gap(const struct losses *l, size_t i)
{
    return (l->qat[i] - l->fp[i]) / (l->ptq[i] - l->fp[i]);
}

static void training_row(struct check *check, const char *row, const char *text, double paper,
                         const char *unit, const char *where, double measured, double low,
                         double high, const char *explained)
{
    check_row(check, &(struct claim){.row = row,
                                     .kind = CLAIM_STATISTICAL,
                                     .text = text,
                                     .paper = {paper, unit, where},
                                     .measured = measured,
                                     .unit = unit,
                                     .low = low,
                                     .high = high,
                                     .no_effect = NAN,
                                     .explained = explained});
}

static void check_training(struct check *check)
{
    const char *perplexities = "Table 1: perplexity over FP16 +0.54 at 700M, +0.04 at 1.3B, -0.13 "
                               "at 3B";
    struct losses l;
    struct err err = {{0}};
    if (train(check, &l, &err)) {
        check_skip(check, "qat", CLAIM_STATISTICAL, "training with ternary weights", err.text);
        return;
    }
    double below = nextafter(1, 0);
    training_row(check, "qat.loss-128-over-64", "the loss of a ternary net falls with its width",
                 NAN, "loss ratio", NULL, l.qat[1] / l.qat[0], 0, below, NULL);
    training_row(check, "qat.loss-256-over-128", "the loss of a ternary net falls with its width",
                 NAN, "loss ratio", NULL, l.qat[2] / l.qat[1], 0, below, NULL);
    training_row(check, "qat.gap-128-over-64",
                 "the gap to full precision, as a share of that without training, falls with width",
                 0.04 / 0.54, "ratio of gaps", perplexities, gap(&l, 1) / gap(&l, 0), -INFINITY,
                 below, NULL);
    training_row(check, "qat.gap-256-over-128",
                 "the gap to full precision, as a share of that without training, falls with width",
                 -0.13 / 0.04, "ratio of gaps", perplexities, gap(&l, 2) / gap(&l, 1), -INFINITY,
                 below, NULL);
    training_row(check, "qat.gap-256", "training recovers half of what ternary weights lose", NAN,
                 "share of the PTQ gap", NULL, gap(&l, 2), -INFINITY, 0.5, NULL);
    training_row(check, "qat.per-byte",
                 "a ternary net of width 256 beats 16 bits at width 64, in "
                 "0.40 of its bytes",
                 NAN, "loss ratio", NULL, l.qat[2] / l.fp[0], 0, below, NULL);
    training_row(
        check, "qat.crossing", "the widest ternary net is as good as full precision", -0.13,
        "loss (paper: perplexity) over FP", perplexities, l.qat[2] - l.fp[2], -INFINITY, 0,
        "the paper's gap closes at 3B weights: it narrows here, and 3e4 weights are too few "
        "for the crossing");
}

static void check_speed(struct check *check, const char *row, const char *case_name, double paper,
                        const char *where)
{
    static const char *const variants[] = {"gemv_bf16", "i2s_vnni"};
    const char *text = "time of a layer with 16-bit weights over that with ternary ones (the "
                       "paper's: of a whole model)";
    double ns[2];
    struct err err = {{0}};
    if (check_time(check, "gemv", case_name, variants, 2, ns, &err)) {
        check_skip(check, row, CLAIM_TIMING, text, err.text);
        return;
    }
    check_row(check, &(struct claim){.row = row,
                                     .kind = CLAIM_TIMING,
                                     .text = text,
                                     .paper = {paper, "x", where},
                                     .measured = ns[0] / ns[1],
                                     .unit = "x",
                                     .low = paper,
                                     .high = INFINITY,
                                     .no_effect = 1});
}

static void check(struct check *check)
{
    check_exact(check);
    check_law(check);
    check_training(check);
    check_speed(check, "speed.3b", "3b.gate_proj", 2.71, "Table 1, 3B, latency on a GPU");
    check_speed(check, "speed.70b", "70b.q_proj", 4.10, "Figure 2, 70B, latency on a GPU");
}

const struct technique bitnet_b158 = {
    .id = "bitnet-b158",
    .title = "Ternary weights and 8-bit activations: BitNet b1.58",
    .source = "arXiv 2402.17764",
    .claim =
        "weights of -1, 0 and 1, trained as such, match 16-bit ones in an eighth of the bytes, "
        "and a product needs no multiplication",
    .tasks = tasks,
    .check = check,
    .check_seconds = 30,
    .expect = expect};
