#include <stdio.h>

#include "cli/draw.h"
#include "cli/verbs.h"

static const struct option_row options[] = {{0}};
const struct verb_help verb_report_help = {
    "report RESULTS",
    "Draws the figures of the folder RESULTS and writes RESULTS/report.html (of one document, as\n"
    "slower.json: slower-report.html): one page that opens offline, with every figure, a sortable\n"
    "table beside each, the machine, and the reasons of what was not measured.  Without gnuplot "
    "the page has the tables alone.",
    options, WORD_FILE, NULL};

enum status verb_report(const struct context *context, int argc, char **argv, struct err *err)
{
    char page[PLOTS_PATH];
    size_t n_figures;
    int words;
    bool helped;
    enum status s = options_parse(&verb_report_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    if (words != 1)
        return status_fail(
            err, E_USAGE,
            "report needs one folder of results, or one document; 'assay report --help'");
    s = draw_figures(context, argv[1], PLOT_SVG, &n_figures, err);
    if (s == E_UNAVAILABLE || s == E_FAILED) { /* the page says what the figures would have */
        fprintf(stderr, "assay: report: %s\n", err->text);
        s = OK;
    }
    if (!s)
        s = report_write(argv[1], err);
    if (!s)
        s = plots_place(argv[1], "report.html", page, err);
    if (!s)
        printf("%s\n", page);
    return s;
}
