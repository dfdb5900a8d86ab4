#include "analyses/scaling_decide.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/csv.h"
#include "numerics/fits/isoflop.h"

enum { MAX_BUDGETS = 64, LEAST_ROWS = 5 };
#define BUDGET_TOLERANCE 0.15 /* of the sources' nominal budgets */

void decide_say(struct json *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    json_add_string(text, NULL, line);
}

/* ---- IsoFLOP ---- */

/* The rows that are used, in the order of their compute. */
struct runs {
    double *N, *C, *loss; /* [n], in one block */
    size_t *rows;         /* [n]: room for those of a budget */
    bool *taken;          /* [n] */
    size_t n;
};

static int by_compute(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static enum status runs_make(const struct run_table *t, struct runs *r, struct err *err)
{
    double(*triples)[3] = malloc((t->used + 1) * sizeof *triples);
    double *block = malloc((3 * t->used + 1) * sizeof *block);
    *r = (struct runs){.N = block,
                       .rows = malloc((t->used + 1) * sizeof *r->rows),
                       .taken = calloc(t->used + 1, sizeof *r->taken)};
    if (!triples || !block || !r->rows || !r->taken) {
        free(triples);
        return status_fail(err, E_NOMEM, "no memory for %zu runs", t->used);
    }
    for (size_t i = 0; i < t->n; i++)
        if (t->use[i] == RUN_USED) {
            triples[r->n][0] = t->value[RUN_C][i];
            triples[r->n][1] = t->value[RUN_N][i];
            triples[r->n++][2] = t->value[RUN_LOSS][i];
        }
    qsort(triples, r->n, sizeof *triples, by_compute);
    r->C = r->N + r->n;
    r->loss = r->C + r->n;
    for (size_t i = 0; i < r->n; i++) {
        r->C[i] = triples[i][0];
        r->N[i] = triples[i][1];
        r->loss[i] = triples[i][2];
    }
    free(triples);
    return OK;
}

static void runs_free(struct runs *r)
{
    free(r->N);
    free(r->rows);
    free(r->taken);
}

/* The run's compute around which most rows that are still free lie; how many. */
static size_t densest(const struct runs *r, double *nominal)
{
    size_t best = 0, first = 0, end = 0, inside = 0;
    for (size_t i = 0; i < r->n; i++) {
        for (; end < r->n && r->C[end] <= (1 + BUDGET_TOLERANCE) * r->C[i]; end++)
            inside += !r->taken[end];
        for (; r->C[first] < (1 - BUDGET_TOLERANCE) * r->C[i]; first++)
            inside -= !r->taken[first];
        if (!r->taken[i] && inside > best) {
            best = inside;
            *nominal = r->C[i];
        }
    }
    return best;
}

static int rising(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t find_budgets(struct runs *r, double budgets[MAX_BUDGETS])
{
    size_t n = 0;
    while (n < MAX_BUDGETS && densest(r, &budgets[n]) >= LEAST_ROWS) {
        size_t k = isoflop_rows(r->C, r->n, budgets[n], BUDGET_TOLERANCE, r->rows);
        for (size_t i = 0; i < k; i++)
            r->taken[r->rows[i]] = true;
        n++;
    }
    qsort(budgets, n, sizeof *budgets, rising);
    return n;
}

static enum status parse_budgets(const char *list, double budgets[MAX_BUDGETS], size_t *n,
                                 struct err *err)
{
    for (const char *p = list; p; p = *p ? p + 1 : NULL) {
        char word[32];
        size_t length = strcspn(p, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, p);
        if (*n == MAX_BUDGETS || length >= sizeof word || !csv_number(word, &budgets[*n]) ||
            !(budgets[*n] > 0))
            return status_fail(err, E_USAGE, "--budgets: '%s' is not auto, or up to %d FLOPs", list,
                               MAX_BUDGETS);
        ++*n;
        p += length;
    }
    return OK;
}

static void add_parabola(double C, const struct isoflop_parabola *p, struct json *out)
{
    json_add_number(out, "C", C);
    json_add_u64(out, "n", p->n);
    json_add_number(out, "N", p->vertex);
    json_add_number(out, "loss", p->loss);
    json_add_number(out, "curvature", p->curvature);
    json_add_number(out, "centre", p->centre);
    struct json *c = json_add_array(out, "c");
    for (size_t i = 0; i < 3; i++)
        json_add_number(c, NULL, p->c[i]);
    json_add_bool(out, "minimum", p->minimum);
    json_add_bool(out, "inside", p->inside);
}

static void add_line(const char *key, const struct isoflop_line *l, struct json *out)
{
    struct json *o = json_add_object(out, key);
    json_add_number(o, "exponent", l->a);
    json_add_number(o, "log10_k", l->log10_k);
    json_add_number(o, "deviation", l->deviation);
}

static enum status isoflop(struct runs *r, const double *budgets, size_t n, struct json *out,
                           struct json *text, struct err *err)
{
    double C[MAX_BUDGETS], N[MAX_BUDGETS], D[MAX_BUDGETS];
    size_t kept = 0;
    struct json *list = json_add_array(out, "budgets");
    double *at = malloc((2 * r->n + 1) * sizeof *at), *loss = at + r->n;
    if (!at)
        return status_fail(err, E_NOMEM, "no memory for %zu runs", r->n);
    for (size_t i = 0; i < n; i++) {
        struct isoflop_parabola p;
        size_t k = isoflop_rows(r->C, r->n, budgets[i], BUDGET_TOLERANCE, r->rows);
        for (size_t j = 0; j < k; j++) {
            at[j] = r->N[r->rows[j]];
            loss[j] = r->loss[r->rows[j]];
        }
        if (isoflop_parabola(at, loss, k, &p, NULL))
            continue; /* too few sizes to be a budget */
        add_parabola(budgets[i], &p, json_add_object(list, NULL));
        if (!p.minimum || !p.inside)
            continue;
        C[kept] = budgets[i];
        N[kept] = p.vertex;
        D[kept++] = budgets[i] / (6 * p.vertex);
    }
    free(at);
    struct isoflop_line line, line_d;
    json_add_u64(out, "minima", kept);
    if (isoflop_line(C, N, kept, &line, NULL) || isoflop_line(C, D, kept, &line_d, NULL))
        return OK;
    add_line("N_line", &line, out);
    add_line("D_line", &line_d, out);
    decide_say(text,
               "IsoFLOP (no law assumed): N ~ C^%.4f, D ~ C^%.4f from %zu of %zu budgets with a "
               "minimum among their sizes",
               line.a, line_d.a, kept, n);
    return OK;
}

enum status decide_isoflop(const struct run_table *t, const char *budgets, struct json *summary,
                           struct json *text, struct err *err)
{
    struct runs r;
    double list[MAX_BUDGETS];
    size_t n = 0;
    enum status s = runs_make(t, &r, err);
    bool automatic = !strcmp(budgets, "auto");
    if (!s && automatic)
        n = find_budgets(&r, list);
    else if (!s)
        s = parse_budgets(budgets, list, &n, err);
    if (!s && n) {
        struct json *out = json_add_object(summary, "isoflop");
        json_add_number(out, "tolerance", BUDGET_TOLERANCE);
        s = isoflop(&r, list, n, out, text, err);
    }
    runs_free(&r);
    return s;
}

/* ---- Held-out runs ---- */

void decide_add_score(const char *key, const struct scaling_score *score, struct json *out)
{
    struct json *o = json_add_object(out, key);
    json_add_u64(o, "n", score->n);
    json_add_number(o, "mean", score->mean);
    json_add_number(o, "mean_abs", score->mean_abs);
    json_add_number(o, "rms", score->rms);
    json_add_number(o, "worst", score->worst);
}

/* take[i]: the run is among the share of least compute. */
static enum status split(const struct run_table *t, double share, bool *take, struct err *err)
{
    double *C = malloc((t->used + 1) * sizeof *C);
    size_t n = 0;
    if (!C)
        return status_fail(err, E_NOMEM, "no memory for %zu runs", t->used);
    for (size_t i = 0; i < t->n; i++)
        if (t->use[i] == RUN_USED)
            C[n++] = t->value[RUN_C][i];
    qsort(C, n, sizeof *C, rising);
    double limit = C[(size_t)((1 - share) * (double)(n - 1))];
    for (size_t i = 0; i < t->n; i++)
        take[i] = t->value[RUN_C][i] <= limit;
    free(C);
    return OK;
}

enum status decide_extrapolation(const struct run_table *runs, double share,
                                 const struct scaling_fit_options *options, struct json *summary,
                                 struct json *text, struct err *err)
{
    struct scaling_table inside = {0}, outside = {0};
    struct scaling_fit fit;
    bool *take = calloc(2 * (runs->n + 1), sizeof *take), *others = take + runs->n + 1;
    enum status s = take ? split(runs, share, take, err) : status_fail(err, E_NOMEM, "no memory");
    size_t n = 0;
    for (size_t i = 0; i < runs->n && !s; i++) {
        others[i] = !take[i];
        n += take[i] && runs->use[i] == RUN_USED;
    }
    if (s || n <= scaling_param_count(&options->form) || n == runs->used)
        goto out; /* too few runs to hold any out */
    s = run_table_rows(runs, options->form.precisions, take, &inside, err);
    if (!s)
        s = run_table_rows(runs, options->form.precisions, others, &outside, err);
    if (!s)
        s = scaling_fit(&inside, options, &fit, err);
    if (s)
        goto out;
    struct scaling_score in = scaling_score(&fit.law, &inside),
                         past = scaling_score(&fit.law, &outside);
    struct json *o = json_add_object(summary, "extrapolation");
    json_add_number(o, "share", share);
    decide_add_score("fitted", &in, o);
    decide_add_score("held_out", &past, o);
    decide_say(text,
               "extrapolation: a law of the %zu runs of least compute predicts the other %zu "
               "within %.2f %% rms (mean %+.2f %%), its own within %.2f %%",
               in.n, past.n, 100 * past.rms, 100 * past.mean, 100 * in.rms);
out:
    scaling_table_free(&inside);
    scaling_table_free(&outside);
    free(take);
    return s;
}

/* ---- Compute-optimal sizes ---- */

/* A law with precisions is asked for its optimum at unlimited ones, where N_eff = N. */
static const double unlimited[SCALING_PRECISIONS] = {1e9, 1e9, 1e9};

static double n_at(const struct scaling_law *law, const void *C)
{
    return scaling_allocate(law, *(const double *)C, unlimited).N;
}

static double d_at(const struct scaling_law *law, const void *C)
{
    return scaling_allocate(law, *(const double *)C, unlimited).D;
}

static double ratio_at(const struct scaling_law *law, const void *C)
{
    struct scaling_allocation a = scaling_allocate(law, *(const double *)C, unlimited);
    return a.D / a.N;
}

/* key, and key_low and key_high where there is a bootstrap. */
static enum status add_banded(const struct decided *d, const char *key,
                              scaling_quantity_fn *quantity, const void *user, struct json *out,
                              struct err *err)
{
    struct scaling_interval i;
    char low[32], high[32];
    json_add_number(out, key, quantity(&d->law, user));
    if (!d->replicates)
        return OK;
    enum status s = scaling_bootstrap_interval(&d->law, d->laws, d->replicates, NULL, 0, d->level,
                                               quantity, user, &i, err);
    if (s)
        return s;
    snprintf(low, sizeof low, "%s_low", key);
    snprintf(high, sizeof high, "%s_high", key);
    json_add_number(out, low, i.low);
    json_add_number(out, high, i.high);
    return OK;
}

enum status decide_allocation(const struct run_table *t, const struct decided *d,
                              struct json *allocation, struct err *err)
{
    enum { PER_DECADE = 2, DECADES_BEYOND = 4, MOST = 80 };
    double low = INFINITY, high = 0;
    enum status s = OK;
    for (size_t i = 0; i < t->n; i++)
        if (t->use[i] == RUN_USED) {
            low = fmin(low, t->value[RUN_C][i]);
            high = fmax(high, t->value[RUN_C][i]);
        }
    double first = floor(log10(low)), last = ceil(log10(high)) + DECADES_BEYOND;
    for (int i = 0; i <= MOST && first + (double)i / PER_DECADE <= last && !s; i++) {
        double C = pow(10, first + (double)i / PER_DECADE);
        struct json *o = json_add_object(allocation, NULL);
        json_add_string(o, "fit", d->name);
        json_add_number(o, "C", C);
        s = add_banded(d, "N", n_at, &C, o, err);
        if (!s)
            s = add_banded(d, "D", d_at, &C, o, err);
        if (!s)
            s = add_banded(d, "ratio", ratio_at, &C, o, err);
        json_add_number(o, "loss", scaling_allocate(&d->law, C, unlimited).loss);
    }
    return s;
}

/* ---- The model of least cost over its life ---- */

struct demand {
    double loss, tokens;
};

static double optimum(const struct scaling_law *law, const struct demand *q, bool tokens)
{
    struct scaling_constants c = scaling_constants(law);
    struct inference_optimum o;
    if (inference_optimise(&c, q->loss, q->tokens, &o, NULL))
        return INFINITY; /* this replicate's law does not reach the loss */
    return tokens ? o.D : o.N;
}

static double optimal_n(const struct scaling_law *law, const void *demand)
{
    return optimum(law, demand, false);
}

static double optimal_d(const struct scaling_law *law, const void *demand)
{
    return optimum(law, demand, true);
}

static const struct inference_prices usual_prices = {.train_dollars = 2,
                                                     .train_peak = 9.89e14,
                                                     .train_share = 0.5,
                                                     .infer_dollars = 2,
                                                     .infer_peak = 9.89e14,
                                                     .input_share = 0.5,
                                                     .output_share = 0.01};

enum status decide_parse_cost(const char *list, struct plan *plan, struct err *err)
{
    struct inference_prices *p = &plan->prices;
    double input = 70, output = 215;
    const struct {
        const char *key;
        double *value;
    } keys[] = {{"train-price", &p->train_dollars},
                {"train-peak", &p->train_peak},
                {"train-share", &p->train_share},
                {"infer-price", &p->infer_dollars},
                {"infer-peak", &p->infer_peak},
                {"input-share", &p->input_share},
                {"output-share", &p->output_share},
                {"input", &input},
                {"output", &output}};
    *p = usual_prices;
    for (const char *at = strcmp(list, "usual") != 0 ? list : NULL; at; at = *at ? at + 1 : NULL) {
        char word[64];
        size_t n = strcspn(at, ","), k = 0;
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        char *equals = strchr(word, '=');
        if (equals)
            *equals = '\0';
        while (equals && k < sizeof keys / sizeof keys[0] && strcmp(keys[k].key, word) != 0)
            k++;
        if (!equals || k == sizeof keys / sizeof keys[0] ||
            !csv_number(equals + 1, keys[k].value) || !(*keys[k].value > 0))
            return status_fail(err, E_USAGE,
                               "--cost: '%.*s' is not KEY=VALUE above 0 of train-price, "
                               "train-peak, train-share, infer-price, infer-peak, input-share, "
                               "output-share, input, output",
                               (int)n, at);
        at += n;
    }
    plan->priced = true;
    plan->written = output / (input + output);
    return OK;
}

static void add_optimum(const struct inference_optimum *o, struct json *out)
{
    json_add_number(out, "N", o->N);
    json_add_number(out, "D", o->D);
    json_add_number(out, "flops", o->flops);
    json_add_number(out, "N_ratio", o->N / o->N_compute);
    json_add_number(out, "D_ratio", o->D / o->D_compute);
    json_add_number(out, "flops_ratio", o->flops / o->flops_compute);
}

/* How the optimum of that loss moves with demand, for the figure. */
static enum status add_demands(const struct scaling_constants *c, double loss, struct json *plan,
                               struct err *err)
{
    struct json *list = json_add_array(plan, "demand");
    enum status s = OK;
    for (int i = 0; i <= 28 && !s; i++) {
        struct inference_optimum o;
        double T = pow(10, 9 + 0.25 * i);
        s = inference_optimise(c, loss, T, &o, err);
        if (s)
            break;
        struct json *row = json_add_object(list, NULL);
        json_add_number(row, "T", T);
        add_optimum(&o, row);
    }
    return s;
}

static enum status add_plan(const struct decided *d, const struct plan *plan, double loss,
                            struct json *out, struct json *text, struct err *err)
{
    struct scaling_constants c = scaling_constants(&d->law);
    const struct inference_prices *p = &plan->prices;
    struct inference_optimum o;
    struct demand q = {loss, plan->tokens};
    double T_in = plan->tokens * (1 - plan->written), T_out = plan->tokens * plan->written;
    if (plan->priced)
        q.tokens = inference_effective_tokens(p, T_in, T_out);
    enum status s = inference_optimise(&c, loss, q.tokens, &o, err);
    if (s)
        return s;
    json_add_string(out, "fit", d->name);
    json_add_number(out, "loss", loss);
    json_add_number(out, "inference_tokens", plan->tokens);
    json_add_number(out, "effective_tokens", q.tokens);
    json_add_number(out, "N_compute", o.N_compute);
    json_add_number(out, "D_compute", o.D_compute);
    add_optimum(&o, out);
    s = add_banded(d, "N", optimal_n, &q, out, err);
    if (!s)
        s = add_banded(d, "D", optimal_d, &q, out, err);
    decide_say(text, "for a loss of %.6g by training alone (%s): %.4g parameters, %.4g tokens",
               loss, d->name, o.N_compute, o.D_compute);
    if (plan->tokens > 0)
        decide_say(text,
                   "with %.4g tokens of inference: %.4g parameters (%.2f %%), %.4g tokens (%.2f %%)"
                   ", %.2f %% of the %s",
                   plan->tokens, o.N, 100 * o.N / o.N_compute, o.D, 100 * o.D / o.D_compute,
                   100 * o.flops / o.flops_compute, plan->priced ? "cost" : "FLOPs");
    if (!s && plan->priced) {
        double now = inference_dollars(p, o.N, o.D, T_in, T_out),
               before = inference_dollars(p, o.N_compute, o.D_compute, T_in, T_out);
        json_add_number(out, "dollars", now);
        json_add_number(out, "dollars_compute", before);
        decide_say(text,
                   "in dollars: %.4g instead of %.4g; as many operations of inference as "
                   "%.4g tokens at training's price",
                   now, before, q.tokens);
    }
    return s ? s : add_demands(&c, loss, out, err);
}

enum status decide_plan(const struct run_table *t, const struct decided *d, const struct plan *plan,
                        struct json *summary, struct json *text, struct err *err)
{
    double loss = plan->loss;
    if (isnan(loss)) {
        loss = INFINITY;
        for (size_t i = 0; i < t->n; i++)
            if (t->use[i] == RUN_USED)
                loss = fmin(loss, t->value[RUN_LOSS][i]);
        if (!(loss > scaling_constants(&d->law).E))
            return OK; /* noise: the best run is below the law's floor, and nobody asked */
    }
    return add_plan(d, plan, loss, json_add_object(summary, "plan"), text, err);
}
