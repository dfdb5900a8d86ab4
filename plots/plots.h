/*
 * Figures and the report, drawn from the result documents of one folder, or from one document.
 */
#ifndef PLOTS_PLOTS_H
#define PLOTS_PLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "numerics/progress.h"
#include "numerics/status.h"

enum plot_format { PLOT_SVG, PLOT_PNG, PLOT_PDF };

/* Where `what` of these results goes: FOLDER/what, or beside a document: "new-plots" of new.json.
 * E_NOINPUT: the name is too long for a buffer of PLOTS_PATH bytes. */
enum { PLOTS_PATH = 4096 };
enum status plots_place(const char *results, const char *what, char path[PLOTS_PATH],
                        struct err *err);

/* Draws every figure that the documents in the folder `results` (bench.json, check.json,
 * profile.json, compare.json, analysis-*.json), or the document `results`, allow into its place
 * "plots", each with its gnuplot script and data beside it, and counts them.  The same documents
 * give the same bytes.  search_path: where gnuplot is looked for, as PATH is written.
 *
 * E_UNAVAILABLE: gnuplot is absent or too old, scripts and data are there; E_NOINPUT: there is no
 * document that can be drawn; E_FORMAT: one is damaged; E_FAILED: figures failed, the first is
 * named, all others are there; E_INTERRUPTED; E_CANTCREATE and E_IO: the place cannot be written,
 * or an image ends early. */
enum status plots_draw(const char *results, enum plot_format format, const char *search_path,
                       struct progress *progress, size_t *n_figures, struct err *err);

/* The figures' tables and captions as text, for when there is nothing to draw with.  E_NOINPUT and
 * E_FORMAT as above. */
enum status plots_print_tables(const char *results, FILE *out, struct err *err);

/* Writes the place "report.html": one file that opens offline, with the figures of "plots" that are
 * SVG inlined and a table twin for each; without figures the tables alone.  Errors as above. */
enum status report_write(const char *results, struct err *err);

#endif
