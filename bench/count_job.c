#include "bench/count_job.h"

#include <math.h>
#include <string.h>

#include "bench/callgrind.h"
#include "bench/counter_groups.h"
#include "bench/counting.h"

/* The cell's iterations as one piece of work. */
struct counted_work {
    struct trial *trial;
    size_t iterations;
};

static void run_iterations(void *user)
{
    struct counted_work *w = user;
    w->trial->v->run(w->trial, w->iterations);
}

struct count_session {
    const struct json *job;
    struct json *reply;
    struct counter_choice choice;
    enum status status;
    struct err *err;
};

static void add_counted(struct json *array, const struct counter_event *e, const struct counted *c,
                        double iterations, double items, int threads)
{
    struct json *o = json_add_object(array, NULL);
    bool has_value = c->probe.state <= COUNTER_UNCHECKED && isfinite(c->value);
    json_add_string(o, "event", e->name);
    json_add_string(o, "unit", e->unit);
    json_add_string(o, "title", e->title);
    json_add_string(o, "backend", c->backend);
    json_add_string(o, "status", counter_state_name(c->probe.state));
    json_add_string(o, "reason", c->probe.reason[0] ? c->probe.reason : NULL);
    json_add_string(o, "scope", e->socket ? "socket" : threads > 1 ? "threads" : "thread");
    json_add_bool(o, "hardware", e->hardware);
    const struct {
        const char *name;
        double value;
        bool there;
    } numbers[] = {{"value", c->value, has_value},
                   {"per_iteration", c->value / iterations, has_value},
                   {"per_item", c->value / items, has_value && items > 0},
                   {"overhead", c->overhead, isfinite(c->overhead)},
                   {"running", c->running, isfinite(c->running)},
                   {"gain", c->probe.gain, isfinite(c->probe.gain)},
                   {"pass", (double)c->pass, c->pass > 0}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].there)
            json_add_number(o, numbers[i].name, numbers[i].value);
        else
            json_add_null(o, numbers[i].name);
}

static void count(struct count_session *s, struct trial *t, struct counted_work *w,
                  const struct cell *cell)
{
    struct counted counted[CHOICE_MAX_EVENTS];
    struct counting job = {.n_threads = t->threads, .work = run_iterations, .user = w};
    struct counters none;
    double seconds = NAN, before = t->items_done;
    counters_open("none", &none, NULL);
    counters_powercap("", &job.energy);
    if (counters_perf(&job.perf, NULL))
        job.perf = none.backend;
    job.threads = job.perf;
    if (!strcmp(json_get_string(s->job, "backend", ""), "papi"))
        s->status = counters_papi(&job.threads, s->err);
    if (s->status)
        return;
    size_t passes = counting_run(&job, s->choice.events, s->choice.n_events, counted, &seconds);
    double items = t->items_done > before && passes ? (t->items_done - before) / (double)passes
                                                    : cell->work.items * (double)w->iterations;
    json_add_u64(s->reply, "passes", passes);
    json_add_u64(s->reply, "iterations", w->iterations);
    json_add_number(s->reply, "items", items);
    if (passes)
        json_add_number(s->reply, "seconds", seconds);
    else
        json_add_null(s->reply, "seconds");
    struct json *events = json_add_array(s->reply, "events");
    for (size_t i = 0; i < s->choice.n_events; i++)
        add_counted(events, s->choice.events[i], &counted[i], (double)w->iterations, items,
                    t->threads);
}

/* In the place of the timing of a cell that is right. */
static void observe(void *user, struct trial *t, struct cell *cell)
{
    struct count_session *s = user;
    struct counted_work w = {t, 1};
    if (json_bool(json_get(s->job, "simulate"), false)) {
        bool warm = !strcmp(json_get_string(s->job, "mode", ""), "warm");
        s->status = callgrind_count(run_iterations, &w, warm, s->err);
        json_add_string(s->reply, "isa", cell->isa);
        return;
    }
    w.iterations = (size_t)json_u64(json_get(s->job, "iterations"), 1);
    count(s, t, &w, cell);
}

enum status count_job_run(const struct block *block, const struct variant *v,
                          const struct json *job, struct json *reply, struct err *err)
{
    const struct json *cpu = json_get(job, "cpu");
    struct counter_cpu model = {json_get_string(cpu, "vendor", ""),
                                (int)json_get_number(cpu, "family", -1),
                                (int)json_get_number(cpu, "model", -1)};
    struct count_session s = {.job = job, .reply = reply, .err = err};
    struct block b = *block;
    struct cell cell;
    enum status status =
        counter_choice_make(json_get_string(job, "groups", NULL),
                            json_get_string(job, "events", NULL), &model, &s.choice, err);
    if (status)
        return status;
    b.observe = observe;
    b.user = &s;
    measure_cell(&b, v, &cell);
    status = s.status;
    if (!status && cell.status)
        status = status_fail(err, E_FAILED, "the cell is %s: %.400s", cell_status_name(cell.status),
                             cell.reason.text);
    cell_free(&cell);
    counter_choice_free(&s.choice);
    return status;
}
