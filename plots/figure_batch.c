/* Batch sweep: time for a token and the share of the limit against the tokens that share one
 * reading of the weights, and where arithmetic takes over from memory.  One figure a task, of the
 * matrix with most batches. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_batch_gp[];

enum {
    LEFT = 92,
    TOP = 66,
    BOTTOM = 60,
    PLOT_WIDTH = 540,
    UPPER_HEIGHT = 290,
    SPLIT = 22,
    LOWER_HEIGHT = 190,
    MAX_CELLS = 512
};

static const char *const headers[] = {"case",        "threads",
                                      "variant",     "tokens",
                                      "s per token", "low",
                                      "high",        "share of the limit",
                                      "bound by",    "crossover (tokens)",
                                      "status"};

static double parameter(const struct cell *c, const char *name, double otherwise)
{
    return json_get_number(json_get(c->json, "params"), name, otherwise);
}

/* Cells without the parameter are no part of a sweep. */
static double tokens_of(const struct cell *c)
{
    return parameter(c, "tokens", NAN);
}

static bool is_memory_bound(const struct cell *c)
{
    return *c->bound_level != '\0'; /* what binds the core has no level */
}

/* The same matrix in the same place, on as many threads; only the batch differs. */
static bool same_sweep(const struct cell *a, const struct cell *b)
{
    return a->threads == b->threads && a->ranks == b->ranks && !strcmp(a->mode, b->mode) &&
           parameter(a, "rows", 0) == parameter(b, "rows", 0) &&
           parameter(a, "cols", 0) == parameter(b, "cols", 0);
}

static bool is_drawable(const struct cell *c)
{
    return cell_has_time(c) && tokens_of(c) >= 1 && tokens_of(c) <= 1e9 &&
           fits_log_axis(c->time.value);
}

static int by_line(const void *a, const void *b)
{
    const struct cell *x = *(const struct cell *const *)a, *y = *(const struct cell *const *)b;
    int d = strcmp(x->variant, y->variant);
    if (!d)
        d = (tokens_of(x) > tokens_of(y)) - (tokens_of(x) < tokens_of(y));
    return d ? d : (x->index > y->index) - (x->index < y->index);
}

/* The sweep with most cells, then of the larger matrix, then on more threads; sorted by line.
 * Returns how many; fewer than two different batches are none. */
static size_t choose_sweep(const struct cell *cells, size_t n, const struct cell **sweep)
{
    const struct cell *best = NULL;
    double best_size = 0;
    size_t best_count = 0, kept = 0;
    for (const struct cell *c = cells; c < cells + n; c++) {
        size_t count = 0;
        double low = INFINITY, high = 0;
        for (const struct cell *d = cells; d < cells + n && is_drawable(c); d++)
            if (is_drawable(d) && same_sweep(c, d)) {
                count++;
                low = fmin(low, tokens_of(d));
                high = fmax(high, tokens_of(d));
            }
        double size = parameter(c, "rows", 1) * parameter(c, "cols", 1) + c->threads * 1e-3;
        if (low < high && (count > best_count || (count == best_count && size > best_size))) {
            best = c;
            best_count = count;
            best_size = size;
        }
    }
    for (const struct cell *c = cells; best && c < cells + n && kept < MAX_CELLS; c++)
        if (is_drawable(c) && same_sweep(best, c))
            sweep[kept++] = c;
    qsort(sweep, kept, sizeof *sweep, by_line);
    return kept;
}

/* Where the limit turns from memory's to the core's between two batches a and b of one variant:
 * bytes grow linearly between them, operations in proportion to the tokens, and both limits are
 * known, one from each cell.  NaN: it does not turn there. */
static double crossover(const struct cell *a, const struct cell *b)
{
    double t = tokens_of(a), u = tokens_of(b);
    if (!is_memory_bound(a) || is_memory_bound(b) || !*b->bound || !(a->limit_s > 0) || !(u > t))
        return NAN;
    double bandwidth = a->bytes / a->limit_s, slope = (b->bytes - a->bytes) / (u - t) / bandwidth;
    double per_token = b->limit_s / u;
    return fmin(fmax((a->limit_s - slope * t) / (per_token - slope), t), u);
}

/* Of the variant of sweep[i], from its cells [first, last). */
static double crossover_of(const struct cell *const *sweep, size_t n, size_t i)
{
    for (size_t j = 0; j + 1 < n; j++) {
        bool same = !strcmp(sweep[j]->variant, sweep[i]->variant) &&
                    !strcmp(sweep[j + 1]->variant, sweep[i]->variant);
        double at = same ? crossover(sweep[j], sweep[j + 1]) : NAN;
        if (isfinite(at))
            return at;
    }
    return NAN;
}

static void fill_table(struct figure *f, const struct cell *const *sweep, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct cell *c = sweep[i];
        char bound[64];
        snprintf(bound, sizeof bound, "%.20s%s%.20s", c->bound, *c->bound_level ? " " : "",
                 c->bound_level);
        table_text(&f->table, c->case_name);
        table_number(&f->table, c->threads, 4);
        table_text(&f->table, c->variant);
        table_number(&f->table, tokens_of(c), 9);
        table_number(&f->table, c->time.value / tokens_of(c), 4);
        table_number(&f->table, c->time.low / tokens_of(c), 4);
        table_number(&f->table, c->time.high / tokens_of(c), 4);
        table_number(&f->table, c->fraction, 3);
        table_text(&f->table, bound);
        table_number(&f->table, crossover_of(sweep, n, i), 3);
        table_text(&f->table, c->status);
    }
}

static void print_lines(const struct figures *fs, struct figure *f, const struct cell *const *sweep,
                        size_t n)
{
    double x_low = INFINITY, x_high = 0, y_low = INFINITY, y_high = 0, share = 1;
    struct legend legend = {.figure = f,
                            .x = LEFT + PLOT_WIDTH + 24,
                            .y = TOP,
                            .max_rows = (UPPER_HEIGHT + SPLIT + LOWER_HEIGHT) / LEGEND_LINE};
    fputs("# tokens\ts per token\tlow\thigh\tshare\tcolour\tshape\tvariant\n", f->rows);
    for (size_t i = 0; i < n; i++) {
        const struct cell *c = sweep[i];
        struct look look = styles_look(fs->styles, c->variant);
        bool is_new = !i || strcmp(c->variant, sweep[i - 1]->variant) != 0;
        double tokens = tokens_of(c), y = c->time.value / tokens;
        bool has_interval = c->time.low > 0 && isfinite(c->time.high);
        x_low = fmin(x_low, tokens);
        x_high = fmax(x_high, tokens);
        y_low = fmin(y_low, y);
        y_high = fmax(y_high, y);
        share = fmax(share, c->fraction);
        if (is_new)
            legend_mark(&legend, c->variant, &look);
        if (is_new && i)
            fputc('\n', f->rows);
        fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%.9g\t", tokens, y,
                has_interval ? c->time.low / tokens : y, has_interval ? c->time.high / tokens : y);
        if (isfinite(c->fraction))
            fprintf(f->rows, "%.9g", c->fraction);
        else
            fputc('?', f->rows);
        fprintf(f->rows, "\t%u\t%d\t", look.rgb, is_memory_bound(c) ? look.shape : look.shape - 1);
        escape_field(f->rows, c->variant);
        fputc('\n', f->rows);
    }
    legend_end(&legend);
    fprintf(f->script,
            "x_low = %.9g; x_high = %.9g; y_low = %.6g; y_high = %.6g; share_high = %.6g\n"
            "split_low = 1-%d.0/height; split_high = 1-%d.0/height\n",
            x_low / 1.2, x_high * 1.2, y_low / 1.5, y_high * 1.5, share * 1.05, TOP + UPPER_HEIGHT,
            TOP + UPPER_HEIGHT + SPLIT);
}

/* A second block of data: the crossovers. */
static void print_crossovers(const struct figures *fs, struct figure *f,
                             const struct cell *const *sweep, size_t n)
{
    fputs("\n\n# crossover (tokens)\tcolour\tvariant\n?\t?\t?\n", f->rows);
    for (size_t i = 0; i < n; i++) {
        double at = crossover_of(sweep, n, i);
        if ((i && !strcmp(sweep[i]->variant, sweep[i - 1]->variant)) || !isfinite(at))
            continue;
        fprintf(f->rows, "%.9g\t%u\t", at, styles_look(fs->styles, sweep[i]->variant).rgb);
        escape_field(f->rows, sweep[i]->variant);
        fputc('\n', f->rows);
    }
}

/* Ticks at the batches that were measured. */
static void print_batches(struct figure *f, const struct cell *const *sweep, size_t n)
{
    enum { MOST = 16 };
    double last = 0;
    fputs("set xtics (", f->script);
    for (size_t ticks = 0; ticks < MOST; ticks++) {
        double next = INFINITY;
        for (size_t i = 0; i < n; i++)
            if (tokens_of(sweep[i]) > last)
                next = fmin(next, tokens_of(sweep[i]));
        if (!isfinite(next))
            break;
        fprintf(f->script, "%s'%.9g' %.9g", ticks ? ", " : "", next, next);
        last = next;
    }
    fputs(")\n", f->script);
}

static void draw_task(struct figures *fs, const struct cell *cells, size_t n,
                      const struct cell **sweep)
{
    size_t found = choose_sweep(cells, n, sweep);
    if (!found)
        return;
    struct figure *f = figure_begin(fs, "batch", cells->technique, cells->task, embed_batch_gp,
                                    headers, sizeof headers / sizeof headers[0],
                                    "%s / %s: batch sweep", cells->technique, cells->task);
    if (!f)
        return;
    char heading[160];
    figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH,
                TOP + UPPER_HEIGHT + SPLIT + LOWER_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH, TOP,
                BOTTOM);
    snprintf(heading, sizeof heading, "%.6g x %.6g%s%.10s, %d thread%s",
             parameter(sweep[0], "rows", NAN), parameter(sweep[0], "cols", NAN),
             *sweep[0]->mode ? ", " : "", sweep[0]->mode, sweep[0]->threads,
             sweep[0]->threads == 1 ? "" : "s");
    figure_label(f, heading, LEFT, TOP - 12, "left font bold");
    print_lines(fs, f, sweep, found);
    print_crossovers(fs, f, sweep, found);
    print_batches(f, sweep, found);
    fill_table(f, sweep, found);
    fputs("Time for each token, and below the share of the limit, against the tokens of one pass "
          "over the weights, of the matrix with most batches. Filled marks: memory is the limit; "
          "hollow: arithmetic. Dotted, in a variant's colour: where its two limits cross, from the "
          "work of the two batches beside. ",
          f->words);
    caption_measured(f->words, fs->results, cells, n);
    figure_end(fs, f);
}

void figures_batch(struct figures *fs)
{
    const struct cell *cells = fs->results->cells;
    const struct cell **sweep = calloc(MAX_CELLS, sizeof *sweep);
    if (!sweep) {
        fs->out_of_memory = true;
        return;
    }
    for (size_t i = 0, n; i < fs->results->n_cells; i += n) {
        for (n = 1; i + n < fs->results->n_cells && cell_same_task(&cells[i], &cells[i + n]);)
            n++;
        if (n <= CELLS_COMPARED_MAX)
            draw_task(fs, &cells[i], n, sweep);
    }
    free(sweep);
}
