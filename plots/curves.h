/*
 * A figure of curves over one pair of axes: bands, then lines, then marks, each series with its
 * look, and a legend.
 *
 * Series are added in that order, each by its points and an end; points that are not finite, or
 * that a logarithmic axis has no room for, are left out.
 */
#ifndef PLOTS_CURVES_H
#define PLOTS_CURVES_H

#include "plots/figure.h"
#include "plots/legend.h"

enum { CURVES_MAX = 96 };
enum curve_kind { CURVE_BAND, CURVE_LINE, CURVE_MARKS, CURVE_KINDS };

struct curves {
    struct figure *f;
    struct legend legend;
    bool log_x, log_y;
    double x_low, x_high, y_low, y_high; /* of all points; may be narrowed before the end */
    struct look look[CURVES_MAX];
    size_t n, count[CURVE_KINDS], points, most; /* points of the series under way; of marks */
};

/* Sets the figure's size. */
struct curves curves_begin(struct figure *f, bool log_x, bool log_y, const char *x_label,
                           const char *y_label);
void curves_point(struct curves *c, double x, double y);
/* The same of a band. */
void curves_edges(struct curves *c, double x, double low, double high);
/* Ends a series; one without points is none.  name NULL: not in the legend. */
void curves_end_series(struct curves *c, enum curve_kind kind, const char *name, struct look look);
/* Prints ranges and looks. */
void curves_end(struct curves *c);

#endif
