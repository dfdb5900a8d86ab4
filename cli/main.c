/* The program: finds the verb, runs it, and turns its status into a line and an exit code. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "numerics/cpu.h"

static const struct verb verbs[] = {
    {"list", "what there is: techniques, variants, cases, formats, analyses, counters", verb_list},
    {"describe", "one technique: source, claim, tasks, variants, cases", verb_describe},
    {"machine", "this machine: topology, caches, and its measured roofs", verb_machine},
    {"doctor", "what on this host disturbs measurements, and the remedy", verb_doctor},
    {"bench", "measures the matrix: what each technique costs and saves here", verb_bench},
    {"profile", "one cell under the counters: events, bytes by tier, what bounds it", verb_profile},
    {"check", "the claims of the papers beside what this machine shows", verb_check},
    {"analyze", "what is inside a checkpoint: quantisation error by format", verb_analyze},
    {"plot", "draws the figures of a results folder", verb_plot},
    {"report", "writes the report of a results folder, one page", verb_report},
    {"compare", "two runs, or two builds: which cells are faster, slower, or alike", verb_compare},
    {"merge", "joins the shards of a run, or several runs of one plan", verb_merge},
    {"export", "a run in the forms of other tools: Google Benchmark, CSV, Markdown", verb_export},
    {"worker", NULL, verb_worker},
    {0}};

/* The exit code (sysexits.h) that a status stands for. */
static int exit_code(enum status s)
{
    switch (s) {
    case OK:
        return EXIT_SUCCESS;
    case E_FAILED:
        return 1;
    case E_USAGE:
        return EX_USAGE;
    case E_FORMAT:
        return EX_DATAERR;
    case E_NOINPUT:
        return EX_NOINPUT;
    case E_SKIP:
    case E_UNAVAILABLE:
        return EX_UNAVAILABLE;
    case E_CANTCREATE:
        return EX_CANTCREAT;
    case E_IO:
        return EX_IOERR;
    case E_NOMEM:
        return EX_OSERR;
    case E_INTERRUPTED:
        return 130;
    case E_INTERNAL:
        return EX_SOFTWARE;
    }
    return EX_SOFTWARE;
}

static void print_help(void)
{
    printf("Usage: assay VERB [words] [options]\n\n"
           "Measures what an efficient-LLM technique costs and saves on this machine.\n\nVerbs:\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary)
            printf("  %-10s  %s\n", v->name, v->summary);
    printf(
        "\n'assay VERB --help' tells about one.  ASSAY_ISA=ref|avx2|avx512|vnni|neon limits the\n"
        "instruction sets that kernels may use.\n");
}

/* Standard output is a result: one that did not arrive (a full disk, a closed pipe) is a failure.
 */
static enum status flush_output(enum status s, struct err *err)
{
    if (fflush(stdout) && !s)
        return status_fail(err, E_IO, "standard output: %s", strerror(errno));
    if (ferror(stdout) && !s) /* an earlier write: its errno is gone */
        return status_fail(err, E_IO, "standard output: not all of it could be written");
    return s;
}

/* A standard descriptor that the caller closed would be given to the next file that is opened, and
 * what is printed would go into it.  The wrong direction keeps it an error to use. */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EX_OSERR);
}

/* The verb that argv names, or the program's own words. */
static enum status run(struct context *context, struct err *err)
{
    const char *word = context->argc > 1 ? context->argv[1] : "";
    if (context->argc < 2 || !strcmp(word, "--help") || !strcmp(word, "-h") ||
        !strcmp(word, "help")) {
        print_help();
        return context->argc < 2 ? E_USAGE : OK;
    }
    if (!strcmp(word, "--version")) {
        printf("assay %s\n", ASSAY_VERSION);
        return OK;
    }
    enum status s = cpu_at_most(getenv("ASSAY_ISA"), cpu_features(), &context->features, err);
    if (s)
        return s;
    for (const struct verb *v = verbs; v->name; v++)
        if (!strcmp(v->name, word))
            return v->run(context, context->argc - 1, context->argv + 1, err);
    return status_fail(err, E_USAGE, "no verb '%s'; 'assay --help' lists them", word);
}

int main(int argc, char **argv)
{
    struct err err = {{0}};
    struct context context = {.program = "/proc/self/exe",
                              .search_path = getenv("PATH"),
                              .tty = isatty(STDERR_FILENO),
                              .argc = argc,
                              .argv = argv};
    const char *no_color = getenv("NO_COLOR");
    context.color = context.tty && !(no_color && *no_color);
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves costs its output, not the run */
    setlocale(LC_CTYPE, "");  /* numbers stay in the C locale */
    enum status s = flush_output(run(&context, &err), &err);
    if (s && err.text[0])
        fprintf(stderr, "assay: %s\n", err.text);
    return exit_code(s);
}
