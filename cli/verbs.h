/*
 * The verbs of the command line.  A verb parses its words and delegates.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>

#include "cli/options.h"
#include "numerics/status.h"

/* What cli reads from the environment, once, and passes down. */
struct context {
    const char *program;     /* path of this program, to start itself with */
    unsigned features;       /* cpu_features(), cut down by ASSAY_ISA */
    const char *search_path; /* PATH, where gnuplot is looked for; or NULL */
    bool tty;                /* standard error is a terminal: progress may be drawn there */
    bool color;              /* colours are wanted (NO_COLOR is unset) */
    int argc;                /* the whole command line, for the record */
    char **argv;
};

/* argv[0] is the verb's name.  Not OK: err is printed by main, and the exit code follows from it.
 */
typedef enum status verb_fn(const struct context *context, int argc, char **argv, struct err *err);

struct verb {
    const char *name, *summary; /* summary NULL: hidden */
    verb_fn *run;
};

verb_fn verb_analyze, verb_bench, verb_check, verb_compare, verb_describe, verb_doctor, verb_export,
    verb_list, verb_machine, verb_merge, verb_plot, verb_profile, verb_report, verb_worker;

#endif
