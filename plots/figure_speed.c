/* Two lists of cells: how much faster than the baseline, and how far from the machine's limit. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/text_stream.h"
#include "plots/escape.h"
#include "plots/rows.h"

extern const char embed_rows_gp[];

/* Which number of a cell is drawn. */
struct quantity {
    const char *kind, *title, *axis, *explanation;
    const char *const *headers;
    size_t n_headers;
};

static const char *const speed_headers[] = {"case",         "threads",       "variant", "speed-up",
                                            "low",          "high",          "n",       "time (s)",
                                            "time low (s)", "time high (s)", "status"};
static const struct quantity speed = {"speed",
                                      "speed-up over the baseline",
                                      "speed-up over the baseline (times, larger is faster)",
                                      "Speed-up over the task's baseline (grey; dashed line at 1), "
                                      "paired by round inside its block. ",
                                      speed_headers,
                                      sizeof speed_headers / sizeof speed_headers[0]};

static const char *const limit_headers[] = {
    "case", "threads",  "variant",   "share of the limit", "low",   "high",
    "n",    "time (s)", "limit (s)", "bound by",           "status"};
static const struct quantity limit = {
    "limit",
    "share of the machine's limit",
    "share of the limit (1: as fast as the roof allows)",
    "Time that the roof of the cell's own inner instruction or memory level allows, over the time "
    "taken (dashed line: the limit). ",
    limit_headers,
    sizeof limit_headers / sizeof limit_headers[0]};

static struct estimate value_of(const struct quantity *q, const struct cell *c)
{
    if (q == &speed)
        return c->speedup;
    return (struct estimate){c->fraction, c->fraction_low, c->fraction_high, c->time.level,
                             c->time.n};
}

static bool is_drawn(const struct quantity *q, const struct cell *c)
{
    double value = value_of(q, c).value;
    return cell_has_time(c) && isfinite(value) && value > 0;
}

static void add_table_row(struct figure *f, const struct quantity *q, const struct cell *c)
{
    struct estimate e = value_of(q, c);
    table_text(&f->table, c->case_name);
    table_number(&f->table, c->threads, 4);
    table_text(&f->table, c->variant);
    table_number(&f->table, e.value, 4);
    table_number(&f->table, e.low, 4);
    table_number(&f->table, e.high, 4);
    table_number(&f->table, (double)c->time.n, 6);
    table_number(&f->table, c->time.value, 4);
    if (q == &speed) {
        table_number(&f->table, c->time.low, 4);
        table_number(&f->table, c->time.high, 4);
    } else {
        char bound[64];
        snprintf(bound, sizeof bound, "%s%s%s", c->bound, *c->bound_level ? " " : "",
                 c->bound_level);
        table_number(&f->table, c->limit_s, 4);
        table_text(&f->table, bound);
    }
    table_text(&f->table, c->status);
}

static void heading(struct rows *rows, const struct cell *c)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = text_stream(&text, &bytes);
    if (!out)
        return;
    fprintf(out, "%s%s%s, ", c->case_name, *c->mode ? ", " : "", c->mode);
    print_threads(out, c);
    if (!fclose(out))
        rows_heading(rows, text);
    free(text);
}

static void add_row(struct rows *rows, const struct quantity *q, const struct styles *styles,
                    const struct cell *c)
{
    struct look look = styles_look(styles, c->variant);
    struct estimate e = value_of(q, c);
    char words[128];
    bool degraded = !strcmp(c->status, "degraded");
    if (!is_drawn(q, c)) {
        snprintf(words, sizeof words, "%s%s%.100s", c->status, *c->reason ? ": " : "", c->reason);
        rows_note(rows, words, rows_row(rows, c->variant, NULL));
        return;
    }
    bool has_interval = isfinite(e.low) && isfinite(e.high);
    char value[32], low[32], high[32];
    format_value(e.value, 3, value);
    format_value(e.low, 3, low);
    format_value(e.high, 3, high);
    if (has_interval && e.low < e.high)
        snprintf(words, sizeof words, "%s [%s, %s]%s", value, low, high,
                 degraded ? " degraded" : "");
    else
        snprintf(words, sizeof words, "%s%s", value, degraded ? " degraded" : "");
    double y = rows_row(rows, c->variant, words);
    fprintf(rows->figure->rows, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t1\t", y, e.value,
            has_interval ? e.low : e.value, has_interval ? e.high : e.value, look.rgb,
            degraded ? look.shape - 1 : look.shape);
    escape_field(rows->figure->rows, c->case_name);
    fputc('\t', rows->figure->rows);
    escape_field(rows->figure->rows, c->variant);
    fputc('\n', rows->figure->rows);
}

/* One figure of a task's cells. */
static void draw_task(struct figures *fs, const struct quantity *q, const struct cell *cells,
                      size_t n)
{
    double largest = 1, smallest = 1;
    size_t left_out = 0, drawn = 0, shown = 0;
    for (size_t i = 0; i < n; i++)
        if (is_drawn(q, &cells[i])) {
            struct estimate e = value_of(q, &cells[i]);
            largest = fmax(largest, fmax(e.value, e.high));
            smallest = fmin(smallest, e.value);
            drawn++;
        }
    if (!drawn)
        return;
    struct figure *f =
        figure_begin(fs, q->kind, cells->technique, cells->task, embed_rows_gp, q->headers,
                     q->n_headers, "%s / %s: %s", cells->technique, cells->task, q->title);
    if (!f)
        return;
    struct rows rows = {.figure = f};
    fputs("# y\tvalue\tlow\thigh\tcolour\tshape\tbar\tcase\tvariant\n", f->rows);
    for (size_t i = 0; i < n; i++) {
        add_table_row(f, q, &cells[i]);
        if (rows.rows >= ROWS_MAX) {
            left_out++;
            continue;
        }
        if (!i || !cell_same_block(&cells[i], &cells[i - 1]))
            heading(&rows, &cells[i]);
        add_row(&rows, q, fs->styles, &cells[i]);
        shown = i + 1;
    }
    rows_end(&rows);
    /* Bars start at 0 on a linear axis; over a wide range only the marks are honest. */
    bool wide = largest / smallest > 60;
    fprintf(f->script,
            "logarithmic = %d; reference = 1; bar_from = %g\nx_low = %.6g; x_high = %.6g\n", wide,
            wide ? 1.0 : 0.0, wide ? smallest / 1.5 : 0.0, wide ? largest * 1.5 : largest * 1.04);
    figure_string(f, "x_label", q->axis);
    fputs(q->explanation, f->words);
    caption_measured(f->words, fs->results, cells, shown);
    fputs(" Hollow marks: degraded.", f->words);
    if (left_out)
        fprintf(f->words, " %zu more cells are in the table only.", left_out);
    figure_end(fs, f);
}

static void draw_tasks(struct figures *fs, const struct quantity *q)
{
    const struct cell *cells = fs->results->cells;
    for (size_t i = 0, n; i < fs->results->n_cells; i += n) {
        for (n = 1; i + n < fs->results->n_cells && cell_same_task(&cells[i], &cells[i + n]);)
            n++;
        draw_task(fs, q, &cells[i], n);
    }
}

void figures_speed(struct figures *fs)
{
    draw_tasks(fs, &speed);
}

void figures_limits(struct figures *fs)
{
    draw_tasks(fs, &limit);
}
