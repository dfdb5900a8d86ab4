#include "plots/curves.h"

#include <math.h>

enum { LEFT = 84, TOP = 44, BOTTOM = 60, PLOT_WIDTH = 560, PLOT_HEIGHT = 380, MANY = 400 };

struct curves curves_begin(struct figure *f, bool log_x, bool log_y, const char *x_label,
                           const char *y_label)
{
    figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH, TOP + PLOT_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH,
                TOP, BOTTOM);
    figure_string(f, "x_label", x_label);
    figure_string(f, "y_label", y_label);
    return (struct curves){
        .f = f,
        .legend = {f, LEFT + PLOT_WIDTH + 20, TOP, PLOT_HEIGHT / LEGEND_LINE, 0, 0},
        .log_x = log_x,
        .log_y = log_y,
        .x_low = INFINITY,
        .x_high = -INFINITY,
        .y_low = INFINITY,
        .y_high = -INFINITY};
}

static bool has_room(double value, bool logarithmic)
{
    return logarithmic ? fits_log_axis(value) : fabs(value) < 1e60;
}

void curves_edges(struct curves *c, double x, double low, double high)
{
    if (c->n == CURVES_MAX || !has_room(x, c->log_x) || !has_room(low, c->log_y) ||
        !has_room(high, c->log_y))
        return;
    fprintf(c->f->rows, "%.9g\t%.9g\t%.9g\n", x, low, high);
    c->x_low = fmin(c->x_low, x);
    c->x_high = fmax(c->x_high, x);
    c->y_low = fmin(c->y_low, fmin(low, high));
    c->y_high = fmax(c->y_high, fmax(low, high));
    c->points++;
}

void curves_point(struct curves *c, double x, double y)
{
    curves_edges(c, x, y, y);
}

void curves_end_series(struct curves *c, enum curve_kind kind, const char *name, struct look look)
{
    if (!c->points)
        return;
    fputs("\n\n", c->f->rows);
    if (kind == CURVE_MARKS && c->points > c->most)
        c->most = c->points;
    c->points = 0;
    c->look[c->n++] = look;
    c->count[kind]++;
    if (name && kind == CURVE_MARKS)
        legend_mark(&c->legend, name, &look);
    else if (name)
        legend_line(&c->legend, name, &look);
}

/* A margin of a twentieth of the range on each side. */
static void widen(double *low, double *high, bool logarithmic)
{
    if (logarithmic) {
        double by = fmax(pow(*high / *low, 0.05), 1.05);
        *low /= by;
        *high *= by;
        return;
    }
    double by = *high > *low ? (*high - *low) / 20 : fmax(fabs(*high), 1) / 20;
    *low -= by;
    *high += by;
}

static void print_axis(const struct curves *c, char axis, bool logarithmic, double low, double high)
{
    if (logarithmic)
        print_log_ticks(c->f->script, axis, low, high);
    fprintf(c->f->script, "%c_low = %.9g; %c_high = %.9g; log_%c = %d\n", axis, low, axis, high,
            axis, logarithmic);
}

void curves_end(struct curves *c)
{
    FILE *out = c->f->script;
    legend_end(&c->legend);
    if (!c->n) { /* an empty pair of axes, which the words explain */
        c->x_low = c->y_low = 1;
        c->x_high = c->y_high = 10;
    }
    widen(&c->x_low, &c->x_high, c->log_x);
    widen(&c->y_low, &c->y_high, c->log_y);
    print_axis(c, 'x', c->log_x, c->x_low, c->x_high);
    print_axis(c, 'y', c->log_y, c->y_low, c->y_high);
    fprintf(out, "bands = %zu; lines = %zu; marks = %zu; size = %g\n", c->count[CURVE_BAND],
            c->count[CURVE_LINE], c->count[CURVE_MARKS], c->most > MANY ? 0.4 : 0.8);
    fprintf(out, "array colour[%zu]; array dash[%zu]; array shape[%zu]\n", c->n + 1, c->n + 1,
            c->n + 1);
    for (size_t i = 0; i < c->n; i++)
        fprintf(out, "colour[%zu] = %u; dash[%zu] = %d; shape[%zu] = %d\n", i + 1, c->look[i].rgb,
                i + 1, c->look[i].dash, i + 1, c->look[i].shape);
}
