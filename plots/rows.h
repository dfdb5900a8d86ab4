/*
 * The frame of every figure that is a list: groups with a heading, rows with a name on the left, a
 * mark on the axis, and words on the right.  Names are shortened, never overlap, and keep their
 * look.
 */
#ifndef PLOTS_ROWS_H
#define PLOTS_ROWS_H

#include <stddef.h>

#include "plots/figure.h"

struct rows {
    struct figure *figure;
    double y;                          /* where the next row goes, in rows from the top */
    size_t rows;                       /* so far */
    size_t name_columns, word_columns; /* the longest so far */
    size_t name_limit, word_limit;     /* at most 62; 0: what suits the names of variants */
};

enum { ROWS_MAX = 56 }; /* what one page shows */

void rows_heading(struct rows *r, const char *text);
/* Returns the y of the row; words may be NULL. */
double rows_row(struct rows *r, const char *name, const char *words);
/* Words in the place of a mark: a cell without a value, and why. */
void rows_note(struct rows *r, const char *text, double y);
/* Title, sizes and ranges; x is labelled by the template. */
void rows_end(struct rows *r);

#endif
