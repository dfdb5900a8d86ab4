#include "tests/faulty.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/technique.h"
#include "numerics/buffer.h"

static void run_ok(struct trial *t, size_t n)
{
    volatile double sum = 0;
    for (size_t i = 0; i < 1000 * n; i++)
        sum = sum + 1;
    (void)t;
}

static void run_segfault(struct trial *t, size_t n)
{
    (void)n;
    *(volatile int *)t->state = 1; /* NULL */
}

static void run_abort(struct trial *t, size_t n)
{
    (void)t, (void)n;
    fprintf(stderr, "an invariant does not hold\n");
    abort();
}

static void run_killed(struct trial *t, size_t n)
{
    (void)t, (void)n;
    raise(SIGKILL);
}

static void run_hang(struct trial *t, size_t n)
{
    (void)t, (void)n;
    for (;;)
        pause();
}

static void run_flood(struct trial *t, size_t n)
{
    char line[1024];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 1024 && !t->items_done; i++) {
        fwrite(line, 1, sizeof line, stdout);
        fwrite(line, 1, sizeof line, stderr);
    }
    fflush(stdout);
    t->items_done += (double)n;
}

/* The first run alone: one process that keeps every descriptor open. */
static void run_orphans(struct trial *t, size_t n)
{
    if (!t->items_done && fork() == 0)
        for (;;)
            pause();
    t->items_done += (double)n;
}

/* Buffers until there are no more, under a limit that keeps the machine out of it. */
static enum status exhaust_memory(struct err *err)
{
    enum { PIECE = 16 << 20, PIECES = 64 };
    struct rlimit before, limit;
    void *pieces[PIECES];
    size_t n = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%zu", &pages) != 1 || getrlimit(RLIMIT_AS, &before))
        abort();
    fclose(f);
    limit = before;
    limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + 4 * (size_t)PIECE;
    setrlimit(RLIMIT_AS, &limit);
    while (n < PIECES && (pieces[n] = buffer_alloc(PIECE)))
        n++;
    for (size_t i = 0; i < n; i++)
        buffer_free(pieces[i], PIECE);
    setrlimit(RLIMIT_AS, &before);
    return status_fail(err, E_NOMEM, "out of memory after %zu buffers", n);
}

static enum status prepare(struct trial *t, struct err *err)
{
    if (!strcmp(t->v->name, "skipped"))
        return status_fail(err, E_SKIP, "this machine lacks what it needs");
    if (!strcmp(t->v->name, "oom"))
        return exhaust_memory(err);
    t->footprint_bytes = 4096;
    return OK;
}

static void fidelity(struct trial *t)
{
    const char *name = t->v->name;
    if (strcmp(name, "unchecked"))
        trial_correctness(t, "distance",
                          !strcmp(name, "wrong") ? 2
                          : !strcmp(name, "nan") ? NAN
                                                 : 0.5,
                          1);
    trial_fidelity(t, NULL, "sqnr_db", 30, "fp64-exact", 0);
    trial_fidelity(t, "codebook", "worst", INFINITY, "fp64-exact", 1);
}

static struct work work(const struct trial *t)
{
    (void)t;
    return (struct work){.flops = 1000,
                         .bytes_read = 4000,
                         .bytes_written = 96,
                         .items = 1,
                         .unit = "token",
                         .roof = ROOF_DRAM_READ};
}

static void release(struct trial *t)
{
    (void)t;
}

static const struct variant variants[] = {
    {"ok", "does as it should", run_ok, HEADLINE, {{0}}},
    {"segfault", "writes to nowhere", run_segfault, HEADLINE, {{0}}},
    {"abort", "aborts with a word", run_abort, HEADLINE, {{0}}},
    {"oom", "finds no memory", run_ok, HEADLINE, {{0}}},
    {"killed", "is killed from outside", run_killed, HEADLINE, {{0}}},
    {"hang", "never ends", run_hang, HEADLINE, {{0}}},
    {"flood", "prints a lot", run_flood, HEADLINE, {{0}}},
    {"orphans", "leaves a process", run_orphans, HEADLINE, {{0}}},
    {"wrong", "beyond its bound", run_ok, HEADLINE, {{0}}},
    {"nan", "not a number", run_ok, HEADLINE, {{0}}},
    {"unchecked", "reports no correctness", run_ok, HEADLINE, {{0}}},
    {"skipped", "cannot run here", run_ok, HEADLINE, {{0}}},
    {0}};
static const struct matrix_case cases[] = {{"any", QUICK | SMOKE | CACHE, {{"size", 1000}}}, {0}};
static const struct task tasks[] = {
    {"faults", variants, cases, prepare, work, fidelity, release, NULL}, {0}};

/* A row that is reproduced when measured lies in 1..2; no effect is 0. */
static void row(struct check *check, const char *name, double measured, const char *explained)
{
    struct claim claim = {.row = name,
                          .kind = CLAIM_EXACT,
                          .text = "the value lies between one and two",
                          .paper = {1.5, "x", "table 1"},
                          .measured = measured,
                          .unit = "x",
                          .low = 1,
                          .high = 2,
                          .no_effect = 0,
                          .explained = explained};
    check_row(check, &claim);
}

static void check_every_verdict(struct check *check)
{
    static const char *const names[] = {"ok"};
    double ns = 0;
    struct err err = {{0}};
    row(check, "a.reproduced", 1.5, NULL);
    row(check, "b.direction", 0.5, NULL);
    row(check, "c.not-reproduced", -1, NULL);
    row(check, "d.explained", -1, "this scale is too small to show it");
    row(check, "e.error", NAN, NULL);
    check_skip(check, "f.skipped", CLAIM_STATISTICAL, "needs a model", "no model was given");
    row(check, "g.timed",
        check_time(check, "faults", "any", names, 1, &ns, &err) || !(ns > 0) ? 0 : 1, NULL);
}

static void check_crash(struct check *check)
{
    row(check, "a.before-the-crash", 1.5, NULL);
    fprintf(stderr, "about to crash\n");
    abort();
}

static void check_hang(struct check *check)
{
    row(check, "a.before-the-hang", 1.5, NULL);
    for (;;)
        pause();
}

static void check_silent(struct check *check)
{
    (void)check;
}

static const struct technique faulty = {.id = "faulty",
                                        .title = "Everything that goes wrong",
                                        .source = "this file",
                                        .claim = "a fault costs only itself",
                                        .tasks = tasks,
                                        .check = check_every_verdict,
                                        .check_seconds = 0.1};
static const struct technique crash = {.id = "faulty-crash",
                                       .title = "A check that crashes",
                                       .source = "this file",
                                       .claim = "a crash costs only its own check",
                                       .tasks = tasks,
                                       .check = check_crash,
                                       .check_seconds = 0.01};
static const struct technique hang = {.id = "faulty-hang",
                                      .title = "A check that hangs",
                                      .source = "this file",
                                      .claim = "a check that hangs is ended",
                                      .tasks = tasks,
                                      .check = check_hang,
                                      .check_seconds = 0.01};
static const struct technique silent = {.id = "faulty-silent",
                                        .title = "A check that says nothing",
                                        .source = "this file",
                                        .claim = "silence is no success",
                                        .tasks = tasks,
                                        .check = check_silent,
                                        .check_seconds = 0.01};

const struct registry_row faulty_techniques[] = {
    {"formats", &faulty}, {"formats", &crash}, {"formats", &hang}, {"formats", &silent}, {0}};
