/*
 * The frame of a roofline: a machine's roofs for one number of threads, behind whatever is drawn.
 */
#ifndef PLOTS_ROOFLINE_FRAME_H
#define PLOTS_ROOFLINE_FRAME_H

#include "plots/figure.h"
#include "plots/legend.h"

enum {
    ROOFLINE_LEFT = 78,
    ROOFLINE_TOP = 40,
    ROOFLINE_WIDTH = 540,
    ROOFLINE_HEIGHT = 430,
    ROOFLINE_ROOFS = 7
};

struct roof_line {
    const char *name, *level, *label;
    double value; /* of these threads on the best instruction set; 0: not measured */
    const char *unit;
};

struct roofline_frame {
    struct roof_line roofs[ROOFLINE_ROOFS];
    double x_low, x_high, y_low, y_high; /* operations a byte; operations a second */
};

/* Reads the roofs of a machine record, NULL: none. */
void roofline_frame_begin(struct roofline_frame *r, const struct json *machine, int threads);
/* A point that must lie inside. */
void roofline_frame_hold(struct roofline_frame *r, double x, double y);
/* Sizes the figure, sets its ranges and draws the roofs; x_label names the bytes. */
void roofline_frame_end(struct roofline_frame *r, struct figure *f, const char *x_label);

/* At the right of the axes. */
struct legend roofline_legend(struct figure *f);

#endif
