/* Speed against error: what a technique gives up for what it gains.  One figure a task, one panel a
 * block.  A cell dominates another only when that is resolved: its speed-up interval lies wholly
 * above the other's and its error is no worse. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_pareto_gp[];

enum {
    MAX_PANELS = 4,
    MAX_POINTS = 64, /* of a panel */
    PANEL_WIDTH = 330,
    PANEL_HEIGHT = 250,
    LEFT = 100,
    TOP = 66,
    GAP_X = 96,
    GAP_Y = 96,
    BOTTOM = 60,
    SUBJECT_COLUMNS = 24,
    CASE_COLUMNS = 28
};

static const char *const headers[] = {"case",   "threads", "variant",       "subject",
                                      "metric", "value",   "speed-up",      "low",
                                      "high",   "scope",   "in this figure"};

struct point {
    const struct cell *cell;
    const char *subject;
    double y; /* as drawn */
    bool dominated;
};

struct panel {
    const struct cell *block; /* its first cell */
    struct point points[MAX_POINTS];
    size_t n;
    double x_low, x_high;
    int left, top; /* pixels, of the axes */
};

/* A figure under way. */
struct chart {
    const char *metric;
    bool higher_is_better;
    double worst, best;  /* finite values */
    double exact;        /* where an error of nothing is drawn; 0: there is none */
    double y_from, y_to; /* the range, from worst to best */
    bool logarithmic_x;
    struct panel panels[MAX_PANELS];
    size_t n_panels, left_out_panels, left_out_points;
};

static bool is_higher_better(const char *metric)
{
    static const char *const words[] = {"sqnr", "snr", "_db", "cosine", "accuracy"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(metric, words[i]))
            return true;
    return false;
}

/* No error at all: an infinite ratio, or an error of zero. */
static bool is_exact(const struct json *row, bool higher_is_better)
{
    if (higher_is_better)
        return !strcmp(json_get_string(row, "value_reason", ""), "infinite");
    return json_get_number(row, "value", NAN) == 0;
}

static bool is_drawable(const struct json *row, bool higher_is_better)
{
    double value = json_get_number(row, "value", NAN);
    return is_exact(row, higher_is_better) || (isfinite(value) && (higher_is_better || value > 0));
}

static bool has_speed(const struct cell *c)
{
    return cell_has_time(c) && c->speedup.value > 0 && isfinite(c->speedup.value);
}

/* The metric that most cells of the task have, of the first CELLS_COMPARED_MAX; the first of
 * several. */
static const char *choose_metric(const struct cell *cells, size_t n)
{
    const char *chosen = NULL;
    size_t most = 1; /* one cell alone is not a trade-off */
    n = n < CELLS_COMPARED_MAX ? n : CELLS_COMPARED_MAX;
    for (size_t i = 0; i < n; i++)
        for (const struct json *row = json_first(cells[i].fidelity); row; row = json_next(row)) {
            const char *metric = json_get_string(row, "metric", "");
            size_t count = 0;
            if (chosen && !strcmp(chosen, metric))
                continue;
            for (size_t j = 0; j < n; j++) {
                const struct json *other = json_first(cells[j].fidelity);
                while (other && (strcmp(json_get_string(other, "metric", ""), metric) != 0 ||
                                 !is_drawable(other, is_higher_better(metric))))
                    other = json_next(other);
                count += other && has_speed(&cells[j]);
            }
            if (count > most) {
                chosen = metric;
                most = count;
            }
        }
    return chosen;
}

static void add_points(struct chart *chart, struct panel *panel, const struct cell *c)
{
    for (const struct json *row = json_first(c->fidelity); row && has_speed(c);
         row = json_next(row)) {
        if (strcmp(json_get_string(row, "metric", ""), chart->metric) != 0 ||
            !is_drawable(row, chart->higher_is_better))
            continue;
        if (panel->n == MAX_POINTS) {
            chart->left_out_points++;
            continue;
        }
        panel->points[panel->n++] = (struct point){
            .cell = c,
            .subject = json_get_string(row, "subject", ""),
            .y = is_exact(row, chart->higher_is_better) ? NAN : json_get_number(row, "value", NAN)};
    }
}

static void collect(struct chart *chart, const struct cell *cells, size_t n)
{
    for (size_t i = 0, in_block; i < n; i += in_block) {
        struct panel panel = {.block = &cells[i], .x_low = INFINITY};
        for (in_block = 0; i + in_block < n && cell_same_block(&cells[i], &cells[i + in_block]);)
            add_points(chart, &panel, &cells[i + in_block++]);
        if (panel.n < 2)
            continue;
        if (chart->n_panels == MAX_PANELS)
            chart->left_out_panels++;
        else
            chart->panels[chart->n_panels++] = panel;
    }
}

/* The ranges of all panels; y is common, so that panels can be compared. */
static bool scale(struct chart *chart)
{
    double low = INFINITY, high = -INFINITY, x_most = 0, x_least = INFINITY;
    bool any_exact = false;
    for (size_t i = 0; i < chart->n_panels; i++)
        for (size_t j = 0; j < chart->panels[i].n; j++) {
            const struct point *p = &chart->panels[i].points[j];
            any_exact |= isnan(p->y);
            low = fmin(low, p->y);
            high = fmax(high, p->y);
            x_most = fmax(x_most, fmax(p->cell->speedup.value, p->cell->speedup.high));
            x_least = fmin(x_least, p->cell->speedup.value);
        }
    if (!(low <= high))
        return false;
    chart->worst = chart->higher_is_better ? low : high;
    chart->best = chart->higher_is_better ? high : low;
    if (chart->higher_is_better) {
        double room = high > low ? 0.1 * (high - low) : 1;
        chart->y_from = low - room;
        chart->exact = any_exact ? high + 1.6 * room : 0;
        chart->y_to = high + (any_exact ? 2.4 : 1) * room;
    } else { /* a logarithmic axis, turned round: up is better */
        double room = fmax(1.5, pow(high / low, 0.1));
        chart->y_from = high * room;
        chart->exact = any_exact ? low / pow(room, 1.6) : 0;
        chart->y_to = low / pow(room, any_exact ? 2.4 : 1);
    }
    chart->logarithmic_x = x_most / x_least > 20;
    for (size_t i = 0; i < chart->n_panels; i++) {
        struct panel *p = &chart->panels[i];
        p->x_low = chart->logarithmic_x ? x_least / 1.6 : 0;
        p->x_high = chart->logarithmic_x ? x_most * 2.5 : x_most * 1.3; /* room for subjects */
        for (size_t j = 0; j < p->n; j++)
            if (isnan(p->points[j].y))
                p->points[j].y = chart->exact;
    }
    return true;
}

static double low_of(const struct cell *c)
{
    return isfinite(c->speedup.low) ? c->speedup.low : c->speedup.value;
}

static double high_of(const struct cell *c)
{
    return isfinite(c->speedup.high) ? c->speedup.high : c->speedup.value;
}

static bool is_faster(const struct cell *a, const struct cell *b)
{
    return low_of(a) > high_of(b);
}

static void find_front(const struct chart *chart, struct panel *panel)
{
    double sign = chart->higher_is_better ? 1 : -1;
    for (size_t i = 0; i < panel->n; i++)
        for (size_t j = 0; j < panel->n; j++) {
            struct point *a = &panel->points[i], *b = &panel->points[j];
            if ((is_faster(b->cell, a->cell) && sign * b->y >= sign * a->y) ||
                (a->cell == b->cell && sign * b->y > sign * a->y))
                a->dominated = true;
        }
}

static int by_speed(const void *a, const void *b)
{
    const struct point *x = *(const struct point *const *)a, *y = *(const struct point *const *)b;
    double d = x->cell->speedup.value - y->cell->speedup.value;
    return (d > 0) - (d < 0);
}

/* Steps between neighbours on the front whose order is resolved. */
static void print_front(const struct panel *panel, FILE *out)
{
    const struct point *front[MAX_POINTS];
    size_t n = 0;
    fputs("\n\n# the front: speed-up\ty\n?\t?\n", out);
    for (size_t i = 0; i < panel->n; i++)
        if (!panel->points[i].dominated)
            front[n++] = &panel->points[i];
    qsort(front, n, sizeof *front, by_speed);
    for (size_t i = 0; i + 1 < n; i++)
        if (is_faster(front[i + 1]->cell, front[i]->cell))
            fprintf(out, "%.9g\t%.9g\n%.9g\t%.9g\n%.9g\t%.9g\n\n", front[i]->cell->speedup.value,
                    front[i]->y, front[i]->cell->speedup.value, front[i + 1]->y,
                    front[i + 1]->cell->speedup.value, front[i + 1]->y);
    fputs("\n\n", out);
}

static void print_points(const struct figures *fs, const struct panel *panel, FILE *out)
{
    fputs("# speed-up\tlow\thigh\ty\tcolour\tshape\tcell\tsubject\n", out);
    for (size_t i = 0; i < panel->n; i++) {
        const struct point *p = &panel->points[i];
        struct look look = styles_look(fs->styles, p->cell->variant);
        fprintf(out, "%.9g\t%.9g\t%.9g\t%.9g\t%u\t%d\t", p->cell->speedup.value, low_of(p->cell),
                high_of(p->cell), p->y, look.rgb, p->dominated ? look.shape - 1 : look.shape);
        escape_field(out, p->cell->path);
        fputc('\t', out);
        escape_field(out, p->subject);
        fputc('\n', out);
    }
}

static double share(double value, double from, double to, bool logarithmic)
{
    return logarithmic ? log(value / from) / log(to / from) : (value - from) / (to - from);
}

/* Beside each cell that has several subjects: which of them is the most exact. */
static void label_subjects(const struct chart *chart, const struct panel *panel, struct figure *f)
{
    double sign = chart->higher_is_better ? 1 : -1, last_x = -1e9, last_y = -1e9;
    for (size_t i = 0, n; i < panel->n; i += n) {
        const struct point *best = &panel->points[i];
        char name[4 * SUBJECT_COLUMNS + 8], text[sizeof name + 32];
        for (n = 1; i + n < panel->n && panel->points[i + n].cell == best->cell; n++)
            if (sign * panel->points[i + n].y > sign * best->y)
                best = &panel->points[i + n];
        if (!*best->subject)
            continue;
        label_shorten(best->subject, SUBJECT_COLUMNS, name, sizeof name);
        snprintf(text, sizeof text, n > 1 ? "%s (best of %zu)" : "%s", name, n);
        double x = PANEL_WIDTH * share(best->cell->speedup.value, panel->x_low, panel->x_high,
                                       chart->logarithmic_x),
               y = PANEL_HEIGHT *
                   (1 - share(best->y, chart->y_from, chart->y_to, !chart->higher_is_better));
        if (fabs(x - last_x) < 170 && fabs(y - last_y) < 32)
            continue; /* it would overlap; the table has it */
        last_x = x;
        last_y = y;
        /* Above the mark, on the side where there is room. */
        bool at_right = x > 0.6 * PANEL_WIDTH;
        figure_label(f, text, panel->left + x + (at_right ? 6 : -6), panel->top + y - 13,
                     at_right ? "right font small textcolor rgb '#444444'"
                              : "left font small textcolor rgb '#444444'");
    }
}

/* Ticks between the worst and the best value only: beyond the best stands "exact". */
static void print_ticks(const struct chart *chart, FILE *out)
{
    double low = fmin(chart->worst, chart->best), high = fmax(chart->worst, chart->best);
    bool first;
    if (chart->higher_is_better || high / low < 3) /* the range is wider than the values */
        first = !print_even_ticks(out, 'y', low, high, tick_step(low, 2 * high - low));
    else
        first = !print_log_ticks(out, 'y', low, high);
    if (chart->exact > 0)
        fprintf(out, "set ytics %s('exact' %.9g)\n", first ? "" : "add ", chart->exact);
}

static void print_panels(const struct chart *chart, struct figure *f)
{
    static const char *const names[] = {"panel_left",   "panel_right", "panel_top",
                                        "panel_bottom", "panel_x_low", "panel_x_high"};
    double values[6][MAX_PANELS];
    for (size_t i = 0; i < chart->n_panels; i++) {
        const struct panel *p = &chart->panels[i];
        values[0][i] = (double)p->left / f->width;
        values[1][i] = (double)(p->left + PANEL_WIDTH) / f->width;
        values[2][i] = 1 - (double)p->top / f->height;
        values[3][i] = 1 - (double)(p->top + PANEL_HEIGHT) / f->height;
        values[4][i] = p->x_low;
        values[5][i] = p->x_high;
    }
    for (size_t i = 0; i < 6; i++)
        figure_array(f, names[i], values[i], chart->n_panels);
    fprintf(f->script,
            "panels = %zu; logarithmic_x = %d; logarithmic_y = %d\n"
            "y_worst = %.6g; y_best = %.6g\n",
            chart->n_panels, chart->logarithmic_x, !chart->higher_is_better, chart->y_from,
            chart->y_to);
}

static void print_headings(const struct chart *chart, struct figure *f)
{
    for (size_t i = 0; i < chart->n_panels; i++) {
        const struct panel *p = &chart->panels[i];
        char heading[256], threads[64] = "", name[4 * CASE_COLUMNS + 8];
        FILE *out = fmemopen(threads, sizeof threads, "w");
        if (out) {
            print_threads(out, p->block);
            fclose(out);
        }
        label_shorten(p->block->case_name, CASE_COLUMNS, name, sizeof name);
        snprintf(heading, sizeof heading, "%s%s%.10s, %s", name, *p->block->mode ? ", " : "",
                 p->block->mode, threads);
        figure_label(f, heading, p->left, p->top - 12, "left font bold");
        figure_label(f, "speed-up over the baseline (times)", p->left + PANEL_WIDTH / 2,
                     p->top + PANEL_HEIGHT + 40, "center textcolor rgb ink");
    }
}

static void print_legend(struct figures *fs, const struct chart *chart, struct figure *f, int x)
{
    struct legend legend = {
        .figure = f, .x = x, .y = TOP, .max_rows = (f->height - TOP - BOTTOM) / LEGEND_LINE};
    for (size_t i = 0; i < chart->n_panels; i++)
        for (size_t j = 0; j < chart->panels[i].n; j++) {
            const char *name = chart->panels[i].points[j].cell->variant;
            bool is_new = true;
            for (size_t k = 0; k <= i && is_new; k++)
                for (size_t l = 0; l < (k < i ? chart->panels[k].n : j) && is_new; l++)
                    is_new = strcmp(chart->panels[k].points[l].cell->variant, name) != 0;
            struct look look = styles_look(fs->styles, name);
            if (is_new)
                legend_mark(&legend, name, &look);
        }
    legend_end(&legend);
}

static void fill_table(struct figure *f, const struct cell *cells, size_t n, const char *metric)
{
    for (size_t i = 0; i < n; i++)
        for (const struct json *row = json_first(cells[i].fidelity); row; row = json_next(row)) {
            const char *name = json_get_string(row, "metric", "");
            double value = json_get_number(row, "value", NAN);
            table_text(&f->table, cells[i].case_name);
            table_number(&f->table, cells[i].threads, 4);
            table_text(&f->table, cells[i].variant);
            table_text(&f->table, json_get_string(row, "subject", ""));
            table_text(&f->table, name);
            if (isfinite(value))
                table_number(&f->table, value, 4);
            else
                table_text(&f->table, json_get_string(row, "value_reason", "not a number"));
            table_number(&f->table, cells[i].speedup.value, 4);
            table_number(&f->table, cells[i].speedup.low, 4);
            table_number(&f->table, cells[i].speedup.high, 4);
            table_text(&f->table, json_get_string(row, "scope", ""));
            table_text(&f->table, strcmp(name, metric) ? "no" : "yes");
        }
}

static void draw_task(struct figures *fs, const struct cell *cells, size_t n, struct chart *chart)
{
    *chart = (struct chart){.metric = choose_metric(cells, n)};
    if (!chart->metric)
        return;
    chart->higher_is_better = is_higher_better(chart->metric);
    collect(chart, cells, n);
    if (!chart->n_panels || !scale(chart))
        return;
    struct figure *f = figure_begin(fs, "pareto", cells->technique, cells->task, embed_pareto_gp,
                                    headers, sizeof headers / sizeof headers[0],
                                    "%s / %s: speed against error", cells->technique, cells->task);
    if (!f)
        return;
    int columns = chart->n_panels > 1 ? 2 : 1, lines = chart->n_panels > 2 ? 2 : 1;
    int right_edge = LEFT + columns * PANEL_WIDTH + (columns - 1) * GAP_X;
    figure_size(f, right_edge + LEGEND_WIDTH,
                TOP + lines * PANEL_HEIGHT + (lines - 1) * GAP_Y + BOTTOM, LEFT, LEGEND_WIDTH, TOP,
                BOTTOM);
    for (size_t i = 0; i < chart->n_panels; i++) {
        struct panel *p = &chart->panels[i];
        p->left = LEFT + (int)(i % 2) * (PANEL_WIDTH + GAP_X);
        p->top = TOP + (int)(i / 2) * (PANEL_HEIGHT + GAP_Y);
        find_front(chart, p);
        print_points(fs, p, f->rows);
        print_front(p, f->rows);
        label_subjects(chart, p, f);
    }
    print_panels(chart, f);
    print_ticks(chart, f->script);
    print_headings(chart, f);
    print_legend(fs, chart, f, right_edge + 24);
    char axis[160];
    snprintf(axis, sizeof axis, "%.100s (up is better)", chart->metric);
    figure_label(f, axis, 20, TOP + (f->height - TOP - BOTTOM) / 2,
                 "center rotate by 90 textcolor rgb ink");
    fill_table(f, cells, n, chart->metric);
    fprintf(f->words, "%s against the exact original, over the speed-up. ", chart->metric);
    caption_measured(f->words, fs->results, cells, n);
    fputs(" Hollow marks are dominated: another cell is faster beyond both intervals and no less "
          "exact. The dashed steps join front cells whose order in speed is resolved.",
          f->words);
    if (chart->left_out_panels || chart->left_out_points)
        fprintf(f->words, " %zu more blocks and %zu more points are in the table only.",
                chart->left_out_panels, chart->left_out_points);
    figure_end(fs, f);
}

void figures_pareto(struct figures *fs)
{
    const struct cell *cells = fs->results->cells;
    struct chart *chart = malloc(sizeof *chart);
    if (!chart) {
        fs->out_of_memory = true;
        return;
    }
    for (size_t i = 0, n; i < fs->results->n_cells; i += n) {
        for (n = 1; i + n < fs->results->n_cells && cell_same_task(&cells[i], &cells[i + n]);)
            n++;
        draw_task(fs, &cells[i], n, chart);
    }
    free(chart);
}
