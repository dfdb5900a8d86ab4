/* assay(1), in the macros of man(7).  Options, usage and examples are those that --help prints. */
#include <stdio.h>
#include <string.h>

#include "cli/docs.h"

static const struct {
    const char *path, *what;
} files[] = {
    {"results/<date>-<host>/", "The folder of a run, unless --out names another."},
    {"bench.json, check.json, profile.json, machine.json, analysis-NAME.json",
     "Result documents in that folder, one for each verb that measures; strict JSON."},
    {"journal.jsonl", "The rounds that a run of bench has finished, from which --resume goes on."},
    {"plots/", "Figures, each with its data (.tsv) and its gnuplot script (.gp)."},
    {"report.html", "The report: one page that opens offline."}};

/* n bytes of one line.  What a user may copy stays ASCII. */
static void print_line(const char *text, size_t n)
{
    static const char special[] = "\\-'`^~\"";
    static const char *const escapes[] = {"\\e",   "\\-",   "\\(aq", "\\(ga",
                                          "\\(ha", "\\(ti", "\\(dq"};
    if (n && text[0] == '.')
        printf("\\&"); /* no request */
    for (size_t i = 0; i < n; i++) {
        const char *found = text[i] ? strchr(special, text[i]) : NULL;
        if (found)
            printf("%s", escapes[found - special]);
        else
            putchar(text[i]);
    }
}

static void print_escaped(const char *text)
{
    print_line(text, strlen(text));
}

enum line_kind { LINE_NONE, LINE_TEXT, LINE_LITERAL, LINE_EXAMPLE };

/* What a line of a help text is; "  assay ..." is an example. */
static enum line_kind kind_of(const char *line, size_t n)
{
    return !n                              ? LINE_NONE
           : !strncmp(line, "  assay ", 8) ? LINE_EXAMPLE
           : !strncmp(line, "  ", 2)       ? LINE_LITERAL
                                           : LINE_TEXT;
}

/* The examples of a help text alone, or all but those.  Indented lines keep their breaks. */
static void print_text(const char *text, bool examples)
{
    enum line_kind before = LINE_NONE;
    bool literal = false;
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        enum line_kind kind = kind_of(text, n);
        bool wanted = kind != LINE_NONE && (kind == LINE_EXAMPLE) == examples;
        if (literal && (!wanted || kind == LINE_TEXT)) {
            printf(".EE\n.RE\n");
            literal = false;
        }
        if (wanted && kind == LINE_TEXT && before != LINE_TEXT)
            printf(".PP\n");
        if (wanted && kind != LINE_TEXT && !literal) {
            printf(".PP\n.RS 4\n.EX\n");
            literal = true;
        }
        if (wanted) {
            print_line(text + (literal ? 2 : 0), n - (literal ? 2 : 0));
            putchar('\n');
        }
        before = kind;
    }
    if (literal)
        printf(".EE\n.RE\n");
}

/* A tagged paragraph: what it is about in bold. */
static void print_item(const char *tag, const char *text)
{
    printf(".TP\n\\fB");
    print_escaped(tag);
    printf("\\fR\n");
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        print_line(text, n);
        putchar('\n');
    }
}

static void print_synopsis(const struct command *c)
{
    printf("\\fBassay ");
    print_escaped(c->name);
    printf("\\fR");
    print_escaped(c->help->usage + strlen(c->name));
    printf("\n.br\n");
}

static void print_options(const struct option_row *o)
{
    for (; o->name; o++) {
        const char *argument = o->kind == OPTION_CHOICE ? o->choices : o->argument;
        printf(".TP\n\\fB\\-\\-");
        print_escaped(o->name);
        printf("\\fR");
        if (argument) {
            printf(" \\fI");
            print_escaped(argument);
            printf("\\fR");
        }
        putchar('\n');
        print_escaped(o->help);
        putchar('\n');
    }
}

static void print_examples(const struct command *c)
{
    if (!strstr(c->help->text, "\n  assay "))
        return;
    printf(".PP\n\\fB");
    print_escaped(c->name);
    printf("\\fR\n");
    print_text(c->help->text, true);
}

void docs_print_man(void)
{
    printf(".\\\" Written by assay docs man.\n"
           ".TH ASSAY 1 \"\" \"assay " ASSAY_VERSION "\" \"User Commands\"\n"
           ".SH NAME\nassay \\- ");
    print_escaped(PROGRAM_SUMMARY);
    printf("\n.SH SYNOPSIS\n.nh\n.ad l\n");
    for (struct command c = {0}; command_next(&c);)
        print_synopsis(&c);
    printf(
        "\\fBassay \\-\\-version\\fR\n.ad\n.hy\n"
        ".SH DESCRIPTION\n"
        "For each published technique, assay runs real kernels, counts the bytes that they must\n"
        "move, pairs every time with the error that the technique causes, and puts the claim of\n"
        "the paper beside what was measured here.\n"
        "Its analyses look inside checkpoints.\n"
        "Results are JSON documents, which it also draws; they go to standard output or into the\n"
        "folder of the run, messages and progress to standard error.\n"
        ".SH VERBS\n"
        "Every verb takes \\fB\\-\\-help\\fR.\n"
        "An option and its value are two words, or one as in \\fB\\-\\-option=value\\fR; a word\n"
        "\\fB\\-\\-\\fR ends the options.\n");
    for (struct command c = {0}; command_next(&c);) {
        printf(".SS assay ");
        print_escaped(c.name);
        putchar('\n');
        print_text(c.help->text, false);
        print_options(c.help->options);
    }
    printf(".SH ENVIRONMENT\n");
    for (const struct variable *v = variables; v->name; v++)
        print_item(v->name, v->help);
    printf(".SH \"EXIT STATUS\"\n");
    for (const struct exit_code *e = exit_codes; e->code >= 0; e++)
        if (e->meaning) {
            char code[16];
            snprintf(code, sizeof code, "%d", e->code);
            print_item(code, e->meaning);
        }
    printf(".SH FILES\n");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        print_item(files[i].path, files[i].what);
    printf(".SH EXAMPLES\n");
    for (struct command c = {0}; command_next(&c);)
        print_examples(&c);
    printf(".SH \"SEE ALSO\"\n"
           ".BR gnuplot (1),\n.BR papi_avail (1),\n.BR perf (1),\n.BR valgrind (1)\n");
}
