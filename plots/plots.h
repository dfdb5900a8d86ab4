/*
 * Figures and the report, drawn from the result documents of one folder.
 */
#ifndef PLOTS_PLOTS_H
#define PLOTS_PLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/progress.h"
#include "numerics/status.h"

enum plot_format { PLOT_SVG, PLOT_PNG, PLOT_PDF };

/* Draws every figure that the documents in folder (bench.json, check.json, analysis-*.json) allow
 * into folder/plots, each with its gnuplot script and data beside it, and counts them.  One figure
 * that fails costs only itself.  E_UNAVAILABLE: gnuplot is absent or too old, scripts and data are
 * there; E_NOINPUT: the folder holds no result document. */
enum status plots_draw(const char *folder, enum plot_format format, struct progress *progress,
                       size_t *n_figures, struct err *err);

/* Writes folder/report.html: one file that opens offline, with the figures of folder/plots that are
 * SVG inlined and a table twin for each; without figures the tables alone. */
enum status report_write(const char *folder, struct err *err);

#endif
