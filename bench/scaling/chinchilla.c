/* bench/scaling/chinchilla.c: compute-optimal scaling fits and their replication.  The loss of runs
 * is fitted by ln L = ln(A N^-alpha + B D^-beta + E) under a Huber loss summed over runs, from a
 * grid of starts; rows are resampled for intervals; N_opt ~ C^a with a = beta / (alpha + beta).
 * Source: Hoffmann et al., arXiv 2203.15556; Besiroglu et al., arXiv 2404.10102. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/law_objective.h"
#include "datasets/csv.h"
#include "datasets/synthetic_runs.h"
#include "numerics/fits/isoflop.h"
#include "numerics/fits/scaling_bootstrap.h"
#include "numerics/fits/scaling_objective.h"

static const struct scaling_form form = {.shared = false};

/* ---- objective: one value and gradient over all rows ---- */

static const struct variant objective_variants[] = {
    {"scalar",
     "value and gradient with the C library's exp and log",
     law_objective_run,
     HEADLINE,
     {{0}}},
    {"simd",
     "value and gradient with vectorised exp and log",
     law_objective_run,
     HEADLINE,
     {{"simd", 1}}},
    {"numgrad",
     "gradient from ten scalar values: central differences",
     law_objective_run_differences,
     0,
     {{0}}},
    {0}};
/* 240 rows are the replication's; 24 bytes a row. */
static const struct matrix_case objective_cases[] = {
    {"besiroglu-240", CACHE | QUICK | SMOKE, {{"rows", 240}}},
    {"runs-1e4", CACHE, {{"rows", 1e4}}},
    {"runs-1e6", DRAM | QUICK, {{"rows", 1e6}}},
    {"runs-1e7", DRAM, {{"rows", 1e7}}},
    {0}};

static const char *objective_skip(const struct variant *v, const struct matrix_case *c)
{
    return v->run == law_objective_run_differences && c->p[0].value > 1e6
               ? "ten times 1e7 rows take seconds"
               : NULL;
}

/* ---- fit: the grid of starts ---- */

enum { TABLE_PER_BUDGET = 27 /* 243 rows: the replication has 240 */ };

struct fit_trial {
    struct scaling_table table;
    struct scaling_fit_options options;
    double *starts;
    struct scaling_fit fit;
    struct scaling_law *laws; /* of a bootstrap */
    size_t replicates, refit_evaluations;
    uint64_t seed;
    enum status status; /* of the last run */
};

static enum status fit_prepare(struct trial *t, struct err *err)
{
    struct fit_trial *f = calloc(1, sizeof *f);
    double *grid = NULL;
    size_t n = 0;
    t->state = f;
    if (!f)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    const struct kernel_variant *kernel =
        kernel_pick(law_sums_variants, param(t, "scalar") ? 0 : t->features);
    t->isa = kernel->isa;
    f->options = (struct scaling_fit_options){.form = form,
                                              .delta = SCALING_DELTA,
                                              .threads = param(t, "alone") ? 1 : t->threads,
                                              .features = param(t, "scalar") ? 0 : t->features};
    enum status s = synthetic_runs_table(TABLE_PER_BUDGET, t->rng, &f->table, err);
    if (!s)
        s = scaling_starts(&form, &grid, &n, err);
    if (s)
        return s;
    t->footprint_bytes = 4 * f->table.n * sizeof(double);
    f->starts = grid;
    f->options.starts = grid;
    f->options.n_starts = (size_t)param(t, "starts");
    size_t stride = n / f->options.n_starts; /* evenly spaced starts of the whole grid */
    for (size_t i = 0; i < f->options.n_starts; i++)
        memmove(grid + i * LAW_PARAMETERS, grid + i * stride * LAW_PARAMETERS,
                LAW_PARAMETERS * sizeof *grid);
    return OK;
}

static void fit_release(struct trial *t)
{
    struct fit_trial *f = t->state;
    if (!f)
        return;
    scaling_table_free(&f->table);
    free(f->starts);
    free(f->laws);
    free(f);
    t->state = NULL;
}

/* The few kilobytes that a fit allocates are nothing beside its thousands of evaluations. */
static void run_fit(struct trial *t, size_t n)
{
    struct fit_trial *f = t->state;
    for (size_t i = 0; i < n; i++)
        f->status = scaling_fit(&f->table, &f->options, &f->fit, NULL);
}

static struct work fit_work(const struct trial *t)
{
    const struct fit_trial *f = t->state;
    double flops = (double)f->fit.evaluations * (double)f->table.n * LAW_FLOPS_PER_ROW;
    return (struct work){.flops = flops,
                         .bytes_read = 32 * (double)f->table.n,
                         .bytes_written = LAW_PARAMETERS * 8,
                         .items = (double)f->options.n_starts,
                         .unit = "fit",
                         .roof = ROOF_FMA_F32,
                         .roof_ops = 2 * flops};
}

/* The largest distance in alpha and beta from the law that the table was drawn from. */
static double exponent_distance(const struct scaling_law *law)
{
    const struct scaling_law truth = synthetic_runs_law();
    return fmax(fabs(law->p[3] - truth.p[3]), fabs(law->p[4] - truth.p[4]));
}

/* Against the fit by the reference kernel from the same starts: in one basin, between two points
 * with gradients of at most g, a convex value differs by at most the sum of g |difference of p|. */
static void fit_fidelity(struct trial *t)
{
    const struct fit_trial *f = t->state;
    struct scaling_fit_options o = f->options;
    struct scaling_fit reference = {.objective = NAN};
    double bound[LAW_SUMS];
    o.features = 0;
    o.threads = t->threads;
    enum status s = f->status ? f->status : scaling_fit(&f->table, &o, &reference, NULL);
    const struct scaling_problem p = scaling_problem_of(&f->table, &form, SCALING_DELTA, 0);
    const struct law_point point = scaling_point(&form, reference.law.p);
    law_sums_bound(&p.rows, &point, SCALING_DELTA, bound);
    double most = 2 * bound[0], worst = fmax(f->fit.max_gradient, reference.max_gradient);
    for (int j = 0; j < LAW_PARAMETERS; j++)
        most += worst * fabs(f->fit.law.p[j] - reference.law.p[j]);
    trial_correctness(t, "objective_gap", s ? NAN : fabs(f->fit.objective - reference.objective),
                      most);
    trial_fidelity(t, NULL, "exponent_error", exponent_distance(&f->fit.law), "planted-law", 0);
}

static const struct variant fit_variants[] = {
    {"scalar", "grid of starts, scalar objective", run_fit, HEADLINE, {{"scalar", 1}}},
    {"simd", "grid of starts, vectorised objective", run_fit, HEADLINE, {{0}}},
    {0}};
static const struct matrix_case fit_cases[] = {
    {"starts-180", CACHE | QUICK | SMOKE, {{"starts", 180}}},
    {"grid-4500", CACHE, {{"starts", 4500}}},
    {0}};

/* ---- bootstrap: refits on resampled rows ---- */

static enum status bootstrap_prepare(struct trial *t, struct err *err)
{
    enum status s = fit_prepare(t, err);
    if (s)
        return s;
    struct fit_trial *f = t->state;
    f->replicates = (size_t)param(t, "replicates");
    f->seed = rng_u64(t->rng);
    f->laws = calloc(f->replicates, sizeof *f->laws);
    if (!f->laws)
        return status_fail(err, E_NOMEM, "no memory for %zu replicates", f->replicates);
    s = scaling_fit(&f->table, &f->options, &f->fit, err);
    if (s)
        return s;
    double starts[SCALING_REFIT_STARTS * LAW_PARAMETERS];
    struct scaling_fit_options o = f->options;
    struct scaling_fit refit = {.evaluations = 0};
    scaling_refit_starts(&f->table, &f->fit.law, starts);
    o.starts = starts;
    o.n_starts = SCALING_REFIT_STARTS;
    s = scaling_fit(&f->table, &o, &refit, err);
    f->refit_evaluations = refit.evaluations;
    return s;
}

static void run_bootstrap(struct trial *t, size_t n)
{
    struct fit_trial *f = t->state;
    for (size_t i = 0; i < n; i++)
        f->status = scaling_bootstrap(&f->table, &f->options, &f->fit.law, f->replicates, f->seed,
                                      f->laws, NULL);
}

/* A replicate has 1 - 1/e of the rows, and is refitted in about as many evaluations as the table
 * itself from the same starts. */
static struct work bootstrap_work(const struct trial *t)
{
    const struct fit_trial *f = t->state;
    double replicates = (double)f->replicates, evaluations = (double)f->refit_evaluations;
    double flops = replicates * evaluations * 0.632 * (double)f->table.n * LAW_FLOPS_PER_ROW;
    return (struct work){.flops = flops,
                         .bytes_read = 32 * (double)f->table.n,
                         .bytes_written = replicates * LAW_PARAMETERS * 8,
                         .items = replicates,
                         .unit = "replicate",
                         .roof = ROOF_FMA_F32,
                         .roof_ops = 2 * flops};
}

/* The same laws, bit for bit, as one thread alone finds with the same kernel. */
static void bootstrap_fidelity(struct trial *t)
{
    const struct fit_trial *f = t->state;
    struct scaling_fit_options o = f->options;
    struct scaling_law *alone = calloc(f->replicates, sizeof *alone);
    struct scaling_interval alpha = {.deviation = NAN};
    double different = NAN;
    o.threads = 1;
    if (alone && !f->status &&
        !scaling_bootstrap(&f->table, &o, &f->fit.law, f->replicates, f->seed, alone, NULL)) {
        different = 0;
        for (size_t i = 0; i < f->replicates; i++)
            for (int j = 0; j < LAW_PARAMETERS; j++)
                different += alone[i].p[j] != f->laws[i].p[j];
        scaling_bootstrap_interval(&f->fit.law, f->laws, f->replicates, NULL, 0, 0.95,
                                   scaling_quantity_alpha, NULL, &alpha, NULL);
    }
    trial_correctness(t, "different_parameters", different, 0);
    trial_fidelity(t, NULL, "alpha_standard_error", alpha.deviation, "bootstrap", 0);
    free(alone);
}

static const struct variant bootstrap_variants[] = {
    {"one-thread", "vectorised objective, one thread", run_bootstrap, HEADLINE, {{"alone", 1}}},
    {"threads", "replicates shared out among the threads", run_bootstrap, HEADLINE, {{0}}},
    {"scalar", "scalar objective, all threads", run_bootstrap, 0, {{"scalar", 1}}},
    {0}};
static const struct matrix_case bootstrap_cases[] = {
    {"replicates-40", CACHE | SMOKE, {{"replicates", 40}, {"starts", 36}}},
    {"replicates-400", CACHE | QUICK, {{"replicates", 400}, {"starts", 36}}},
    {0}};

/* ---- Tasks ---- */

static const struct task tasks[] = {
    {"objective", objective_variants, objective_cases, law_objective_prepare, law_objective_work,
     law_objective_fidelity, law_objective_release, objective_skip},
    {"fit", fit_variants, fit_cases, fit_prepare, fit_work, fit_fidelity, fit_release, NULL},
    {"bootstrap", bootstrap_variants, bootstrap_cases, bootstrap_prepare, bootstrap_work,
     bootstrap_fidelity, fit_release, NULL},
    {0}};

static const struct expect expect[] = {
    {"objective", "simd", "objective_relative_error", 0, 2e-12,
     "240 residuals near 5e-3, each f off by some 1e-15: 1e-15 / 5e-3 of their sum", NULL},
    {"fit", "simd", "exponent_error", 0, 0.02,
     "three standard errors of an exponent on 243 runs with noise of 0.5 %", NULL},
    {0}};

/* ---- Claims ---- */

/* A table with both fits, the replicates' interval and the parabolas' exponent. */
struct study {
    struct scaling_table table;
    struct scaling_fit huber, lad;
    struct scaling_interval a80; /* of the huber fit's a */
    double parabola_a;           /* approach 2 */
};

enum { REPLICATES = 400 };

/* N_opt of the runs within 15 % of one budget. */
static enum status vertex_at(const struct scaling_table *t, double budget, double *columns,
                             size_t *rows, double *vertex, struct err *err)
{
    double *C = columns, *N = columns + t->n, *loss = columns + 2 * t->n;
    struct isoflop_parabola p;
    for (size_t i = 0; i < t->n; i++)
        C[i] = 6 * exp(t->ln_n[i] + t->ln_d[i]);
    size_t n = isoflop_rows(C, t->n, budget, 0.15, rows);
    for (size_t i = 0; i < n; i++) {
        N[i] = exp(t->ln_n[rows[i]]);
        loss[i] = exp(t->ln_loss[rows[i]]);
    }
    enum status s = isoflop_parabola(N, loss, n, &p, err);
    if (!s && !p.minimum)
        s = status_fail(err, E_FAILED, "the parabola of budget %g has no minimum", budget);
    if (!s)
        *vertex = p.vertex;
    return s;
}

/* Approach 2. */
static enum status parabolas(const struct scaling_table *t, double *a, struct err *err)
{
    double best[SYNTHETIC_BUDGETS];
    struct isoflop_line line;
    double *columns = malloc(3 * t->n * sizeof *columns);
    size_t *rows = malloc(t->n * sizeof *rows);
    enum status s = columns && rows ? OK : status_fail(err, E_NOMEM, "no memory for the parabolas");
    for (int b = 0; b < SYNTHETIC_BUDGETS && !s; b++)
        s = vertex_at(t, synthetic_budgets[b], columns, rows, &best[b], err);
    if (!s)
        s = isoflop_line(synthetic_budgets, best, SYNTHETIC_BUDGETS, &line, err);
    if (!s)
        *a = line.a;
    free(columns);
    free(rows);
    return s;
}

static enum status bootstrap_a(struct study *study, const struct scaling_fit_options *o,
                               uint64_t seed, struct err *err)
{
    const struct scaling_law *point = &study->huber.law;
    struct scaling_law *laws = malloc(REPLICATES * sizeof *laws);
    enum status s = laws ? scaling_bootstrap(&study->table, o, point, REPLICATES, seed, laws, err)
                         : status_fail(err, E_NOMEM, "no memory for the replicates");
    if (!s)
        s = scaling_bootstrap_interval(point, laws, REPLICATES, NULL, 0, 0.8,
                                       scaling_quantity_exponent, NULL, &study->a80, err);
    free(laws);
    return s;
}

/* The rest of a study whose table is there. */
static enum status examine(struct study *study, struct check *check, struct err *err)
{
    struct scaling_fit_options o = {
        .form = form, .delta = SCALING_DELTA, .threads = 1, .features = check_features(check)};
    enum status s = scaling_fit(&study->table, &o, &study->huber, err);
    if (!s)
        s = bootstrap_a(study, &o, rng_u64(check_rng(check)), err);
    o.kind = SCALING_LAD;
    if (!s)
        s = scaling_fit(&study->table, &o, &study->lad, err);
    if (!s)
        s = parabolas(&study->table, &study->parabola_a, err);
    return s;
}

static double exponent_of(const struct scaling_fit *fit)
{
    return scaling_quantity_exponent(&fit->law, NULL);
}

/* The objective at other constants over that at the optimum. */
static double objective_ratio(const struct study *s, const struct scaling_constants *c)
{
    const struct scaling_law law = scaling_law_of(&form, c);
    return scaling_objective(&law, &s->table, SCALING_DELTA, NULL, NULL) / s->huber.objective;
}

/* A row of a study: what is the same whatever was measured. */
struct study_row {
    const char *row;
    enum claim_kind kind;
    const char *text;
    double paper;
    const char *where;
    double low, high, no_effect;
};

/* Values [n] beside their rows; a study that failed gives errors that say why. */
static void judge(struct check *check, const struct study_row *rows, const double *values, size_t n,
                  enum status s, const struct err *err)
{
    for (size_t i = 0; i < n; i++)
        check_row(check, &(struct claim){.row = rows[i].row,
                                         .kind = rows[i].kind,
                                         .text = s ? err->text : rows[i].text,
                                         .paper = {rows[i].paper, NULL, rows[i].where},
                                         .measured = s ? NAN : values[i],
                                         .low = rows[i].low,
                                         .high = rows[i].high,
                                         .no_effect = rows[i].no_effect});
}

/* ---- Claims on a table drawn from a known law ---- */

/* In the order of planted_values(). */
static const struct study_row planted_rows[] = {
    {"planted.exponent", CLAIM_STATISTICAL,
     "the fit finds the a of the law that its table was drawn from: standard errors between them",
     NAN, "no number in the source", -INFINITY, 3, NAN},
    {"planted.approaches-agree", CLAIM_STATISTICAL,
     "parabolas (approach 2) and the parametric fit (approach 3) give the same a", 0.004,
     "0.5166 against 0.513 on the replication's table", -INFINITY, 0.03, NAN},
    {"planted.rounding-costs", CLAIM_STATISTICAL,
     "exponents rounded to two digits fit the runs worse: objective over the optimum's", 4.05,
     "4.1210e-3 over 1.0183e-3 on the replication's table", 1.5, INFINITY, 1},
    {"planted.lad-is-exact", CLAIM_EXACT,
     "the least-absolute-deviations fit is a minimum: largest multiplier over its row's weight",
     NAN, "no number in the source", 0, 1, NAN},
};
enum { PLANTED_ROWS = sizeof planted_rows / sizeof planted_rows[0] };

static void planted_values(const struct study *s, double values[PLANTED_ROWS])
{
    const struct scaling_law truth = synthetic_runs_law();
    struct scaling_constants rounded = scaling_constants(&truth);
    rounded.alpha = 0.35;
    rounded.beta = 0.37;
    values[0] =
        fabs(exponent_of(&s->huber) - scaling_quantity_exponent(&truth, NULL)) / s->a80.deviation;
    values[1] = fabs(exponent_of(&s->lad) - s->parabola_a);
    values[2] = objective_ratio(s, &rounded);
    values[3] = s->lad.max_gradient;
}

static void check_planted(struct check *check)
{
    struct study study = {0};
    struct err err = {{0}};
    double values[PLANTED_ROWS];
    enum status s = synthetic_runs_table(TABLE_PER_BUDGET, check_rng(check), &study.table, &err);
    if (!s)
        s = examine(&study, check, &err);
    if (!s)
        planted_values(&study, values);
    judge(check, planted_rows, values, PLANTED_ROWS, s, &err);
    scaling_table_free(&study.table);
}

/* ---- Claims on the replication's table ---- */

static enum status read_runs(const char *folder, struct scaling_table *out, struct err *err)
{
    char path[4096];
    struct csv csv = {0};
    struct scaling_table all = {0};
    size_t kept;
    snprintf(path, sizeof path, "%s/chinchilla-besiroglu.csv", folder);
    enum status s = csv_read(path, &csv, err);
    if (s)
        return s;
    size_t n = csv.rows;
    double *columns = malloc(3 * (n + 1) * sizeof *columns);
    bool *keep = malloc((n + 1) * sizeof *keep);
    if (!columns || !keep) {
        s = status_fail(err, E_NOMEM, "no memory for %zu runs", n);
        goto out;
    }
    double *N = columns, *D = columns + n, *loss = columns + 2 * n;
    s = csv_numbers(&csv, "Model Size", path, N, err);
    if (!s)
        s = csv_numbers(&csv, "Training FLOP", path, D, err);
    if (!s)
        s = csv_numbers(&csv, "loss", path, loss, err);
    for (size_t i = 0; i < n && !s; i++)
        D[i] /= 6 * N[i];
    if (!s)
        s = scaling_exclude_largest(loss, n, 5, keep, &kept, err);
    if (!s)
        s = scaling_table_make(N, D, loss, NULL, 0, n, &all, err);
    if (!s)
        s = scaling_table_select(&all, keep, out, err);
out:
    scaling_table_free(&all);
    csv_free(&csv);
    free(columns);
    free(keep);
    return s;
}

/* In the order of csv_values().  The tolerances are those of the independently computed optima. */
static const struct study_row csv_rows[] = {
    {"csv.huber-optimum", CLAIM_EXACT,
     "the summed Huber loss (delta 1e-3) of the 240 runs at its optimum", 1.018274018e-3,
     "exact optimum, computed independently", 1.018274018e-3 * (1 - 1e-9),
     1.018274018e-3 * (1 + 1e-9), NAN},
    {"csv.lad-optimum", CLAIM_EXACT,
     "the least sum of |log residual|: the published estimates are its minimum", 1.12949465,
     "exact optimum, computed independently", 1.12949465 * (1 - 1e-7), 1.12949465 * (1 + 1e-7),
     NAN},
    {"csv.lad-exponent", CLAIM_EXACT, "parameters grow as C^a with a near one half", 0.513,
     "Besiroglu et al., sec. 3", 0.49, 0.54, NAN},
    {"csv.approaches-agree", CLAIM_EXACT,
     "parabolas (approach 2) and the parametric fit (approach 3) give the same a", 0.004,
     "0.5166 against 0.513", -INFINITY, 0.03, NAN},
    {"csv.original-fits-worse", CLAIM_EXACT,
     "the original unrounded estimates over the optimum's objective", 1.209,
     "Besiroglu et al., sec. 3", 1.2, INFINITY, 1},
    {"csv.rounded-fits-worse", CLAIM_EXACT,
     "the original rounded estimates over the optimum's objective", 4.05,
     "Besiroglu et al., sec. 3", 4, INFINITY, 1},
    {"csv.interval-is-wide", CLAIM_STATISTICAL,
     "the 80 % interval of a is far wider than the original 0.001", 0.051,
     "Besiroglu et al., sec. 3", 0.01, INFINITY, 0.001},
};
enum { CSV_ROWS = sizeof csv_rows / sizeof csv_rows[0] };

static void csv_values(const struct study *s, double values[CSV_ROWS])
{
    const struct scaling_constants unrounded = {exp(6.0073404), exp(6.0179186), exp(0.5267228),
                                                0.33917084,     0.2849083,      {0}};
    const struct scaling_constants rounded = {406.4, 410.7, 1.69, 0.34, 0.28, {0}};
    values[0] = s->huber.objective;
    values[1] = s->lad.objective;
    values[2] = exponent_of(&s->lad);
    values[3] = fabs(exponent_of(&s->lad) - s->parabola_a);
    values[4] = objective_ratio(s, &unrounded);
    values[5] = objective_ratio(s, &rounded);
    values[6] = s->a80.high - s->a80.low;
}

static void check_csv(struct check *check)
{
    struct study study = {0};
    struct err err = {{0}};
    double values[CSV_ROWS];
    const char *folder = check_data_dir(check);
    enum status s = folder ? read_runs(folder, &study.table, &err)
                           : status_fail(&err, E_NOINPUT,
                                         "needs chinchilla-besiroglu.csv of the replication: set "
                                         "ASSAY_DATA to its folder");
    if (s == E_NOINPUT) {
        for (size_t i = 0; i < CSV_ROWS; i++)
            check_skip(check, csv_rows[i].row, csv_rows[i].kind, csv_rows[i].text, err.text);
        return;
    }
    if (!s)
        s = examine(&study, check, &err);
    if (!s)
        csv_values(&study, values);
    judge(check, csv_rows, values, CSV_ROWS, s, &err);
    scaling_table_free(&study.table);
}

static void check(struct check *check)
{
    check_planted(check);
    check_csv(check);
}

const struct technique chinchilla = {.id = "chinchilla",
                                     .title = "Compute-optimal scaling fits and their replication",
                                     .source = "arXiv 2203.15556, arXiv 2404.10102",
                                     .claim =
                                         "parameters and tokens should grow alike with compute",
                                     .tasks = tasks,
                                     .check = check,
                                     .check_seconds = 5,
                                     .expect = expect};
