#include "bench/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/child.h"
#include "bench/environment.h"
#include "bench/fold.h"
#include "bench/run_record.h"
#include "bench/thread_env.h"

/* The kernel counts processor time in ticks: over less, one tick would judge. */
static const double shortest_judged_s = 0.2;

/* One round of one block while it runs. */
struct session {
    const struct runner *r;
    const struct plan_block *block;
    size_t block_index;
    unsigned round;
    const struct variant **todo; /* [n_todo] in run order, owned; each leaves when it is told */
    size_t n_todo, n_start;
    const struct variant *started; /* said to have begun, and not yet told */
    struct json *cells, *told;     /* owned arrays: of all children, of the one under way */
    double control;
    bool no_memory; /* a reply could not be taken */
    size_t place;   /* rounds of blocks that come before this one in the run */
};

unsigned runner_rounds(enum preset preset)
{
    static const unsigned rounds[] = {1, 6, 12};
    return rounds[preset];
}

/* ---- What a child tells ---- */

/* Returns false when the user asked to stop. */
static bool say_progress(const struct runner *r, double done, const char *what)
{
    double total = (double)r->plan->n_blocks * r->rounds;
    return progress_report(r->progress, fmin(done / total, 1), what);
}

static void say_start(struct session *s, const struct variant *v)
{
    double inside = (double)(s->n_start - s->n_todo) / (double)s->n_start;
    char what[300];
    snprintf(what, sizeof what, "round %u: %s/%s/%s/%s", s->round + 1, s->block->row->technique->id,
             s->block->task->name, v->name, s->block->c->name);
    say_progress(s->r, (double)s->place + inside, what); /* stopping is for between the blocks */
}

static void drop(struct session *s, const struct variant *v)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_todo; i++)
        if (s->todo[i] != v)
            s->todo[kept++] = s->todo[i];
    s->n_todo = kept;
    s->started = NULL;
}

static const struct variant *find_todo(const struct session *s, const char *name)
{
    for (size_t i = 0; i < s->n_todo; i++)
        if (!strcmp(s->todo[i]->name, name))
            return s->todo[i];
    return NULL;
}

static void take_cell(struct session *s, const struct json *cell)
{
    const struct variant *v = find_todo(s, json_get_string(cell, "variant", ""));
    if (!v || v != s->started)
        return; /* not asked for, or twice */
    json_add(s->told, NULL, json_copy(cell));
    drop(s, v);
}

static void take_reply(void *user, const char *text, size_t n)
{
    struct session *s = user;
    struct json *line = NULL;
    enum status status = json_parse(text, n, "reply", &line, NULL);
    s->no_memory = s->no_memory || status == E_NOMEM;
    if (status)
        return; /* no whole reply: its cell stays untold */
    const struct variant *v = find_todo(s, json_get_string(line, "start", ""));
    if (v) {
        s->started = v;
        say_start(s, v);
    }
    if (json_get(line, "cell"))
        take_cell(s, json_get(line, "cell"));
    if (json_get(line, "block"))
        s->control = json_get_number(json_get(line, "block"), "control_bytes_per_second", NAN);
    json_free(line);
}

/* ---- Starting a child ---- */

static struct json *make_job(const struct session *s)
{
    struct json *job = json_new_object();
    json_add_string(job, "job", "block");
    json_add_string(job, "technique", s->block->row->technique->id);
    json_add_string(job, "task", s->block->task->name);
    json_add_string(job, "case", s->block->c->name);
    json_add_u64(job, "threads", (uint64_t)s->block->threads);
    struct json *variants = json_add_array(job, "variants");
    for (size_t i = 0; i < s->n_todo; i++)
        json_add_string(variants, NULL, s->todo[i]->name);
    json_add_u64(job, "round", s->round);
    json_add_u64(job, "seed", s->r->seed);
    json_add_number(job, "min_time_s", s->r->min_time_s);
    json_add_u64(job, "iterations", s->r->iterations);
    json_add_u64(job, "llc_bytes", s->r->machine->llc_bytes);
    json_add_string(job, "weights", s->r->weights);
    json_add_bool(job, "control", s->r->control);
    return job;
}

static double time_limit(const struct session *s)
{
    if (s->r->timeout_s > 0)
        return s->r->timeout_s;
    return 30 + (double)s->n_todo * (5 + 10 * s->r->min_time_s);
}

/* ---- When a child ended early ---- */

static void add_failure(struct session *s, const struct variant *v,
                        const struct child_outcome *outcome, const char *how)
{
    struct json *cell = json_add_object(s->told, NULL);
    json_add_string(cell, "variant", v->name);
    json_add_string(cell, "status", outcome->end == CHILD_TIMED_OUT ? "timeout" : "failed");
    json_add_string(cell, "reason", how);
    drop(s, v);
}

/* Blames the variant under way; a child that began none will not do so next time either. */
static void blame(struct session *s, const struct child_outcome *outcome)
{
    char how[300], reason[360];
    child_describe(outcome, how, sizeof how);
    snprintf(reason, sizeof reason, "%s%s", outcome->lost_lines ? "its reply was too long; " : "",
             how);
    if (s->started)
        add_failure(s, s->started, outcome, reason);
    else if (!json_size(s->told))
        while (s->n_todo)
            add_failure(s, s->todo[0], outcome, reason);
}

/* Adds what the child told, with its process. */
static void keep_cells(struct session *s, long process)
{
    for (const struct json *c = json_first(s->told); c; c = json_next(c)) {
        struct json *cell = json_copy(c);
        json_add_u64(cell, "process", (uint64_t)process);
        json_add(s->cells, NULL, cell);
    }
}

static enum status run_child(struct session *s, const struct thread_env *env, struct err *err)
{
    const char *argv[] = {"assay", "worker", NULL};
    struct json *job = make_job(s);
    struct child_outcome outcome;
    char *text = NULL;
    s->started = NULL;
    json_free(s->told);
    s->told = json_new_array();
    enum status status = json_print(job, false, &text, err);
    json_free(job);
    if (!status) {
        struct child_job child = {.program = s->r->program,
                                  .argv = argv,
                                  .env = env->names,
                                  .input = text,
                                  .timeout_s = time_limit(s),
                                  .stop = s->r->stop,
                                  .stop_at = 2,
                                  .reply = take_reply,
                                  .user = s};
        status = child_run(&child, &outcome, err);
    }
    free(text);
    if (!status && (s->no_memory || !json_is_whole(s->told)))
        status = status_fail(err, E_NOMEM, "no memory for what a cell replied");
    if (status)
        return status;
    if (outcome.end == CHILD_INTERRUPTED)
        return status_fail(err, E_INTERRUPTED, "interrupted");
    if (s->n_todo)
        blame(s, &outcome);
    keep_cells(s, outcome.process);
    return OK;
}

/* ---- A round of a block ---- */

/* The variants that are still worth a run, shuffled. */
static enum status choose(struct session *s, const struct json *rounds, struct err *err)
{
    size_t n = s->block->n_variants;
    size_t *order = malloc((n + 1) * sizeof *order);
    s->todo = malloc((n + 1) * sizeof *s->todo);
    if (!order || !s->todo) {
        free(order);
        return status_fail(err, E_NOMEM, "no memory for a round");
    }
    plan_variant_order(s->r->plan, s->block_index, s->r->seed, s->round, order);
    for (size_t i = 0; i < n; i++) {
        const struct variant *v = s->block->variants[order[i]];
        const char *status = fold_cell_status(rounds, s->block, v->name, NULL);
        if (!status || !strcmp(status, "ok"))
            s->todo[s->n_todo++] = v;
    }
    s->n_start = s->n_todo;
    free(order);
    return OK;
}

static void add_number_or_null(struct json *object, const char *key, double value)
{
    if (isfinite(value))
        json_add_number(object, key, value);
    else
        json_add_null(object, key);
}

static struct json *round_record(struct session *s, const char *started,
                                 const struct environment *before, const struct environment *after)
{
    struct json *round = json_new_object();
    char name[256];
    double elapsed = after->now_s - before->now_s, steal = NAN, foreign = NAN;
    bool degraded =
        elapsed >= shortest_judged_s &&
        environment_delta(before, after, after->own_cpu_s - before->own_cpu_s, &steal, &foreign);
    plan_block_name(s->block, name, sizeof name);
    json_add_u64(round, "round", s->round);
    json_add_string(round, "block", name);
    json_add_u64(round, "threads", (uint64_t)s->block->threads);
    json_add_string(round, "started", started);
    json_add_number(round, "elapsed_s", elapsed);
    add_number_or_null(round, "control_bytes_per_second", s->control);
    add_number_or_null(round, "steal_share", steal);
    add_number_or_null(round, "foreign_load_cpus", foreign);
    json_add_bool(round, "degraded", degraded);
    json_add(round, "cells", s->cells);
    s->cells = NULL;
    return round;
}

enum status runner_block(const struct runner *r, size_t block, unsigned round, size_t place,
                         const struct json *rounds, struct json **out, struct err *err)
{
    struct session s = {.r = r,
                        .block = &r->plan->blocks[block],
                        .block_index = block,
                        .round = round,
                        .place = place,
                        .cells = json_new_array(),
                        .control = NAN};
    struct environment before, after;
    struct thread_env env;
    char started[UTC_SIZE];
    struct json *record = NULL;
    enum status status = choose(&s, rounds, err);
    if (!status && s.n_todo)
        status = thread_env_make(r->machine, (size_t)s.block->threads, &env, err);
    if (!status && s.n_todo) {
        run_record_utc(time(NULL), started);
        environment_read("", &before);
        while (!status && s.n_todo)
            status = run_child(&s, &env, err);
        environment_read("", &after);
        if (!status)
            record = round_record(&s, started, &before, &after);
        if (!status && !json_is_whole(record))
            status = status_fail(err, E_NOMEM, "no memory for the record of a round");
    }
    free(s.todo);
    json_free(s.cells);
    json_free(s.told);
    if (status)
        json_free(record);
    else
        *out = record;
    return status;
}

/* ---- The run ---- */

static enum status run_round(const struct runner *r, struct journal *journal, unsigned round,
                             size_t *order, struct err *err)
{
    enum status s = OK;
    plan_block_order(r->plan, r->seed, round, order);
    for (size_t i = 0; !s && i < r->plan->n_blocks; i++) {
        struct json *record = NULL;
        size_t place = round * r->plan->n_blocks + i;
        if (!plan_in_shard(&r->shard, order[i]) ||
            fold_find_round(journal->rounds, &r->plan->blocks[order[i]], round))
            continue;
        if (stop_asked(r->stop) || !say_progress(r, (double)place, ""))
            return status_fail(err, E_INTERRUPTED, "interrupted");
        s = runner_block(r, order[i], round, place, journal->rounds, &record, err);
        if (!s && record)
            s = journal_append(journal, record, err);
    }
    return s;
}

enum status runner_run(const struct runner *r, struct journal *journal, struct err *err)
{
    size_t *order = malloc((r->plan->n_blocks + 1) * sizeof *order);
    if (!order)
        return status_fail(err, E_NOMEM, "no memory for the run");
    enum status s = OK;
    for (unsigned round = 0; !s && round < r->rounds; round++)
        s = run_round(r, journal, round, order, err);
    free(order);
    return s;
}
