/*
 * The legend of a figure: a column of marks and names outside of the axes, cut when it is full.
 */
#ifndef PLOTS_LEGEND_H
#define PLOTS_LEGEND_H

#include "plots/figure.h"

struct legend {
    struct figure *figure;
    int x, y;     /* pixels, of its upper left corner */
    int max_rows; /* what fits */
    int rows, left_out;
};

enum { LEGEND_WIDTH = 250, LEGEND_LINE = 18 };

void legend_heading(struct legend *l, const char *text);
/* A mark of that colour and shape. */
void legend_mark(struct legend *l, const char *name, const struct look *look);
/* A short line of that colour and dash. */
void legend_line(struct legend *l, const char *name, const struct look *look);
/* Says how many did not fit. */
void legend_end(struct legend *l);

#endif
