#include <stdio.h>
#include <string.h>

#include "cli/docs.h"

#define FORMS "man|bash|zsh|fish"

static const struct option_row options[] = {{0}};
const struct verb_help verb_docs_help = {
    "docs " FORMS,
    "Prints the man page, or the completions of a shell, as the build installs them.", options,
    WORD_CHOICE, FORMS};

static const struct {
    const char *name;
    void (*print)(void);
} forms[] = {{"man", docs_print_man},
             {"bash", docs_print_bash},
             {"zsh", docs_print_zsh},
             {"fish", docs_print_fish}};

bool command_next(struct command *c)
{
    if (c->verb && c->help->words == WORD_ANALYSIS)
        c->analysis = analyses;
    else if (c->analysis)
        c->analysis++;
    if (c->analysis && *c->analysis) {
        const struct analysis *a = *c->analysis;
        analysis_help_make(a, &c->of_analysis);
        snprintf(c->name, sizeof c->name, "%s %s", c->verb->name, a->name);
        c->help = &c->of_analysis.help;
        return true;
    }
    c->analysis = NULL;
    c->verb = c->verb ? c->verb + 1 : verbs;
    while (c->verb->name && !c->verb->summary)
        c->verb++;
    if (!c->verb->name)
        return false;
    snprintf(c->name, sizeof c->name, "%s", c->verb->name);
    c->help = c->verb->help;
    return true;
}

enum status verb_docs(const struct context *context, int argc, char **argv, struct err *err)
{
    (void)context;
    int words;
    bool helped;
    enum status s = options_parse(&verb_docs_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (words == 1 && !strcmp(argv[1], forms[i].name)) {
            forms[i].print();
            return OK;
        }
    return status_fail(err, E_USAGE, "docs takes one of " FORMS);
}
