#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bench/merge.h"
#include "cli/draw.h"
#include "cli/verbs.h"
#include "datasets/document.h"

struct merge_options {
    bool no_plots;
};

static const struct option_row options[] = {{"no-plots", OPTION_FLAG, NULL,
                                             "do not draw plots and report",
                                             offsetof(struct merge_options, no_plots), NULL},
                                            {0}};
const struct verb_help verb_merge_help = {
    "merge OUT IN... [options]",
    "Joins runs of one plan (the parts of --shard, say) from their folders IN into a new folder\n"
    "OUT, as if one run had measured all.  Runs of other plans, options, machines or builds are\n"
    "refused by name, and so are two that hold the same round of a block.\n\n"
    "  assay bench --shard 1/2 --out one; assay bench --shard 2/2 --out two\n"
    "  assay merge both one two",
    options, WORD_DIR, NULL};

enum status verb_merge(const struct context *context, int argc, char **argv, struct err *err)
{
    struct merge_options o = {0};
    struct json *document = NULL;
    char path[PATH_MAX];
    int words;
    bool helped;
    enum status s = options_parse(&verb_merge_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words < 2)
        return status_fail(err, E_USAGE, "merge needs a new folder and runs; 'assay merge --help'");
    const char *out = argv[1];
    if (snprintf(path, sizeof path, "%s/bench.json", out) >= (int)sizeof path)
        return status_fail(err, E_USAGE, "the path of the new folder is too long");
    s = merge_runs(out, (const char *const *)argv + 2, (size_t)words - 1, registry, &document, err);
    if (!s)
        s = document_write(path, document, err);
    if (!s) {
        printf("%zu cells of %d runs, %s: %s\n", json_size(json_get(document, "cells")), words - 1,
               json_get_string(json_get(document, "run"), "status", ""), path);
        if (!o.no_plots)
            s = draw_after_run(context, out, s, err);
    }
    json_free(document);
    return s;
}
