/* Quantisation error against the size of the blocks that share a scale: smaller blocks fit their
 * weights better and spend more bits on scales. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_block_size_gp[];

enum {
    LEFT = 84,
    TOP = 44,
    BOTTOM = 60,
    PLOT_WIDTH = 540,
    UPPER_HEIGHT = 260,
    SPLIT = 22,
    LOWER_HEIGHT = 260,
    MAX_LINES = 22, /* what eyes and the legend tell apart */
    MAX_POINTS = 4000
};

static const char *const headers[] = {"format", "scaling", "block", "bits per weight",
                                      "R",      "R 2^b",   "drawn"};

struct point {
    const char *format, *scaling;
    double block, bits, r;
};

/* A format under one scaling: a run of points by block. */
struct line {
    const struct point *points;
    size_t n;
    double least; /* R 2^b of its best block */
    bool drawn;
};

static double distance(const struct point *p)
{
    return p->r * exp2(p->bits);
}

static int by_line(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int d = strcmp(x->format, y->format);
    if (!d)
        d = strcmp(x->scaling, y->scaling);
    return d ? d : (x->block > y->block) - (x->block < y->block);
}

static int by_least(const void *a, const void *b)
{
    const struct line *x = *(struct line *const *)a, *y = *(struct line *const *)b;
    int d = (x->least > y->least) - (x->least < y->least);
    return d ? d : (x->points > y->points) - (x->points < y->points);
}

static size_t read_points(const struct json *formats, struct point *points)
{
    size_t n = 0;
    for (const struct json *j = json_first(formats); j && n < MAX_POINTS; j = json_next(j)) {
        struct point p = {json_get_string(j, "format", ""), json_get_string(j, "scaling", ""),
                          json_get_number(j, "block", 0), json_get_number(j, "bits", NAN),
                          json_get_number(j, "r", NAN)};
        if (p.block >= 1 && p.block <= 1e9 && p.bits > 0 && p.bits <= 64 && fits_log_axis(p.r))
            points[n++] = p;
    }
    qsort(points, n, sizeof *points, by_line);
    return n;
}

/* Lines of at least two blocks; the best MAX_LINES of them are drawn.  Returns how many there are.
 */
static size_t find_lines(const struct point *points, size_t n, struct line *lines,
                         struct line **order)
{
    size_t kept = 0;
    for (size_t i = 0, run; i < n; i += run) {
        double least = distance(&points[i]);
        for (run = 1; i + run < n && !strcmp(points[i + run].format, points[i].format) &&
                      !strcmp(points[i + run].scaling, points[i].scaling);
             run++)
            least = fmin(least, distance(&points[i + run]));
        if (points[i + run - 1].block > points[i].block)
            lines[kept++] = (struct line){&points[i], run, least, false};
    }
    for (size_t i = 0; i < kept; i++)
        order[i] = &lines[i];
    qsort(order, kept, sizeof(struct line *), by_least);
    for (size_t i = 0; i < kept && i < MAX_LINES; i++)
        order[i]->drawn = true;
    return kept;
}

static void print_lines(struct figure *f, const struct line *lines, size_t n)
{
    double x_low = INFINITY, x_high = 0, r_low = INFINITY, r_high = 0, e_low = INFINITY, e_high = 0;
    struct legend legend = {.figure = f,
                            .x = LEFT + PLOT_WIDTH + 24,
                            .y = TOP,
                            .max_rows = (UPPER_HEIGHT + SPLIT + LOWER_HEIGHT) / LEGEND_LINE};
    size_t shown = 0;
    legend_heading(&legend, "format, scaling");
    fputs("# block\tR\tR 2^b\tcolour\tshape\tformat\tscaling\n", f->rows);
    for (size_t i = 0; i < n; i++) {
        char name[128];
        if (!lines[i].drawn)
            continue;
        struct look look = look_at(shown++);
        for (size_t j = 0; j < lines[i].n; j++) {
            const struct point *p = &lines[i].points[j];
            x_low = fmin(x_low, p->block);
            x_high = fmax(x_high, p->block);
            r_low = fmin(r_low, p->r);
            r_high = fmax(r_high, p->r);
            e_low = fmin(e_low, distance(p));
            e_high = fmax(e_high, distance(p));
            fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%u\t%d\t", p->block, p->r, distance(p), look.rgb,
                    look.shape);
            escape_field(f->rows, p->format);
            fputc('\t', f->rows);
            escape_field(f->rows, p->scaling);
            fputc('\n', f->rows);
        }
        fputc('\n', f->rows);
        snprintf(name, sizeof name, "%.60s, %.60s", lines[i].points->format,
                 lines[i].points->scaling);
        legend_mark(&legend, name, &look);
    }
    legend_end(&legend);
    fprintf(f->script,
            "x_low = %.9g; x_high = %.9g; r_low = %.6g; r_high = %.6g; e_low = %.6g; e_high = "
            "%.6g\nsplit_low = 1-%d.0/height; split_high = 1-%d.0/height\n",
            x_low / 1.3, x_high * 1.3, r_low / 1.15, r_high * 1.15, e_low / 1.05, e_high * 1.05,
            TOP + UPPER_HEIGHT, TOP + UPPER_HEIGHT + SPLIT);
}

/* Ticks at the blocks that were measured. */
static void print_blocks(struct figure *f, const struct line *lines, size_t n)
{
    double last = 0;
    fputs("set xtics (", f->script);
    for (size_t ticks = 0;; ticks++) {
        double next = INFINITY;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < lines[i].n && lines[i].drawn; j++)
                if (lines[i].points[j].block > last)
                    next = fmin(next, lines[i].points[j].block);
        if (!isfinite(next) || ticks == 64)
            break;
        fprintf(f->script, "%s'%.9g' %.9g", ticks ? ", " : "", next, next);
        last = next;
    }
    fputs(")\n", f->script);
}

static void fill_table(struct figure *f, const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lines[i].n; j++) {
            const struct point *p = &lines[i].points[j];
            table_text(&f->table, p->format);
            table_text(&f->table, p->scaling);
            table_number(&f->table, p->block, 7);
            table_number(&f->table, p->bits, 6);
            table_number(&f->table, p->r, 4);
            table_number(&f->table, distance(p), 4);
            table_text(&f->table, lines[i].drawn ? "yes" : "no");
        }
}

void figures_block_size(struct figures *fs, const struct analysis_document *a)
{
    struct point *points = calloc(MAX_POINTS, sizeof *points);
    struct line *lines = calloc(MAX_POINTS, sizeof *lines);
    struct line **order = calloc(MAX_POINTS, sizeof *order);
    if (!points || !lines || !order) {
        fs->out_of_memory = true;
        goto out;
    }
    size_t n = read_points(json_get(json_get(a->json, "summary"), "formats"), points);
    size_t n_lines = find_lines(points, n, lines, order);
    struct figure *f = n_lines ? figure_begin(fs, "block-size", a->stem, NULL, embed_block_size_gp,
                                              headers, sizeof headers / sizeof headers[0],
                                              "Quantisation error against block size")
                               : NULL;
    if (!f)
        goto out;
    figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH,
                TOP + UPPER_HEIGHT + SPLIT + LOWER_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH, TOP,
                BOTTOM);
    print_lines(f, lines, n_lines);
    print_blocks(f, lines, n_lines);
    fill_table(f, lines, n_lines);
    fputs("R over all tensors against the elements that share a scale; below, R 2^b with the true "
          "bits b, scales included: the block with the least of it spends its bits best.",
          f->words);
    if (n_lines > MAX_LINES)
        fprintf(f->words, " The %d lines of least R 2^b are drawn; %zu more are in the table only.",
                MAX_LINES, n_lines - MAX_LINES);
    figure_end(fs, f);
out:
    free(points);
    free(lines);
    free(order);
}
