/*
 * The options of a verb as a table: what is parsed, what --help prints, and what the man page and
 * completions know.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

enum option_kind {
    OPTION_FLAG,   /* bool: set to true */
    OPTION_TEXT,   /* const char *: the argument, borrowed from argv */
    OPTION_COUNT,  /* size_t: a whole number > 0 */
    OPTION_U64,    /* uint64_t: a whole number */
    OPTION_DOUBLE, /* double: a finite number > 0 */
    OPTION_CHOICE  /* const char *: one of the words in `choices` */
};

struct option_row {
    const char *name; /* without the dashes */
    enum option_kind kind;
    const char *argument; /* how help names it; NULL for a flag; FILE... and DIR are paths */
    const char *help;
    size_t offset;       /* of the member of the verb's struct */
    const char *choices; /* "auto|papi|none" */
};

/* What the words of a verb that are not options name, for completions. */
enum word_kind {
    WORD_NONE, /* there are none, or nobody can foretell them */
    WORD_CHOICE,
    WORD_FILE, /* a file or a folder */
    WORD_DIR,
    WORD_TECHNIQUE,
    WORD_CELL,     /* a technique, or a path below one */
    WORD_ANALYSIS, /* one, and the rest is `analyze NAME`'s */
    WORD_VERB
};

struct verb_help {
    const char *usage;                /* "bench [PATTERN ...] [options]" */
    const char *text;                 /* what it does, a short paragraph or two, with examples */
    const struct option_row *options; /* ends with {0} */
    enum word_kind words;
    const char *choices; /* of WORD_CHOICE, "man|bash": the first word is one of them */
};

/* Parses argv[1..argc) into *out (of the struct that the offsets belong to).  Words that are not
 * options are moved to the front of argv+1 in order, and their number goes to *n_words.  "--" ends
 * the options.
 * --help prints the help to standard output and sets *helped.  E_USAGE names the word that is
 * wrong. */
enum status options_parse(const struct verb_help *help, int argc, char **argv, void *out,
                          int *n_words, bool *helped, struct err *err);

#endif
