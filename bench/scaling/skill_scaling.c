/* bench/scaling/skill_scaling.c: scaling laws with the precision of training in them, fitted and
 * evaluated, and optima that depend on the skill that is asked for.  Source: Kumar et al., Scaling
 * Laws for Precision, arXiv 2411.04330; Roberts et al., Compute Optimal Scaling of Skills, arXiv
 * 2503.10061; Maskey et al., 1-Bit Wonder, arXiv 2602.15563. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/rotation.h"
#include "numerics/buffer.h"
#include "numerics/cpu.h"
#include "numerics/fits/isoflop.h"
#include "numerics/fits/precision_law.h"
#include "numerics/fits/scaling_bootstrap.h"
#include "numerics/kernels/law_sums.h"

/* ---- Planted laws ---- */

static const struct scaling_form one_precision = {.precisions = 1};

/* The exponents and gamma that Maskey et al. fitted for uniform 1-bit grids; A, B and E are ours.
 */
static const struct scaling_constants uniform_grid = {
    .A = 9000, .B = 12000, .E = 1.9, .alpha = 0.55, .beta = 0.46, .gamma = {3.71}};

/* 5 sizes x 4 numbers of tokens x 6 numbers of bits, `repeats` times, each loss times exp(sigma *
 * normal draw). */
static enum status precision_table(const struct scaling_law *law, double sigma, size_t repeats,
                                   struct rng *rng, struct scaling_table *out, struct err *err)
{
    static const double bits[] = {1, 2, 3, 4, 8, 16};
    enum { SIZES = 5, TOKENS = 4, BITS = 6 };
    size_t n = SIZES * TOKENS * BITS * repeats;
    double *N = malloc(4 * n * sizeof *N), *D = N + n, *loss = D + n, *P = loss + n;
    if (!N)
        return status_fail(err, E_NOMEM, "no memory for %zu runs", n);
    for (size_t i = 0; i < n; i++) {
        size_t size = i / (TOKENS * BITS) % SIZES, tokens = i / BITS % TOKENS;
        N[i] = 3e7 * pow(50, (double)size / (SIZES - 1));
        D[i] = 1e9 * pow(100, (double)tokens / (TOKENS - 1));
        P[i] = bits[i % BITS];
        loss[i] = scaling_loss(law, N[i], D[i], &P[i]) * exp(sigma * rng_normal(rng));
    }
    enum status s = scaling_table_make(N, D, loss, (const double *const[]){P}, 1, n, out, err);
    free(N);
    return s;
}

/* ---- The law of many rows ---- */

enum { COLUMNS = 4 }; /* ln N, ln D, bits, and the logarithm of the loss, which is written */

struct rows {
    struct rotation rotation;
    size_t n, bytes; /* rows and bytes of a copy */
    double *memory;  /* [copies][COLUMNS][n] */
    size_t piece;    /* rows of a part: whole vectors */
    struct law_point point;
    law_eval_fn *eval;
    size_t last;
};

static struct law_rows rows_of(const struct rows *r, size_t copy)
{
    const double *at = r->memory + copy * COLUMNS * r->n;
    return (struct law_rows){
        .u = at, .v = at + r->n, .bits = {at + 2 * r->n}, .precisions = 1, .n = r->n};
}

static void eval_pieces(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct rows *r = user;
    struct law_rows all = rows_of(r, copy);
    struct law_rows part = law_rows_part(&all, first * r->piece, (end - first) * r->piece);
    (void)thread;
    r->eval(&part, &r->point, r->memory + (copy * COLUMNS + 3) * r->n + first * r->piece);
}

static void run_eval(struct trial *t, size_t n)
{
    struct rows *r = t->state;
    r->last = (r->rotation.next + n - 1) % r->rotation.copies;
    rotation_run(&r->rotation, n, eval_pieces, r);
}

static const struct variant eval_variants[] = {
    {"libm", "the C library's exp and log, row by row", run_eval, HEADLINE, {{"scalar", 1}}},
    {"vector", "own exp and log on vectors", run_eval, HEADLINE, {{"scalar", 0}}},
    {0}};
static const struct matrix_case row_cases[] = {
    {"rows-128", CACHE | QUICK | SMOKE, {{"rows", 128}}},
    {"rows-64k", DRAM | QUICK, {{"rows", 65536}}}, /* 2.1 MB a copy */
    {0}};

/* Parameters of 3e7 to 1.5e9, tokens of 1e9 to 1e11, 1 to 16 bits: the table of the claim check. */
static void draw_rows(struct rows *r, struct rng *rng)
{
    enum { DRAWS = 1 << 13 };
    double *u = r->memory, *v = u + r->n, *bits = v + r->n;
    for (size_t i = 0; i < r->n; i++) {
        size_t from = i % DRAWS;
        if (i >= DRAWS) {
            u[i] = u[from];
            v[i] = v[from];
            bits[i] = bits[from];
            continue;
        }
        double N = 3e7 * exp(log(50) * rng_uniform(rng)),
               D = 1e9 * exp(log(100) * rng_uniform(rng));
        bits[i] = 1 + floor(16 * rng_uniform(rng));
        u[i] = log(N);
        v[i] = log(D);
    }
    for (size_t c = 1; c < r->rotation.copies; c++)
        memcpy(r->memory + c * COLUMNS * r->n, r->memory, r->bytes);
}

static enum status prepare_rows(struct trial *t, struct err *err)
{
    struct rows *r = calloc(1, sizeof *r);
    t->state = r;
    if (!r)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    r->n = (size_t)param(t, "rows");
    r->piece = 64;
    r->bytes = COLUMNS * r->n * sizeof(double);
    r->rotation = (struct rotation){rotation_copies(t, r->bytes), 0, r->n / r->piece, t->threads};
    t->footprint_bytes = r->bytes * r->rotation.copies;
    r->memory = buffer_alloc(t->footprint_bytes);
    if (!r->memory)
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu rows", r->rotation.copies,
                           r->n);
    unsigned features = param(t, "scalar") ? 0 : t->features;
    const struct kernel_variant *eval = kernel_pick(law_eval_variants, features);
    r->eval = (law_eval_fn *)eval->fn;
    t->isa = eval->isa;
    struct scaling_law law = scaling_law_of(&one_precision, &uniform_grid);
    r->point = (struct law_point){law.p[0], law.p[1], law.p[2],
                                  law.p[3], law.p[4], {uniform_grid.gamma[0]}};
    draw_rows(r, t->rng);
    return OK;
}

static void release_rows(struct trial *t)
{
    struct rows *r = t->state;
    if (!r)
        return;
    buffer_free(r->memory, r->bytes * r->rotation.copies);
    free(r);
    t->state = NULL;
}

/* law_sums.h: 60 flop a row and 40 for its precision; in double, which takes the room of two f32.
 */
static struct work work_rows(const struct trial *t)
{
    const struct rows *r = t->state;
    double n = (double)r->n;
    return (struct work){.flops = 100 * n,
                         .bytes_read = 24 * n,
                         .bytes_written = 8 * n,
                         .items = n,
                         .unit = "row",
                         .roof = ROOF_FMA_F32,
                         .roof_ops = 200 * n};
}

static void fidelity_eval(struct trial *t)
{
    const struct rows *r = t->state;
    struct law_rows all = rows_of(r, r->last);
    const double *out = r->memory + (r->last * COLUMNS + 3) * r->n;
    double worst = 0, error = 0;
    for (size_t i = 0; i < r->n; i++) {
        double d = fabs(out[i] - law_term(&all, &r->point, i).f);
        double share = d / law_eval_bound(&all, &r->point, i);
        worst = share > worst || isnan(share) ? share : worst;
        error = fmax(error, d);
    }
    trial_correctness(t, "share_of_bound", worst, 1);
    trial_fidelity(t, NULL, "log_loss_error", error, "fp64-exact", 0);
}

/* ---- Fits of a table ---- */

struct fits {
    struct scaling_table table;
    struct scaling_fit_options options;
    struct scaling_law truth;
    struct scaling_fit last;
    bool failed;
};

static void run_fit(struct trial *t, size_t n)
{
    struct fits *f = t->state;
    for (size_t i = 0; i < n; i++)
        f->failed |= scaling_fit(&f->table, &f->options, &f->last, NULL) != OK;
}

static const struct variant fit_variants[] = {
    {"libm", "sixteen starts, the law by the C library", run_fit, HEADLINE, {{"scalar", 1}}},
    {"vector", "sixteen starts, the law on vectors", run_fit, HEADLINE, {{"scalar", 0}}},
    {0}};
static const struct matrix_case fit_cases[] = {
    {"rows-120", CACHE | QUICK | SMOKE, {{"repeats", 1}}},
    {"rows-12k", CACHE, {{"repeats", 100}}},
    {0}};

static enum status prepare_fit(struct trial *t, struct err *err)
{
    struct fits *f = calloc(1, sizeof *f);
    t->state = f;
    if (!f)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    f->truth = scaling_law_of(&one_precision, &uniform_grid);
    f->options = (struct scaling_fit_options){.form = one_precision,
                                              .delta = SCALING_DELTA,
                                              .threads = t->threads,
                                              .features = param(t, "scalar") ? 0 : t->features};
    t->isa = kernel_pick(law_sums_variants, f->options.features)->isa;
    enum status s =
        precision_table(&f->truth, 2e-3, (size_t)param(t, "repeats"), t->rng, &f->table, err);
    t->footprint_bytes = f->table.n * 5 * sizeof(double);
    return s;
}

static void release_fit(struct trial *t)
{
    struct fits *f = t->state;
    if (!f)
        return;
    scaling_table_free(&f->table);
    free(f);
    t->state = NULL;
}

static struct work work_fit(const struct trial *t)
{
    const struct fits *f = t->state;
    double rows = (double)f->table.n * (double)f->last.evaluations;
    return (struct work){.flops = 100 * rows,
                         .bytes_read = (double)f->table.n * 5 * sizeof(double),
                         .bytes_written = sizeof f->last,
                         .items = 1,
                         .unit = "fit",
                         .roof = ROOF_FMA_F32,
                         .roof_ops = 200 * rows};
}

/* The minimum does not depend on the kernel: the end is polished until the gradient is below 1e-12,
 * and what is left of the objective is a rounding of its rows. */
static void fidelity_fit(struct trial *t)
{
    const struct fits *f = t->state;
    struct scaling_fit_options plain = f->options;
    struct scaling_fit reference;
    plain.features = 0;
    bool failed = f->failed || scaling_fit(&f->table, &plain, &reference, NULL);
    double gap = failed ? NAN : fabs(f->last.objective / reference.objective - 1);
    struct scaling_constants c = scaling_constants(&f->last.law);
    trial_correctness(t, "objective_gap", gap, 1e-9);
    trial_fidelity(t, NULL, "gamma_error", fabs(c.gamma[0] / uniform_grid.gamma[0] - 1),
                   "planted-law", 0);
    trial_fidelity(t, NULL, "alpha_error", fabs(c.alpha - uniform_grid.alpha), "planted-law", 0);
}

static const struct task tasks[] = {
    {"eval", eval_variants, row_cases, prepare_rows, work_rows, fidelity_eval, release_rows, NULL},
    {"fit", fit_variants, fit_cases, prepare_fit, work_fit, fidelity_fit, release_fit, NULL},
    {0}};

static const struct expect expect[] = {
    {"fit", "vector", "gamma_error", 0, 0.037,
     "four standard errors, which the bootstrap of such a table puts at 0.92 %", NULL},
    {"fit", "vector", "alpha_error", 0, 0.012, "the same: its standard error is 0.003", NULL},
    {0}};

/* ---- Claim check ---- */

/* The same for k-means grids. */
static const struct scaling_constants kmeans_grid = {
    .A = 36000, .B = 3500, .E = 1.9, .alpha = 0.63, .beta = 0.4, .gamma = {3.32}};

/* Kumar et al., arXiv 2411.04330, table of the appendix. */
static const struct scaling_constants kumar = {.A = 4.299e3,
                                               .B = 1.806e4,
                                               .E = 2.7648,
                                               .alpha = 0.4965,
                                               .beta = 0.4965,
                                               .gamma = {2.6745, 2.2102, 0.9578}};
static const struct post_training kumar_post = {0.0598, 0.5068, 0.3439, 0.5907};

/* (a) Recovery */

enum { REPLICATES = 200, PARAMETERS = 6 };

/* A fit of a noisy table and how many of its parameters' 95 % intervals hold the truth. */
struct recovery {
    struct scaling_constants fit;
    double covered;
};

static enum status recover(struct check *check, const struct scaling_constants *truth,
                           struct recovery *out, struct err *err)
{
    struct scaling_law law = scaling_law_of(&one_precision, truth), *laws = NULL;
    struct scaling_table t = {0};
    struct scaling_fit fit;
    const struct scaling_fit_options options = {.form = one_precision,
                                                .delta = SCALING_DELTA,
                                                .threads = 1,
                                                .features = check_features(check)};
    uint64_t seed = rng_u64(check_rng(check));
    enum status s = precision_table(&law, 2e-3, 1, check_rng(check), &t, err);
    if (!s)
        s = scaling_fit(&t, &options, &fit, err);
    if (!s && !(laws = malloc(REPLICATES * sizeof *laws)))
        s = status_fail(err, E_NOMEM, "no memory for the replicates");
    if (!s)
        s = scaling_bootstrap(&t, &options, &fit.law, REPLICATES, seed, laws, err);
    out->covered = 0;
    for (size_t p = 0; p < PARAMETERS && !s; p++) {
        struct scaling_interval i;
        s = scaling_bootstrap_interval(&fit.law, laws, REPLICATES, NULL, 0, 0.95,
                                       scaling_quantity_param, &p, &i, err);
        out->covered += !s && law.p[p] >= i.low && law.p[p] <= i.high;
    }
    if (!s)
        out->fit = scaling_constants(&fit.law);
    free(laws);
    scaling_table_free(&t);
    return s;
}

static void row(struct check *check, const char *name, enum claim_kind kind, const char *text,
                double paper, const char *unit, const char *where, double measured, double low,
                double high, double no_effect)
{
    check_row(check, &(struct claim){.row = name,
                                     .kind = kind,
                                     .text = text,
                                     .paper = {paper, unit, where},
                                     .measured = measured,
                                     .unit = unit,
                                     .low = low,
                                     .high = high,
                                     .no_effect = no_effect});
}

/* Rows of one law; false: it could not be fitted, and that is said. */
static bool check_recovery(struct check *check, const char *const rows[3],
                           const struct scaling_constants *truth, struct recovery *r)
{
    static const char where[] = "the planted value, which Maskey et al. fitted";
    struct err err;
    if (recover(check, truth, r, &err)) {
        check_skip(check, rows[0], CLAIM_STATISTICAL, "recovery of gamma", err.text);
        return false;
    }
    row(check, rows[0], CLAIM_STATISTICAL, "gamma comes back from 120 runs with 0.2 % of noise",
        truth->gamma[0], "bits", where, r->fit.gamma[0], 0.98 * truth->gamma[0],
        1.02 * truth->gamma[0], NAN);
    row(check, rows[1], CLAIM_STATISTICAL, "alpha and beta come back", 0, "larger error", where,
        fmax(fabs(r->fit.alpha - truth->alpha), fabs(r->fit.beta - truth->beta)), 0, 0.02, NAN);
    row(check, rows[2], CLAIM_STATISTICAL,
        "95 % intervals of the bootstrap hold the truth of at least 5 of 6 parameters", PARAMETERS,
        "parameters", "by their definition 5.7", r->covered, 5, PARAMETERS, NAN);
    return true;
}

/* (b) Which grid is better where */

/* Of the whole bits where the planted contours differ by more than 5 %, the share at which the
 * fitted ones are in the same order. */
static double same_order(const struct scaling_constants *u, const struct scaling_constants *k)
{
    const double D = 5e10, loss = 2.25;
    double judged = 0, right = 0;
    for (double bits = 1; bits <= 16; bits++) {
        double truth = log(precision_n_at(&kmeans_grid, kmeans_grid.gamma[0], loss, D, bits) /
                           precision_n_at(&uniform_grid, uniform_grid.gamma[0], loss, D, bits));
        double fit = log(precision_n_at(k, k->gamma[0], loss, D, bits) /
                         precision_n_at(u, u->gamma[0], loss, D, bits));
        if (fabs(truth) <= 0.05)
            continue;
        judged++;
        right += (truth < 0) == (fit < 0);
    }
    return judged > 0 ? right / judged : NAN;
}

static void check_fits(struct check *check)
{
    static const char *const of_uniform[] = {"a.gamma-of-the-uniform-grid",
                                             "a.exponents-of-the-uniform-grid",
                                             "a.intervals-of-the-uniform-grid"};
    static const char *const of_kmeans[] = {"a.gamma-of-the-k-means-grid",
                                            "a.exponents-of-the-k-means-grid",
                                            "a.intervals-of-the-k-means-grid"};
    struct recovery uniform, kmeans;
    bool fitted = check_recovery(check, of_uniform, &uniform_grid, &uniform);
    if (check_recovery(check, of_kmeans, &kmeans_grid, &kmeans) && fitted)
        row(check, "b.order-of-the-grids", CLAIM_STATISTICAL,
            "fitted contours of equal loss put the grids in the order that their constants give", 1,
            "share of bits", "computed, 5e10 tokens and a loss of 2.25",
            same_order(&uniform.fit, &kmeans.fit), 1, 1, 0.5);
}

/* (c) Memory */

static void check_memory(struct check *check)
{
    static const double gigabytes[] = {0.1, 0.5, 1, 2, 4, 8, 16};
    enum { BUDGETS_OF_MEMORY = sizeof gigabytes / sizeof gigabytes[0] };
    double falls = 0, last = INFINITY, at_8 = NAN;
    for (size_t i = 0; i < BUDGETS_OF_MEMORY; i++) {
        double best = precision_best_bits(uniform_grid.gamma[0], 1e9 * gigabytes[i], 0.5, 16, 0.25);
        falls += best < last;
        last = best;
        at_8 = gigabytes[i] == 8 ? best : at_8;
    }
    row(check, "c.more-memory-fewer-bits", CLAIM_EXACT,
        "the best bits fall with each larger memory of 0.1 to 16 GB", BUDGETS_OF_MEMORY, "falls",
        "sec. 4", falls, BUDGETS_OF_MEMORY, BUDGETS_OF_MEMORY, NAN);
    row(check, "c.one-bit-at-8-gb", CLAIM_EXACT, "about 1-bit weights are best in 8 GB", 1, "bits",
        "abstract: 8 GB", at_8, 0.75, 1.5, 16);
}

/* (d) Data that hurts */

static void check_post_training(struct check *check)
{
    const double N = 2e8, bits = 3;
    double least = INFINITY, at = NAN;
    for (double D = 1e9; D < 1e13; D *= 1.001) {
        double loss = kumar.E + kumar.A * pow(N, -kumar.alpha) + kumar.B * pow(D, -kumar.beta) +
                      post_training_loss(&kumar_post, N, D, bits);
        if (loss < least) {
            least = loss;
            at = D;
        }
    }
    row(check, "d.data-that-hurts", CLAIM_EXACT,
        "quantised to 3 bits afterwards, a 2e8-parameter model is best at D_crit tokens", 1,
        "scanned minimum / closed form", "eq. of the post-training penalty",
        at / post_training_critical_d(&kumar, &kumar_post, N, bits), 0.99, 1.01, NAN);
}

static void check_bits(struct check *check)
{
    const double equal[] = {kumar.gamma[0], kumar.gamma[0], kumar.gamma[0]};
    check_row(check,
              &(struct claim){.row = "d.best-bits-of-training",
                              .kind = CLAIM_EXACT,
                              .text = "compute-optimal training precision is 7 to 8 bits",
                              .paper = {7.5, "bits", "abstract: 7-8 bits"},
                              .measured = precision_optimal_bits(equal, 3),
                              .unit = "bits",
                              .low = 7,
                              .high = 8,
                              .no_effect = NAN,
                              .explained = "the printed constants give 5.1 bits for three tensors "
                                           "of the weights' gamma, 3.5 for their own; 7 to 8 does "
                                           "not follow from them alone"});
    row(check, "d.best-bits-of-own-gammas", CLAIM_EXACT,
        "the printed constants of weights, activations and KV cache give 3.47 bits", 3.4688, "bits",
        "independently minimised", precision_optimal_bits(kumar.gamma, 3), 3.4687, 3.4689, NAN);
}

/* (e) Skills */

enum { BUDGETS = 9, SIZES = 11 };
static const double budgets[BUDGETS] = {6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21};

/* Vertices of the IsoFLOP parabolas of a planted law: sizes within half a decade of what is best
 * there, losses with a relative noise of 2e-4. */
static enum status skill_optima(struct check *check, const struct scaling_constants *c,
                                double optimum[BUDGETS], struct err *err)
{
    const struct scaling_law law = scaling_law_of(&(struct scaling_form){0}, c);
    enum status s = OK;
    for (size_t b = 0; b < BUDGETS && !s; b++) {
        double N[SIZES], loss[SIZES], best = scaling_allocate(&law, budgets[b], NULL).N;
        struct isoflop_parabola p;
        for (size_t i = 0; i < SIZES; i++) {
            N[i] = best * pow(10, (double)i / (SIZES - 1) - 0.5);
            loss[i] = scaling_loss(&law, N[i], budgets[b] / (6 * N[i]), NULL) *
                      exp(2e-4 * rng_normal(check_rng(check)));
        }
        s = isoflop_parabola(N, loss, SIZES, &p, err);
        if (!s && !(p.minimum && p.inside))
            s = status_fail(err, E_FAILED, "the parabola at %g FLOP has no minimum", budgets[b]);
        optimum[b] = p.vertex;
    }
    return s;
}

static double mean_residual(const double *skill, const double *aggregate)
{
    double sum = 0;
    for (size_t b = 0; b < BUDGETS; b++)
        sum += log10(skill[b] / aggregate[b]);
    return sum / BUDGETS;
}

/* The slope of the residual over log10 C. */
static double residual_slope(const double *skill, const double *aggregate)
{
    double ratio[BUDGETS];
    struct isoflop_line line;
    for (size_t b = 0; b < BUDGETS; b++)
        ratio[b] = skill[b] / aggregate[b];
    return isoflop_line(budgets, ratio, BUDGETS, &line, NULL) ? NAN : line.a;
}

static void check_skills(struct check *check)
{
    static const char text[] =
        "knowledge wants more parameters than the aggregate at equal compute";
    static const char where[] = "fig. 4, mean over nine budgets; laws planted to have it";
    static const struct scaling_constants
        aggregate = {.A = 406.4, .B = 410.7, .E = 1.69, .alpha = 0.34, .beta = 0.32},
        knowledge = {.A = 695.7, .B = 369.63, .E = 0.4, .alpha = 0.346, .beta = 0.3},
        code = {.A = 300.8, .B = 410.7, .E = 0.15, .alpha = 0.337, .beta = 0.3245};
    double all[BUDGETS], of_knowledge[BUDGETS], of_code[BUDGETS];
    struct err err;
    if (skill_optima(check, &aggregate, all, &err) ||
        skill_optima(check, &knowledge, of_knowledge, &err) ||
        skill_optima(check, &code, of_code, &err)) {
        check_skip(check, "e.knowledge-wants-parameters", CLAIM_STATISTICAL, text, err.text);
        return;
    }
    row(check, "e.knowledge-wants-parameters", CLAIM_STATISTICAL, text, 0.12, "log10 N ratio",
        where, mean_residual(of_knowledge, all), 0.06, 0.15, 0);
    row(check, "e.code-wants-data", CLAIM_STATISTICAL,
        "code wants fewer parameters, and so more data", -0.09, "log10 N ratio", where,
        mean_residual(of_code, all), -0.13, -0.07, 0);
    row(check, "e.less-so-with-compute", CLAIM_STATISTICAL,
        "knowledge comes nearer to the aggregate as compute grows", NAN, "slope over log10 C",
        "fig. 4: shrinking", residual_slope(of_knowledge, all), -INFINITY, -0.005, 0);
}

static void check(struct check *check)
{
    check_fits(check);
    check_memory(check);
    check_post_training(check);
    check_bits(check);
    check_skills(check);
}

const struct technique skill_scaling = {
    .id = "skill-scaling",
    .title = "Skill-dependent optima and scaling laws for precision",
    .source = "arXiv 2503.10061, 2411.04330, 2602.15563",
    .claim = "bits act as parameters, more data can hurt a model that is quantised later, and "
             "knowledge wants larger models than code at equal compute",
    .tasks = tasks,
    .check = check,
    .check_seconds = 5,
    .expect = expect};
