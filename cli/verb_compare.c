#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare.h"
#include "bench/run_record.h"
#include "cli/build_info.h"
#include "cli/compare_table.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct compare_options {
    double margin;
    const char *format, *out;
};

#define AT(member) offsetof(struct compare_options, member)
static const struct option_row options[] = {
    {"margin", OPTION_DOUBLE, "PERCENT", "difference that matters in practice (default: 3)",
     AT(margin), NULL},
    {"format", OPTION_CHOICE, NULL, "what is printed (default: text)", AT(format),
     "text|markdown|json"},
    {"out", OPTION_TEXT, "FILE", "write the compare document there", AT(out), NULL},
    {0}};
#undef AT

static const struct verb_help help = {
    "compare BASE NEW [options]",
    "Says which cells of NEW are faster, slower or equivalent to those of BASE (two bench.json, "
    "or\n"
    "folders with one): Mann-Whitney's test over the rounds, Holm over the cells, and a verdict\n"
    "only when the whole interval of the ratio lies beyond the margin, or inside it.  10 rounds "
    "or\n"
    "more are wanted of each.  Bytes and errors are compared exactly.\n\n"
    "  assay compare results/monday results/tuesday --format markdown\n\n"
    "Exit code 1 when a cell is slower.",
    options};

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

static enum status conclude(const struct json *document, const struct compare_options *o,
                            struct err *err)
{
    double slower = json_get_number(json_get(document, "summary"), "slower", 0);
    enum status s = print(document, o, err);
    if (!s && o->out)
        s = document_write(o->out, document, err);
    if (!s && slower > 0)
        s = status_fail(err, E_FAILED, "%.0f of %zu cells are slower", slower,
                        json_size(json_get(document, "cells")));
    return s;
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

enum status verb_compare(const struct context *context, int argc, char **argv, struct err *err)
{
    struct compare_options o = {.margin = 3, .format = "text"};
    struct run_record record;
    int words;
    bool helped;
    enum status s = options_parse(&help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words != 2)
        return status_fail(err, E_USAGE, "compare needs two results; 'assay compare --help'");
    if (!(o.margin > 0 && o.margin <= 100))
        return status_fail(err, E_USAGE, "--margin: %g is not a percentage above 0", o.margin);
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "compare");
    run_record_start(&record, &build_info, context->argc, context->argv, 0, context->features);
    run_record_add(&record, document, "complete");
    s = compare_files(argv[1], argv[2], o.margin / 100, document, err);
    if (!s)
        s = conclude(document, &o, err);
    json_free(document);
    return s;
}
