#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/profile.h"
#include "bench/roofs.h"
#include "bench/run_record.h"
#include "cli/bench_table.h"
#include "cli/build_info.h"
#include "cli/draw.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct profile_options {
    const char *group, *events, *counters, *threads, *out;
    double min_time_s;
    uint64_t seed;
    bool no_plots;
};

#define AT(member) offsetof(struct profile_options, member)
static const struct option_row options[] = {
    {"group", OPTION_TEXT, "G,...",
     "cpu, cache, dram, branch, tlb, fp, energy, software "
     "(default: all)",
     AT(group), NULL},
    {"events", OPTION_TEXT, "LIST", "events by name: of `assay list counters`, PAPI or perf",
     AT(events), NULL},
    {"counters", OPTION_CHOICE, NULL, "how events are counted (default: auto)", AT(counters),
     "auto|papi|perf|simulated|none"},
    {"threads", OPTION_TEXT, "LIST", "thread counts, as 1,2,max (default: max)", AT(threads), NULL},
    {"min-time", OPTION_DOUBLE, "S", "seconds that a pass takes at least (default: 0.05)",
     AT(min_time_s), NULL},
    {"seed", OPTION_U64, "N", "seed of every draw (default: 1)", AT(seed), NULL},
    {"out", OPTION_TEXT, "DIR", "folder of profile.json (default: results/<date>-<host>)", AT(out),
     NULL},
    {"no-plots", OPTION_FLAG, NULL, "do not draw plots and report", AT(no_plots), NULL},
    {0}};
#undef AT
const struct verb_help verb_profile_help = {
    "profile CELL ... [options]",
    "Times, counts and, with --counters simulated, simulates each cell that the globs name, and "
    "sets\nthe bytes of each tier beside the modelled ones.  Writes profile.json, and draws it.\n\n"
    "  assay profile cube-root-formats/gemv/lut4_b64/l2.256x512 --counters simulated --threads "
    "1\n\n"
    "Counters that were asked for by name and are not available: exit code 69; with auto, 0.",
    options, WORD_CELL, NULL};

enum { MAX_THREAD_COUNTS = 16 };

static bool is_wanted(char *const *patterns, int n, const struct plan_block *b,
                      const struct variant *v)
{
    char path[300], pattern[300];
    snprintf(path, sizeof path, "%s/%s/%s/%s", b->row->technique->id, b->task->name, v->name,
             b->c->name);
    for (int i = 0; i < n; i++) {
        int slashes = 0;
        for (const char *p = patterns[i]; *p; p++)
            slashes += *p == '/';
        snprintf(pattern, sizeof pattern, "%s%s", patterns[i],
                 slashes == 0   ? "/*/*/*"
                 : slashes == 1 ? "/*/*"
                 : slashes == 2 ? "/*"
                                : "");
        if (!fnmatch(pattern, path, FNM_PATHNAME))
            return true;
    }
    return false;
}

/* ---- What is printed ---- */

static bool is_counted(const struct json *event)
{
    return isfinite(json_get_number(event, "per_iteration", NAN));
}

static bool same_cause(const struct json *a, const struct json *b)
{
    return !strcmp(json_get_string(a, "status", ""), json_get_string(b, "status", "")) &&
           !strcmp(json_get_string(a, "reason", ""), json_get_string(b, "reason", ""));
}

/* Events without a value; those that lack it for the same cause together. */
static void print_uncounted(const struct json *counters)
{
    for (const struct json *e = json_first(counters); e; e = json_next(e)) {
        const struct json *before = json_first(counters);
        while (before != e && (is_counted(before) || !same_cause(before, e)))
            before = json_next(before);
        if (is_counted(e) || before != e)
            continue;
        printf("  %s:", json_get_string(e, "status", ""));
        for (const struct json *same = e; same; same = json_next(same))
            if (!is_counted(same) && same_cause(same, e))
                printf(" %s", json_get_string(same, "event", ""));
        printf("\n    %s\n", json_get_string(e, "reason", ""));
    }
}

static void print_cell(const struct json *cell)
{
    char time[32];
    bench_table_time(json_get_number(cell, "time_s", NAN), time, sizeof time);
    printf("\n%s, %g threads: %s\n", json_get_string(cell, "path", ""),
           json_get_number(cell, "threads", 0), json_get_string(cell, "status", ""));
    if (json_get_string(cell, "reason", NULL))
        printf("  %s\n", json_get_string(cell, "reason", ""));
    printf("  %s an iteration; %s\n", time, json_get_string(cell, "reading", ""));
    for (const struct json *t = json_first(json_get(cell, "traffic")); t; t = json_next(t)) {
        double bytes = json_get_number(t, "bytes", NAN);
        if (isfinite(bytes))
            printf("  %-24s %14.0f B  %5.2fx modelled%s%s\n", json_get_string(t, "tier", ""), bytes,
                   json_get_number(t, "ratio", NAN), json_get_string(t, "isa", NULL) ? ", " : "",
                   json_get_string(t, "isa", ""));
        else
            printf("  %-24s %14s    %s\n", json_get_string(t, "tier", ""), "-",
                   json_get_string(t, "reason", ""));
    }
    for (const struct json *e = json_first(json_get(cell, "counters")); e; e = json_next(e)) {
        double value = json_get_number(e, "per_iteration", NAN);
        const char *reason = json_get_string(e, "reason", "");
        if (isfinite(value))
            printf("  %-24s %14.6g %s/iteration, %.4g/item, %s, gain %.3g%s%s\n",
                   json_get_string(e, "event", ""), value, json_get_string(e, "unit", ""),
                   json_get_number(e, "per_item", NAN), json_get_string(e, "scope", ""),
                   json_get_number(e, "gain", NAN), *reason ? ": " : "", reason);
    }
    print_uncounted(json_get(cell, "counters"));
    for (const struct json *m = json_first(json_get(cell, "metrics")); m; m = json_next(m))
        if (json_type(json_get(m, "value")) == JSON_NUMBER)
            printf("  %-24s %14.6g %s\n", json_get_string(m, "name", ""),
                   json_get_number(m, "value", NAN), json_get_string(m, "unit", ""));
}

/* ---- The run ---- */

/* The first folder of the search path that has valgrind. */
static bool find_valgrind(const char *search_path, char path[PATH_MAX])
{
    for (const char *p = search_path; p; p = strchr(p, ':'), p = p ? p + 1 : NULL) {
        snprintf(path, PATH_MAX, "%.*s/valgrind", (int)strcspn(p, ":"), p);
        if (!access(path, X_OK))
            return true;
    }
    return false;
}

/* What a run holds, for one way out. */
struct session {
    const struct context *context;
    const struct profile_options *o;
    struct machine machine;
    struct plan plan;
    struct counters counters;
    struct counter_choice choice;
    struct stop stop;
    bool has_stop, written;
    struct json *document;
    char program[PATH_MAX], valgrind[PATH_MAX], folder[PATH_MAX / 2];
};

static bool wants_hardware(const struct counter_choice *c)
{
    for (size_t i = 0; i < c->n_events; i++)
        if (c->events[i]->hardware)
            return true;
    return false;
}

static enum status open_counters(struct session *s, struct profile_job *job, struct err *err)
{
    bool simulates = !strcmp(s->o->counters, "simulated");
    ssize_t n = readlink(s->context->program, s->program, sizeof s->program - 1);
    job->program = n > 0 ? s->program : s->context->program;
    job->simulation_reason = "not asked for: --counters simulated";
    if (simulates && !find_valgrind(s->context->search_path, s->valgrind))
        return status_fail(err, E_UNAVAILABLE,
                           "--counters simulated: there is no valgrind; install it");
    if (simulates)
        job->valgrind = s->valgrind;
    enum status status = counters_open(simulates ? "auto" : s->o->counters, &s->counters, err);
    if (status == E_UNAVAILABLE && s->counters.n && !wants_hardware(&s->choice))
        status = OK; /* software events alone need no hardware that counts */
    job->backend = s->counters.backend.name;
    job->counts = strcmp(s->o->counters, "none") != 0;
    return status;
}

static enum status make_plan(struct session *s, char *const *patterns, int n, struct err *err)
{
    int threads[MAX_THREAD_COUNTS];
    struct plan_request request = {.registry = registry,
                                   .patterns = (const char *const *)patterns,
                                   .n_patterns = (size_t)n,
                                   .preset = PRESET_QUICK,
                                   .threads = threads,
                                   .max_threads = (int)s->machine.n_pus};
    enum status status = plan_threads(s->o->threads, request.max_threads, threads,
                                      MAX_THREAD_COUNTS, &request.n_threads, err);
    return status ? status : plan_make(&request, &s->plan, err);
}

static enum status add_machine(struct session *s, struct err *err)
{
    struct roofs roofs = {0};
    struct roof_plan plan = roof_plan_quick(&s->machine, s->context->features);
    enum status status = roofs_measure(&s->machine, &plan, NULL, &roofs, err);
    roofs_add_machine(&s->machine, &roofs, json_add_object(s->document, "machine"));
    roofs_free(&roofs);
    return status;
}

static enum status profile_all(struct session *s, struct profile_job *job, char *const *patterns,
                               int n, struct err *err)
{
    struct json *cells = json_add_array(s->document, "cells");
    enum status status = OK;
    size_t bad = 0;
    job->machine_record = json_get(s->document, "machine");
    for (size_t b = 0; b < s->plan.n_blocks && !status; b++)
        for (size_t i = 0; i < s->plan.blocks[b].n_variants && !status; i++) {
            const struct plan_block *block = &s->plan.blocks[b];
            struct json *record = NULL;
            if (!is_wanted(patterns, n, block, block->variants[i]))
                continue;
            status = profile_cell(job, block, block->variants[i], &record, err);
            if (status)
                break;
            print_cell(record);
            const char *word = json_get_string(record, "status", "");
            bad += strcmp(word, "ok") && strcmp(word, "skipped");
            json_add(cells, NULL, record);
        }
    return !status && bad ? status_fail(err, E_FAILED, "%zu cells went wrong", bad) : status;
}

static enum status write_document(struct session *s, const struct run_record *record, bool whole,
                                  struct err *err)
{
    char path[PATH_MAX];
    struct json *counters = json_add_object(s->document, "counters");
    json_add_string(counters, "backend", s->counters.backend.name);
    json_add_string(counters, "status", s->counters.status);
    json_add_string(counters, "reason", s->counters.reason[0] ? s->counters.reason : NULL);
    run_record_add(record, s->document, whole ? "complete" : "interrupted");
    snprintf(path, sizeof path, "%s/profile.json", s->folder);
    enum status status = document_write(path, s->document, err);
    if (!status)
        printf("\nwritten: %s\n", path);
    return status;
}

static enum status run(struct session *s, char *const *patterns, int n, struct err *err)
{
    struct run_record record;
    struct counter_cpu cpu;
    struct profile_job job = {.groups = s->o->group,
                              .events = s->o->events,
                              .choice = &s->choice,
                              .cpu = &cpu,
                              .machine = &s->machine,
                              .folder = s->folder,
                              .seed = s->o->seed,
                              .min_time_s = s->o->min_time_s,
                              .stop = &s->stop};
    enum status status = machine_read(&s->machine, err);
    if (status)
        return status;
    cpu = (struct counter_cpu){s->machine.vendor, s->machine.family, s->machine.model};
    run_record_start(&record, &build_info, s->context->argc, s->context->argv, s->o->seed,
                     s->context->features);
    run_record_folder(&record, s->folder, sizeof s->folder);
    if (s->o->out)
        snprintf(s->folder, sizeof s->folder, "%s", s->o->out);
    s->document = json_new_object();
    json_add_string(s->document, "schema", DOCUMENT_SCHEMA);
    json_add_string(s->document, "kind", "profile");
    status = counter_choice_make(s->o->group, s->o->events, &cpu, &s->choice, err);
    if (!status)
        status = make_plan(s, patterns, n, err);
    if (!status)
        status = open_counters(s, &job, err);
    if (!status)
        status = document_make_folder(s->folder, err);
    if (!status)
        status = stop_open(&s->stop, err);
    if (status)
        return status;
    s->has_stop = true;
    status = add_machine(s, err);
    if (!status)
        status = profile_all(s, &job, patterns, n, err);
    if (!status || status == E_FAILED || status == E_INTERRUPTED) {
        struct err late;
        enum status end = write_document(s, &record, status != E_INTERRUPTED, &late);
        if (end)
            status = status_fail(err, end, "%s", late.text);
        s->written = !end;
    }
    return status;
}

enum status verb_profile(const struct context *context, int argc, char **argv, struct err *err)
{
    struct profile_options o = {
        .counters = "auto", .threads = "max", .min_time_s = 0.05, .seed = 1};
    int words;
    bool helped;
    enum status status = options_parse(&verb_profile_help, argc, argv, &o, &words, &helped, err);
    if (status || helped)
        return status;
    if (!words)
        return status_fail(err, E_USAGE, "profile which cell?  `assay list cases` names them");
    if (!(o.min_time_s > 0))
        return status_fail(err, E_USAGE, "--min-time must be more than 0");
    struct session s = {.context = context, .o = &o};
    status = run(&s, argv + 1, words, err);
    if (s.has_stop)
        stop_close(&s.stop);
    if (s.written && !o.no_plots && s.stop.asked < 2)
        status = draw_after_run(context, s.folder, status, err);
    json_free(s.document);
    counter_choice_free(&s.choice);
    counters_close(&s.counters);
    plan_free(&s.plan);
    machine_free(&s.machine);
    return status;
}
