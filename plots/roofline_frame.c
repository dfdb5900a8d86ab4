#include "plots/roofline_frame.h"

#include <math.h>
#include <string.h>

#include "plots/escape.h"

enum { BOTTOM = 60, ROOF_LABEL_GAP = 15, ROOF_LABEL_LENGTH = 130 };

static const struct roof_line known_roofs[ROOFLINE_ROOFS] = {
    {"read", "L1", "L1 read", 0, "B/s"},       {"read", "L2", "L2 read", 0, "B/s"},
    {"read", "L3", "L3 read", 0, "B/s"},       {"read", "DRAM", "DRAM read", 0, "B/s"},
    {"fma-f32", "", "f32 FMA", 0, "flop/s"},   {"dot-i8", "", "int8 dot product", 0, "op/s"},
    {"lookup", "", "byte look-up", 0, "op/s"},
};

void roofline_frame_begin(struct roofline_frame *r, const struct json *machine, int threads)
{
    struct roof_line *roofs = r->roofs;
    *r = (struct roofline_frame){.x_low = INFINITY, .y_low = INFINITY};
    memcpy(roofs, known_roofs, sizeof known_roofs);
    for (const struct json *j = json_first(json_get(machine, "roofs")); j; j = json_next(j)) {
        double value = json_get_number(j, "value", 0);
        if (json_get_number(j, "threads", 0) != threads || !isfinite(value))
            continue;
        for (size_t i = 0; i < ROOFLINE_ROOFS; i++)
            if (!strcmp(roofs[i].name, json_get_string(j, "name", "")) &&
                !strcmp(roofs[i].level, json_get_string(j, "level", "")))
                roofs[i].value = fmax(roofs[i].value, value);
    }
}

static bool is_memory(const struct roof_line *r)
{
    return *r->level;
}

void roofline_frame_hold(struct roofline_frame *r, double x, double y)
{
    r->x_low = fmin(r->x_low, x);
    r->x_high = fmax(r->x_high, x);
    r->y_low = fmin(r->y_low, y);
    r->y_high = fmax(r->y_high, y);
}

static void choose_axes(struct roofline_frame *r)
{
    double slowest = INFINITY;
    for (size_t i = 0; i < ROOFLINE_ROOFS; i++)
        if (is_memory(&r->roofs[i]) && r->roofs[i].value > 0)
            slowest = fmin(slowest, r->roofs[i].value);
        else
            r->y_high = fmax(r->y_high, r->roofs[i].value);
    /* Room at the left for the names of the slopes, at the right for the ridge of the slowest. */
    r->x_low /= 12;
    r->x_high = fmax(r->x_high * 4, isfinite(slowest) ? 2.5 * r->y_high / slowest : 0);
    r->y_low = fmin(r->y_low / 2.5, isfinite(slowest) ? slowest * r->x_low * 1.5 : INFINITY);
    r->y_high *= 2;
}

static void draw_line(FILE *out, double x0, double y0, double x1, double y1)
{
    fprintf(out,
            "set arrow from first %.6g, first %.6g to first %.6g, first %.6g nohead back lw 1.3 "
            "lc rgb '#555555'\n",
            x0, y0, x1, y1);
}

/* A slope ends where it meets the highest ceiling; a ceiling begins at the fastest slope. */
static void draw_roofs(const struct roofline_frame *a, struct figure *f)
{
    const struct roof_line *roofs = a->roofs;
    double ceiling = 0, fastest = 0, last_y = 0, last_slope = 0;
    double decade_x = ROOFLINE_WIDTH / log10(a->x_high / a->x_low),
           decade_y = ROOFLINE_HEIGHT / log10(a->y_high / a->y_low);
    double angle = atan2(decade_y, decade_x);
    int indent = 0, slope_indent = 0;
    char rate_text[32];
    for (size_t i = 0; i < ROOFLINE_ROOFS; i++) {
        double *largest = is_memory(&roofs[i]) ? &fastest : &ceiling;
        *largest = fmax(*largest, roofs[i].value);
    }
    for (size_t i = 0; i < ROOFLINE_ROOFS; i++) {
        const struct roof_line *r = &roofs[i];
        char label[96];
        if (!(r->value > 0))
            continue;
        format_si(r->value, r->unit, rate_text);
        snprintf(label, sizeof label, "%s %s", r->label, rate_text);
        if (is_memory(r)) {
            double x0 = fmax(a->x_low, a->y_low / r->value),
                   x1 = fmin(a->x_high, ceiling > 0 ? ceiling / r->value : a->x_high), at;
            /* Slopes closer than a line of text take turns along their way. */
            bool close =
                last_slope > 0 &&
                fabs(log10(r->value / last_slope)) * decade_y * cos(angle) < ROOF_LABEL_GAP;
            slope_indent = close ? slope_indent + (int)(ROOF_LABEL_LENGTH * cos(angle)) : 0;
            last_slope = r->value;
            at = x0 * pow(10, (10 + slope_indent) / decade_x);
            draw_line(f->script, x0, r->value * x0, x1, r->value * x1);
            fputs("set label ", f->script);
            escape_gnuplot(f->script, label);
            fprintf(f->script,
                    " at first %.6g, first %.6g left rotate by %.3g font small textcolor rgb "
                    "'#444444' front\n",
                    at, r->value * at * pow(10, 9 / decade_y), angle * 180 / M_PI);
            continue;
        }
        draw_line(f->script, fastest > 0 ? r->value / fastest : a->x_low, r->value, a->x_high,
                  r->value);
        /* Ceilings closer than a line of text take turns to the left. */
        indent = last_y > 0 && fabs(log10(r->value / last_y)) * decade_y < ROOF_LABEL_GAP
                     ? indent + 190
                     : 0;
        last_y = r->value;
        fputs("set label ", f->script);
        escape_gnuplot(f->script, label);
        fprintf(f->script,
                " at first %.6g, first %.6g right font small textcolor rgb '#444444' front\n",
                a->x_high * pow(10, -(4.0 + indent) / decade_x), r->value * pow(10, 8 / decade_y));
    }
}

void roofline_frame_end(struct roofline_frame *r, struct figure *f, const char *x_label)
{
    choose_axes(r);
    figure_size(f, ROOFLINE_LEFT + ROOFLINE_WIDTH + LEGEND_WIDTH,
                ROOFLINE_TOP + ROOFLINE_HEIGHT + BOTTOM, ROOFLINE_LEFT, LEGEND_WIDTH, ROOFLINE_TOP,
                BOTTOM);
    fprintf(f->script, "x_low = %.6g; x_high = %.6g; y_low = %.6g; y_high = %.6g\n", r->x_low,
            r->x_high, r->y_low, r->y_high);
    figure_string(f, "x_label", x_label);
    draw_roofs(r, f);
}

struct legend roofline_legend(struct figure *f)
{
    return (struct legend){.figure = f,
                           .x = ROOFLINE_LEFT + ROOFLINE_WIDTH + 24,
                           .y = ROOFLINE_TOP,
                           .max_rows = ROOFLINE_HEIGHT / LEGEND_LINE};
}
