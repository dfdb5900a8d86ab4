#include <stdio.h>
#include <string.h>

#include "cli/draw.h"
#include "cli/verbs.h"

struct plot_options {
    const char *format;
};

static const struct option_row options[] = {{"format", OPTION_CHOICE, NULL,
                                             "of the images (default: svg)",
                                             offsetof(struct plot_options, format), "svg|png|pdf"},
                                            {0}};
const struct verb_help verb_plot_help = {
    "plot RESULTS [options]",
    "Draws every figure that the result documents in the folder RESULTS (bench.json, check.json,\n"
    "profile.json, compare.json, analysis-*.json) allow into RESULTS/plots; of one document, as\n"
    "slower.json, its own into slower-plots.  Beside each image stand its data (.tsv) and its\n"
    "script (.gp): 'cd RESULTS/plots && gnuplot FIGURE.gp' draws it again.\n\n"
    "Without gnuplot 5.2 or newer the scripts and data are written, the tables are printed, and\n"
    "the exit code is 69.",
    options, WORD_FILE, NULL};

static enum plot_format format_of(const char *word)
{
    return !strcmp(word, "png") ? PLOT_PNG : !strcmp(word, "pdf") ? PLOT_PDF : PLOT_SVG;
}

enum status verb_plot(const struct context *context, int argc, char **argv, struct err *err)
{
    struct plot_options o = {.format = "svg"};
    struct err late;
    char place[PLOTS_PATH];
    size_t n_figures;
    int words;
    bool helped;
    enum status s = options_parse(&verb_plot_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words != 1)
        return status_fail(
            err, E_USAGE, "plot needs one folder of results, or one document; 'assay plot --help'");
    s = draw_figures(context, argv[1], format_of(o.format), &n_figures, err);
    if (s == E_UNAVAILABLE && plots_print_tables(argv[1], stdout, &late))
        return status_fail(err, s, "%s", late.text);
    if ((!s || s == E_FAILED) && !plots_place(argv[1], "plots", place, &late))
        printf("%zu figures in %s\n", n_figures, place);
    return s;
}
