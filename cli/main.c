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

/* The exit code that a status stands for. */
static int exit_code(enum status s)
{
    const struct exit_code *row = exit_codes;
    while (row->code >= 0 && row->status != s)
        row++;
    return row->code >= 0 ? row->code : EX_SOFTWARE;
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
    if (context->argc < 2 || !strcmp(word, "--help") || !strcmp(word, "-h")) {
        overview_print();
        return context->argc < 2 ? E_USAGE : OK;
    }
    if (!strcmp(word, "--version")) {
        printf("assay %s\n", ASSAY_VERSION);
        return OK;
    }
    enum status s = cpu_at_most(getenv("ASSAY_ISA"), cpu_features(), &context->features, err);
    if (s)
        return s;
    const struct verb *v = verb_find(word);
    return v ? v->run(context, context->argc - 1, context->argv + 1, err)
             : status_fail(err, E_USAGE, "no verb '%s'; 'assay --help' lists them", word);
}

int main(int argc, char **argv)
{
    struct err err = {{0}};
    struct context context = {.program = "/proc/self/exe",
                              .search_path = getenv("PATH"),
                              .data_dir = getenv("ASSAY_DATA"),
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
