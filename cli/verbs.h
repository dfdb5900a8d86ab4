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
    const char *data_dir;    /* ASSAY_DATA: real inputs of claim checks; or NULL */
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
    const struct verb_help *help; /* NULL: it is no business of a user */
};

extern const struct verb verbs[]; /* ends with {0} */

/* NULL when there is none. */
const struct verb *verb_find(const char *name);

verb_fn verb_analyze, verb_bench, verb_check, verb_compare, verb_describe, verb_docs, verb_doctor,
    verb_export, verb_help, verb_list, verb_machine, verb_merge, verb_plot, verb_profile,
    verb_report, verb_worker;

extern const struct verb_help verb_analyze_help, verb_bench_help, verb_check_help,
    verb_compare_help, verb_describe_help, verb_docs_help, verb_doctor_help, verb_export_help,
    verb_help_help, verb_list_help, verb_machine_help, verb_merge_help, verb_plot_help,
    verb_profile_help, verb_report_help;

/* What follows "Assay " in the overview and "assay - " in the man page. */
#define PROGRAM_SUMMARY                                                                            \
    "measures what an efficient-LLM technique costs and saves on the machine in front of you"

/* The verbs, on standard output. */
void overview_print(void);

/* What main reads from the environment. */
struct variable {
    const char *name, *help;
};
extern const struct variable variables[]; /* ends with {0} */

/* The exit codes are those of sysexits.h, in rising order. */
struct exit_code {
    enum status status;
    int code;
    const char *meaning; /* NULL: another row with this code tells it */
};
extern const struct exit_code exit_codes[]; /* ends with a row whose code is -1 */

#endif
