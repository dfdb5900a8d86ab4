#include "bench/counting.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EMPTY_PASSES = 5, MAX_EVENTS = 64 };

/* Events that count together; of one backend and one scope. */
struct pass {
    const struct counter_backend *backend;
    int n_threads; /* that open it: 1 for a socket's events */
    const struct counter_event *events[COUNTER_SET_MAX];
    size_t index[COUNTER_SET_MAX], n; /* of the events in the caller's table */
};

struct totals {
    double value[COUNTER_SET_MAX], enabled[COUNTER_SET_MAX], running[COUNTER_SET_MAX];
    double seconds;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const struct counter_backend *backend_of(const struct counting *job,
                                                const struct counter_event *e)
{
    return e->zone                               ? &job->energy
           : e->papi || (!e->perf && !e->socket) ? &job->threads
                                                 : &job->perf;
}

/* Runs one pass on all its threads; work NULL: an empty one.  0 or -errno of the first failure. */
static int run_pass(const struct pass *p, void (*work)(void *), void *user, struct totals *out)
{
    const struct counter_backend *b = p->backend;
    void **sets = calloc((size_t)p->n_threads, sizeof *sets);
    int error = sets ? 0 : -ENOMEM;
    *out = (struct totals){.seconds = 0};
    if (!sets)
        return error;
#pragma omp parallel num_threads(p->n_threads)
    {
        int opened;
#pragma omp critical
        {
            opened = b->open(b->self, p->events, p->n, &sets[omp_get_thread_num()]);
            error = error ? error : opened;
        }
    }
    /* One that began on a thread must end there, whatever the others did. */
    double start = now_s();
    if (!error) {
#pragma omp parallel num_threads(p->n_threads) reduction(min : error)
        error = b->begin(b->self, sets[omp_get_thread_num()]);
    }
    start = now_s();
    if (!error && work)
        work(user);
    out->seconds = now_s() - start;
    if (!error) {
#pragma omp parallel num_threads(p->n_threads)
        {
            struct counter_raw raw[COUNTER_SET_MAX];
            int ended = b->end(b->self, sets[omp_get_thread_num()], raw);
#pragma omp critical
            for (size_t i = 0; i < p->n; i++) {
                error = error ? error : ended;
                out->value[i] += error ? 0 : (double)raw[i].value;
                out->enabled[i] += error ? 0 : (double)raw[i].enabled_ns;
                out->running[i] += error ? 0 : (double)raw[i].running_ns;
            }
        }
    }
#pragma omp parallel num_threads(p->n_threads)
    {
#pragma omp critical
        if (sets[omp_get_thread_num()])
            b->close(b->self, sets[omp_get_thread_num()]);
    }
    free(sets);
    return error;
}

/* Whether the events of the pass can all count at once. */
static int try_pass(const struct pass *p)
{
    struct totals t;
    int error = run_pass(p, NULL, NULL, &t);
    for (size_t i = 0; i < p->n && !error; i++)
        if (t.running[i] < t.enabled[i])
            error = -EBUSY;
    return error;
}

static bool add_to(struct pass *p, const struct counter_backend *backend, int n_threads,
                   const struct counter_event *e, size_t index)
{
    if (p->backend != backend || p->n_threads != n_threads || p->n == COUNTER_SET_MAX)
        return false;
    p->events[p->n] = e;
    p->index[p->n++] = index;
    if (!try_pass(p))
        return true;
    p->n--;
    return false;
}

/* Probes an event with its backend; where PAPI does not know a name that perf may know, with perf.
 * Returns the backend that is to count it. */
static const struct counter_backend *choose(const struct counting *job,
                                            const struct counter_event *e, struct counter_probe *p)
{
    const struct counter_backend *b = backend_of(job, e);
    *p = counter_probe_event(b, e);
    if (p->state <= COUNTER_UNCHECKED || !e->papi || !e->perf)
        return b;
    struct counter_probe second = counter_probe_event(&job->perf, e);
    if (second.state > COUNTER_UNCHECKED)
        return b;
    *p = second;
    return &job->perf;
}

static size_t pack(const struct counting *job, const struct counter_event *const *events, size_t n,
                   struct counted *counted, struct pass *passes)
{
    size_t n_passes = 0;
    for (size_t i = 0; i < n; i++) {
        struct counted *c = &counted[i];
        *c = (struct counted){.value = NAN, .overhead = NAN, .running = NAN};
        const struct counter_backend *b = choose(job, events[i], &c->probe);
        c->backend = b->name;
        if (c->probe.state > COUNTER_UNCHECKED)
            continue;
        bool alone = events[i]->socket;
        struct pass one = {b, alone ? 1 : job->n_threads, {events[i]}, {i}, 1};
        int error = try_pass(&one);
        if (error) {
            counter_probe_fail(&c->probe,
                               "counts on the first thread and not on all (cores of another type "
                               "do not have it)",
                               -error);
            continue;
        }
        size_t k = 0;
        while (k < n_passes && !add_to(&passes[k], b, one.n_threads, events[i], i))
            k++;
        if (k == n_passes)
            passes[n_passes++] = one;
    }
    return n_passes;
}

static void judge(struct counted *c, double value, double enabled, double running)
{
    c->running = enabled > 0 ? running / enabled : 0;
    if (c->running < 1) {
        c->probe.state = COUNTER_NOT_RUNNING;
        snprintf(c->probe.reason, sizeof c->probe.reason, "ran for %.0f %% of the work's time",
                 100 * c->running);
    } else if (value - c->overhead < 0) {
        c->probe.state = COUNTER_WRONG;
        snprintf(c->probe.reason, sizeof c->probe.reason,
                 "counted %.0f, less than the %.0f of beginning and ending alone", value,
                 c->overhead);
    } else if (c->probe.state == COUNTER_UNCHECKED && !(value > 0)) {
        snprintf(c->probe.reason, sizeof c->probe.reason,
                 "0, and nothing shows that it counts at all");
        c->probe.state = COUNTER_WRONG;
    } else {
        c->value = value - c->overhead;
    }
}

static void count_pass(const struct counting *job, const struct pass *p, struct counted *counted,
                       double *seconds)
{
    double least[COUNTER_SET_MAX];
    struct totals t = {.seconds = 0};
    int error = 0;
    for (size_t i = 0; i < p->n; i++)
        least[i] = INFINITY;
    for (int r = 0; r < EMPTY_PASSES && !error; r++) {
        error = run_pass(p, NULL, NULL, &t);
        for (size_t i = 0; i < p->n; i++)
            least[i] = fmin(least[i], t.value[i]);
    }
    if (!error)
        error = run_pass(p, job->work, job->user, &t);
    *seconds += t.seconds;
    for (size_t i = 0; i < p->n; i++) {
        struct counted *c = &counted[p->index[i]];
        c->overhead = least[i];
        if (error)
            counter_probe_fail(&c->probe, "cannot be counted over the work", -error);
        else
            judge(c, t.value[i], t.enabled[i], t.running[i]);
    }
}

size_t counting_run(const struct counting *job, const struct counter_event *const *events, size_t n,
                    struct counted *counted, double *seconds)
{
    struct pass passes[MAX_EVENTS];
    double sum = 0;
    size_t n_passes = pack(job, events, n, counted, passes);
    for (size_t k = 0; k < n_passes; k++) {
        count_pass(job, &passes[k], counted, &sum);
        for (size_t i = 0; i < passes[k].n; i++)
            counted[passes[k].index[i]].pass = k + 1;
    }
    *seconds = n_passes ? sum / (double)n_passes : NAN;
    return n_passes;
}
