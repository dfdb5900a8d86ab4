#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

static const struct option_row options[] = {{0}};
const struct verb_help verb_help_help = {
    "help [VERB [WORD ...]]",
    "Lists the verbs, or prints what `assay VERB WORD ... --help` prints.\n\n"
    "  assay help bench\n"
    "  assay help analyze quant-error",
    options, WORD_VERB, NULL};

void overview_print(void)
{
    printf("Usage: assay VERB [words] [options]\n\nAssay " PROGRAM_SUMMARY ".\n\nVerbs:\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary)
            printf("  %-10s  %s\n", v->name, v->summary);
    printf("\nEnvironment:\n");
    for (const struct variable *v = variables; v->name; v++)
        printf("  %-10s  %s\n", v->name, v->help);
    printf("\n'assay help VERB' tells about one.\n");
}

enum status verb_help(const struct context *context, int argc, char **argv, struct err *err)
{
    char asked[] = "--help";
    int words;
    bool helped;
    enum status s = options_parse(&verb_help_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    if (!words) {
        overview_print();
        return OK;
    }
    const struct verb *verb = verb_find(argv[1]);
    if (!verb || !verb->help)
        return status_fail(err, E_USAGE, "no verb '%s'; 'assay help' lists them", argv[1]);
    memmove(argv, argv + 1, (size_t)words * sizeof *argv);
    argv[words] = asked;
    return verb->run(context, words + 1, argv, err);
}
