#include "bench/roofs.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/buffer.h"
#include "numerics/cpu.h"
#include "numerics/kernels/peak.h"
#include "numerics/kernels/stream.h"

enum roof_kind { READ, WRITE, TRIAD, FMA, DOT, LOOKUP };

static const struct roof_kernel {
    enum roof_kind kind;
    const char *name, *unit;
    const struct kernel_variant *variants;
} kernels[] = {
    {READ, "read", "B/s", stream_read_variants},
    {WRITE, "write", "B/s", stream_write_variants},
    {TRIAD, "triad", "B/s", stream_triad_variants},
    {FMA, "fma-f32", "flop/s", peak_fma_f32_variants},
    {DOT, "dot-i8", "op/s", peak_dot_i8_variants},
    {LOOKUP, "lookup", "op/s", peak_lookup_variants},
};
enum { N_KERNELS = sizeof kernels / sizeof kernels[0] };

enum {
    LLC_MULTIPLE = 4,
    UNKNOWN_LLC_BYTES = 64 << 20, /* more than most have */
    LINE_BYTES = 64,
    /* Arrays of a triad lie this far apart modulo 4096: at the same offset in a page a load would
     * wait for the store before it. */
    PAGE_BYTES = 4096,
    STAGGER_BYTES = 1344,
    PEAK_STEPS = 4096 /* of a chain in one call: the start and the sum weigh nothing */
};

/* One thing to time with a number of threads. */
struct probe {
    enum roof_kind kind;
    kernel_fn *fn;
    size_t slice_bytes; /* of each thread; 0 for a peak */
    size_t passes;      /* that make a sample long enough */
    size_t row;         /* of the result */
    double samples[ROOF_MAX_REPETITIONS];
};

/* Where the probes of one number of threads run. */
struct arena {
    const struct machine *m; /* NULL: the threads are pinned already */
    size_t threads;
    char *buffer;
    size_t bytes, stride_bytes; /* a thread's part begins at a multiple of the stride */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static size_t dram_bytes(size_t llc_bytes)
{
    return LLC_MULTIPLE * (llc_bytes ? llc_bytes : UNKNOWN_LLC_BYTES);
}

/* The bytes from one array of a triad to the next in a slice, and those that are used of each. */
static size_t triad_stride(size_t slice_bytes)
{
    return (slice_bytes / 3 - STAGGER_BYTES) / PAGE_BYTES * PAGE_BYTES + STAGGER_BYTES;
}

/* The units of work (bytes, flop, operations) of one pass of one thread. */
static double work_of_pass(const struct probe *p)
{
    switch (p->kind) {
    case READ:
    case WRITE:
        return (double)p->slice_bytes;
    case TRIAD:
        return 3.0 * (double)triad_stride(p->slice_bytes);
    case FMA:
        return (double)PEAK_FMA_FLOPS * PEAK_STEPS;
    case DOT:
        return (double)PEAK_DOT_OPS * PEAK_STEPS;
    case LOOKUP:
        return (double)PEAK_LOOKUP_BYTES * PEAK_STEPS;
    }
    return NAN;
}

/* A value that depends on every pass. */
static double run_passes(const struct probe *p, char *slice, size_t passes)
{
    static const uint8_t turn[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};
    float *x = (float *)(void *)slice;
    size_t n = p->slice_bytes / sizeof(float), third = 0;
    double all = 0;
    switch (p->kind) {
    case READ:
        for (size_t i = 0; i < passes; i++)
            all += ((stream_read_fn *)p->fn)(x, 0, n);
        break;
    case WRITE: /* a new value each time: some processors do not write what is there already */
        for (size_t i = 0; i < passes; i++)
            ((stream_write_fn *)p->fn)(x, (float)(i + 2), 0, n);
        all = (double)x[n - 1];
        break;
    case TRIAD:
        third = triad_stride(p->slice_bytes) / sizeof(float);
        for (size_t i = 0; i < passes; i++)
            ((stream_triad_fn *)p->fn)(x, x + third, x + 2 * third, (float)i, 0, third);
        all = (double)x[third - 1];
        break;
    case FMA:
        for (size_t i = 0; i < passes; i++)
            all += ((peak_fma_f32_fn *)p->fn)(PEAK_STEPS, 0.5f, 1);
        break;
    case DOT:
        for (size_t i = 0; i < passes; i++)
            all += ((peak_dot_i8_fn *)p->fn)(PEAK_STEPS, 3, -2);
        break;
    case LOOKUP:
        for (size_t i = 0; i < passes; i++)
            all += ((peak_lookup_fn *)p->fn)(PEAK_STEPS, turn);
        break;
    }
    return all;
}

/* Seconds from the first thread's start to the last one's end. */
static double time_passes(const struct arena *a, const struct probe *p, size_t passes)
{
    double begin = INFINITY, end = -INFINITY;
#pragma omp parallel num_threads((int)a->threads) reduction(min : begin) reduction(max : end)
    {
        size_t t = (size_t)omp_get_thread_num();
        volatile double escaped;
        if (a->m)
            machine_pin(a->m, t);
#pragma omp barrier
        begin = now_s();
        escaped = run_passes(p, a->buffer + t * a->stride_bytes, passes);
        end = now_s();
        (void)escaped;
    }
    return end - begin;
}

static size_t up_to_page(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Memory for slices of up to slice_bytes > 0, which the threads themselves touch first, so that it
 * lies on their NUMA nodes, and fill with ones: zeros are a special case to some caches. */
static enum status arena_open(struct arena *a, size_t slice_bytes, struct err *err)
{
    int default_threads = omp_get_max_threads();
    a->stride_bytes = up_to_page(slice_bytes);
    a->bytes = a->threads * a->stride_bytes;
    struct probe fill = {
        .kind = WRITE, .fn = (kernel_fn *)stream_write_ref, .slice_bytes = a->stride_bytes};
    omp_set_num_threads((int)a->threads);
    a->buffer = buffer_alloc(a->bytes);
    omp_set_num_threads(default_threads);
    if (!a->buffer)
        return status_fail(err, E_NOMEM, "roofs: no memory for a working set of %zu MiB",
                           a->bytes >> 20);
    time_passes(a, &fill, 1);
    return OK;
}

/* How many of the threads share one of these caches, when they fill the cores in order. */
static size_t sharers(const struct machine *m, const struct machine_cache *c, size_t threads)
{
    size_t per_core = (threads + m->n_cores - 1) / m->n_cores;
    size_t most = per_core * (size_t)(c->cores > 0 ? c->cores : 1);
    return threads < most ? threads : most;
}

/* The bytes that one thread works on in a level; 0: *reason says why it cannot be measured. */
static size_t slice_bytes(const struct machine *m, enum machine_level level, size_t threads,
                          const char **reason)
{
    double room = m->cgroup_memory_bytes > 0 ? fmin(m->memory_bytes, m->cgroup_memory_bytes)
                                             : m->memory_bytes;
    size_t share[N_CACHES];
    for (int i = 0; i < N_CACHES; i++)
        share[i] = m->cache[i].bytes / sharers(m, &m->cache[i], threads);
    size_t bytes = 0, below = share[LEVEL_L2] ? share[LEVEL_L2] : share[LEVEL_L1];
    if (level == LEVEL_DRAM) {
        bytes = dram_bytes(m->llc_bytes) / threads;
        if ((double)dram_bytes(m->llc_bytes) > room / 2)
            *reason = "four times the last-level cache is more than half of the memory";
    } else if (!share[level])
        *reason = "the system tells of no such cache";
    else if (level != LEVEL_L3)
        bytes = share[level] / 2;
    else if (share[level] < below)
        *reason = "a thread's share of the L3 is smaller than its L2: not to be told apart";
    else
        bytes = below + (share[level] / 2 < 2 * below ? share[level] / 2 : 2 * below);
    if (!*reason && bytes < PAGE_BYTES)
        *reason = "a thread's share of the cache is smaller than a page";
    return bytes / LINE_BYTES * LINE_BYTES;
}

struct probes {
    struct probe *list; /* [n] of capacity */
    size_t n;
    struct roofs *roofs; /* has a row for each of them, and for those that cannot be */
};

/* One row, and the probe that will fill it unless there is a reason against it. */
static bool append(struct probes *ps, const struct roof_kernel *k, const struct kernel_variant *v,
                   const char *level, size_t threads, size_t bytes, const char *reason)
{
    struct roof_row *rows = realloc(ps->roofs->rows, (ps->roofs->n + 1) * sizeof *rows);
    if (!rows)
        return false;
    ps->roofs->rows = rows;
    rows[ps->roofs->n] = (struct roof_row){.name = k->name,
                                           .level = level,
                                           .isa = v->isa,
                                           .threads = threads,
                                           .value = NAN,
                                           .low = NAN,
                                           .high = NAN,
                                           .unit = k->unit,
                                           .reason = reason};
    if (!reason) {
        struct probe *list = realloc(ps->list, (ps->n + 1) * sizeof *list);
        if (!list)
            return false;
        ps->list = list;
        list[ps->n++] = (struct probe){
            .kind = k->kind, .fn = v->fn, .slice_bytes = bytes, .passes = 1, .row = ps->roofs->n};
    }
    ps->roofs->n++;
    return true;
}

static bool append_all(struct probes *ps, const struct machine *m, const struct roof_plan *plan,
                       size_t threads)
{
    bool all = true;
    for (int i = 0; i < N_KERNELS; i++)
        for (const struct kernel_variant *v = kernels[i].variants; v->isa; v++) {
            if (v->needs & ~plan->features ||
                (!plan->every_isa && v != kernel_pick(kernels[i].variants, plan->features)))
                continue;
            if (kernels[i].kind > TRIAD) {
                all &= append(ps, &kernels[i], v, NULL, threads, 0, NULL);
                continue;
            }
            for (int level = 0; level < N_LEVELS; level++) {
                const char *reason = NULL;
                size_t bytes = slice_bytes(m, (enum machine_level)level, threads, &reason);
                all &= append(ps, &kernels[i], v, machine_level_name((enum machine_level)level),
                              threads, bytes, reason);
            }
        }
    return all;
}

/* The rate of one sample.  The passes are doubled until a sample is long enough: also later on, for
 * a thread that lost its processor made an earlier one look long. */
static double sample(const struct arena *a, struct probe *p, double sample_s)
{
    double s;
    while ((s = time_passes(a, p, p->passes)) < sample_s / 2)
        p->passes *= 2;
    return (double)a->threads * (double)p->passes * work_of_pass(p) / s;
}

static void summarise(const struct probe *p, size_t n, struct roof_row *row)
{
    double samples[ROOF_MAX_REPETITIONS];
    memcpy(samples, p->samples, sizeof samples);
    row->value = median(samples, n); /* sorts */
    row->low = samples[0];
    row->high = samples[n - 1];
}

static enum status measure_threads(const struct machine *m, const struct roof_plan *plan, size_t k,
                                   size_t n_counts, struct progress *progress, struct roofs *roofs,
                                   struct err *err)
{
    size_t threads = plan->threads[k], largest = 1;
    struct probes ps = {.roofs = roofs};
    struct arena a = {.m = m, .threads = threads};
    enum status s;
    if (!append_all(&ps, m, plan, threads)) {
        s = status_fail(err, E_NOMEM, "roofs: no memory for the results");
        goto out;
    }
    for (size_t i = 0; i < ps.n; i++)
        largest = ps.list[i].slice_bytes > largest ? ps.list[i].slice_bytes : largest;
    s = arena_open(&a, largest, err);
    if (s)
        goto out;
    for (size_t i = 0; i < ps.n; i++) /* finds the passes, and warms caches and clock frequency */
        sample(&a, &ps.list[i], plan->sample_s);
    for (int r = 0; r < plan->repetitions; r++)
        for (size_t i = 0; i < ps.n; i++) {
            struct probe *p = &ps.list[i];
            p->samples[r] = sample(&a, p, plan->sample_s);
            double within = ((double)r + (double)i / (double)ps.n) / plan->repetitions;
            if (!progress_report(progress, ((double)k + within) / (double)n_counts,
                                 roofs->rows[p->row].name)) {
                s = status_fail(err, E_INTERRUPTED, "roofs: stopped");
                goto out;
            }
        }
    for (size_t i = 0; i < ps.n; i++)
        summarise(&ps.list[i], (size_t)plan->repetitions, &roofs->rows[ps.list[i].row]);
out:
    buffer_free(a.buffer, a.bytes);
    free(ps.list);
    return s;
}

static void unpin_all(const struct machine *m, size_t threads)
{
#pragma omp parallel num_threads((int)threads)
    machine_unpin(m);
}

static struct roof_plan plan_for(const struct machine *m, unsigned features)
{
    struct roof_plan plan = {.features = features, .threads = {1}};
    if (m->n_pus > 1)
        plan.threads[1] = m->n_pus;
    return plan;
}

struct roof_plan roof_plan_quick(const struct machine *m, unsigned features)
{
    struct roof_plan plan = plan_for(m, features);
    plan.repetitions = 7;
    plan.sample_s = 0.016;
    return plan;
}

struct roof_plan roof_plan_full(const struct machine *m, unsigned features)
{
    struct roof_plan plan = plan_for(m, features);
    plan.every_isa = true;
    plan.repetitions = 9;
    plan.sample_s = 0.03;
    return plan;
}

enum status roofs_measure(const struct machine *m, const struct roof_plan *plan,
                          struct progress *progress, struct roofs *out, struct err *err)
{
    struct roofs roofs = {0};
    enum status s = OK;
    size_t n = 0, most = 0;
    while (n < sizeof plan->threads / sizeof plan->threads[0] && plan->threads[n]) {
        most = plan->threads[n] > most ? plan->threads[n] : most;
        n++;
    }
    if (most > m->n_pus)
        return status_fail(err, E_USAGE, "%zu threads: this process may use 1 to %zu", most,
                           m->n_pus);
    for (size_t k = 0; k < n && !s; k++)
        s = measure_threads(m, plan, k, n, progress, &roofs, err);
    unpin_all(m, most);
    if (s)
        roofs_free(&roofs);
    else
        *out = roofs;
    return s;
}

void roofs_free(struct roofs *r)
{
    free(r->rows);
    *r = (struct roofs){0};
}

const struct roof_row *roofs_find(const struct roofs *r, const char *name, const char *level,
                                  size_t threads)
{
    const struct roof_row *best = NULL;
    for (const struct roof_row *row = r->rows; row < r->rows + r->n; row++)
        if (!row->reason && row->threads == threads && !strcmp(row->name, name) &&
            !level == !row->level && (!level || !strcmp(row->level, level)) &&
            (!best || row->value > best->value))
            best = row;
    return best;
}

static void roofs_add(const struct roofs *r, struct json *array)
{
    for (const struct roof_row *row = r->rows; row < r->rows + r->n; row++) {
        struct json *roof = json_add_object(array, NULL);
        json_add_string(roof, "name", row->name);
        json_add_string(roof, "level", row->level);
        json_add_string(roof, "isa", row->isa);
        json_add_u64(roof, "threads", row->threads);
        json_add_string(roof, "unit", row->unit);
        if (row->reason) {
            json_add_null(roof, "value");
            json_add_null(roof, "interval");
            json_add_string(roof, "reason", row->reason);
            continue;
        }
        json_add_number(roof, "value", row->value);
        struct json *interval = json_add_array(roof, "interval");
        json_add_number(interval, NULL, row->low);
        json_add_number(interval, NULL, row->high);
    }
}

void roofs_add_machine(const struct machine *m, const struct roofs *r, struct json *machine)
{
    char fingerprint[FINGERPRINT_SIZE];
    machine_fingerprint(m, fingerprint);
    json_add_string(machine, "fingerprint", fingerprint);
    machine_add_facts(m, json_add_object(machine, "facts"));
    roofs_add(r, json_add_array(machine, "roofs"));
}

enum status roof_control(unsigned features, size_t threads, size_t llc_bytes,
                         double *bytes_per_second, struct err *err)
{
    enum { LEAST = 3, MOST = 64 };
    static const double budget_s = 0.04;
    double rates[MOST], spent = 0;
    size_t n = 0;
    struct arena a = {.threads = threads};
    enum status s = arena_open(&a, dram_bytes(llc_bytes) / threads, err);
    if (s)
        return s;
    struct probe p = {.kind = READ,
                      .fn = kernel_pick(stream_read_variants, features)->fn,
                      .slice_bytes = a.stride_bytes};
    while (n < LEAST || (n < MOST && spent < budget_s)) {
        double seconds = time_passes(&a, &p, 1);
        rates[n++] = (double)threads * work_of_pass(&p) / seconds;
        spent += seconds;
    }
    *bytes_per_second = median(rates, n);
    buffer_free(a.buffer, a.bytes);
    return OK;
}
