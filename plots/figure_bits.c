/* Speed against bits: weights a second that a matrix product gets through against what it reads for
 * each, beside the line that the memory allows.  One figure a task, of its largest matrix. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_bits_gp[];

enum { LEFT = 92, TOP = 66, BOTTOM = 60, PLOT_WIDTH = 540, PLOT_HEIGHT = 400 };

static const char *const headers[] = {
    "case",        "threads",  "variant", "bytes moved x 8 / weights",
    "weights/s",   "low",      "high",    "memory limit (weights/s)",
    "share of it", "speed-up", "status"};

static double parameter(const struct cell *c, const char *name, double otherwise)
{
    return json_get_number(json_get(c->json, "params"), name, otherwise);
}

/* One vector times a matrix. */
static double weights_of(const struct cell *c)
{
    return parameter(c, "tokens", 1) > 1 ? NAN
                                         : parameter(c, "rows", NAN) * parameter(c, "cols", NAN);
}

static double bits_of(const struct cell *c)
{
    return 8 * c->bytes / weights_of(c);
}

static bool is_drawable(const struct cell *c)
{
    return cell_has_time(c) && fits_log_axis(weights_of(c)) && fits_log_axis(bits_of(c)) &&
           fits_log_axis(c->time.value);
}

/* Bytes a second of the level that the block's memory-bound cells run from; NaN without one. */
static double bandwidth_of(const struct cell *block, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_drawable(&block[i]) && block[i].limit_s > 0 && *block[i].bound_level)
            return block[i].bytes / block[i].limit_s;
    return NAN;
}

struct block {
    const struct cell *cells;
    size_t n;
};

/* The block of the largest matrix on the most threads; n == 0: there is none. */
static struct block choose_block(const struct cell *cells, size_t n)
{
    struct block best = {cells, 0};
    double best_weights = 0;
    for (size_t i = 0, run; i < n; i += run) {
        double weights = 0, different = 0, first = NAN;
        for (run = 0; i + run < n && cell_same_block(&cells[i], &cells[i + run]); run++)
            if (is_drawable(&cells[i + run])) {
                weights = weights_of(&cells[i + run]);
                different += isfinite(first) && fabs(bits_of(&cells[i + run]) - first) > 0.1;
                first = bits_of(&cells[i + run]);
            }
        if (different > 0 && (weights > best_weights || (weights == best_weights &&
                                                         cells[i].threads > best.cells->threads))) {
            best = (struct block){&cells[i], run};
            best_weights = weights;
        }
    }
    return best;
}

static void fill_table(struct figure *f, const struct cell *cells, size_t n)
{
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && cell_same_block(&cells[i], &cells[i + run]);)
            run++;
        double bandwidth = bandwidth_of(&cells[i], run);
        for (const struct cell *c = &cells[i]; c < &cells[i + run]; c++) {
            double weights = weights_of(c), limit = 8 * bandwidth / bits_of(c);
            if (!isfinite(weights))
                continue;
            table_text(&f->table, c->case_name);
            table_number(&f->table, c->threads, 4);
            table_text(&f->table, c->variant);
            table_number(&f->table, bits_of(c), 4);
            table_number(&f->table, weights / c->time.value, 4);
            table_number(&f->table, weights / c->time.high, 4);
            table_number(&f->table, weights / c->time.low, 4);
            table_number(&f->table, limit, 4);
            table_number(&f->table, weights / c->time.value / limit, 3);
            table_number(&f->table, c->speedup.value, 4);
            table_text(&f->table, c->status);
        }
    }
}

static void print_points(const struct figures *fs, struct figure *f, struct block b)
{
    double x_low = INFINITY, x_high = 0, y_low = INFINITY, y_high = 0;
    double bandwidth = bandwidth_of(b.cells, b.n);
    struct legend legend = {
        .figure = f, .x = LEFT + PLOT_WIDTH + 24, .y = TOP, .max_rows = PLOT_HEIGHT / LEGEND_LINE};
    struct look limit = {0x111111, 7, 2};
    if (bandwidth > 0)
        legend_line(&legend, "read bandwidth / bits", &limit);
    fputs("# bits\tweights/s\tlow\thigh\tcolour\tshape\tvariant\n", f->rows);
    for (const struct cell *c = b.cells; c < b.cells + b.n; c++) {
        if (!is_drawable(c))
            continue;
        struct look look = styles_look(fs->styles, c->variant);
        double weights = weights_of(c), y = weights / c->time.value;
        bool has_interval = c->time.low > 0 && isfinite(c->time.high);
        x_low = fmin(x_low, bits_of(c));
        x_high = fmax(x_high, bits_of(c));
        y_low = fmin(y_low, y);
        y_high = fmax(y_high, y);
        fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%.9g\t%u\t%d\t", bits_of(c), y,
                has_interval ? weights / c->time.high : y, has_interval ? weights / c->time.low : y,
                look.rgb, strcmp(c->status, "degraded") ? look.shape : look.shape - 1);
        escape_field(f->rows, c->variant);
        fputc('\n', f->rows);
        legend_mark(&legend, c->variant, &look);
    }
    legend_end(&legend);
    x_low /= 1.25;
    x_high *= 1.25;
    if (bandwidth > 0) {
        y_high = fmax(y_high, 8 * bandwidth / x_low);
        y_low = fmin(y_low, 8 * bandwidth / x_high);
    }
    fprintf(f->script,
            "x_low = %.6g; x_high = %.6g; y_low = %.6g; y_high = %.6g; bandwidth = %.6g\n", x_low,
            x_high, y_low / 1.3, y_high * 1.3, bandwidth > 0 ? bandwidth : 0);
    print_log_ticks(f->script, 'x', x_low, x_high);
}

static void draw_task(struct figures *fs, const struct cell *cells, size_t n)
{
    struct block b = choose_block(cells, n);
    if (!b.n)
        return;
    struct figure *f = figure_begin(fs, "bits", cells->technique, cells->task, embed_bits_gp,
                                    headers, sizeof headers / sizeof headers[0],
                                    "%s / %s: speed against bits", cells->technique, cells->task);
    if (!f)
        return;
    char heading[256];
    figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH, TOP + PLOT_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH,
                TOP, BOTTOM);
    snprintf(heading, sizeof heading, "%.60s%s%.10s, %d thread%s", b.cells->case_name,
             *b.cells->mode ? ", " : "", b.cells->mode, b.cells->threads,
             b.cells->threads == 1 ? "" : "s");
    figure_label(f, heading, LEFT, TOP - 12, "left font bold");
    print_points(fs, f, b);
    fill_table(f, cells, n);
    fputs("Weights a second of one vector times the matrix, against the bytes it must move for "
          "each (scales, tables and vectors included), of the largest matrix; the table has the "
          "others. On the line every byte moves at the bandwidth measured in the same block. ",
          f->words);
    caption_measured(f->words, fs->results, b.cells, b.n);
    fputs(" Hollow marks: degraded.", f->words);
    figure_end(fs, f);
}

void figures_bits(struct figures *fs)
{
    const struct cell *cells = fs->results->cells;
    for (size_t i = 0, n; i < fs->results->n_cells; i += n) {
        for (n = 1; i + n < fs->results->n_cells && cell_same_task(&cells[i], &cells[i + n]);)
            n++;
        draw_task(fs, &cells[i], n);
    }
}
