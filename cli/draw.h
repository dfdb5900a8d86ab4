/*
 * Figures and report at the end of a run, or on their own.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include "cli/verbs.h"
#include "plots/plots.h"

/* plots_draw() with progress, and Ctrl-C ends it. */
enum status draw_figures(const struct context *context, const char *folder, enum plot_format format,
                         size_t *n_figures, struct err *err);

/* Draws what a run left in folder and writes its report, and says where; for verbs that have done
 * their work.  What cannot be drawn is said on standard error, and is no failure of the run. */
void draw_after_run(const struct context *context, const char *folder);

#endif
