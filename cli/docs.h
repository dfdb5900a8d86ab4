/*
 * The man page and the completions, made from the tables of the verbs and printed to standard
 * output.
 */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include <stdbool.h>

#include "cli/analysis_help.h"
#include "cli/verbs.h"

/* What has options of its own: a verb that users know, or `analyze NAME`. */
struct command {
    const struct verb_help *help;
    char name[64]; /* "bench", "analyze quant-error" */
    const struct verb *verb;
    const struct analysis *const *analysis; /* NULL: the verb itself */
    struct analysis_help of_analysis;
};

/* Goes on to the next command, each verb before its analyses; false after the last.  Begins at {0}.
 */
bool command_next(struct command *c);

void docs_print_man(void);
void docs_print_bash(void);
void docs_print_zsh(void);
void docs_print_fish(void);

#endif
