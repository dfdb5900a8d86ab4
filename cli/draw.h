/*
 * Figures and report at the end of a run, or on their own.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include "cli/verbs.h"
#include "plots/plots.h"

/* plots_draw() with progress, and Ctrl-C ends it. */
enum status draw_figures(const struct context *context, const char *results,
                         enum plot_format format, size_t *n_figures, struct err *err);

/* For verbs that have done their work with the status `run`: draws what they left in `results`, and
 * says where when `tell`.  Returns run, whose err stays as it is; or, when that is OK and what is
 * drawn cannot be written (a full disk, say), E_IO.  What else is not drawn, for want of gnuplot
 * mostly, is said on standard error, and is no failure of the run. */
enum status draw_document(const struct context *context, const char *results, bool tell,
                          enum status run, struct err *err);
/* The same of a folder, and its report. */
enum status draw_after_run(const struct context *context, const char *folder, enum status run,
                           struct err *err);

#endif
