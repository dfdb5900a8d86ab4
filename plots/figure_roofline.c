/* The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009): what the machine allows at
 * an arithmetic intensity, and where each cell lies under it.  One figure for each number of
 * threads. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_roofline_gp[];

enum {
    LEFT = 78,
    TOP = 40,
    BOTTOM = 60,
    PLOT_WIDTH = 540,
    PLOT_HEIGHT = 430,
    ROOF_LABEL_GAP = 15,
    ROOF_LABEL_LENGTH = 130,
    ROOFS = 7
};

struct roof_line {
    const char *name, *level, *label;
    double value; /* of these threads on the best instruction set; 0: not measured */
    const char *unit;
};

static const struct roof_line known_roofs[ROOFS] = {
    {"read", "L1", "L1 read", 0, "B/s"},       {"read", "L2", "L2 read", 0, "B/s"},
    {"read", "L3", "L3 read", 0, "B/s"},       {"read", "DRAM", "DRAM read", 0, "B/s"},
    {"fma-f32", "", "f32 FMA", 0, "flop/s"},   {"dot-i8", "", "int8 dot product", 0, "op/s"},
    {"lookup", "", "byte look-up", 0, "op/s"},
};

struct axes {
    double x_low, x_high, y_low, y_high;
};

static const char *const headers[] = {"technique",
                                      "task",
                                      "variant",
                                      "case",
                                      "mode",
                                      "op/B",
                                      "op/s",
                                      "op/s at the limit",
                                      "share of the limit",
                                      "bound by",
                                      "bytes an iteration",
                                      "status"};

static void read_roofs(const struct json *machine, int threads, struct roof_line roofs[ROOFS])
{
    memcpy(roofs, known_roofs, sizeof known_roofs);
    for (const struct json *j = json_first(json_get(machine, "roofs")); j; j = json_next(j)) {
        double value = json_get_number(j, "value", 0);
        if (json_get_number(j, "threads", 0) != threads || !isfinite(value))
            continue;
        for (size_t i = 0; i < ROOFS; i++)
            if (!strcmp(roofs[i].name, json_get_string(j, "name", "")) &&
                !strcmp(roofs[i].level, json_get_string(j, "level", "")))
                roofs[i].value = fmax(roofs[i].value, value);
    }
}

static bool is_memory(const struct roof_line *r)
{
    return *r->level;
}

static bool is_on_roofline(const struct cell *c)
{
    return cell_has_time(c) && c->ops > 0 && c->bytes > 0 && isfinite(c->ops / c->bytes);
}

static double intensity(const struct cell *c)
{
    return c->ops / c->bytes;
}

static double rate(const struct cell *c)
{
    return c->ops / c->time.value;
}

static struct axes choose_axes(const struct cell *cells, size_t n, int threads,
                               const struct roof_line roofs[ROOFS])
{
    struct axes a = {INFINITY, 0, INFINITY, 0};
    double slowest = INFINITY;
    for (size_t i = 0; i < n; i++)
        if (cells[i].threads == threads && is_on_roofline(&cells[i])) {
            a.x_low = fmin(a.x_low, intensity(&cells[i]));
            a.x_high = fmax(a.x_high, intensity(&cells[i]));
            a.y_low = fmin(a.y_low, rate(&cells[i]));
            a.y_high = fmax(a.y_high, rate(&cells[i]));
        }
    for (size_t i = 0; i < ROOFS; i++)
        if (is_memory(&roofs[i]) && roofs[i].value > 0)
            slowest = fmin(slowest, roofs[i].value);
        else
            a.y_high = fmax(a.y_high, roofs[i].value);
    /* Room at the left for the names of the slopes, at the right for the ridge of the slowest. */
    a.x_low /= 12;
    a.x_high = fmax(a.x_high * 4, isfinite(slowest) ? 2.5 * a.y_high / slowest : 0);
    a.y_low = fmin(a.y_low / 2.5, isfinite(slowest) ? slowest * a.x_low * 1.5 : INFINITY);
    a.y_high *= 2;
    return a;
}

static void draw_line(FILE *out, double x0, double y0, double x1, double y1)
{
    fprintf(out,
            "set arrow from first %.6g, first %.6g to first %.6g, first %.6g nohead back lw 1.3 "
            "lc rgb '#555555'\n",
            x0, y0, x1, y1);
}

/* A slope ends where it meets the highest ceiling; a ceiling begins at the fastest slope. */
static void draw_roofs(struct figure *f, const struct axes *a, const struct roof_line roofs[ROOFS])
{
    double ceiling = 0, fastest = 0, last_y = 0, last_slope = 0;
    double decade_x = PLOT_WIDTH / log10(a->x_high / a->x_low),
           decade_y = PLOT_HEIGHT / log10(a->y_high / a->y_low);
    double angle = atan2(decade_y, decade_x);
    int indent = 0, slope_indent = 0;
    char rate_text[32];
    for (size_t i = 0; i < ROOFS; i++) {
        double *largest = is_memory(&roofs[i]) ? &fastest : &ceiling;
        *largest = fmax(*largest, roofs[i].value);
    }
    for (size_t i = 0; i < ROOFS; i++) {
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

static bool is_first_of_name(const struct cell *cells, size_t i)
{
    for (size_t j = i; j-- > 0 && cell_same_task(&cells[j], &cells[i]);)
        if (cells[j].threads == cells[i].threads && is_on_roofline(&cells[j]) &&
            !strcmp(cells[j].variant, cells[i].variant))
            return false;
    return true;
}

static void draw_legend(struct figures *fs, struct figure *f, int threads)
{
    const struct cell *cells = fs->results->cells, *headed = NULL;
    struct legend legend = {
        .figure = f, .x = LEFT + PLOT_WIDTH + 24, .y = TOP, .max_rows = PLOT_HEIGHT / LEGEND_LINE};
    for (size_t i = 0; i < fs->results->n_cells; i++) {
        const struct cell *c = &cells[i];
        if (c->threads != threads || !is_on_roofline(c) || !is_first_of_name(cells, i))
            continue;
        if (!headed || !cell_same_task(headed, c)) {
            char heading[160];
            snprintf(heading, sizeof heading, "%.70s / %.70s", c->technique, c->task);
            legend_heading(&legend, heading);
            headed = c;
        }
        struct look look = styles_look(fs->styles, c->variant);
        legend_mark(&legend, c->variant, &look);
    }
    legend_end(&legend);
}

static void add_cell(struct figures *fs, struct figure *f, const struct cell *c)
{
    struct look look = styles_look(fs->styles, c->variant);
    double at_limit = c->ops / c->limit_s;
    char bound[64];
    table_text(&f->table, c->technique);
    table_text(&f->table, c->task);
    table_text(&f->table, c->variant);
    table_text(&f->table, c->case_name);
    table_text(&f->table, c->mode);
    table_number(&f->table, intensity(c), 4);
    table_number(&f->table, rate(c), 4);
    table_number(&f->table, at_limit, 4);
    table_number(&f->table, c->fraction, 3);
    snprintf(bound, sizeof bound, "%.30s %.30s", c->bound, c->bound_level);
    table_text(&f->table, bound);
    table_number(&f->table, c->bytes, 10);
    table_text(&f->table, c->status);
    fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%u\t%d\t", intensity(c), rate(c),
            isfinite(at_limit) ? at_limit : rate(c), look.rgb, look.shape);
    escape_field(f->rows, c->path);
    fputc('\n', f->rows);
}

static void draw(struct figures *fs, int threads)
{
    const struct results *r = fs->results;
    struct roof_line roofs[ROOFS];
    size_t drawn = 0, without = 0;
    char word[32];
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].threads == threads && cell_has_time(&r->cells[i]))
            ++*(is_on_roofline(&r->cells[i]) ? &drawn : &without);
    if (!drawn)
        return;
    snprintf(word, sizeof word, "%d-thread%s", threads, threads == 1 ? "" : "s");
    struct figure *f = figure_begin(fs, "roofline", word, NULL, embed_roofline_gp, headers,
                                    sizeof headers / sizeof headers[0], "Roofline, %d thread%s",
                                    threads, threads == 1 ? "" : "s");
    if (!f)
        return;
    read_roofs(results_machine(r), threads, roofs);
    struct axes a = choose_axes(r->cells, r->n_cells, threads, roofs);
    figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH, TOP + PLOT_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH,
                TOP, BOTTOM);
    fprintf(f->script, "x_low = %.6g; x_high = %.6g; y_low = %.6g; y_high = %.6g\n", a.x_low,
            a.x_high, a.y_low, a.y_high);
    draw_roofs(f, &a, roofs);
    draw_legend(fs, f, threads);
    fputs("# op/B\top/s\top/s at the limit\tcolour\tshape\tcell\n", f->rows);
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].threads == threads && is_on_roofline(&r->cells[i]))
            add_cell(fs, f, &r->cells[i]);
    fprintf(
        f->words,
        "Each mark is a cell (median time); the line above it ends at the limit of its own inner "
        "instruction or memory level. Operations are those of the cell's roof (flop, 8-bit "
        "multiply-add, byte look-up); traffic tier: modelled (compulsory bytes). Roofs as "
        "measured on this machine with %d thread%s. ",
        threads, threads == 1 ? "" : "s");
    if (without)
        fprintf(f->words,
                "%zu cells that only move bytes have no intensity and stand in the figures of the "
                "share of the limit. ",
                without);
    fprintf(f->words, "Machine %s.",
            json_get_string(results_machine(r), "fingerprint", "without a fingerprint"));
    figure_end(fs, f);
}

void figures_roofline(struct figures *fs)
{
    const struct cell *cells = fs->results->cells;
    for (size_t i = 0; i < fs->results->n_cells; i++) {
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = cells[j].threads != cells[i].threads;
        if (is_new)
            draw(fs, cells[i].threads);
    }
}
