#include "analyses/run_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/csv.h"
#include "datasets/synthetic_runs.h"

/* What a column is called: the key of --columns first, then the names it usually has. */
static const char *const usual[RUN_COLUMNS][12] = {
    [RUN_N] = {"N", "params", "parameters", "n_params", "num_params", "model_size", "Model Size",
               "size"},
    [RUN_D] = {"D", "tokens", "n_tokens", "num_tokens", "train_tokens", "training_tokens",
               "Training Tokens"},
    [RUN_C] = {"C", "flops", "flop", "compute", "training_flop", "training_flops", "Training FLOP",
               "Training FLOPs"},
    [RUN_LOSS] = {"loss", "L", "val_loss", "valid_loss", "validation_loss", "eval_loss",
                  "final_loss", "test_loss"},
    [RUN_BITS] = {"P_w", "P", "bits", "precision", "weight_bits"},
    [RUN_BITS + 1] = {"P_a", "activation_bits"},
    [RUN_BITS + 2] = {"P_kv", "kv_bits"}};

/* ---- Which columns ---- */

/* Takes "key=name" up to the next comma into the name of its column. */
static enum status take_word(const char *word, size_t n, struct run_table *t, struct err *err)
{
    const char *equals = memchr(word, '=', n);
    size_t key = equals ? (size_t)(equals - word) : 0, length = equals ? n - key - 1 : 0;
    if (!key || !length || length >= sizeof t->name[0])
        return status_fail(err, E_USAGE, "--columns: '%.*s' is not KEY=NAME", (int)n, word);
    for (size_t c = 0; c < RUN_COLUMNS; c++)
        if (strlen(usual[c][0]) == key && !strncmp(usual[c][0], word, key)) {
            memcpy(t->name[c], equals + 1, length);
            t->name[c][length] = '\0';
            return OK;
        }
    return status_fail(err, E_USAGE,
                       "--columns: no key '%.*s'; there are N, D, C, loss, P_w, P_a, P_kv",
                       (int)key, word);
}

static enum status take_columns(const char *columns, struct run_table *t, struct err *err)
{
    for (const char *p = columns; p; p = *p ? p + 1 : NULL) {
        size_t n = strcspn(p, ",");
        enum status s = take_word(p, n, t, err);
        if (s)
            return s;
        p += n;
    }
    return OK;
}

/* Columns that were not named take the first of their usual names that the table has. */
static enum status find_columns(const struct csv *csv, const char *path, struct run_table *t,
                                struct err *err)
{
    for (size_t c = 0; c < RUN_COLUMNS; c++)
        for (size_t i = 0; !*t->name[c] && usual[c][i]; i++) {
            size_t at = csv_column(csv, usual[c][i]);
            if (at < csv->columns)
                snprintf(t->name[c], sizeof t->name[c], "%.63s", csv->header[at]);
        }
    static const char *const wanted[] = {
        [RUN_N] = "parameters: call it N, or say --columns N=NAME",
        [RUN_D] = "tokens (D) or compute (C): say --columns D=NAME, or --flops NAME",
        [RUN_LOSS] = "the loss: call it loss, or say --columns loss=NAME"};
    for (size_t c = 0; c <= RUN_LOSS; c++)
        if (wanted[c] && !*t->name[c] && (c != RUN_D || !*t->name[RUN_C]))
            return status_fail(err, E_FORMAT, "%s: line 1: no column of %s", path, wanted[c]);
    return OK;
}

/* ---- Values ---- */

static enum status allocate(struct run_table *t, size_t n, struct err *err)
{
    t->n = n;
    t->line = calloc(n + 1, sizeof *t->line);
    t->use = calloc(n + 1, sizeof *t->use);
    bool all = t->line && t->use;
    for (size_t c = 0; c < RUN_COLUMNS; c++) {
        t->value[c] = calloc(n + 1, sizeof *t->value[c]);
        all &= t->value[c] != NULL;
    }
    return all ? OK : status_fail(err, E_NOMEM, "no memory for a table of %zu runs", n);
}

void run_table_free(struct run_table *t)
{
    for (size_t c = 0; c < RUN_COLUMNS; c++)
        free(t->value[c]);
    free(t->line);
    free(t->use);
    *t = (struct run_table){0};
}

/* The first column whose value in row i cannot be used; RUN_COLUMNS: all can. */
static size_t bad_column(const struct run_table *t, size_t i)
{
    for (size_t c = 0; c < RUN_BITS + t->precisions; c++) {
        double x = t->value[c][i];
        if (!(x > 0 && isfinite(x)))
            return c;
    }
    return RUN_COLUMNS;
}

/* The two of N, D and C that a table has give the third; then rows are judged. */
static void finish(struct run_table *t, bool d_from_c)
{
    double *N = t->value[RUN_N], *D = t->value[RUN_D], *C = t->value[RUN_C];
    for (size_t i = 0; i < t->n; i++) {
        if (d_from_c)
            D[i] = C[i] / (6 * N[i]);
        else
            C[i] = 6 * N[i] * D[i];
        t->use[i] = bad_column(t, i) < RUN_COLUMNS ? RUN_UNUSABLE : RUN_USED;
        t->unusable += t->use[i] == RUN_UNUSABLE;
    }
    t->used = t->n - t->unusable;
}

static enum status read_values(const struct csv *csv, const char *path, struct run_table *t,
                               bool d_from_c, struct err *err)
{
    enum status s = OK;
    memcpy(t->line, csv->line, csv->rows * sizeof *t->line);
    while (t->precisions < SCALING_PRECISIONS && *t->name[RUN_BITS + t->precisions])
        t->precisions++;
    for (size_t c = 0; c < RUN_BITS + t->precisions && !s; c++)
        if (c != (d_from_c ? RUN_D : RUN_C))
            s = csv_numbers(csv, t->name[c], path, t->value[c], err);
    if (!s)
        finish(t, d_from_c);
    if (!s && !t->used)
        s = status_fail(err, E_FORMAT, "%s: none of its %zu rows has all of N, D and loss above 0",
                        path, t->n);
    return s;
}

enum status run_table_read(const char *path, const char *columns, const char *flops,
                           struct run_table *out, struct err *err)
{
    struct csv csv = {0};
    struct run_table t = {0};
    enum status s = take_columns(columns, &t, err);
    if (!s && flops && strlen(flops) >= sizeof t.name[0])
        s = status_fail(err, E_USAGE, "--flops: the name of a column has up to 63 bytes");
    if (!s)
        s = csv_read(path, &csv, err);
    if (s)
        goto out;
    if (flops)
        snprintf(t.name[RUN_C], sizeof t.name[RUN_C], "%s", flops);
    s = find_columns(&csv, path, &t, err);
    bool d_from_c = flops || !*t.name[RUN_D];
    if (!s)
        s = allocate(&t, csv.rows, err);
    if (!s)
        s = read_values(&csv, path, &t, d_from_c, err);
    *t.name[d_from_c ? RUN_D : RUN_C] = '\0';
out:
    csv_free(&csv);
    if (s)
        run_table_free(&t);
    else
        *out = t;
    return s;
}

enum status run_table_synthetic(uint64_t seed, struct run_table *out, struct err *err)
{
    const struct scaling_law law = synthetic_runs_law();
    struct rng rng = {seed};
    struct run_table t = {0};
    enum status s = allocate(&t, SYNTHETIC_BUDGETS * SYNTHETIC_RUNS_PER_BUDGET, err);
    if (s) {
        run_table_free(&t);
        return s;
    }
    synthetic_runs(&law, SYNTHETIC_RUNS_SIGMA, SYNTHETIC_RUNS_PER_BUDGET, &rng, t.value[RUN_N],
                   t.value[RUN_D], t.value[RUN_LOSS]);
    for (size_t i = 0; i < t.n; i++)
        t.line[i] = i + 1;
    finish(&t, false);
    *out = t;
    return OK;
}

/* ---- Rows ---- */

static enum status leave_out(struct run_table *t, const bool *keep, const char *rule,
                             struct err *err)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->use[i] == RUN_USED && !keep[i]) {
            t->use[i] = RUN_EXCLUDED;
            t->excluded++;
            t->used--;
        }
    return t->used ? OK : status_fail(err, E_FORMAT, "--exclude %s leaves no row", rule);
}

enum status run_table_exclude(struct run_table *t, const char *rule, struct err *err)
{
    static const char *const rules[] = {"largest:", "loss-above:", "ratio-above:"};
    size_t kind = 0;
    double value = NAN;
    if (!strcmp(rule, "none"))
        return OK;
    while (kind < 3 && strncmp(rule, rules[kind], strlen(rules[kind])))
        kind++;
    if (kind == 3 || !csv_number(rule + strlen(rules[kind]), &value) || !(value > 0) ||
        (kind == 0 && !(value >= 1 && value <= 1e9 && value == floor(value))))
        return status_fail(err, E_USAGE,
                           "--exclude: '%s' is not none, largest:M, loss-above:L or ratio-above:R",
                           rule);
    bool *keep = calloc(t->n + 1, sizeof *keep);
    double *losses = calloc(t->n + 1, sizeof *losses);
    bool *below = calloc(t->n + 1, sizeof *below);
    enum status s = keep && losses && below ? OK : status_fail(err, E_NOMEM, "no memory for rows");
    size_t n = 0, kept;
    for (size_t i = 0; i < t->n && !s; i++)
        if (t->use[i] == RUN_USED)
            losses[n++] = t->value[RUN_LOSS][i];
    if (!s && kind == 0)
        s = scaling_exclude_largest(losses, n, (size_t)value, below, &kept, err);
    for (size_t i = 0, j = 0; i < t->n && !s; i++) {
        if (t->use[i] != RUN_USED)
            continue;
        keep[i] = kind == 0   ? below[j]
                  : kind == 1 ? losses[j] <= value
                              : t->value[RUN_D][i] / t->value[RUN_N][i] <= value;
        j++;
    }
    if (!s)
        s = leave_out(t, keep, rule, err);
    free(keep);
    free(losses);
    free(below);
    return s;
}

void run_table_reason(const struct run_table *t, size_t i, char text[128])
{
    *text = '\0';
    if (t->use[i] == RUN_EXCLUDED)
        snprintf(text, 128, "excluded by the rule");
    if (t->use[i] != RUN_UNUSABLE)
        return;
    size_t c = bad_column(t, i);
    /* where D comes from C, a D that is missing is a C that is */
    if (c == RUN_D && !*t->name[RUN_D] && *t->name[RUN_C])
        c = RUN_C;
    double x = t->value[c][i];
    if (isnan(x))
        snprintf(text, 128, "no %s", usual[c][0]);
    else
        snprintf(text, 128, "%s is %.6g, not above 0", usual[c][0], x);
}

enum status run_table_rows(const struct run_table *t, size_t precisions, const bool *take,
                           struct scaling_table *out, struct err *err)
{
    double *columns[RUN_COLUMNS] = {0};
    const double *bits[SCALING_PRECISIONS];
    size_t n = 0;
    enum status s = OK;
    for (size_t c = 0; c < RUN_COLUMNS && !s; c++) {
        columns[c] = malloc((t->n + 1) * sizeof *columns[c]);
        if (!columns[c])
            s = status_fail(err, E_NOMEM, "no memory for %zu runs", t->n);
    }
    for (size_t i = 0; i < t->n && !s; i++)
        if (t->use[i] == RUN_USED && (!take || take[i])) {
            for (size_t c = 0; c < RUN_COLUMNS; c++)
                columns[c][n] = t->value[c][i];
            n++;
        }
    for (size_t k = 0; k < SCALING_PRECISIONS; k++)
        bits[k] = columns[RUN_BITS + k];
    if (!s)
        s = scaling_table_make(columns[RUN_N], columns[RUN_D], columns[RUN_LOSS], bits, precisions,
                               n, out, err);
    for (size_t c = 0; c < RUN_COLUMNS; c++)
        free(columns[c]);
    return s;
}
