#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"
#include "datasets/document.h"
#include "datasets/export.h"

struct export_options {
    const char *to, *out;
};

static const struct option_row options[] = {
    {"to", OPTION_CHOICE, NULL, "the form", offsetof(struct export_options, to),
     "google-benchmark|csv|markdown"},
    {"out", OPTION_TEXT, "FILE", "write there (default: to standard output)",
     offsetof(struct export_options, out), NULL},
    {0}};
const struct verb_help verb_export_help = {
    "export RESULTS --to google-benchmark|csv|markdown [options]",
    "Prints bench.json (a file, or a folder with it) in a form that other tools read: the JSON of\n"
    "Google Benchmark (its compare.py, CI dashboards), a row a sample, or tables for a web "
    "page.\n\n"
    "  assay export results/monday --to google-benchmark --out monday.json",
    options, WORD_FILE, NULL};

static enum export_format format_of(const char *word)
{
    return !strcmp(word, "csv")        ? EXPORT_CSV
           : !strcmp(word, "markdown") ? EXPORT_MARKDOWN
                                       : EXPORT_GOOGLE_BENCHMARK;
}

enum status verb_export(const struct context *context, int argc, char **argv, struct err *err)
{
    (void)context;
    struct export_options o = {0};
    struct json *bench = NULL;
    char *text = NULL;
    int words;
    bool helped;
    enum status s = options_parse(&verb_export_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words != 1 || !o.to)
        return status_fail(err, E_USAGE,
                           "export needs one result and --to FORM; 'assay export --help'");
    s = document_read_in(argv[1], "bench", &bench, err);
    if (!s)
        s = export_print(bench, format_of(o.to), &text, err);
    if (!s && o.out)
        s = document_write_bytes(o.out, text, strlen(text), err);
    else if (!s)
        fputs(text, stdout);
    free(text);
    json_free(bench);
    return s;
}
