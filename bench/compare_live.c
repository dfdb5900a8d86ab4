#include "bench/compare_live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/comparison.h"
#include "bench/fold.h"
#include "numerics/rng.h"
#include "numerics/statistics/multiple_tests.h"

/* Who measures within a pair; the second and third are compared with the first. */
enum who { BASE, NEW, AGAIN, N_WHO, N_COMPARED = N_WHO - 1 };

/* Log ratios of one cell in one comparison. */
struct series {
    double logs[LIVE_CONFIRM];
    size_t n;
};

/* One cell of the plan. */
struct live_cell {
    char path[256];
    double seconds[N_WHO][LIVE_CONFIRM]; /* of the pairs that counted */
    struct series series[N_COMPARED];    /* against NEW, against AGAIN */
    bool flagged[N_COMPARED];
    struct order_interval screened[N_COMPARED];
    double base_s[N_COMPARED], other_s[N_COMPARED]; /* medians of what was judged */
};

struct live {
    struct runner runners[N_WHO];
    struct json *rounds[N_WHO]; /* owned: what each has measured, to leave bad cells out */
    struct live_cell *cells;    /* [plan->n_cells], block after block */
    size_t *first;              /* [n_blocks] index of a block's first cell */
    double margin;
    unsigned pairs; /* so far: the round of the next */
};

/* ---- Measuring ---- */

static double seconds_of(const struct json *round, const char *variant)
{
    for (const struct json *c = json_first(json_get(round, "cells")); c; c = json_next(c)) {
        const struct json *sample = json_get(c, "sample");
        if (!strcmp(json_get_string(c, "variant", ""), variant))
            return json_get_number(sample, "elapsed_ns", NAN) * 1e-9 /
                   json_get_number(sample, "iterations", NAN);
    }
    return NAN;
}

static void push(struct live_cell *cell, enum who other, double base, double measured)
{
    struct series *s = &cell->series[other - 1];
    double log_ratio = log(measured / base);
    if (!isfinite(log_ratio) || s->n == LIVE_CONFIRM)
        return;
    cell->seconds[other][s->n] = measured;
    if (other == NEW)
        cell->seconds[BASE][s->n] = base;
    s->logs[s->n++] = log_ratio;
}

/* One pair (a triple) of a block. */
static enum status measure_pair(struct live *l, size_t block, size_t place, struct err *err)
{
    const struct plan_block *b = &l->runners[BASE].plan->blocks[block];
    struct rng base = {l->runners[BASE].seed}, of_pair = rng_split(&base, l->pairs);
    struct rng rng = rng_split(&of_pair, block);
    const struct json *rounds[N_WHO] = {NULL};
    size_t order[N_WHO];
    enum status s = OK;
    rng_permutation(&rng, order, N_WHO);
    for (int i = 0; i < N_WHO && !s; i++) {
        struct json *round = NULL;
        size_t who = order[i];
        if (stop_asked(l->runners[who].stop))
            return status_fail(err, E_INTERRUPTED, "interrupted");
        s = runner_block(&l->runners[who], block, l->pairs, place, l->rounds[who], &round, err);
        rounds[who] = round;
        if (!s && round) /* it lives in the array; NULL when no variant is left */
            json_add(l->rounds[who], NULL, round);
    }
    for (size_t v = 0; v < b->n_variants && !s; v++) {
        double first = seconds_of(rounds[BASE], b->variants[v]->name);
        for (int who = NEW; who < N_WHO; who++)
            push(&l->cells[l->first[block] + v], (enum who)who, first,
                 seconds_of(rounds[who], b->variants[v]->name));
    }
    return s;
}

static bool any_flag(const struct live *l, size_t block)
{
    const struct plan_block *b = &l->runners[BASE].plan->blocks[block];
    for (size_t v = 0; v < b->n_variants; v++)
        for (int i = 0; i < N_COMPARED; i++)
            if (l->cells[l->first[block] + v].flagged[i])
                return true;
    return false;
}

/* `pairs` more of every block, or of those with a flag; blocks are shuffled in each. */
static enum status measure(struct live *l, unsigned pairs, bool flagged_only, struct err *err)
{
    const struct plan *plan = l->runners[BASE].plan;
    size_t *order = malloc((plan->n_blocks + 1) * sizeof *order);
    enum status s = order ? OK : status_fail(err, E_NOMEM, "no memory for the pairs");
    for (unsigned pair = 0; pair < pairs && !s; pair++, l->pairs++) {
        plan_block_order(plan, l->runners[BASE].seed, l->pairs, order);
        for (size_t i = 0; i < plan->n_blocks && !s; i++)
            if (!flagged_only || any_flag(l, order[i]))
                s = measure_pair(l, order[i], l->pairs * plan->n_blocks + i, err);
    }
    free(order);
    return s;
}

static bool is_any_timed(const struct live *l)
{
    for (size_t i = 0; i < l->runners[BASE].plan->n_cells; i++)
        if (l->cells[i].series[NEW - 1].n)
            return true;
    return false;
}

/* ---- Judging ---- */

static struct order_interval ratio_interval(const struct series *s)
{
    double logs[LIVE_CONFIRM];
    memcpy(logs, s->logs, sizeof logs);
    struct order_interval i = order_interval(logs, s->n);
    i.estimate = exp(i.estimate);
    i.low = exp(i.low);
    i.high = exp(i.high);
    return i;
}

static double median_of(const double *values, size_t n)
{
    double copy[LIVE_CONFIRM];
    memcpy(copy, values, n * sizeof *copy);
    return order_interval(copy, n).estimate;
}

static void take_medians(struct live_cell *c, int compared)
{
    c->base_s[compared] = median_of(c->seconds[BASE], c->series[NEW - 1].n);
    c->other_s[compared] = median_of(c->seconds[compared + 1], c->series[compared].n);
}

/* Looks at the screening pairs and flags; flagged cells begin anew. */
static void screen(struct live *l)
{
    double edge = log1p(l->margin);
    for (size_t i = 0; i < l->runners[BASE].plan->n_cells; i++) {
        struct live_cell *c = &l->cells[i];
        for (int k = 0; k < N_COMPARED; k++) {
            struct order_interval r = c->screened[k] = ratio_interval(&c->series[k]);
            take_medians(c, k);
            c->flagged[k] = r.level > 0 && (r.low > 1 || r.high < 1) &&
                            (log(r.high) > edge || log(r.low) < -edge);
        }
    }
    for (size_t i = 0; i < l->runners[BASE].plan->n_cells; i++)
        for (int k = 0; k < N_COMPARED; k++)
            l->cells[i].series[k].n = 0;
}

static double sign_p(const struct series *s)
{
    size_t negative = 0, positive = 0;
    for (size_t i = 0; i < s->n; i++) {
        negative += s->logs[i] < 0;
        positive += s->logs[i] > 0;
    }
    return sign_test(negative, positive);
}

static void say_status(const struct live *l, const struct plan_block *b, const char *variant,
                       char reason[COMPARISON_REASON])
{
    const struct json *entry;
    for (int who = BASE; who < AGAIN; who++) {
        const char *status = fold_cell_status(l->rounds[who], b, variant, &entry);
        if (status && strcmp(status, "ok")) {
            snprintf(reason, COMPARISON_REASON, "%s: %.40s: %.180s", who ? "new" : "base", status,
                     json_get_string(entry, "reason", "no reason was given"));
            return;
        }
    }
    snprintf(reason, COMPARISON_REASON, "no pair of it was timed");
}

/* The comparison k of all cells. */
static enum status judge(struct live *l, int k, struct comparison_cell *out, struct err *err)
{
    const struct plan *plan = l->runners[BASE].plan;
    for (size_t b = 0; b < plan->n_blocks; b++)
        for (size_t v = 0; v < plan->blocks[b].n_variants; v++) {
            struct live_cell *c = &l->cells[l->first[b] + v];
            struct comparison_cell *o = &out[l->first[b] + v];
            bool confirmed = c->flagged[k] && c->series[k].n;
            if (confirmed)
                take_medians(c, k);
            *o = (struct comparison_cell){.path = c->path,
                                          .threads = plan->blocks[b].threads,
                                          .ranks = 1,
                                          .evidence = confirmed ? "confirmed" : "screened",
                                          .base_s = c->base_s[k],
                                          .new_s = c->other_s[k],
                                          .ratio = confirmed ? ratio_interval(&c->series[k])
                                                             : c->screened[k],
                                          .p = confirmed ? sign_p(&c->series[k]) : NAN};
            o->n_base = o->n_new = o->ratio.n;
            const struct json *entry;
            const char *base = fold_cell_status(l->rounds[BASE], &plan->blocks[b],
                                                plan->blocks[b].variants[v]->name, &entry);
            const char *new = fold_cell_status(l->rounds[NEW], &plan->blocks[b],
                                               plan->blocks[b].variants[v]->name, &entry);
            if (!o->ratio.n || !base || !new || strcmp(base, "ok") || strcmp(new, "ok"))
                say_status(l, &plan->blocks[b], plan->blocks[b].variants[v]->name, o->reason);
        }
    return comparison_judge(out, plan->n_cells, l->margin, err);
}

/* ---- The document ---- */

/* That the user did not wait for the end, and what there was until then. */
static void add_interruption(struct json *notes, const struct live *l, bool screened)
{
    char text[160];
    if (screened)
        snprintf(text, sizeof text,
                 "interrupted in the confirmation: %u of %d pairs of the flagged blocks were done",
                 l->pairs - LIVE_SCREEN, LIVE_CONFIRM);
    else
        snprintf(text, sizeof text,
                 "interrupted in the screening: %u of %d pairs of all blocks were done, and none "
                 "was confirmed",
                 l->pairs, LIVE_SCREEN);
    json_add_string(notes, NULL, text);
}

static void add_false_alarms(struct json *document, struct json *notes, const struct live *l,
                             const struct comparison_cell *cells)
{
    size_t judged = 0, flagged = 0, slower = 0, faster = 0, n = l->runners[BASE].plan->n_cells;
    unsigned pairs = l->pairs < LIVE_SCREEN ? l->pairs : LIVE_SCREEN;
    char text[240];
    for (size_t i = 0; i < n; i++) {
        judged += !cells[i].reason[0];
        flagged += l->cells[i].flagged[AGAIN - 1];
        slower += cells[i].verdict == SLOWER;
        faster += cells[i].verdict == FASTER;
    }
    snprintf(
        text, sizeof text,
        "base against itself in the same run: %zu of %zu cells flagged by %u pairs, %zu called "
        "slower or faster after %u more (the host's rate of false alarms)",
        flagged, judged, pairs, slower + faster, l->pairs - pairs);
    json_add_string(notes, NULL, text);
    struct json *alarms = json_add_object(document, "false_alarms");
    json_add_u64(alarms, "cells", judged);
    json_add_u64(alarms, "flagged", flagged);
    json_add_u64(alarms, "slower", slower);
    json_add_u64(alarms, "faster", faster);
}

/* ended: how the measuring did, OK or E_INTERRUPTED. */
static enum status conclude(struct live *l, enum status ended, bool screened, struct json *document,
                            struct err *err)
{
    size_t n = l->runners[BASE].plan->n_cells;
    struct comparison_cell *cells = malloc((n + 1) * sizeof *cells);
    if (!cells)
        return status_fail(err, E_NOMEM, "no memory to compare %zu cells", n);
    enum status s = judge(l, AGAIN - 1, cells, err);
    if (!s) {
        json_add_string(document, "mode", "live");
        json_add_number(document, "margin", l->margin);
        json_add_string(json_add_object(document, "base"), "source", l->runners[BASE].program);
        json_add_string(json_add_object(document, "new"), "source", l->runners[NEW].program);
        struct json *notes = json_add_array(document, "notes");
        if (ended == E_INTERRUPTED)
            add_interruption(notes, l, screened);
        add_false_alarms(document, notes, l, cells);
        s = judge(l, NEW - 1, cells, err);
    }
    if (!s) {
        comparison_add(document, cells, n);
        json_add_array(document, "unmatched"); /* both are asked for the same plan */
    }
    free(cells);
    return s;
}

static void name_cells(struct live *l)
{
    const struct plan *plan = l->runners[BASE].plan;
    size_t at = 0;
    for (size_t i = 0; i < plan->n_blocks; i++) {
        const struct plan_block *b = &plan->blocks[i];
        l->first[i] = at;
        for (size_t v = 0; v < b->n_variants; v++, at++)
            snprintf(l->cells[at].path, sizeof l->cells[at].path, "%s/%s/%s/%s",
                     b->row->technique->id, b->task->name, b->variants[v]->name, b->c->name);
    }
}

enum status compare_live(const struct runner *runner, const char *new_program, double margin,
                         struct json *document, struct err *err)
{
    struct live l = {.runners = {*runner, *runner, *runner}, .margin = margin};
    enum status s = OK;
    l.runners[NEW].program = new_program;
    l.cells = calloc(runner->plan->n_cells + 1, sizeof *l.cells);
    l.first = calloc(runner->plan->n_blocks + 1, sizeof *l.first);
    for (int who = 0; who < N_WHO; who++) {
        l.runners[who].rounds = LIVE_SCREEN + LIVE_CONFIRM; /* for the progress */
        l.rounds[who] = json_new_array();
    }
    if (!l.cells || !l.first)
        s = status_fail(err, E_NOMEM, "no memory to compare %zu cells", runner->plan->n_cells);
    if (!s) {
        name_cells(&l);
        s = measure(&l, LIVE_SCREEN, false, err);
    }
    bool screened = !s, has_pairs = screened || (s == E_INTERRUPTED && is_any_timed(&l));
    if (has_pairs)
        screen(&l);
    if (screened)
        s = measure(&l, LIVE_CONFIRM, true, err);
    if (has_pairs && (!s || s == E_INTERRUPTED)) {
        enum status ended = s;
        s = conclude(&l, ended, screened, document, err);
        if (!s && ended)
            s = status_fail(err, ended, "interrupted; what was measured until then is judged");
    }
    for (int who = 0; who < N_WHO; who++)
        json_free(l.rounds[who]);
    free(l.first);
    free(l.cells);
    return s;
}
