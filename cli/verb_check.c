#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/checks.h"
#include "bench/machine.h"
#include "bench/registry.h"
#include "bench/roofs.h"
#include "bench/run_record.h"
#include "bench/thread_env.h"
#include "cli/build_info.h"
#include "cli/draw.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct check_options {
    const char *out;
    uint64_t seed;
    bool no_plots;
};

static const struct option_row options[] = {
    {"out", OPTION_TEXT, "DIR", "folder of check.json (default: results/<date>-<host>)",
     offsetof(struct check_options, out), NULL},
    {"seed", OPTION_U64, "N", "seed of every draw (default: 1)",
     offsetof(struct check_options, seed), NULL},
    {"no-plots", OPTION_FLAG, NULL, "do not draw the claims table",
     offsetof(struct check_options, no_plots), NULL},
    {0}};
const struct verb_help verb_check_help = {
    "check [TECHNIQUE ...] [options]",
    "Runs the claim checks of the techniques that the globs name (default: of all), each in a\n"
    "process of its own, and prints one line for each row: the paper's value, ours, the\n"
    "threshold, and the verdict.  Writes check.json; one of an earlier run is replaced.\n\n"
    "Exit code 1 when a row is an error, or not reproduced without a reason why.  A row with\n"
    "verdict 'direction' (the right sign, less than claimed) is no failure.",
    options, WORD_TECHNIQUE, NULL};

/* ---- Which techniques ---- */

/* The techniques that at least one glob names, in the registry's order; *out is owned. */
static enum status choose(char *const *globs, int n_globs, const struct technique ***out,
                          size_t *n_out, struct err *err)
{
    size_t n_registered = 0, n = 0;
    while (registry[n_registered].technique)
        n_registered++;
    const struct technique **chosen = malloc((n_registered + 1) * sizeof *chosen);
    bool *fits = calloc((size_t)n_globs + 1, sizeof *fits);
    enum status s = chosen && fits ? OK : status_fail(err, E_NOMEM, "check: out of memory");
    for (size_t i = 0; i < n_registered && !s; i++) {
        bool wanted = !n_globs;
        for (int g = 0; g < n_globs; g++)
            if (!fnmatch(globs[g], registry[i].technique->id, 0))
                wanted = fits[g] = true;
        if (wanted)
            chosen[n++] = registry[i].technique;
    }
    for (int g = 0; g < n_globs && !s; g++)
        if (!fits[g])
            s = status_fail(err, E_USAGE, "no technique '%s'; 'assay list' names them", globs[g]);
    free(fits);
    if (s) {
        free(chosen);
        return s;
    }
    *out = chosen;
    *n_out = n;
    return OK;
}

/* ---- What is printed ---- */

enum { CELL = 64 };

/* "43.8 dB", or "-" for what is null. */
static void print_value(const struct json *object, char text[CELL])
{
    const struct json *value = json_get(object, "value");
    const char *unit = json_get_string(object, "unit", "");
    if (json_type(value) == JSON_NUMBER)
        snprintf(text, CELL, "%.4g%s%s", json_number(value, 0), *unit ? " " : "", unit);
    else
        snprintf(text, CELL, "-");
}

static void print_threshold(const struct json *threshold, char text[CELL])
{
    const struct json *low = json_get(threshold, "low"), *high = json_get(threshold, "high");
    bool has_low = json_type(low) == JSON_NUMBER, has_high = json_type(high) == JSON_NUMBER;
    if (has_low && has_high)
        snprintf(text, CELL, "%.4g..%.4g", json_number(low, 0), json_number(high, 0));
    else if (has_low)
        snprintf(text, CELL, ">= %.4g", json_number(low, 0));
    else if (has_high)
        snprintf(text, CELL, "<= %.4g", json_number(high, 0));
    else
        snprintf(text, CELL, "-");
}

static void print_line(const char *technique, const char *row, const char *paper, const char *ours,
                       const char *threshold, const char *verdict)
{
    printf("%-20s %-28s %20s %20s %20s  %s", technique, row, paper, ours, threshold, verdict);
}

static void print_row(void *user, const struct json *row)
{
    (void)user;
    char paper[CELL], ours[CELL], threshold[CELL];
    print_value(json_get(row, "paper"), paper);
    print_value(json_get(row, "measured"), ours);
    print_threshold(json_get(row, "threshold"), threshold);
    print_line(json_get_string(row, "technique", ""), json_get_string(row, "row", ""), paper, ours,
               threshold, json_get_string(row, "verdict", ""));
    const char *reason = json_get_string(row, "reason", NULL);
    const char *explained = json_get_string(row, "explained", NULL);
    if (reason)
        printf(": %s", reason);
    if (explained)
        printf(" (expected: %s)", explained);
    printf("\n");
    fflush(stdout);
}

static bool print_progress(struct progress *self, double done, const char *what)
{
    (void)self;
    fprintf(stderr, "assay: check: %3.0f %%: %s\n", 100 * done, what);
    return true;
}

/* "12 rows: 9 reproduced, 1 direction, 2 skipped"; returns how many rows fail. */
static size_t print_summary(const struct json *checks)
{
    static const char *const verdicts[] = {"reproduced", "direction", "not-reproduced", "skipped",
                                           "error"};
    size_t failures = 0;
    const char *before = ": ";
    printf("%zu rows", json_size(checks));
    for (size_t v = 0; v < sizeof verdicts / sizeof verdicts[0]; v++) {
        size_t n = 0;
        for (const struct json *r = json_first(checks); r; r = json_next(r))
            n += !strcmp(json_get_string(r, "verdict", ""), verdicts[v]);
        if (n) {
            printf("%s%zu %s", before, n, verdicts[v]);
            before = ", ";
        }
    }
    for (const struct json *r = json_first(checks); r; r = json_next(r))
        failures += check_row_fails(r);
    printf("\n");
    return failures;
}

/* ---- The document ---- */

static enum status write_document(const struct run_record *run, const struct machine *m,
                                  const char *folder, struct json *checks, struct json *summary,
                                  bool whole, struct err *err)
{
    char path[4096];
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "check");
    run_record_add(run, document, whole ? "complete" : "interrupted");
    roofs_add_machine(m, &(struct roofs){0}, json_add_object(document, "machine"));
    json_add(document, "checks", checks);
    json_add(document, "techniques", summary);
    enum status s = OK;
    if (snprintf(path, sizeof path, "%s/check.json", folder) >= (int)sizeof path)
        s = status_fail(err, E_CANTCREATE, "%s: the path is too long", folder);
    if (!s)
        s = document_write(path, document, err);
    if (!s)
        printf("written: %s\n", path);
    json_free(document);
    return s;
}

/* What is left to do when the rows are there; takes checks and summary. */
static enum status conclude(const struct run_record *record, const struct machine *m,
                            const char *folder, struct json *checks, struct json *summary,
                            bool whole, struct err *err)
{
    size_t failures = print_summary(checks), rows = json_size(checks);
    enum status s = write_document(record, m, folder, checks, summary, whole, err);
    if (!s && whole && failures)
        s = status_fail(err, E_FAILED, "%zu of %zu rows fail", failures, rows);
    return s;
}

/* All after the words are understood. */
static enum status run(const struct context *context, const struct check_options *o,
                       const struct technique *const *techniques, size_t n, struct err *err)
{
    struct machine m = {0};
    struct thread_env env;
    struct stop stop;
    struct run_record record;
    char by_date[512];
    const char *folder = o->out;
    struct progress progress = {print_progress};
    struct json *checks = json_new_array(), *summary = json_new_array();
    enum status s = machine_read(&m, err);
    if (s)
        goto out;
    s = thread_env_make(&m, m.n_pus, &env, err);
    if (s)
        goto out;
    run_record_start(&record, &build_info, context->argc, context->argv, o->seed,
                     context->features);
    run_record_folder(&record, by_date, sizeof by_date);
    if (!folder)
        folder = by_date;
    s = document_make_folder(folder, err); /* before minutes of work, not after */
    if (s)
        goto out;
    s = stop_open(&stop, err);
    if (s)
        goto out;
    struct checks_job job = {.program = context->program,
                             .env = env.names,
                             .threads = (int)m.n_pus,
                             .llc_bytes = m.llc_bytes,
                             .seed = o->seed,
                             .grace_s = 20,
                             .stop = &stop,
                             .progress = &progress,
                             .on_row = print_row};
    print_line("technique", "row", "paper", "ours", "threshold", "verdict\n");
    s = checks_run(&job, techniques, n, checks, summary, err);
    stop_close(&stop);
    if (!s || s == E_INTERRUPTED) {
        struct err late;
        enum status end = conclude(&record, &m, folder, checks, summary, !s, &late);
        checks = summary = NULL;
        if (end)
            s = status_fail(err, end, "%s", late.text);
        if ((!end || end == E_FAILED) && !o->no_plots)
            s = draw_after_run(context, folder, s, err);
    }
out:
    json_free(checks);
    json_free(summary);
    machine_free(&m);
    return s;
}

enum status verb_check(const struct context *context, int argc, char **argv, struct err *err)
{
    struct check_options o = {.seed = 1};
    const struct technique **techniques = NULL;
    size_t n = 0;
    int words;
    bool helped;
    enum status s = options_parse(&verb_check_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    s = choose(argv + 1, words, &techniques, &n, err);
    if (!s)
        s = run(context, &o, techniques, n, err);
    free(techniques);
    return s;
}
