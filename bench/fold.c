#include "bench/fold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/roofline.h"
#include "datasets/document.h"
#include "numerics/statistics/order_interval.h"

/* ---- Finding one's way in the journal ---- */

enum { NAME_SIZE = 256 };

/* name: the block's */
static bool is_of_block(const struct json *round, const struct plan_block *block, const char *name)
{
    return json_get_number(round, "threads", 0) == block->threads &&
           !strcmp(json_get_string(round, "block", ""), name);
}

static const struct json *find_entry(const struct json *round, const char *variant)
{
    for (const struct json *c = json_first(json_get(round, "cells")); c; c = json_next(c))
        if (!strcmp(json_get_string(c, "variant", ""), variant))
            return c;
    return NULL;
}

const struct json *fold_find_round(const struct json *rounds, const struct plan_block *block,
                                   unsigned round)
{
    char name[NAME_SIZE];
    plan_block_name(block, name, sizeof name);
    for (const struct json *r = json_first(rounds); r; r = json_next(r))
        if (json_get_number(r, "round", -1) == round && is_of_block(r, block, name))
            return r;
    return NULL;
}

const char *fold_cell_status(const struct json *rounds, const struct plan_block *block,
                             const char *variant, const struct json **entry)
{
    const struct json *found = NULL;
    char name[NAME_SIZE];
    plan_block_name(block, name, sizeof name);
    for (const struct json *r = json_first(rounds); r; r = json_next(r)) {
        const struct json *e = is_of_block(r, block, name) ? find_entry(r, variant) : NULL;
        if (!e)
            continue;
        found = e;
        if (strcmp(json_get_string(e, "status", ""), "ok"))
            break;
    }
    if (entry)
        *entry = found;
    return found ? json_get_string(found, "status", "failed") : NULL;
}

/* ---- One cell ---- */

/* Values of one quantity, one for each round that has it. */
struct series {
    double *values;
    size_t n;
};

enum quantity { TIME, ITEM_RATE, BYTE_RATE, SPEEDUP, LIMIT, SHARE, N_QUANTITIES };

struct folder {
    const struct fold_input *in;
    const struct json **of_block; /* [n_of_block] the rounds of the block under way */
    size_t n_of_block;
    struct series series[N_QUANTITIES]; /* each with room for every round */
    struct roofline roofline;           /* of the last round that has one */
};

static void push(struct folder *f, enum quantity q, double value)
{
    if (isfinite(value))
        f->series[q].values[f->series[q].n++] = value;
}

/* Seconds an iteration took in this entry; NAN when it was not timed. */
static double seconds(const struct json *entry)
{
    const struct json *sample = json_get(entry, "sample");
    return json_get_number(sample, "elapsed_ns", NAN) * 1e-9 /
           json_get_number(sample, "iterations", NAN);
}

static void add_sample(struct json *samples, const struct json *round, const struct json *entry)
{
    const struct json *sample = json_get(entry, "sample");
    struct json *object = json_add_object(samples, NULL);
    json_add_number(object, "round", json_get_number(round, "round", 0));
    json_add_number(object, "process", json_get_number(entry, "process", 0));
    json_add_number(object, "elapsed_ns", json_get_number(sample, "elapsed_ns", NAN));
    json_add_number(object, "iterations", json_get_number(sample, "iterations", NAN));
    json_add_number(object, "items", json_get_number(sample, "items", NAN));
}

/* Takes the values of one round into the series. */
static void take_round(struct folder *f, const struct plan_block *block, const struct variant *v,
                       const struct json *round, const struct json *entry)
{
    const struct json *work = json_get(entry, "work");
    double time = seconds(entry);
    push(f, TIME, time);
    push(f, ITEM_RATE,
         json_get_number(json_get(entry, "sample"), "items", NAN) * 1e9 /
             json_get_number(json_get(entry, "sample"), "elapsed_ns", NAN));
    push(f, BYTE_RATE,
         (json_get_number(work, "bytes_read", NAN) + json_get_number(work, "bytes_written", NAN)) /
             time);
    push(f, SPEEDUP,
         v == block->variants[0] ? 1 : seconds(find_entry(round, block->variants[0]->name)) / time);
    struct roofline limit;
    if (roofline_limit(json_get(f->in->header, "machine"), entry, block->threads,
                       json_get_number(round, "control_bytes_per_second", NAN), &limit)) {
        f->roofline = limit;
        push(f, LIMIT, limit.limit_s);
        push(f, SHARE, limit.limit_s / time);
    }
}

static void add_interval(struct json *object, const struct order_interval *i)
{
    if (i->level > 0) {
        struct json *pair = json_add_array(object, "interval");
        json_add_number(pair, NULL, i->low);
        json_add_number(pair, NULL, i->high);
    } else {
        json_add_null(object, "interval");
    }
}

static void add_metric(struct folder *f, struct json *metrics, const char *name, const char *unit,
                       const char *better, enum quantity q)
{
    struct order_interval i = order_interval(f->series[q].values, f->series[q].n);
    if (!i.n)
        return;
    struct json *object = json_add_object(metrics, name);
    json_add_string(object, "unit", unit);
    json_add_string(object, "better", better);
    json_add_number(object, "estimate", i.estimate);
    add_interval(object, &i);
    if (i.level > 0)
        json_add_number(object, "level", i.level);
    else
        json_add_null(object, "level");
    json_add_u64(object, "n", i.n);
}

static void add_metrics(struct folder *f, struct json *cell, const struct json *entry)
{
    struct json *metrics = json_add_object(cell, "metrics");
    char rate[64];
    snprintf(rate, sizeof rate, "%s/s", json_get_string(json_get(entry, "work"), "unit", "item"));
    add_metric(f, metrics, "time", "s", "lower", TIME);
    add_metric(f, metrics, "items_per_second", rate, "higher", ITEM_RATE);
    add_metric(f, metrics, "bytes_per_second", "B/s", "higher", BYTE_RATE);
    add_metric(f, metrics, "speedup", "1", "higher", SPEEDUP);
}

static void add_roofline(struct folder *f, struct json *cell)
{
    struct order_interval limit = order_interval(f->series[LIMIT].values, f->series[LIMIT].n);
    struct order_interval share = order_interval(f->series[SHARE].values, f->series[SHARE].n);
    if (!limit.n || !share.n) {
        json_add_null(cell, "roofline");
        return;
    }
    struct json *object = json_add_object(cell, "roofline");
    json_add_string(object, "bound", f->roofline.bound);
    json_add_string(object, "level", f->roofline.level);
    json_add_number(object, "limit_s", limit.estimate);
    json_add_number(object, "fraction", share.estimate);
    add_interval(object, &share);
    json_add_string(object, "source", f->roofline.from_block ? "block" : "cached");
}

static void add_traffic(struct json *cell, const struct json *entry)
{
    const struct json *work = json_get(entry, "work");
    double read = json_get_number(work, "bytes_read", NAN);
    double written = json_get_number(work, "bytes_written", NAN);
    struct json *traffic = json_add_object(cell, "traffic");
    if (!(read + written >= 0))
        return;
    json_add_number(traffic, "modelled", read + written);
    /* a store that misses reads its line first */
    json_add_number(traffic, "modelled-write-allocate", read + 2 * written);
}

static void add_params(struct json *cell, const struct variant *v, const struct matrix_case *c)
{
    struct json *params = json_add_object(cell, "params");
    for (int i = 0; i < MAX_PARAMS && c->p[i].name; i++)
        json_add_number(params, c->p[i].name, c->p[i].value);
    for (int i = 0; i < MAX_PARAMS && v->p[i].name; i++) /* the variant's goes before the case's */
        json_add_number(params, v->p[i].name, v->p[i].value);
}

/* A copy of a member of the entry, or what stands for it when the child could not say.  Takes
 * `otherwise`; NULL is one that could not be made. */
static void copy_or(struct json *cell, const struct json *entry, const char *key,
                    struct json *otherwise)
{
    const struct json *member = json_get(entry, key);
    if (json_type(member) != JSON_NULL) {
        json_free(otherwise);
        json_add(cell, key, json_copy(member));
    } else {
        json_add(cell, key, otherwise);
    }
}

/* What the cells of a block compute on, when this one did not live to tell. */
static struct json *data_of_block(const struct folder *f)
{
    for (size_t i = 0; i < f->n_of_block; i++)
        for (const struct json *c = json_first(json_get(f->of_block[i], "cells")); c;
             c = json_next(c))
            if (json_type(json_get(c, "data")) == JSON_OBJECT)
                return json_copy(json_get(c, "data"));
    struct json *data = json_new_object();
    json_add_string(data, "name", "");
    json_add_string(data, "hash", "");
    json_add_u64(data, "seed", json_u64(json_get(json_get(f->in->header, "run"), "seed"), 0));
    return data;
}

/* Status and reason of a cell whose rounds are all right: whether something disturbed them. */
static void add_disturbance(struct json *cell, const struct folder *f, const char *variant)
{
    size_t rounds = 0, disturbed = 0;
    double steal = 0, foreign = 0;
    for (size_t i = 0; i < f->n_of_block; i++) {
        if (!find_entry(f->of_block[i], variant))
            continue;
        rounds++;
        if (!json_bool(json_get(f->of_block[i], "degraded"), false))
            continue;
        disturbed++;
        steal = fmax(steal, json_get_number(f->of_block[i], "steal_share", 0));
        foreign = fmax(foreign, json_get_number(f->of_block[i], "foreign_load_cpus", 0));
    }
    json_add_string(cell, "status", disturbed ? "degraded" : "ok");
    if (disturbed) {
        char reason[160];
        snprintf(reason, sizeof reason,
                 "%zu of %zu rounds were disturbed: steal up to %.1f %%, other work up to %.2f "
                 "processors",
                 disturbed, rounds, 100 * steal, foreign);
        json_add_string(cell, "reason", reason);
    } else {
        json_add_null(cell, "reason");
    }
}

static void add_status(struct json *cell, const struct folder *f, const struct variant *v,
                       const char *status, const struct json *entry)
{
    if (!status) {
        json_add_string(cell, "status", "skipped");
        json_add_string(cell, "reason", "the run was interrupted before it");
    } else if (!strcmp(status, "ok")) {
        add_disturbance(cell, f, v->name);
    } else {
        json_add_string(cell, "status", status);
        json_add_string(cell, "reason", json_get_string(entry, "reason", "no reason was given"));
    }
}

static void add_identity(struct json *cell, const struct plan_block *block, const struct variant *v)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/%s/%s", block->row->technique->id, block->task->name,
             v->name, block->c->name);
    json_add_string(cell, "path", path);
    json_add_string(cell, "family", block->row->family);
    json_add_string(cell, "technique", block->row->technique->id);
    json_add_string(cell, "task", block->task->name);
    json_add_string(cell, "variant", v->name);
    json_add_string(cell, "case", block->c->name);
    json_add_string(cell, "title", v->title);
    json_add_string(cell, "role",
                    v == block->task->variants ? "baseline"
                    : v->flags & PEER          ? "peer"
                                               : "technique");
    json_add_u64(cell, "threads", (uint64_t)block->threads);
    json_add_u64(cell, "ranks", 1);
    add_params(cell, v, block->c);
}

static void fold_cell(struct folder *f, struct json *cells, const struct plan_block *block,
                      const struct variant *v)
{
    const struct json *entry;
    const char *status = fold_cell_status(f->in->rounds, block, v->name, &entry);
    struct json *cell = json_add_object(cells, NULL);
    for (int q = 0; q < N_QUANTITIES; q++)
        f->series[q].n = 0;
    add_identity(cell, block, v);
    json_add_string(
        cell, "isa",
        json_get_string(entry, "isa", json_get_string(json_get(f->in->header, "run"), "isa", "")));
    copy_or(cell, entry, "data", data_of_block(f));
    copy_or(cell, entry, "mode", json_copy(NULL));
    copy_or(cell, entry, "footprint_bytes", json_copy(NULL));
    add_status(cell, f, v, status, entry);
    copy_or(cell, entry, "work", json_copy(NULL));
    struct json *samples = json_add_array(cell, "samples");
    bool ok = status && !strcmp(status, "ok");
    for (size_t i = 0; i < f->n_of_block; i++) {
        const struct json *e = find_entry(f->of_block[i], v->name);
        if (!(seconds(e) > 0))
            continue;
        add_sample(samples, f->of_block[i], e);
        if (ok) /* a cell that once failed keeps its samples, and publishes nothing made of them */
            take_round(f, block, v, f->of_block[i], e);
    }
    add_metrics(f, cell, entry);
    copy_or(cell, entry, "correctness", json_new_array());
    copy_or(cell, entry, "fidelity", json_new_array());
    add_traffic(cell, entry);
    json_add_object(cell, "counters");
    add_roofline(f, cell);
}

static void fold_block(struct folder *f, struct json *cells, const struct plan_block *block)
{
    char name[NAME_SIZE];
    plan_block_name(block, name, sizeof name);
    f->n_of_block = 0;
    for (const struct json *r = json_first(f->in->rounds); r; r = json_next(r))
        if (is_of_block(r, block, name))
            f->of_block[f->n_of_block++] = r;
    for (size_t i = 0; i < block->n_variants; i++)
        fold_cell(f, cells, block, block->variants[i]);
}

/* ---- The document ---- */

static void add_run(struct json *document, const struct fold_input *in)
{
    const struct json *options = json_get(in->header, "options");
    double elapsed = 0, done = 0;
    for (const struct json *r = json_first(in->rounds); r; r = json_next(r)) {
        elapsed += json_get_number(r, "elapsed_s", 0);
        done = fmax(done, json_get_number(r, "round", 0) + 1);
    }
    struct json *run = json_copy(json_get(in->header, "run"));
    json_add_string(run, "preset", json_get_string(options, "preset", "quick"));
    json_add_number(run, "rounds", json_get_number(options, "rounds", 0));
    json_add_number(run, "rounds_done", done);
    json_add_number(run, "min_time_s", json_get_number(options, "min_time_s", 0));
    json_add_string(run, "status", in->interrupted ? "interrupted" : "complete");
    json_add_number(run, "elapsed_s", elapsed); /* measuring, over all parts of the run */
    if (in->shard.n)
        json_add_string(run, "shard", json_get_string(options, "shard", NULL));
    json_add(document, "run", run);
}

static void add_environment(struct json *document, const struct fold_input *in)
{
    struct json *environment = json_add_object(document, "environment");
    copy_or(environment, json_get(in->header, "environment"), "before", json_copy(NULL));
    json_add(environment, "after", json_copy(in->environment));
}

/* The rounds without their cells. */
static void add_rounds(struct json *document, const struct json *rounds)
{
    struct json *array = json_add_array(document, "rounds");
    for (const struct json *r = json_first(rounds); r; r = json_next(r)) {
        struct json *object = json_add_object(array, NULL);
        for (const struct json *m = json_first(r); m; m = json_next(m))
            if (strcmp(json_key(m), "cells"))
                json_add(object, json_key(m), json_copy(m));
    }
}

enum status fold(const struct fold_input *in, struct json **out, struct err *err)
{
    struct folder f = {.in = in};
    size_t n_rounds = json_size(in->rounds);
    struct json *document = json_new_object(), *cells;
    double *values = malloc((n_rounds * N_QUANTITIES + 1) * sizeof *values);
    f.of_block = malloc((n_rounds + 1) * sizeof *f.of_block);
    enum status s = OK;
    if (!document || !values || !f.of_block) {
        s = status_fail(err, E_NOMEM, "no memory to fold the run");
        goto out;
    }
    for (size_t q = 0; q < N_QUANTITIES; q++)
        f.series[q].values = values + q * n_rounds;
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "bench");
    add_run(document, in);
    json_add(document, "machine", json_copy(json_get(in->header, "machine")));
    add_environment(document, in);
    json_add(document, "counters", json_copy(in->counters));
    add_rounds(document, in->rounds);
    cells = json_add_array(document, "cells");
    for (size_t i = 0; i < in->plan->n_blocks; i++)
        if (plan_in_shard(&in->shard, i))
            fold_block(&f, cells, &in->plan->blocks[i]);
out:
    free(values);
    free(f.of_block);
    if (s)
        json_free(document);
    else
        *out = document;
    return s;
}
