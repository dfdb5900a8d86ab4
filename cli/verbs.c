/* The tables of the command line: verbs, variables, exit codes. */
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const struct verb verbs[] = {
    {"list", "what there is: techniques, variants, cases, formats, analyses, counters", verb_list,
     &verb_list_help},
    {"describe", "one technique: source, claim, tasks, variants, cases", verb_describe,
     &verb_describe_help},
    {"machine", "this machine: topology, caches, and its measured roofs", verb_machine,
     &verb_machine_help},
    {"doctor", "what on this host disturbs measurements, and the remedy", verb_doctor,
     &verb_doctor_help},
    {"bench", "measures the matrix: what each technique costs and saves here", verb_bench,
     &verb_bench_help},
    {"profile", "one cell under the counters: events, bytes by tier, what bounds it", verb_profile,
     &verb_profile_help},
    {"check", "the claims of the papers beside what this machine shows", verb_check,
     &verb_check_help},
    {"analyze", "what is inside a checkpoint: quantisation error by format", verb_analyze,
     &verb_analyze_help},
    {"plot", "draws the figures of a results folder", verb_plot, &verb_plot_help},
    {"report", "writes the report of a results folder, one page", verb_report, &verb_report_help},
    {"compare", "two runs, or two builds: which cells are faster, slower, or alike", verb_compare,
     &verb_compare_help},
    {"merge", "joins the shards of a run, or several runs of one plan", verb_merge,
     &verb_merge_help},
    {"export", "a run in the forms of other tools: Google Benchmark, CSV, Markdown", verb_export,
     &verb_export_help},
    {"help", "this list, or what a verb does and its options", verb_help, &verb_help_help},
    {"docs", NULL, verb_docs, &verb_docs_help},
    {"worker", NULL, verb_worker, NULL},
    {0}};

const struct verb *verb_find(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (!strcmp(v->name, name))
            return v;
    return NULL;
}

const struct variable variables[] = {
    {"ASSAY_DATA", "folder of real inputs: claim checks that need one are skipped without it"},
    {"ASSAY_ISA", "ref|avx2|avx512|vnni|neon: kernels use at most this instruction set"},
    {"NO_COLOR", "set and not empty: no colours, not even on a terminal"},
    {"PATH", "where gnuplot and valgrind are looked for"},
    {0}};

const struct exit_code exit_codes[] = {
    {OK, EXIT_SUCCESS, "Done; degraded and skipped cells are no failure."},
    {E_FAILED, 1,
     "The work ran, and its result is bad: a cell is invalid, failed or timed out, a check did\n"
     "not hold, or a cell of a comparison is slower."},
    {E_USAGE, EX_USAGE, "The words or options are wrong."},
    {E_FORMAT, EX_DATAERR, "The bytes of an input are wrong."},
    {E_NOINPUT, EX_NOINPUT, "There is no such input, or it cannot be read."},
    {E_UNAVAILABLE, EX_UNAVAILABLE, "Something that was asked for is not available here."},
    {E_SKIP, EX_UNAVAILABLE, NULL},
    {E_INTERNAL, EX_SOFTWARE, "An error of the program's own."},
    {E_NOMEM, EX_OSERR, "There was not enough memory."},
    {E_CANTCREATE, EX_CANTCREAT, "An output cannot be created, or its folder holds a run already."},
    {E_IO, EX_IOERR, "Reading or writing failed half-way."},
    {E_INTERRUPTED, 130, "Interrupted by Ctrl-C; what was measured is kept."},
    {OK, -1, NULL}};
