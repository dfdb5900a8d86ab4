#include "bench/profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/callgrind.h"
#include "bench/child.h"
#include "bench/roofline.h"
#include "bench/thread_env.h"

enum { TIMEOUT_S = 120, MAX_SIMULATED_BYTES = 256 << 20 };

/* One cell while it is profiled; the members are replies of its children, NULL when there is none.
 */
struct session {
    const struct profile_job *job;
    const struct plan_block *block;
    const struct variant *v;
    struct json *cell, *control, *count, *simulated;
    char why[400];  /* of the last child that gave no reply */
    bool no_memory; /* a reply could not be taken */
};

static void keep(struct session *s, struct json **place, const struct json *node)
{
    if (!node || *place)
        return;
    *place = json_copy(node);
    s->no_memory = s->no_memory || !*place;
}

static void take_reply(void *user, const char *line, size_t n)
{
    struct session *s = user;
    struct json *reply = NULL;
    enum status status = json_parse(line, n, "reply", &reply, NULL);
    s->no_memory = s->no_memory || status == E_NOMEM;
    if (status)
        return;
    const struct json *count = json_get(reply, "count");
    keep(s, &s->cell, json_get(reply, "cell"));
    keep(s, &s->control, json_get(reply, "block"));
    keep(s, json_get(count, "events") ? &s->count : &s->simulated, count);
    json_free(reply);
}

static struct json *new_job(const struct session *s, const char *kind, int threads, size_t llc)
{
    struct json *o = json_new_object();
    json_add_string(o, "job", kind);
    json_add_string(o, "technique", s->block->row->technique->id);
    json_add_string(o, "task", s->block->task->name);
    json_add_string(o, "case", s->block->c->name);
    json_add_string(json_add_array(o, "variants"), NULL, s->v->name);
    json_add_number(o, "threads", threads);
    json_add_u64(o, "seed", s->job->seed);
    json_add_u64(o, "llc_bytes", llc);
    return o;
}

/* Takes job_object.  A child that fails leaves its reason in s->why. */
static enum status run_child(struct session *s, const char *const *argv, int threads,
                             struct json *job_object, struct err *err)
{
    struct thread_env env;
    struct child_outcome outcome;
    char *text = NULL;
    s->why[0] = '\0';
    enum status status = json_print(job_object, false, &text, err);
    json_free(job_object);
    if (!status)
        status = thread_env_make(s->job->machine, (size_t)threads, &env, err);
    if (!status) {
        struct child_job child = {.program = argv[0],
                                  .argv = argv,
                                  .env = env.names,
                                  .input = text,
                                  .timeout_s = TIMEOUT_S,
                                  .stop = s->job->stop,
                                  .reply = take_reply,
                                  .user = s};
        status = child_run(&child, &outcome, err);
    }
    free(text);
    if (!status && s->no_memory)
        status = status_fail(err, E_NOMEM, "no memory for what the cell replied");
    if (status)
        return status;
    if (outcome.end == CHILD_INTERRUPTED)
        return status_fail(err, E_INTERRUPTED, "interrupted");
    if (outcome.end != CHILD_EXITED || outcome.code)
        child_describe(&outcome, s->why, sizeof s->why);
    return OK;
}

static double seconds_of(const struct json *cell)
{
    const struct json *sample = json_get(cell, "sample");
    return json_get_number(sample, "elapsed_ns", NAN) * 1e-9 /
           json_get_number(sample, "iterations", NAN);
}

static enum status time_cell(struct session *s, struct err *err)
{
    const char *const argv[] = {s->job->program, "worker", NULL};
    struct json *o = new_job(s, "block", s->block->threads, s->job->machine->llc_bytes);
    json_add_number(o, "min_time_s", s->job->min_time_s);
    json_add_bool(o, "control", true);
    return run_child(s, argv, s->block->threads, o, err);
}

static enum status count_cell(struct session *s, struct err *err)
{
    const char *const argv[] = {s->job->program, "worker", NULL};
    struct json *o = new_job(s, "count", s->block->threads, s->job->machine->llc_bytes);
    struct json *cpu = json_add_object(o, "cpu");
    json_add_string(cpu, "vendor", s->job->cpu->vendor);
    json_add_number(cpu, "family", s->job->cpu->family);
    json_add_number(cpu, "model", s->job->cpu->model);
    json_add_string(o, "backend", s->job->backend);
    json_add_string(o, "groups", s->job->groups);
    json_add_string(o, "events", s->job->events);
    json_add_number(o, "iterations", fmax(1, ceil(s->job->min_time_s / seconds_of(s->cell))));
    return run_child(s, argv, s->block->threads, o, err);
}

static double modelled(const struct json *cell)
{
    const struct json *work = json_get(cell, "work");
    return json_get_number(work, "bytes_read", NAN) + json_get_number(work, "bytes_written", NAN);
}

/* *bytes is NAN with the reason in s->why when there is no simulation. */
static enum status simulate_cell(struct session *s, double *bytes, struct err *err)
{
    struct callgrind_cache l1, last;
    struct callgrind_counts counts;
    struct err why;
    char file[4096], out[4200], d1[80], ll[80];
    const char *mode = json_get_string(s->cell, "mode", "cold");
    *bytes = NAN;
    if (!s->job->valgrind || modelled(s->cell) > MAX_SIMULATED_BYTES ||
        !callgrind_cache("", false, &l1) || !callgrind_cache("", true, &last)) {
        snprintf(s->why, sizeof s->why, "%s",
                 !s->job->valgrind ? s->job->simulation_reason
                                   : "too large to simulate, or the system tells no cache sizes");
        return OK;
    }
    snprintf(file, sizeof file, "%s/callgrind.out", s->job->folder);
    snprintf(out, sizeof out, "--callgrind-out-file=%s", file);
    snprintf(d1, sizeof d1, "--D1=%zu,%zu,%zu", l1.bytes, l1.ways, l1.line);
    snprintf(ll, sizeof ll, "--LL=%zu,%zu,%zu", last.bytes, last.ways, last.line);
    const char *const argv[] = {s->job->valgrind,
                                "--tool=callgrind",
                                "-q",
                                "--instr-atstart=no",
                                "--cache-sim=yes",
                                "--simulate-wb=yes",
                                d1,
                                ll,
                                out,
                                s->job->program,
                                "worker",
                                NULL};
    /* One copy of a cold cell: the simulated cache is empty when it begins. */
    struct json *o = new_job(s, "count", 1, 0);
    json_add_bool(o, "simulate", true);
    json_add_string(o, "mode", mode);
    json_add_string(o, "isa", "avx2");
    enum status status = run_child(s, argv, 1, o, err);
    if (!status && !s->why[0]) {
        if (callgrind_read(file, &counts, &why))
            snprintf(s->why, sizeof s->why, "%.390s", why.text);
        else
            *bytes = (counts.read_lines + counts.written_lines) * (double)last.line;
    }
    unlink(file);
    return status;
}

/* ---- The record ---- */

static const struct json *find_event(const struct json *count, const char *name)
{
    for (const struct json *e = json_first(json_get(count, "events")); e; e = json_next(e))
        if (!strcmp(json_get_string(e, "event", ""), name))
            return e;
    return NULL;
}

static void add_or_null(struct json *o, const char *key, double value)
{
    if (isfinite(value))
        json_add_number(o, key, value);
    else
        json_add_null(o, key);
}

/* The figures of the groups; returns bytes of DRAM traffic and of misses through the pointers. */
static void add_metrics(const struct session *s, struct json *array, double *dram, double *llc)
{
    double iterations = json_get_number(s->count, "iterations", NAN);
    double items = json_get_number(s->count, "items", NAN);
    double seconds = json_get_number(s->count, "seconds", NAN);
    for (size_t g = 0; g < s->job->choice->n_groups; g++) {
        const struct counter_group *group = &s->job->choice->groups[g];
        struct formula_symbol symbols[GROUP_MAX_EVENTS + 4];
        counter_group_symbols(group, iterations, items, seconds, symbols);
        for (size_t i = 0; i < group->n_events; i++)
            symbols[i].value = json_get_number(find_event(s->count, symbols[i].name), "value", NAN);
        for (size_t i = 0; i < group->n_metrics; i++) {
            const struct counter_metric *m = &group->metrics[i];
            struct formula_result r = {NAN, NULL};
            struct json *o = json_add_object(array, NULL);
            char reason[100];
            formula_evaluate(m->formula, m->unit, symbols, &r, NULL); /* was checked at load */
            if (r.missing)
                snprintf(reason, sizeof reason, "there is no %.60s", r.missing);
            else
                snprintf(reason, sizeof reason, "a division by 0");
            json_add_string(o, "group", group->name);
            json_add_string(o, "name", m->name);
            add_or_null(o, "value", r.value);
            json_add_string(o, "unit", m->unit);
            json_add_string(o, "reason", isfinite(r.value) ? NULL : reason);
            if (!strcmp(m->name, "dram-bytes"))
                *dram = r.value;
            if (!strcmp(m->name, "llc-bytes"))
                *llc = r.value;
        }
    }
}

static void add_tier(struct json *array, const char *tier, double bytes, double model,
                     const char *isa, const char *reason, const char *const *causes)
{
    struct json *o = json_add_object(array, NULL);
    json_add_string(o, "tier", tier);
    add_or_null(o, "bytes", bytes);
    add_or_null(o, "ratio", bytes / model);
    json_add_string(o, "isa", isa);
    json_add_string(o, "reason", isfinite(bytes) ? NULL : reason);
    struct json *list = json_add_array(o, "causes");
    for (; *causes; causes++)
        json_add_string(list, NULL, *causes);
}

static void add_traffic(const struct session *s, struct json *array, double dram, double llc,
                        double simulated, const char *why)
{
    static const char *const none[] = {NULL};
    static const char *const allocate[] = {"each written line is read first", NULL};
    static const char *const counted_dram[] = {
        "other processes of the socket", "prefetched and never used lines", "write-allocate",
        "what the caches kept from the iteration before", NULL};
    static const char *const counted_llc[] = {"prefetches may not count as misses",
                                              "write-backs are not in it", NULL};
    static const char *const simulation[] = {"no prefetcher",
                                             "two levels, least recently used",
                                             "one thread, AVX2 at most",
                                             "lines still dirty at the end are not written back",
                                             "stack and code",
                                             NULL};
    double model = modelled(s->cell);
    double written = json_get_number(json_get(s->cell, "work"), "bytes_written", NAN);
    const char *isa = json_get_string(s->cell, "isa", NULL);
    add_tier(array, "modelled", model, model, NULL, "the cell gave no work", none);
    add_tier(array, "modelled-write-allocate", model + written, model, NULL,
             "the cell gave no work", allocate);
    add_tier(array, "counted-dram", dram, model, isa,
             "no memory-controller event could be counted; see counters", counted_dram);
    add_tier(array, "counted-llc", llc, model, isa,
             "no last-level miss could be counted; see counters", counted_llc);
    add_tier(array, "simulated", simulated, model, json_get_string(s->simulated, "isa", NULL), why,
             simulation);
}

/* "memory bound: 83 % of the DRAM read roof; counted-dram 1.07x modelled".  A limit that explains
 * more than half of the time is called what bounds the cell. */
static void add_reading(const struct session *s, struct json *o, const double *bytes)
{
    static const char *const tiers[] = {"counted-dram", "counted-llc", "simulated"};
    struct roofline limit;
    char text[300];
    double control = json_get_number(s->control, "control_bytes_per_second", NAN);
    double share = NAN;
    int n;
    if (roofline_limit(s->job->machine_record, s->cell, s->block->threads, control, &limit)) {
        struct json *l = json_add_object(o, "limit");
        share = limit.limit_s / seconds_of(s->cell);
        json_add_string(l, "bound", limit.bound);
        json_add_string(l, "level", limit.level);
        json_add_number(l, "limit_s", limit.limit_s);
        add_or_null(l, "fraction", share);
        n = snprintf(text, sizeof text, "%s: %.0f %% of the %s%s%s roof",
                     !(share > 0.5) ? "bound by neither memory nor its instruction"
                     : limit.level  ? "memory bound"
                                    : "compute bound",
                     100 * share, limit.level ? limit.level : "", limit.level ? " " : "",
                     limit.bound);
    } else {
        json_add_null(o, "limit");
        n = snprintf(text, sizeof text, "no roof to compare with");
    }
    for (size_t i = 0; i < 3; i++)
        if (isfinite(bytes[i]))
            n += snprintf(text + n, sizeof text - (size_t)n, "; %s %.2fx modelled", tiers[i],
                          bytes[i] / modelled(s->cell));
    json_add_string(o, "reading", text);
}

static struct json *make_record(const struct session *s, double simulated, const char *failure,
                                const char *why)
{
    struct json *o = json_new_object();
    char path[300];
    double bytes[3] = {NAN, NAN, simulated};
    snprintf(path, sizeof path, "%s/%s/%s/%s", s->block->row->technique->id, s->block->task->name,
             s->v->name, s->block->c->name);
    json_add_string(o, "path", path);
    json_add_number(o, "threads", s->block->threads);
    json_add_string(o, "status", failure ? "failed" : json_get_string(s->cell, "status", "failed"));
    json_add_string(o, "reason", failure ? failure : json_get_string(s->cell, "reason", NULL));
    json_add_string(o, "isa", json_get_string(s->cell, "isa", NULL));
    json_add_string(o, "mode", json_get_string(s->cell, "mode", NULL));
    const struct json *work = json_get(s->cell, "work");
    if (work)
        json_add(o, "work", json_copy(work));
    else
        json_add_null(o, "work");
    add_or_null(o, "time_s", seconds_of(s->cell));
    add_or_null(o, "iterations", json_get_number(s->count, "iterations", NAN));
    add_or_null(o, "passes", json_get_number(s->count, "passes", NAN));
    const struct json *events = json_get(s->count, "events");
    json_add(o, "counters", events ? json_copy(events) : json_new_array());
    add_metrics(s, json_add_array(o, "metrics"), &bytes[0], &bytes[1]);
    add_traffic(s, json_add_array(o, "traffic"), bytes[0], bytes[1], simulated, why);
    add_reading(s, o, bytes);
    return o;
}

enum status profile_cell(const struct profile_job *job, const struct plan_block *block,
                         const struct variant *v, struct json **record, struct err *err)
{
    struct session s = {.job = job, .block = block, .v = v};
    char failure[sizeof s.why] = "";
    double simulated = NAN;
    enum status status = time_cell(&s, err);
    memcpy(failure, s.why, sizeof failure);
    bool right = !status && !strcmp(json_get_string(s.cell, "status", ""), "ok");
    if (right && job->counts) {
        status = count_cell(&s, err);
        memcpy(failure, s.why, sizeof failure);
    }
    if (!status && right)
        status = simulate_cell(&s, &simulated, err);
    else if (!status)
        snprintf(s.why, sizeof s.why, "the cell is not right");
    if (!status)
        *record = make_record(&s, simulated, failure[0] ? failure : NULL, s.why);
    json_free(s.cell);
    json_free(s.control);
    json_free(s.count);
    json_free(s.simulated);
    return status;
}
