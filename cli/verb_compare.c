#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare.h"
#include "bench/compare_live.h"
#include "bench/registry.h"
#include "bench/run_record.h"
#include "cli/build_info.h"
#include "cli/compare_table.h"
#include "cli/draw.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct compare_options {
    double margin, min_time_s;
    const char *format, *out, *preset;
    bool live, no_plots;
    size_t threads;
    uint64_t seed;
};

#define AT(member) offsetof(struct compare_options, member)
static const struct option_row options[] = {
    {"margin", OPTION_DOUBLE, "PERCENT", "difference that matters in practice (default: 3)",
     AT(margin), NULL},
    {"format", OPTION_CHOICE, NULL, "what is printed (default: text)", AT(format),
     "text|markdown|json"},
    {"live", OPTION_FLAG, NULL, "BASE and NEW are two builds of assay, measured in turns", AT(live),
     NULL},
    {"preset", OPTION_CHOICE, NULL, "what --live measures (default: quick)", AT(preset),
     "smoke|quick|full"},
    {"threads", OPTION_COUNT, "N", "threads of --live (default: the preset's)", AT(threads), NULL},
    {"min-time", OPTION_DOUBLE, "S", "seconds that a sample of --live takes (default: 0.05)",
     AT(min_time_s), NULL},
    {"seed", OPTION_U64, "N", "seed of the order of --live (default: 1)", AT(seed), NULL},
    {"out", OPTION_TEXT, "FILE", "write the compare document there, and draw it", AT(out), NULL},
    {"no-plots", OPTION_FLAG, NULL, "do not draw it", AT(no_plots), NULL},
    {0}};
#undef AT

const struct verb_help verb_compare_help = {
    "compare BASE NEW [PATTERN ...] [options]",
    "Says which cells of NEW are faster, slower or equivalent to those of BASE (two bench.json, "
    "or\n"
    "folders with one): Mann-Whitney's test over the rounds, Holm over the cells, and a verdict\n"
    "only when the whole interval of the ratio lies beyond the margin, or inside it.  10 rounds "
    "or\n"
    "more are wanted of each.  Bytes and errors are compared exactly.\n\n"
    "--live takes two programs instead, and interleaves their rounds: 12 pairs screen the cells\n"
    "that the patterns name, 40 fresh ones confirm what stood out.  The base is measured against\n"
    "itself in the same way, which tells this host's rate of false alarms.\n\n"
    "  assay compare results/monday results/tuesday --format markdown\n"
    "  assay compare --live build/before/assay build/after/assay quarot\n\n"
    "--out slower.json draws its figure into slower-plots, beside it.  The first Ctrl-C of --live\n"
    "judges the pairs that were done.\n\n"
    "Exit code 1 when a cell is slower, 130 after Ctrl-C.",
    options, WORD_FILE, NULL};

static enum status print(const struct json *document, const struct compare_options *o,
                         struct err *err)
{
    char *text = NULL;
    if (strcmp(o->format, "json")) {
        compare_table_print(document, !strcmp(o->format, "markdown"), stdout);
        return OK;
    }
    enum status s = json_print(document, true, &text, err);
    if (!s)
        puts(text);
    free(text);
    return s;
}

static enum status conclude(const struct context *context, const struct json *document,
                            const struct compare_options *o, struct err *err)
{
    double slower = json_get_number(json_get(document, "summary"), "slower", 0);
    bool text = !strcmp(o->format, "text"); /* another format is for a program to read */
    enum status s = print(document, o, err);
    if (!s && o->out)
        s = document_write(o->out, document, err);
    bool written = !s && o->out;
    if (!s && slower > 0)
        s = status_fail(err, E_FAILED, "%.0f of %zu cells are slower", slower,
                        json_size(json_get(document, "cells")));
    return written && !o->no_plots ? draw_document(context, o->out, text, s, err) : s;
}

static enum status compare_files(const char *base_path, const char *new_path, double margin,
                                 struct json *document, struct err *err)
{
    struct json *base = NULL, *new = NULL;
    enum status s = document_read_in(base_path, "bench", &base, err);
    if (!s)
        s = document_read_in(new_path, "bench", &new, err);
    if (!s)
        s = compare_stored(base, base_path, new, new_path, margin, document, err);
    json_free(base);
    json_free(new);
    return s;
}

static enum preset preset_of(const char *name)
{
    enum preset preset = PRESET_SMOKE;
    while (preset != PRESET_FULL && strcmp(preset_name(preset), name))
        preset++;
    return preset;
}

/* Both programs over the plan, once machine and stop are there. */
static enum status run_live(const struct context *context, const struct compare_options *o,
                            char *const *programs, const struct machine *machine,
                            const struct plan *plan, struct json *document, struct err *err)
{
    struct stop stop;
    enum status s = stop_open(&stop, err);
    if (s)
        return s;
    struct progress_bar bar = progress_bar_new(context, &stop);
    struct runner runner = {.program = programs[0],
                            .plan = plan,
                            .machine = machine,
                            .seed = o->seed,
                            .min_time_s = o->min_time_s,
                            .stop = &stop,
                            .progress = &bar.progress};
    s = compare_live(&runner, programs[1], o->margin / 100, document, err);
    progress_bar_end(&bar);
    stop_close(&stop);
    return s;
}

static enum status compare_builds(const struct context *context, const struct compare_options *o,
                                  char *const *words, size_t n, struct json *document,
                                  struct err *err)
{
    struct machine machine;
    struct plan plan = {0};
    int threads = (int)o->threads;
    enum status s = machine_read(&machine, err);
    if (s)
        return s;
    struct plan_request request = {.registry = registry,
                                   .patterns = (const char *const *)words + 2,
                                   .n_patterns = n - 2,
                                   .preset = preset_of(o->preset),
                                   .threads = &threads,
                                   .n_threads = threads > 0,
                                   .max_threads = (int)machine.n_pus};
    if (o->threads > machine.n_pus)
        s = status_fail(err, E_USAGE, "--threads: %zu, but this process may use %zu", o->threads,
                        machine.n_pus);
    for (size_t i = 0; i < 2 && !s; i++)
        if (access(words[i], X_OK))
            s = status_fail(err, E_NOINPUT, "%s: not a program that can be started", words[i]);
    if (!s)
        s = plan_make(&request, &plan, err);
    if (!s)
        s = run_live(context, o, words, &machine, &plan, document, err);
    plan_free(&plan);
    machine_free(&machine);
    return s;
}

enum status verb_compare(const struct context *context, int argc, char **argv, struct err *err)
{
    struct compare_options o = {
        .margin = 3, .format = "text", .preset = "quick", .min_time_s = 0.05, .seed = 1};
    struct run_record record;
    int words;
    bool helped;
    enum status s = options_parse(&verb_compare_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (o.live ? words < 2 : words != 2)
        return status_fail(err, E_USAGE, "compare needs two %s; 'assay compare --help'",
                           o.live ? "programs" : "results");
    if (!(o.min_time_s > 0))
        return status_fail(err, E_USAGE, "--min-time must be more than 0");
    if (!(o.margin > 0 && o.margin <= 100))
        return status_fail(err, E_USAGE, "--margin: %g is not a percentage above 0", o.margin);
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "compare");
    run_record_start(&record, &build_info, context->argc, context->argv, o.live ? o.seed : 0,
                     context->features);
    s = o.live ? compare_builds(context, &o, argv + 1, (size_t)words, document, err)
               : compare_files(argv[1], argv[2], o.margin / 100, document, err);
    run_record_add(&record, document, s ? "interrupted" : "complete");
    if (!s) {
        s = conclude(context, document, &o, err);
    } else if (s == E_INTERRUPTED && json_get(document, "cells")) {
        struct err late;
        enum status end = conclude(context, document, &o, &late);
        if (end && end != E_FAILED) /* it was interrupted, whatever the verdicts are */
            s = status_fail(err, end, "%s", late.text);
    }
    json_free(document);
    return s;
}
