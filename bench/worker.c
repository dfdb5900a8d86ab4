#include "bench/worker.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/count_job.h"
#include "bench/records.h"
#include "bench/roofs.h"
#include "bench/weights.h"
#include "numerics/cpu.h"

enum { MAX_JOB_BYTES = 1 << 20, MAX_THREADS = 1 << 16 };

void worker_die_with_parent(void)
{
    pid_t parent = getppid();
    signal(SIGPIPE, SIG_DFL);
    /* A parent that died before the call is noticed here, or by the signal that the first reply
     * raises: nobody reads it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        raise(SIGKILL);
}

static enum status read_job(int fd, struct json **job, struct err *err)
{
    char *bytes = malloc(MAX_JOB_BYTES);
    if (!bytes)
        return status_fail(err, E_NOMEM, "worker: out of memory");
    size_t n = 0;
    ssize_t got;
    do {
        got = read(fd, bytes + n, MAX_JOB_BYTES - n);
        if (got > 0)
            n += (size_t)got;
    } while (n < MAX_JOB_BYTES && (got > 0 || (got < 0 && errno == EINTR)));
    enum status s = json_parse(bytes, n, "worker: job", job, err);
    free(bytes);
    return s;
}

/* Sends one line, and frees it. */
static enum status reply(int fd, struct json *line, struct err *err)
{
    char *text = NULL;
    enum status s = json_print(line, false, &text, err);
    if (!s) {
        size_t n = strlen(text), done = 0;
        text[n++] = '\n'; /* in the place of the NUL */
        while (!s && done < n) {
            ssize_t wrote = write(fd, text + done, n - done);
            if (wrote > 0)
                done += (size_t)wrote;
            else if (errno != EINTR)
                s = status_fail(err, E_IO, "worker: reply: %s", strerror(errno));
        }
    }
    free(text);
    json_free(line);
    return s;
}

static enum status read_threads(const struct json *job, int *threads, struct err *err)
{
    double n = json_get_number(job, "threads", 0);
    if (!(n >= 1 && n <= MAX_THREADS))
        return status_fail(err, E_USAGE, "worker: threads is %g, not 1 to %d", n, MAX_THREADS);
    *threads = (int)n;
    return OK;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Blocks ---- */

/* One variant of the block, with its start and its outcome told.  data: of seeded cells, of those
 * on the user's weights. */
static enum status run_cell(const struct worker *w, const struct block *b, const struct variant *v,
                            const struct data_record *data, struct err *err)
{
    struct json *start = json_new_object(), *end = json_new_object();
    struct cell cell;
    json_add_string(start, "start", v->name);
    enum status s = reply(w->out, start, err);
    if (!s) {
        measure_cell(b, v, &cell);
        json_add(end, "cell", cell_record(&cell, &data[cell.weights_taken]));
        cell_free(&cell);
        s = reply(w->out, end, err);
    } else {
        json_free(end);
    }
    return s;
}

static enum status find_cells(const struct technique *technique, const struct json *job,
                              struct block *b, struct err *err)
{
    const char *task = json_get_string(job, "task", ""), *name = json_get_string(job, "case", "");
    b->task = technique_task(technique, task);
    if (!b->task)
        return status_fail(err, E_USAGE, "worker: %s has no task '%s'", technique->id, task);
    b->c = task_case(b->task, name);
    if (!b->c)
        return status_fail(err, E_USAGE, "worker: %s/%s has no case '%s'", technique->id, task,
                           name);
    for (const struct json *v = json_first(json_get(job, "variants")); v; v = json_next(v))
        if (!task_variant(b->task, json_string(v, "")))
            return status_fail(err, E_USAGE, "worker: %s/%s has no variant '%s'", technique->id,
                               task, json_string(v, ""));
    return OK;
}

/* The read bandwidth of memory beside the cells: taken amid them, so that it is near to each. */
struct control {
    double bytes_per_second; /* NaN: not known */
    struct err reason;
};

static void take_control(const struct block *b, struct control *control)
{
    if (!b->llc_bytes)
        status_fail(&control->reason, E_SKIP, "the size of the last-level cache is not known");
    else
        roof_control(b->features, (size_t)b->threads, b->llc_bytes, &control->bytes_per_second,
                     &control->reason);
}

/* All cells, and the control when the job asks for it. */
static enum status run_cells(const struct worker *w, const struct block *b, const struct json *job,
                             const struct data_record *data, struct control *control,
                             struct err *err)
{
    const struct json *variants = json_get(job, "variants");
    size_t i = 0, middle = json_size(variants) / 2;
    enum status s = OK;
    for (const struct json *v = json_first(variants); v && !s; v = json_next(v), i++) {
        if (i == middle && json_bool(json_get(job, "control"), false))
            take_control(b, control);
        s = run_cell(w, b, task_variant(b->task, json_string(v, "")), data, err);
    }
    return s;
}

static enum status run_block(const struct worker *w, const struct technique *technique,
                             const struct json *job, struct err *err)
{
    struct block b = {.features = w->features,
                      .seed = json_u64(json_get(job, "seed"), 0),
                      .llc_bytes = (size_t)json_u64(json_get(job, "llc_bytes"), 0),
                      .iterations = (size_t)json_u64(json_get(job, "iterations"), 0),
                      .min_time_s = json_get_number(job, "min_time_s", 0)};
    struct weights weights = {0};
    const char *spec = json_get_string(job, "weights", NULL);
    enum status s = read_threads(job, &b.threads, err);
    if (!s)
        s = find_cells(technique, job, &b, err);
    if (!s && spec)
        s = weights_open(spec, &weights, err);
    if (s)
        return s;
    b.weights = weights.tensor;
    const struct data_record data[] = {
        {"seeded", block_data_hash(&b, false), b.seed},
        {weights.name, spec ? block_data_hash(&b, true) : 0, b.seed}};
    struct control control = {NAN, {{0}}};
    s = run_cells(w, &b, job, data, &control, err);
    weights_close(&weights);
    if (s)
        return s;
    struct json *line = json_new_object(), *block = json_add_object(line, "block");
    json_add_number(block, "control_bytes_per_second", control.bytes_per_second);
    if (control.reason.text[0])
        json_add_string(block, "control_reason", control.reason.text);
    json_add_number(block, "own_cpu_s", seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    return reply(w->out, line, err);
}

/* ---- Counting ---- */

static enum status run_count(const struct worker *w, const struct technique *technique,
                             const struct json *job, struct err *err)
{
    struct block b = {.seed = json_u64(json_get(job, "seed"), 0),
                      .llc_bytes = (size_t)json_u64(json_get(job, "llc_bytes"), 0)};
    const struct json *variants = json_get(job, "variants");
    enum status s = read_threads(job, &b.threads, err);
    if (!s)
        s = find_cells(technique, job, &b, err);
    if (!s)
        s = cpu_at_most(json_get_string(job, "isa", NULL), w->features, &b.features, err);
    if (!s && json_size(variants) != 1)
        s = status_fail(err, E_USAGE, "worker: a count is of one variant");
    if (s)
        return s;
    struct json *line = json_new_object();
    s = count_job_run(&b, task_variant(b.task, json_string(json_first(variants), "")), job,
                      json_add_object(line, "count"), err);
    if (!s)
        return reply(w->out, line, err);
    json_free(line);
    return s;
}

/* ---- Checks ---- */

/* Where the rows of a check go. */
struct row_sender {
    const struct worker *worker;
    uint64_t seed;
    double last_s; /* when the row before was known */
    size_t rows;
    enum status status; /* of the first reply that failed */
    struct err *err;
};

static void send_row(struct check *check, const struct check_result *row)
{
    struct row_sender *to = check->row_user;
    double now = seconds_of(CLOCK_MONOTONIC);
    struct json *line = json_new_object();
    json_add(line, "check", check_record(check->technique->id, row, now - to->last_s, to->seed));
    if (!to->status)
        to->status = reply(to->worker->out, line, to->err);
    else
        json_free(line);
    to->last_s = seconds_of(CLOCK_MONOTONIC);
    to->rows++;
}

static enum status run_check(const struct worker *w, const struct technique *technique,
                             const struct json *job, struct err *err)
{
    struct row_sender sender = {.worker = w,
                                .seed = json_u64(json_get(job, "seed"), 0),
                                .last_s = seconds_of(CLOCK_MONOTONIC),
                                .err = err};
    struct check_clock clock = {.llc_bytes = (size_t)json_u64(json_get(job, "llc_bytes"), 0)};
    struct check check = {.technique = technique,
                          .rng = {sender.seed},
                          .features = w->features,
                          .data_dir = w->data_dir,
                          .clock = &clock,
                          .on_row = send_row,
                          .row_user = &sender};
    enum status s = read_threads(job, &clock.threads, err);
    if (s)
        return s;
    check_run(&check);
    s = sender.status;
    if (!s && check.out_of_memory)
        s = status_fail(err, E_NOMEM, "out of memory: a row was lost");
    check_free(&check);
    if (s)
        return s;
    struct json *line = json_new_object();
    json_add_u64(json_add_object(line, "end"), "rows", sender.rows);
    return reply(w->out, line, err);
}

enum status worker_run(const struct worker *w, struct err *err)
{
    struct json *job = NULL;
    enum status s = read_job(w->in, &job, err);
    if (s)
        return s;
    const char *kind = json_get_string(job, "job", ""), *id = json_get_string(job, "technique", "");
    const struct registry_row *row = registry_find_in(w->techniques, id);
    if (!row)
        s = status_fail(err, E_USAGE, "worker: no technique '%s'", id);
    else if (!strcmp(kind, "block"))
        s = run_block(w, row->technique, job, err);
    else if (!strcmp(kind, "count"))
        s = run_count(w, row->technique, job, err);
    else if (!strcmp(kind, "check"))
        s = run_check(w, row->technique, job, err);
    else
        s = status_fail(err, E_USAGE, "worker: no job '%s'", kind);
    json_free(job);
    return s;
}
