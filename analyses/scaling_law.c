/* analyses/scaling_law.c: the law behind a table of training runs, how far the table determines it,
 * and what it says to train.  Source: Hoffmann et al., arXiv 2203.15556; Besiroglu et al., arXiv
 * 2404.10102; precision: Kumar et al., arXiv 2411.04330; inference: Sardana et al., arXiv
 * 2401.00448. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/run_table.h"
#include "analyses/scaling_decide.h"
#include "datasets/csv.h"
#include "datasets/mapping.h"
#include "datasets/synthetic_runs.h"
#include "numerics/fits/scaling_doubt.h"

static const struct analysis_option scaling_law_options[] = {
    {"law", "NAME", "chinchilla",
     "chinchilla: E + A N^-alpha + B D^-beta; shared: alpha = beta; precision, precision-shared: "
     "the same of N_eff, from columns P_w, P_a, P_kv"},
    {"fit", "NAME", "huber", "of log losses: huber (delta 1e-3), lad (least absolute), or both"},
    {"bootstrap", "N", "400", "replicates of the table, for intervals and bands; 0: none"},
    {"interval", "NAME", "percentile", "of the bootstrap: percentile or bca; or profile (huber)"},
    {"level", "P", "0.9", "of intervals and bands, between 0 and 1"},
    {"exclude", "RULE", "none",
     "none; largest:M keeps losses below the M-th largest; loss-above:L; ratio-above:R (tokens per "
     "parameter)"},
    {"holdout", "SHARE", "0.2", "of the runs, those of most compute, predicted from the others"},
    {"columns", "LIST", NULL, "N=NAME,D=NAME,C=NAME,loss=NAME,P_w=NAME,P_a=NAME,P_kv=NAME"},
    {"flops", "COLUMN", NULL, "compute C of a run: its tokens are C / (6 N)"},
    {"loss-unit", "UNIT", "nats", "of the losses, per token: nats or bits"},
    {"budgets", "LIST", "auto", "IsoFLOP budgets; a run belongs to one within 15 % of it"},
    {"loss", "L", NULL, "plan a model of this loss (default: of the best run)"},
    {"inference-tokens", "T", "0", "plan for so many tokens read and written in its life"},
    {"cost", "LIST", NULL,
     "plan in dollars: usual, or KEY=VALUE of train-price, infer-price ($/h), train-peak, "
     "infer-peak (op/s), train-share, input-share, output-share (of the peak), input, output "
     "(tokens of a request)"},
    {0}};

enum { KINDS = 2, MAX_BOOTSTRAP = 1000000, STARTS_MOST = 1000 };
enum interval_kind { PERCENTILE, BCA, PROFILE };

/* ---- Settings ---- */

struct settings {
    struct scaling_fit_options fit;
    bool kinds[KINDS]; /* by enum scaling_loss_kind */
    size_t bootstrap;
    enum interval_kind interval;
    double level, holdout;
    struct plan plan;
    const char *unit;
};

static const char *const kind_names[KINDS] = {[SCALING_HUBER] = "huber", [SCALING_LAD] = "lad"};

/* The index of a word in a list, or E_USAGE with the list. */
static enum status choose(const char *option, const char *word, const char *const *words, size_t n,
                          size_t *out, struct err *err)
{
    char all[128] = "";
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(all);
        if (!strcmp(word, words[i])) {
            *out = i;
            return OK;
        }
        snprintf(all + at, sizeof all - at, "%s%s", i ? ", " : "", words[i]);
    }
    return status_fail(err, E_USAGE, "--%s: '%s' is not one of %s", option, word, all);
}

/* A number of an option; low <= x <= high. */
static enum status number(const char *option, const char *word, double low, double high,
                          double *out, struct err *err)
{
    if (csv_number(word, out) && *out >= low && *out <= high)
        return OK;
    return status_fail(err, E_USAGE, "--%s: '%s' is not a number from %g to %g", option, word, low,
                       high);
}

static enum status parse_settings(const struct analysis *self,
                                  const struct analysis_request *request, struct settings *out,
                                  struct err *err)
{
    static const char *const laws[] = {"chinchilla", "shared", "precision", "precision-shared"};
    static const char *const fits[] = {"huber", "lad", "both"};
    static const char *const intervals[] = {"percentile", "bca", "profile"};
    static const char *const units[] = {"nats", "bits"};
    size_t law = 0, fit = 0, interval = 0, unit = 0;
    double bootstrap = 0;
    const char *loss = analysis_option(self, request, "loss"),
               *cost = analysis_option(self, request, "cost");
    *out = (struct settings){
        .fit = {.delta = SCALING_DELTA,
                .threads = request->threads > 0 ? request->threads : omp_get_max_threads(),
                .features = request->features,
                .progress = request->progress},
        .plan = {.loss = NAN}};
    enum status s = choose("law", analysis_option(self, request, "law"), laws, 4, &law, err);
    if (!s)
        s = choose("fit", analysis_option(self, request, "fit"), fits, 3, &fit, err);
    if (!s)
        s = choose("interval", analysis_option(self, request, "interval"), intervals, 3, &interval,
                   err);
    if (!s)
        s = choose("loss-unit", analysis_option(self, request, "loss-unit"), units, 2, &unit, err);
    if (!s)
        s = number("bootstrap", analysis_option(self, request, "bootstrap"), 0, MAX_BOOTSTRAP,
                   &bootstrap, err);
    if (!s)
        s = number("level", analysis_option(self, request, "level"), 0.01, 0.9999, &out->level,
                   err);
    if (!s)
        s = number("holdout", analysis_option(self, request, "holdout"), 0, 0.9, &out->holdout,
                   err);
    if (!s)
        s = number("inference-tokens", analysis_option(self, request, "inference-tokens"), 0, 1e30,
                   &out->plan.tokens, err);
    if (!s && loss)
        s = number("loss", loss, 1e-9, 1e9, &out->plan.loss, err);
    if (!s && cost)
        s = decide_parse_cost(cost, &out->plan, err);
    if (!s && interval == PROFILE && fit != SCALING_HUBER)
        s = status_fail(err, E_USAGE, "--interval profile needs --fit huber");
    if (!s && interval == BCA && bootstrap < 1)
        s = status_fail(err, E_USAGE, "--interval bca needs --bootstrap");
    out->fit.form = (struct scaling_form){.shared = law % 2, .precisions = law / 2};
    out->kinds[SCALING_HUBER] = fit != 1;
    out->kinds[SCALING_LAD] = fit != 0;
    out->bootstrap = (size_t)bootstrap;
    out->interval = (enum interval_kind)interval;
    out->unit = units[unit];
    return s;
}

/* ---- One fit ---- */

/* A fit and all that is asked about it. */
struct fitted {
    const char *name;
    struct scaling_fit_options options;
    struct scaling_fit fit;
    struct scaling_information information;
    struct scaling_law *laws, *jackknife; /* [replicates], [rows] */
    size_t replicates;
};

static enum status fit_table(const struct scaling_table *t, const struct settings *settings,
                             uint64_t seed, struct fitted *f, struct err *err)
{
    enum status s = scaling_fit(t, &f->options, &f->fit, err);
    if (!s)
        s = scaling_information(t, &f->options, &f->fit.law, &f->information, err);
    if (s || !settings->bootstrap || f->information.confounded)
        return s;
    f->laws = malloc(settings->bootstrap * sizeof *f->laws);
    if (!f->laws)
        return status_fail(err, E_NOMEM, "no memory for %zu replicates", settings->bootstrap);
    s = scaling_bootstrap(t, &f->options, &f->fit.law, settings->bootstrap, seed, f->laws, err);
    f->replicates = s ? 0 : settings->bootstrap;
    if (s || settings->interval != BCA)
        return s;
    f->jackknife = malloc(t->n * sizeof *f->jackknife);
    if (!f->jackknife)
        return status_fail(err, E_NOMEM, "no memory for %zu fits", t->n);
    return scaling_jackknife(t, &f->options, &f->fit.law, f->jackknife, err);
}

static double gamma_of(const struct scaling_law *law, const void *k)
{
    return scaling_constants(law).gamma[*(const size_t *)k];
}

/* The constants, in the order of the parameters, and the exponent that follows from them. */
struct quantity {
    const char *name;
    scaling_quantity_fn *of;
    size_t user, parameter;
    bool logarithm; /* of the parameter */
};

enum { MAX_QUANTITIES = SCALING_PARAMS + 1 };

static size_t list_quantities(const struct scaling_form *form, struct quantity *out)
{
    static const char *const gammas[] = {"gamma_w", "gamma_a", "gamma_kv"};
    const size_t none = scaling_param_count(form);
    size_t n = 0, p = 5 - form->shared;
    out[n++] = (struct quantity){"A", scaling_quantity_A, 0, 0, true};
    out[n++] = (struct quantity){"B", scaling_quantity_B, 0, 1, true};
    out[n++] = (struct quantity){"E", scaling_quantity_E, 0, 2, true};
    out[n++] = (struct quantity){"alpha", scaling_quantity_alpha, 0, 3, false};
    if (!form->shared)
        out[n++] = (struct quantity){"beta", scaling_quantity_beta, 0, 4, false};
    for (size_t k = 0; k < form->precisions; k++)
        out[n++] = (struct quantity){gammas[k], gamma_of, k, p + k, true};
    if (!form->shared)
        out[n++] = (struct quantity){"a", scaling_quantity_exponent, 0, none, false};
    return n;
}

/* Whether the table says something about it; a needs both exponents. */
static bool is_determined(const struct fitted *f, const struct quantity *q)
{
    const struct scaling_information *i = &f->information;
    if (i->confounded)
        return false;
    if (q->parameter < scaling_param_count(&f->options.form))
        return !i->undetermined[q->parameter];
    return !i->undetermined[3] && !i->undetermined[4];
}

static enum status interval_of(const struct scaling_table *t, const struct settings *settings,
                               const struct fitted *f, const struct quantity *q,
                               struct scaling_interval *out, struct err *err)
{
    bool of_parameter = q->parameter < scaling_param_count(&f->options.form);
    if (settings->interval != PROFILE || !of_parameter)
        return scaling_bootstrap_interval(&f->fit.law, f->laws, f->replicates, f->jackknife,
                                          f->jackknife ? t->n : 0, settings->level, q->of, &q->user,
                                          out, err);
    enum status s =
        scaling_profile_interval(t, &f->options, &f->fit, q->parameter, settings->level, out, err);
    if (!s && q->logarithm) {
        out->estimate = exp(out->estimate);
        out->low = exp(out->low);
        out->high = exp(out->high);
    }
    return s;
}

static enum status add_quantities(const struct scaling_table *t, const struct settings *settings,
                                  const struct fitted *f, struct json *out, struct json *text,
                                  struct err *err)
{
    struct quantity list[MAX_QUANTITIES];
    size_t n = list_quantities(&f->options.form, list);
    struct json *intervals = json_add_array(out, "intervals");
    for (size_t i = 0; i < n; i++) {
        const struct quantity *q = &list[i];
        double value = q->of(&f->fit.law, &q->user);
        if (!is_determined(f, q)) {
            char key[32];
            snprintf(key, sizeof key, "%s_reason", q->name);
            json_add_null(out, q->name);
            json_add_string(out, key, "the table does not determine it");
            decide_say(text, "  %-8s not determined by this table", q->name);
            continue;
        }
        json_add_number(out, q->name, value);
        bool profiled =
            settings->interval == PROFILE && q->parameter < scaling_param_count(&f->options.form);
        if (!f->replicates && !profiled) {
            decide_say(text, "  %-8s %.8g", q->name, value);
            continue;
        }
        struct scaling_interval v;
        enum status s = interval_of(t, settings, f, q, &v, err);
        if (s)
            return s;
        struct json *o = json_add_object(intervals, NULL);
        json_add_string(o, "quantity", q->name);
        json_add_number(o, "low", v.low);
        json_add_number(o, "high", v.high);
        json_add_number(o, "level", v.level);
        if (isfinite(v.deviation))
            json_add_number(o, "deviation", v.deviation);
        decide_say(text, "  %-8s %-12.8g %g %% interval %.5g .. %.5g", q->name, value,
                   100 * v.level, v.low, v.high);
    }
    return OK;
}

static void add_information(const struct fitted *f, struct json *out)
{
    const struct scaling_information *i = &f->information;
    struct json *o = json_add_object(out, "information");
    size_t n = scaling_param_count(&f->options.form);
    json_add_number(o, "condition", i->condition);
    json_add_number(o, "n_d_correlation", i->n_d_correlation);
    json_add_bool(o, "confounded", i->confounded);
    json_add_string(o, "text", i->text);
    struct json *list = json_add_array(o, "parameters");
    for (size_t k = 0; k < n; k++) {
        struct json *p = json_add_object(list, NULL);
        json_add_string(p, "name", scaling_param_name(&f->options.form, k));
        json_add_number(p, "standard_error", i->standard_error[k]);
        json_add_bool(p, "undetermined", i->undetermined[k]);
        json_add_number(p, "weakest", i->weakest[k]);
    }
}

/* The replicates' exponents, for the ellipses; the first STARTS_MOST say enough. */
static void add_replicates(const struct fitted *f, struct json *out)
{
    if (!f->replicates || f->options.form.shared)
        return;
    struct json *o = json_add_object(out, "replicates");
    struct json *alpha = json_add_array(o, "alpha"), *beta = json_add_array(o, "beta");
    for (size_t i = 0; i < f->replicates && i < STARTS_MOST; i++) {
        json_add_number(alpha, NULL, scaling_quantity_alpha(&f->laws[i], NULL));
        json_add_number(beta, NULL, scaling_quantity_beta(&f->laws[i], NULL));
    }
}

static enum status add_fit(const struct scaling_table *t, const struct settings *settings,
                           const struct fitted *f, struct json *fits, struct json *text,
                           struct err *err)
{
    struct json *o = json_add_object(fits, NULL);
    struct scaling_score score = scaling_score(&f->fit.law, t);
    json_add_string(o, "fit", f->name);
    json_add_number(o, "objective", f->fit.objective);
    json_add_bool(o, "converged", f->fit.converged);
    json_add_number(o, "max_gradient", f->fit.max_gradient);
    json_add_u64(o, "starts", f->fit.starts);
    json_add_u64(o, "near_best", f->fit.near_best);
    json_add_u64(o, "replicates", f->replicates);
    decide_add_score("score", &score, o);
    add_information(f, o);
    decide_say(text, "%s: objective %.9g over %zu runs, rms of log residuals %.4f", f->name,
               f->fit.objective, t->n, score.rms);
    if (*f->information.text)
        decide_say(text, "%s", f->information.text);
    enum status s = add_quantities(t, settings, f, o, text, err);
    add_replicates(f, o);
    return s;
}

/* ---- The document ---- */

static enum status describe_input(const char *path, struct json *input, struct err *err)
{
    struct mapping m;
    char mtime[64] = "", hash[32];
    struct tm utc;
    enum status s = mapping_open(path, &m, err);
    if (s)
        return s;
    if (gmtime_r(&m.mtime.tv_sec, &utc))
        strftime(mtime, sizeof mtime, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(hash, sizeof hash, "fnv1a64:%016llx", (unsigned long long)mapping_hash(m.bytes, m.n));
    struct json *row = json_add_object(input, NULL);
    json_add_string(row, "path", path);
    json_add_u64(row, "bytes", m.n);
    json_add_string(row, "mtime", mtime);
    json_add_string(row, "header_hash", hash);
    mapping_close(&m);
    return OK;
}

static void add_rows(const struct run_table *t, struct json *summary, struct json *text)
{
    struct json *rows = json_add_object(summary, "rows"),
                *left = json_add_array(summary, "unusable");
    json_add_u64(rows, "table", t->n);
    json_add_u64(rows, "used", t->used);
    json_add_u64(rows, "excluded", t->excluded);
    json_add_u64(rows, "unusable", t->unusable);
    decide_say(text, "%zu runs: %zu used, %zu excluded, %zu that cannot be used", t->n, t->used,
               t->excluded, t->unusable);
    size_t said = 0;
    for (size_t i = 0; i < t->n; i++) {
        char reason[128];
        if (t->use[i] != RUN_UNUSABLE)
            continue;
        run_table_reason(t, i, reason);
        struct json *o = json_add_object(left, NULL);
        json_add_u64(o, "line", t->line[i]);
        json_add_string(o, "reason", reason);
        if (said++ < 5)
            decide_say(text, "  line %zu: %s", t->line[i], reason);
    }
    if (said > 5)
        decide_say(text, "  ... and %zu more, in summary.unusable", said - 5);
}

static void add_records(const struct run_table *t, const struct fitted *f, struct json *records)
{
    static const char *const bits[] = {"P_w", "P_a", "P_kv"};
    const struct scaling_form *form = &f->options.form;
    for (size_t i = 0; i < t->n; i++) {
        struct json *r = json_add_object(records, NULL);
        char reason[128];
        double p[SCALING_PRECISIONS];
        json_add_u64(r, "line", t->line[i]);
        json_add_number(r, "N", t->value[RUN_N][i]);
        json_add_number(r, "D", t->value[RUN_D][i]);
        json_add_number(r, "C", t->value[RUN_C][i]);
        json_add_number(r, "loss", t->value[RUN_LOSS][i]);
        for (size_t k = 0; k < t->precisions; k++)
            json_add_number(r, bits[k], p[k] = t->value[RUN_BITS + k][i]);
        json_add_bool(r, "used", t->use[i] == RUN_USED);
        run_table_reason(t, i, reason);
        if (*reason)
            json_add_string(r, "reason", reason);
        if (t->use[i] == RUN_UNUSABLE)
            continue;
        double loss = scaling_loss(&f->fit.law, t->value[RUN_N][i], t->value[RUN_D][i],
                                   form->precisions ? p : NULL);
        json_add_number(r, "predicted", loss);
        json_add_number(r, "residual", log(loss / t->value[RUN_LOSS][i]));
    }
}

/* All that one run of the analysis carries along. */
struct work {
    const struct settings *settings;
    struct run_table runs;
    struct scaling_table table;
    struct fitted fits[KINDS];
    size_t n_fits;
    struct json *summary, *text;
};

static enum status decide(struct work *w, const char *budgets, struct err *err)
{
    const struct fitted *f = &w->fits[0];
    struct json *allocation = json_add_array(w->summary, "allocation");
    enum status s = OK;
    for (size_t i = 0; i < w->n_fits && !s; i++) {
        const struct fitted *g = &w->fits[i];
        struct decided d = {g->name, g->fit.law, g->laws, g->replicates, w->settings->level};
        if (!g->information.confounded)
            s = decide_allocation(&w->runs, &d, allocation, err);
    }
    if (!s)
        s = decide_isoflop(&w->runs, budgets, w->summary, w->text, err);
    if (!s && w->settings->holdout > 0)
        s = decide_extrapolation(&w->runs, w->settings->holdout, &f->options, w->summary, w->text,
                                 err);
    if (s)
        return s;
    if (f->information.confounded) {
        decide_say(w->text, "no plan: this table does not say how to trade N for D");
        return OK;
    }
    struct decided d = {f->name, f->fit.law, f->laws, f->replicates, w->settings->level};
    return decide_plan(&w->runs, &d, &w->settings->plan, w->summary, w->text, err);
}

static enum status analyse(struct work *w, const struct analysis_request *request,
                           const char *budgets, struct err *err)
{
    const struct settings *settings = w->settings;
    struct json *fits = json_add_array(w->summary, "fits");
    enum status s = run_table_rows(&w->runs, settings->fit.form.precisions, NULL, &w->table, err);
    for (size_t k = 0; k < KINDS && !s; k++) {
        if (!settings->kinds[k])
            continue;
        struct fitted *f = &w->fits[w->n_fits++];
        f->name = kind_names[k];
        f->options = settings->fit;
        f->options.kind = (enum scaling_loss_kind)k;
        s = fit_table(&w->table, settings, request->seed, f, err);
        if (!s)
            s = add_fit(&w->table, settings, f, fits, w->text, err);
    }
    return s ? s : decide(w, budgets, err);
}

static enum status read_runs(const struct analysis *self, const struct analysis_request *request,
                             struct settings *settings, struct work *w, struct json *input,
                             struct err *err)
{
    size_t *precisions = &settings->fit.form.precisions;
    enum status s;
    if (!request->n_inputs) {
        const struct scaling_law law = synthetic_runs_law();
        struct scaling_constants c = scaling_constants(&law);
        decide_say(w->text,
                   "no table given: an example drawn with seed %llu from A %.6g, B %.6g, E %.6g, "
                   "alpha %.6g, beta %.6g and %g %% of noise",
                   (unsigned long long)request->seed, c.A, c.B, c.E, c.alpha, c.beta,
                   100 * SYNTHETIC_RUNS_SIGMA);
        s = run_table_synthetic(request->seed, &w->runs, err);
    } else {
        s = describe_input(request->inputs[0], input, err);
        if (!s)
            s = run_table_read(request->inputs[0], analysis_option(self, request, "columns"),
                               analysis_option(self, request, "flops"), &w->runs, err);
    }
    if (!s && *precisions && !w->runs.precisions)
        s = status_fail(err, E_USAGE,
                        "--law precision needs a column of bits: call it P_w, or say --columns "
                        "P_w=NAME");
    if (!s && *precisions)
        *precisions = w->runs.precisions;
    if (!s)
        s = run_table_exclude(&w->runs, analysis_option(self, request, "exclude"), err);
    if (!s && w->runs.used <= scaling_param_count(&settings->fit.form))
        s = status_fail(err, E_FORMAT,
                        "%s: %zu runs can be used; a law of %zu parameters needs "
                        "more than that",
                        request->n_inputs ? request->inputs[0] : "the example", w->runs.used,
                        scaling_param_count(&settings->fit.form));
    return s;
}

static void add_parameters(const struct analysis_request *request, const struct run_table *t,
                           struct json *parameters)
{
    static const char *const keys[RUN_COLUMNS] = {"N", "D", "C", "loss", "P_w", "P_a", "P_kv"};
    for (const struct analysis_option *o = scaling_law_options; o->name; o++)
        json_add_string(parameters, o->name, request->options[o - scaling_law_options]);
    struct json *columns = json_add_object(parameters, "columns_used");
    for (size_t c = 0; c < RUN_COLUMNS; c++)
        if (*t->name[c])
            json_add_string(columns, keys[c], t->name[c]);
}

static enum status run(const struct analysis *self, const struct analysis_request *request,
                       struct json *document, struct err *err)
{
    struct settings settings;
    struct work w = {.settings = &settings};
    enum status s = parse_settings(self, request, &settings, err);
    if (!s && request->n_inputs > 1)
        s = status_fail(err, E_USAGE, "scaling-law reads one table, not %zu", request->n_inputs);
    if (s)
        return s;
    struct json *input = json_add_array(document, "input");
    struct json *parameters = json_add_object(document, "parameters");
    w.summary = json_add_object(document, "summary");
    w.text = json_add_array(w.summary, "text");
    struct json *units = json_add_object(w.summary, "units");
    json_add_string(units, "N", "parameters");
    json_add_string(units, "D", "tokens");
    json_add_string(units, "C", "FLOP");
    json_add_string(units, "loss", settings.unit);
    s = read_runs(self, request, &settings, &w, input, err);
    if (!s) {
        add_parameters(request, &w.runs, parameters);
        add_rows(&w.runs, w.summary, w.text);
        s = analyse(&w, request, analysis_option(self, request, "budgets"), err);
    }
    if (!s)
        add_records(&w.runs, &w.fits[0], json_add_array(document, "records"));
    for (size_t i = 0; i < w.n_fits; i++) {
        free(w.fits[i].laws);
        free(w.fits[i].jackknife);
    }
    scaling_table_free(&w.table);
    run_table_free(&w.runs);
    return s;
}

const struct analysis scaling_law_analysis = {
    .name = "scaling-law",
    .title = "the law of the loss behind a table of training runs, and what it says to train",
    .help =
        "Fits ln(loss) = ln(A N^-alpha + B D^-beta + E) to a CSV table of runs: N in parameters, "
        "D in\n"
        "tokens (or compute C in FLOP), loss in nats or bits per token.  Reports the constants "
        "with\n"
        "intervals, which of them the table cannot determine, how well smaller runs predict "
        "larger\n"
        "ones, compute-optimal sizes with and without a law, and the model that costs least "
        "when it\n"
        "is also used: --loss L --inference-tokens T.  Without a table it draws one from a "
        "planted law.\n\n"
        "  assay analyze scaling-law\n"
        "  assay analyze scaling-law runs.csv --fit both --exclude largest:5\n"
        "  assay analyze scaling-law runs.csv --flops 'Training FLOP' --loss 2.1 "
        "--inference-tokens 2e12",
    .options = scaling_law_options,
    .run = run};
