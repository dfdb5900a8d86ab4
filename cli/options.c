#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* True when word is one of the '|'-separated choices. */
static bool is_choice(const char *choices, const char *word)
{
    size_t n = strcspn(word, "|"); /* "a|b" is two choices, not one */
    for (const char *c = choices; n && !word[n] && c;
         c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (!strncmp(c, word, n) && (c[n] == '|' || !c[n]))
            return true;
    return false;
}

static enum status parse_u64(const char *name, const char *text, uint64_t *out, struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno)
        return status_fail(err, E_USAGE, "--%s: '%s' is not a whole number", name, text);
    *out = value;
    return OK;
}

static enum status store(const struct option_row *row, const char *text, void *out, struct err *err)
{
    void *member = (char *)out + row->offset;
    uint64_t whole = 0;
    double real;
    char *end;
    enum status s = OK;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)member = true;
        break;
    case OPTION_TEXT:
        *(const char **)member = text;
        break;
    case OPTION_COUNT:
        s = parse_u64(row->name, text, &whole, err);
        if (!s && !whole)
            s = status_fail(err, E_USAGE, "--%s must be more than 0", row->name);
        if (!s)
            *(size_t *)member = (size_t)whole;
        break;
    case OPTION_U64:
        s = parse_u64(row->name, text, member, err);
        break;
    case OPTION_DOUBLE:
        real = strtod(text, &end);
        if (end == text || *end || !isfinite(real) || !(real > 0))
            return status_fail(err, E_USAGE, "--%s: '%s' is not a number > 0", row->name, text);
        *(double *)member = real;
        break;
    case OPTION_CHOICE:
        if (!is_choice(row->choices, text))
            return status_fail(err, E_USAGE, "--%s: '%s' is not one of %s", row->name, text,
                               row->choices);
        *(const char **)member = text;
        break;
    }
    return s;
}

static const struct option_row *find(const struct option_row *rows, const char *word, size_t n)
{
    for (; rows->name; rows++)
        if (strlen(rows->name) == n && !strncmp(rows->name, word, n))
            return rows;
    return NULL;
}

static void print_help(const struct verb_help *help)
{
    printf("Usage: assay %s\n\n%s\n", help->usage, help->text);
    if (help->options->name)
        printf("\nOptions:\n");
    for (const struct option_row *row = help->options; row->name; row++) {
        const char *argument = row->kind == OPTION_CHOICE ? row->choices : row->argument;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", row->name, argument ? " " : "",
                 argument ? argument : "");
        if (strlen(left) > 26)
            printf("  %s\n  %-26s  %s\n", left, "", row->help);
        else
            printf("  %-26s  %s\n", left, row->help);
    }
    printf("  %-26s  %s\n", "--help", "this text");
}

/* One option at argv[*i]; an argument in the next word advances *i. */
static enum status parse_option(const struct verb_help *help, int argc, char **argv, int *i,
                                void *out, struct err *err)
{
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const struct option_row *row = find(help->options, word, n);
    if (!row)
        return status_fail(err, E_USAGE, "no option --%.*s; 'assay %.*s --help' lists them", (int)n,
                           word, (int)strcspn(help->usage, " "), help->usage);
    if (row->kind == OPTION_FLAG) {
        if (equals)
            return status_fail(err, E_USAGE, "--%s takes no value", row->name);
        return store(row, NULL, out, err);
    }
    if (!equals && *i + 1 >= argc)
        return status_fail(err, E_USAGE, "--%s needs %s", row->name, row->argument);
    return store(row, equals ? equals + 1 : argv[++*i], out, err);
}

enum status options_parse(const struct verb_help *help, int argc, char **argv, void *out,
                          int *n_words, bool *helped, struct err *err)
{
    int words = 0;
    bool only_words = false;
    *helped = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_words || word[0] != '-' || !word[1]) {
            argv[1 + words++] = word;
        } else if (!strcmp(word, "--")) {
            only_words = true;
        } else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            print_help(help);
            *helped = true;
            return OK;
        } else if (word[1] != '-') {
            return status_fail(err, E_USAGE, "no option %s; options begin with two dashes", word);
        } else {
            enum status s = parse_option(help, argc, argv, &i, out, err);
            if (s)
                return s;
        }
    }
    *n_words = words;
    return OK;
}
