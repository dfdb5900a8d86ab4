#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/counters.h"
#include "bench/environment.h"
#include "bench/fold.h"
#include "bench/roofs.h"
#include "bench/run_header.h"
#include "bench/runner.h"
#include "bench/weights.h"
#include "cli/bench_dry_run.h"
#include "cli/bench_table.h"
#include "cli/build_info.h"
#include "cli/draw.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct bench_options {
    const char *family, *preset, *threads, *weights, *counters, *out, *shard;
    bool require_counters, resume, dry_run, no_plots;
    double min_time_s, timeout_s;
    size_t rounds;
    uint64_t seed;
};

#define AT(member) offsetof(struct bench_options, member)
static const struct option_row options[] = {
    {"family", OPTION_TEXT, "F", "only techniques of this family", AT(family), NULL},
    {"preset", OPTION_CHOICE, NULL, "how much (default: quick)", AT(preset), "smoke|quick|full"},
    {"threads", OPTION_TEXT, "LIST", "thread counts, as 1,2,max (default: the preset's)",
     AT(threads), NULL},
    {"weights", OPTION_TEXT, "FILE[:TENSOR]", "a user's matrix instead of seeded draws",
     AT(weights), NULL},
    {"counters", OPTION_CHOICE, NULL, "how events are counted (default: auto)", AT(counters),
     "auto|papi|perf|none"},
    {"require-counters", OPTION_FLAG, NULL, "fail when no event can be counted",
     AT(require_counters), NULL},
    {"out", OPTION_TEXT, "DIR", "folder of the results (default: results/<date>-<host>)", AT(out),
     NULL},
    {"resume", OPTION_FLAG, NULL, "go on with the run in --out DIR", AT(resume), NULL},
    {"dry-run", OPTION_FLAG, NULL, "print cells, bytes, limits and the time it would take",
     AT(dry_run), NULL},
    {"shard", OPTION_TEXT, "I/N", "only the I-th of N parts; 'assay merge' joins them", AT(shard),
     NULL},
    {"min-time", OPTION_DOUBLE, "S", "seconds that a sample takes at least (default: 0.05)",
     AT(min_time_s), NULL},
    {"rounds", OPTION_COUNT, "N", "samples of each cell (default: the preset's)", AT(rounds), NULL},
    {"seed", OPTION_U64, "N", "seed of every draw (default: 1)", AT(seed), NULL},
    {"timeout", OPTION_DOUBLE, "S", "seconds that a round of a block may take (default: generous)",
     AT(timeout_s), NULL},
    {"no-plots", OPTION_FLAG, NULL, "do not draw plots and report", AT(no_plots), NULL},
    {0}};
#undef AT

const struct verb_help verb_bench_help = {
    "bench [TECHNIQUE[/TASK[/VARIANT[/CASE]]] ...] [options]",
    "Measures the cells that the globs name (default: all of the preset): error first, then time,\n"
    "each beside its task's baseline, in a process of its own.  Writes bench.json.\n\n"
    "Presets: quick, headline variants in DRAM and in cache on all threads, 6 rounds; full,\n"
    "everything on one thread and on all, 12 rounds; smoke, one iteration of everything small.\n"
    "A variant or case that a glob names runs whatever the preset says of it.\n\n"
    "  assay bench quarot --threads 1,max\n"
    "  assay bench '*/gemv/lut4*' --weights model.safetensors:layers.0.wq --out out/wq\n\n"
    "The first Ctrl-C ends after the block under way, the second at once; --resume goes on.\n"
    "Exit code 1 when a cell is invalid, failed or timeout, 69 when counters that were asked for\n"
    "are not available, 73 when the folder holds a run already, 130 after Ctrl-C.",
    options, WORD_CELL, NULL};

enum { MAX_THREAD_COUNTS = 16 };

/* All that a run holds, for one way out. */
struct session {
    const struct context *context;
    const struct bench_options *o;
    enum preset preset;
    struct machine machine;
    struct plan plan;
    struct shard shard;
    struct counters counters;
    struct stop stop;
    bool has_stop;
    struct progress_bar bar;
    struct runner runner;
    struct journal journal;
    char folder[PATH_MAX];
    bool written; /* a result document is in folder */
};

/* ---- What is asked for ---- */

static enum preset preset_of(const char *name)
{
    enum preset preset = PRESET_SMOKE;
    while (preset != PRESET_FULL && strcmp(preset_name(preset), name))
        preset++;
    return preset;
}

static enum status check_options(const struct bench_options *o, struct err *err)
{
    if (o->rounds > 10000)
        return status_fail(err, E_USAGE, "--rounds: %zu is more than 10000", o->rounds);
    if (o->resume && !o->out)
        return status_fail(err, E_USAGE, "--resume needs --out DIR, the folder of the run");
    if (o->resume && o->dry_run)
        return status_fail(err, E_USAGE, "--resume and --dry-run do not go together");
    return OK;
}

static enum status make_plan(struct session *s, const char *const *patterns, size_t n,
                             struct err *err)
{
    int threads[MAX_THREAD_COUNTS];
    size_t n_threads = 0;
    struct plan_request request = {.registry = registry,
                                   .patterns = patterns,
                                   .n_patterns = n,
                                   .family = s->o->family,
                                   .preset = s->preset,
                                   .threads = threads,
                                   .max_threads = (int)s->machine.n_pus};
    enum status status = OK;
    if (s->o->threads)
        status = plan_threads(s->o->threads, request.max_threads, threads, MAX_THREAD_COUNTS,
                              &n_threads, err);
    request.n_threads = n_threads;
    if (!status)
        status = plan_make(&request, &s->plan, err);
    if (!status && !s->plan.n_cells)
        status = status_fail(err, E_USAGE, "there is nothing to measure");
    return status;
}

/* A wrong word costs a line now and not a matrix of failed cells later. */
static enum status check_weights(const char *spec, struct err *err)
{
    struct weights weights = {0};
    enum status s = spec ? weights_open(spec, &weights, err) : OK;
    weights_close(&weights);
    return s;
}

static enum status open_counters(struct session *s, struct err *err)
{
    struct err why = {{0}};
    enum status status = counters_open(s->o->counters, &s->counters, &why);
    if (status)
        return status_fail(err, status, "%s", why.text);
    if (s->o->require_counters && strcmp(s->counters.status, "ok"))
        return status_fail(err, E_UNAVAILABLE, "--require-counters: %s",
                           s->counters.reason[0] ? s->counters.reason : "counters are off");
    return OK;
}

static struct json *counters_record(const struct counters *c)
{
    struct json *object = json_new_object();
    json_add_string(object, "backend", c->backend.name);
    json_add_string(object, "status", c->status);
    json_add_string(object, "reason", c->reason[0] ? c->reason : NULL);
    return object;
}

/* ---- Where it goes ---- */

static bool holds_run(const char *folder)
{
    static const char *const names[] = {"journal.jsonl", "bench.json"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (snprintf(path, sizeof path, "%s/%s", folder, names[i]) < (int)sizeof path &&
            !access(path, F_OK))
            return true;
    return false;
}

/* --out, or results/<date>-<host>, with a number from the second on. */
static enum status name_folder(struct session *s, const struct run_record *record, unsigned number,
                               struct err *err)
{
    char by_date[PATH_MAX / 2];
    int n;
    run_record_folder(record, by_date, sizeof by_date);
    if (s->o->out || number < 2)
        n = snprintf(s->folder, sizeof s->folder, "%s", s->o->out ? s->o->out : by_date);
    else
        n = snprintf(s->folder, sizeof s->folder, "%s-%u", by_date, number);
    if (n >= (int)sizeof s->folder - 32)
        return status_fail(err, E_USAGE, "--out: the path is too long");
    return OK;
}

/* The first folder that no other run has: the journal's lock decides between runs that begin at the
 * same time. */
static enum status open_journal(struct session *s, const struct run_record *record, struct err *err)
{
    enum status status;
    unsigned number = 1;
    do {
        status = name_folder(s, record, number++, err);
        if (!status)
            status = journal_open(s->folder, s->o->resume, &s->journal, err);
    } while (status == E_CANTCREATE && !s->o->out && holds_run(s->folder));
    return status;
}

static enum status write_result(const struct session *s, const struct json *document,
                                struct err *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/bench.json", s->folder);
    return document_write(path, document, err);
}

/* ---- The machine ---- */

/* One plan's thread counts, each once, as far as there is room; the last entry stays 0. */
static void roof_threads(const struct plan *plan, struct roof_plan *roofs)
{
    size_t n = 0, room = sizeof roofs->threads / sizeof roofs->threads[0] - 1;
    memset(roofs->threads, 0, sizeof roofs->threads);
    for (size_t i = 0; i < plan->n_blocks; i++) {
        size_t threads = (size_t)plan->blocks[i].threads, j = 0;
        while (j < n && roofs->threads[j] != threads)
            j++;
        if (j == n && n < room)
            roofs->threads[n++] = threads;
    }
}

/* Facts and, unless old has them already, roofs; smoke publishes no share of them. */
static enum status machine_record(struct session *s, const struct json *old, struct json **out,
                                  struct err *err)
{
    struct json *object = json_new_object();
    struct roofs roofs = {0};
    enum status status = OK;
    if (!old && s->preset != PRESET_SMOKE) {
        struct roof_plan plan = roof_plan_quick(&s->machine, s->context->features);
        roof_threads(&s->plan, &plan);
        status = roofs_measure(&s->machine, &plan, &s->bar.progress, &roofs, err);
        progress_bar_end(&s->bar);
        s->bar = progress_bar_new(s->context, &s->stop); /* the matrix begins its own */
        s->runner.progress = &s->bar.progress;
    }
    roofs_add_machine(&s->machine, &roofs, object);
    roofs_free(&roofs);
    if (status)
        json_free(object);
    else
        *out = object;
    return status;
}

/* The machine object of an earlier run in the folder, for its roofs; NULL when there is none. */
static struct json *stored_machine(const struct session *s)
{
    char path[PATH_MAX + 16], fingerprint[FINGERPRINT_SIZE];
    struct json *document = NULL, *machine = NULL;
    machine_fingerprint(&s->machine, fingerprint);
    snprintf(path, sizeof path, "%s/bench.json", s->folder);
    if (s->o->out && !document_read(path, "bench", &document, NULL)) {
        const struct json *stored = json_get(document, "machine");
        if (!strcmp(json_get_string(stored, "fingerprint", ""), fingerprint))
            machine = json_copy(stored);
    }
    json_free(document);
    return machine;
}

/* ---- The run ---- */

static enum status begin_journal(struct session *s, const struct run_record *record,
                                 struct err *err)
{
    struct environment before;
    struct json *machine = NULL, *environment = json_new_object();
    environment_read("", &before);
    environment_add(&before, environment, "before");
    enum status status = open_journal(s, record, err);
    if (!status)
        status = machine_record(s, s->journal.header, &machine, err);
    if (status) {
        json_free(environment);
        return status;
    }
    struct json *header = run_header_make(record, &s->runner, s->preset, machine, environment);
    if (!s->journal.header)
        return journal_begin(&s->journal, header, err);
    status = run_header_match(s->journal.header, header, s->folder,
                              "choose another folder with --out", err);
    json_free(header);
    return status;
}

static size_t count_bad(const struct json *document, const struct json **first)
{
    size_t n = 0;
    for (const struct json *c = json_first(json_get(document, "cells")); c; c = json_next(c)) {
        const char *status = json_get_string(c, "status", "");
        if (strcmp(status, "ok") && strcmp(status, "degraded") && strcmp(status, "skipped") && !n++)
            *first = c;
    }
    return n;
}

/* What follows the measuring: everything that is made from the folder's documents. */
static void finish_run(struct session *s, const struct json *document)
{
    bench_table_print(document);
    printf("\nwritten: %s/bench.json\n", s->folder);
    s->written = true;
}

/* Folds what the journal holds; outcome: how the measuring ended, OK or E_INTERRUPTED. */
static enum status conclude(struct session *s, enum status outcome, struct err *err)
{
    struct environment after;
    struct json *document = NULL, *holder = json_new_object();
    struct json *counters = counters_record(&s->counters);
    const struct json *bad = NULL;
    environment_read("", &after);
    environment_add(&after, holder, "after");
    struct fold_input input = {.plan = &s->plan,
                               .shard = s->shard,
                               .header = s->journal.header,
                               .rounds = s->journal.rounds,
                               .environment = json_get(holder, "after"),
                               .counters = counters,
                               .interrupted = outcome == E_INTERRUPTED};
    enum status status = fold(&input, &document, err);
    if (!status)
        status = write_result(s, document, err);
    if (!status)
        finish_run(s, document);
    if (!status && outcome == E_INTERRUPTED)
        status =
            status_fail(err, E_INTERRUPTED,
                        "interrupted; the same command with --resume --out %s goes on", s->folder);
    size_t n_bad = count_bad(document, &bad);
    if (!status && n_bad)
        status =
            status_fail(err, E_FAILED, "%zu of %zu cells went wrong; the first: %s is %s: %s",
                        n_bad, s->plan.n_cells, json_get_string(bad, "path", ""),
                        json_get_string(bad, "status", ""), json_get_string(bad, "reason", ""));
    json_free(counters);
    json_free(holder);
    json_free(document);
    return status;
}

static enum status say_plan(struct session *s, const struct run_record *record, struct err *err)
{
    enum status status = name_folder(s, record, 1, err);
    if (status)
        return status;
    struct json *machine = stored_machine(s);
    status = bench_dry_run(&s->runner, machine, err);
    progress_bar_end(&s->bar);
    json_free(machine);
    return status;
}

static enum status measure(struct session *s, const struct run_record *record, struct err *err)
{
    enum status status = open_counters(s, err);
    if (!status)
        status = begin_journal(s, record, err);
    if (status)
        return status;
    status = runner_run(&s->runner, &s->journal, err);
    progress_bar_end(&s->bar);
    return status && status != E_INTERRUPTED ? status : conclude(s, status, err);
}

/* All after the words are understood. */
static enum status run(struct session *s, const char *const *patterns, size_t n, struct err *err)
{
    struct run_record record;
    enum status status = machine_read(&s->machine, err);
    if (!status)
        status = make_plan(s, patterns, n, err);
    if (!status && s->o->shard)
        status = plan_shard(s->o->shard, &s->shard, err);
    if (!status)
        status = check_weights(s->o->weights, err);
    if (!status)
        status = stop_open(&s->stop, err); /* before OpenMP starts its threads */
    if (status)
        return status;
    s->has_stop = true;
    s->bar = progress_bar_new(s->context, &s->stop);
    s->runner =
        (struct runner){.program = s->context->program,
                        .plan = &s->plan,
                        .shard = s->shard,
                        .machine = &s->machine,
                        .rounds = s->o->rounds ? (unsigned)s->o->rounds : runner_rounds(s->preset),
                        .seed = s->o->seed,
                        .min_time_s = s->o->min_time_s,
                        .iterations = s->preset == PRESET_SMOKE,
                        .control = s->preset != PRESET_SMOKE,
                        .timeout_s = s->o->timeout_s,
                        .weights = s->o->weights,
                        .stop = &s->stop,
                        .progress = &s->bar.progress};
    run_record_start(&record, &build_info, s->context->argc, s->context->argv, s->o->seed,
                     s->context->features);
    return s->o->dry_run ? say_plan(s, &record, err) : measure(s, &record, err);
}

enum status verb_bench(const struct context *context, int argc, char **argv, struct err *err)
{
    struct bench_options o = {.preset = "quick", .counters = "auto", .min_time_s = 0.05, .seed = 1};
    int words;
    bool helped;
    enum status status = options_parse(&verb_bench_help, argc, argv, &o, &words, &helped, err);
    if (status || helped)
        return status;
    status = check_options(&o, err);
    if (status)
        return status;
    struct session s = {
        .context = context, .o = &o, .preset = preset_of(o.preset), .journal = {.fd = -1}};
    status = run(&s, (const char *const *)argv + 1, (size_t)words, err);
    if (s.has_stop)
        stop_close(&s.stop);
    if (s.written && !o.no_plots && s.stop.asked < 2)
        status = draw_after_run(context, s.folder, status, err);
    journal_close(&s.journal); /* until here the folder is ours */
    counters_close(&s.counters);
    plan_free(&s.plan);
    machine_free(&s.machine);
    return status;
}
