/*
 * Figures and the report, drawn from the result documents of one folder.
 */
#ifndef PLOTS_PLOTS_H
#define PLOTS_PLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "numerics/progress.h"
#include "numerics/status.h"

enum plot_format { PLOT_SVG, PLOT_PNG, PLOT_PDF };

/* Draws every figure that the documents in folder (bench.json, check.json, analysis-*.json) allow
 * into folder/plots, each with its gnuplot script and data beside it, and counts them.  The same
 * documents give the same bytes.  search_path: where gnuplot is looked for, as PATH is written.
 *
 * E_UNAVAILABLE: gnuplot is absent or too old, scripts and data are there; E_NOINPUT: the folder
 * holds no result document; E_FORMAT: one is damaged; E_FAILED: figures failed, the first is named,
 * all others are there; E_INTERRUPTED; E_CANTCREATE and E_IO: folder/plots cannot be written. */
enum status plots_draw(const char *folder, enum plot_format format, const char *search_path,
                       struct progress *progress, size_t *n_figures, struct err *err);

/* The figures' tables and captions as text, for when there is nothing to draw with.  E_NOINPUT and
 * E_FORMAT as above. */
enum status plots_print_tables(const char *folder, FILE *out, struct err *err);

/* Writes folder/report.html: one file that opens offline, with the figures of folder/plots that are
 * SVG inlined and a table twin for each; without figures the tables alone.  Errors as above. */
enum status report_write(const char *folder, struct err *err);

#endif
