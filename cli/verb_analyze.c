#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyses/analysis.h"
#include "bench/machine.h"
#include "bench/run_record.h"
#include "bench/stop.h"
#include "cli/analysis_help.h"
#include "cli/build_info.h"
#include "cli/draw.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct analyze_options {
    const char *own[ANALYSIS_OPTIONS]; /* values of its own options, in the order of its table */
    bool own_flag[ANALYSIS_OPTIONS];   /* those of them that take no argument */
    const char *out;
    uint64_t seed;
    size_t threads;
    bool no_plots;
};

/* The options of every analysis, after its own. */
static const struct option_row shared_options[] = {
    {"out", OPTION_TEXT, "DIR", "folder of analysis-NAME.json (default: results/<date>-<host>)",
     offsetof(struct analyze_options, out), NULL},
    {"seed", OPTION_U64, "N", "seed of every draw (default: 1)",
     offsetof(struct analyze_options, seed), NULL},
    {"threads", OPTION_COUNT, "N", "threads to use (default: all)",
     offsetof(struct analyze_options, threads), NULL},
    {"no-plots", OPTION_FLAG, NULL, "do not draw figures or write the report",
     offsetof(struct analyze_options, no_plots), NULL},
    {0}};
_Static_assert(sizeof shared_options / sizeof shared_options[0] == ANALYSIS_SHARED_ROWS,
               "struct analysis_help has room for them");

static const struct option_row no_options[] = {{0}};
const struct verb_help verb_analyze_help = {
    "analyze NAME INPUT ... [options]",
    "Looks inside checkpoints: .safetensors, .npy, an index of shards, or a folder of them.\n"
    "'assay analyze NAME --help' tells about one analysis; 'assay list analyses' names them.",
    no_options, WORD_ANALYSIS, NULL};

static const struct analysis *find(const char *name)
{
    for (const struct analysis *const *a = analyses; *a; a++)
        if (!strcmp((*a)->name, name))
            return *a;
    return NULL;
}

void analysis_help_make(const struct analysis *a, struct analysis_help *out)
{
    size_t n = 0;
    for (const struct analysis_option *o = a->options; o->name; o++, n++)
        out->rows[n] = (struct option_row){
            o->name,
            o->argument ? OPTION_TEXT : OPTION_FLAG,
            o->argument,
            o->help,
            o->argument ? offsetof(struct analyze_options, own) + n * sizeof(const char *)
                        : offsetof(struct analyze_options, own_flag) + n * sizeof(bool),
            NULL};
    memcpy(out->rows + n, shared_options, sizeof shared_options);
    snprintf(out->usage, sizeof out->usage, "analyze %s INPUT ... [options]", a->name);
    out->help = (struct verb_help){out->usage, a->help, out->rows, WORD_FILE, NULL};
}

static enum status check_threads(size_t threads, struct err *err)
{
    struct machine m;
    enum status s = threads ? machine_read(&m, err) : OK;
    if (s || !threads)
        return s;
    if (threads > m.n_pus)
        s = status_fail(err, E_USAGE, "--threads: %zu, but this process may use %zu", threads,
                        m.n_pus);
    machine_free(&m);
    return s;
}

/* Of quant-error --allocate. */
static void print_allocation(const struct json *allocation)
{
    const struct json *m = json_first(json_get(allocation, "measured"));
    if (!allocation)
        return;
    printf("bits shared out, %g on average (%.4g in whole bits): %.3g bits saved are predicted\n",
           json_get_number(allocation, "average_bits", 0),
           json_get_number(allocation, "whole_bits", 0),
           json_get_number(allocation, "saved_bits", 0));
    for (; m; m = json_next(m))
        printf("%-14s %-14s %6.0f: R %.3g, %.3g with flat bits: %.3g bits saved\n",
               json_get_string(m, "format", ""), json_get_string(m, "scaling", ""),
               json_get_number(m, "block", 0), json_get_number(m, "r", 0),
               json_get_number(m, "flat_r", 0), json_get_number(m, "saved_bits", 0));
}

/* summary.text, line by line; a name in it must not command the terminal. */
static void print_text(const struct json *document)
{
    const struct json *lines = json_get(json_get(document, "summary"), "text");
    for (const struct json *line = json_first(lines); line; line = json_next(line)) {
        for (const char *c = json_string(line, ""); *c; c++)
            putchar((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
        putchar('\n');
    }
}

static void print_summary(const struct json *document)
{
    print_text(document);
    const struct json *table = json_get(json_get(document, "summary"), "formats");
    if (!table)
        return;
    printf("%-14s %-14s %6s %8s %10s %9s  %s\n", "format", "scaling", "block", "bits", "R",
           "SQNR dB", "worst tensor");
    for (const struct json *f = json_first(table); f; f = json_next(f))
        printf("%-14s %-14s %6.0f %8.4f %10.3g %9.2f  %s\n", json_get_string(f, "format", ""),
               json_get_string(f, "scaling", ""), json_get_number(f, "block", 0),
               json_get_number(f, "bits", 0), json_get_number(f, "r", 0),
               json_get_number(f, "sqnr_db", 0), json_get_string(f, "worst_tensor", ""));
    print_allocation(json_get(json_get(document, "summary"), "allocation"));
}

static enum status write_document(const struct analysis *a, const struct run_record *record,
                                  const char *folder, struct json *document, struct err *err)
{
    char *path;
    run_record_add(record, document, "complete");
    enum status s = document_make_folder(folder, err);
    if (s)
        return s;
    if (asprintf(&path, "%s/analysis-%s.json", folder, a->name) < 0)
        return status_fail(err, E_NOMEM, "no memory for a path in %s", folder);
    s = document_write(path, document, err);
    if (!s) {
        print_summary(document);
        printf("written: %s\n", path);
    }
    free(path);
    return s;
}

/* The analysis alone, with progress and interrupts; what it read goes to standard error. */
static enum status analyse(const struct context *context, const struct analysis *a,
                           struct analysis_request *request, struct json *document, struct err *err)
{
    struct stop stop;
    struct timespec begin, end;
    enum status s = stop_open(&stop, err); /* before OpenMP starts its threads */
    if (s)
        return s;
    struct progress_bar bar = progress_bar_new(context, &stop);
    request->progress = &bar.progress;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    s = a->run(a, request, document, err);
    clock_gettime(CLOCK_MONOTONIC, &end);
    progress_bar_end(&bar);
    stop_close(&stop);
    if (!s) {
        double seconds =
            (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        double mb = json_get_number(json_get(document, "summary"), "bytes", 0) / 1e6;
        if (mb > 0)
            fprintf(stderr, "assay: %s: %.4g MB in %.3g s (%.4g MB/s)\n", a->name, mb, seconds,
                    mb / seconds);
        else
            fprintf(stderr, "assay: %s: %.3g s\n", a->name, seconds);
    }
    return s;
}

static enum status run(const struct context *context, const struct analysis *a,
                       const struct analyze_options *o, const char *const *inputs, size_t n_inputs,
                       struct err *err)
{
    char by_date[PATH_MAX];
    struct run_record record;
    run_record_start(&record, &build_info, context->argc, context->argv, o->seed,
                     context->features);
    run_record_folder(&record, by_date, sizeof by_date);
    struct analysis_request request = {.inputs = inputs,
                                       .n_inputs = n_inputs,
                                       .options = o->own,
                                       .features = context->features,
                                       .threads = (int)o->threads,
                                       .seed = o->seed};
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "analysis");
    json_add_string(document, "analysis", a->name);
    const char *folder = o->out ? o->out : by_date;
    enum status s = document_check_folder(folder, err); /* before minutes of work, not after */
    if (!s)
        s = analyse(context, a, &request, document, err);
    if (!s)
        s = write_document(a, &record, folder, document, err);
    json_free(document);
    if (!s && !o->no_plots)
        s = draw_after_run(context, folder, s, err);
    return s;
}

enum status verb_analyze(const struct context *context, int argc, char **argv, struct err *err)
{
    struct analysis_help help;
    struct analyze_options o = {.seed = 1};
    int words;
    bool helped;
    const struct analysis *a = argc > 1 && argv[1][0] != '-' ? find(argv[1]) : NULL;
    if (!a && argc > 1 && argv[1][0] != '-')
        return status_fail(err, E_USAGE, "no analysis '%s'; 'assay list analyses' names them",
                           argv[1]);
    if (!a) {
        enum status s = options_parse(&verb_analyze_help, argc, argv, &o, &words, &helped, err);
        if (s || helped)
            return s;
        return status_fail(err, E_USAGE,
                           "analyze needs an analysis; 'assay list analyses' names them");
    }
    for (size_t i = 0; a->options[i].name; i++)
        o.own[i] = a->options[i].otherwise;
    analysis_help_make(a, &help);
    enum status s = options_parse(&help.help, argc - 1, argv + 1, &o, &words, &helped, err);
    if (!s && !helped)
        s = check_threads(o.threads, err);
    if (s || helped)
        return s;
    for (size_t i = 0; a->options[i].name; i++)
        if (o.own_flag[i])
            o.own[i] = "yes";
    return run(context, a, &o, (const char *const *)argv + 2, (size_t)words, err);
}
