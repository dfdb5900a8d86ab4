/* Quantisation error against true bits per weight, beside the rate-distortion bound of a Gaussian
 * (R >= 2^-b: Cover and Thomas, Elements of Information Theory, sec. 10.3.2). */
#include "plots/figure.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_quant_error_gp[];

enum {
    LEFT = 84,
    TOP = 44,
    BOTTOM = 60,
    PLOT_WIDTH = 540,
    UPPER_HEIGHT = 320,
    SPLIT = 22,
    LOWER_HEIGHT = 150,
    NAME_BYTES = 96,
    MAX_POINTS = 400
};

static const char *const headers[] = {"format",    "scaling", "block",   "bits per weight", "R",
                                      "SQNR (dB)", "R 2^b",   "tensors", "worst tensor"};

/* One row of summary.formats. */
struct point {
    char family[NAME_BYTES], scaling[NAME_BYTES]; /* scaling with its block */
    double bits, r;
    size_t order;
};

/* The letters before the bits: int4 -> int, nf4 -> nf, cube-root-t4 -> cube-root-t, e2m1 -> ExMy.
 */
static void family_of(const char *format, char family[NAME_BYTES])
{
    size_t n = strcspn(format, "0123456789");
    if (n == 1 && format[0] == 'e' && isdigit((unsigned char)format[1])) {
        snprintf(family, NAME_BYTES, "ExMy");
        return;
    }
    while (n > 1 && (format[n - 1] == '-' || format[n - 1] == '_'))
        n--;
    snprintf(family, NAME_BYTES, "%.*s", n && n < NAME_BYTES ? (int)n : NAME_BYTES - 1, format);
}

static bool read_point(const struct json *j, struct point *p)
{
    double block = json_get_number(j, "block", 0);
    *p = (struct point){.bits = json_get_number(j, "bits", NAN), .r = json_get_number(j, "r", NAN)};
    family_of(json_get_string(j, "format", ""), p->family);
    if (block > 0)
        snprintf(p->scaling, NAME_BYTES, "%.60s, %g", json_get_string(j, "scaling", ""), block);
    else
        snprintf(p->scaling, NAME_BYTES, "%.60s", json_get_string(j, "scaling", ""));
    return p->bits > 0 && p->bits <= 64 && p->r > 0 && isfinite(p->r);
}

static int by_line(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int d = strcmp(x->family, y->family);
    if (!d)
        d = strcmp(x->scaling, y->scaling);
    if (!d)
        d = (x->bits > y->bits) - (x->bits < y->bits);
    return d ? d : (x->order > y->order) - (x->order < y->order);
}

static int by_scaling(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The sorted set of scalings; returns how many. */
static size_t collect_scalings(const struct point *points, size_t n, const char **scalings)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        scalings[i] = points[i].scaling;
    qsort(scalings, n, sizeof *scalings, by_scaling);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(scalings[kept - 1], scalings[i]) != 0)
            scalings[kept++] = scalings[i];
    return kept;
}

static void print_points(struct figure *f, const struct point *points, size_t n,
                         const char *const *scalings, size_t n_scalings)
{
    struct legend legend = {.figure = f,
                            .x = LEFT + PLOT_WIDTH + 24,
                            .y = TOP,
                            .max_rows = (UPPER_HEIGHT + SPLIT + LOWER_HEIGHT) / LEGEND_LINE};
    struct look bound = {0x111111, 7, 2};
    legend_line(&legend, "Gaussian bound, 2^-b", &bound);
    legend_heading(&legend, "format family (colour)");
    fputs("# bits\tR\tR 2^b\tcolour\tshape\tfamily\tscaling\n", f->rows);
    size_t family = 0;
    for (size_t i = 0; i < n; i++) {
        bool new_family = !i || strcmp(points[i].family, points[i - 1].family) != 0;
        /* Floats of one width differ in more than bits: no line. */
        if (i && (new_family || strcmp(points[i].scaling, points[i - 1].scaling) != 0 ||
                  !strcmp(points[i].family, "ExMy")))
            fputc('\n', f->rows);
        family += i && new_family;
        size_t scaling = 0;
        while (strcmp(scalings[scaling], points[i].scaling) != 0)
            scaling++;
        struct look look = look_at(family), shape = look_at(scaling);
        fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%u\t%d\t", points[i].bits, points[i].r,
                points[i].r * exp2(points[i].bits), look.rgb, shape.shape);
        escape_field(f->rows, points[i].family);
        fputc('\t', f->rows);
        escape_field(f->rows, points[i].scaling);
        fputc('\n', f->rows);
        look.shape = 5;
        if (new_family)
            legend_mark(&legend, points[i].family, &look);
    }
    legend_heading(&legend, "scaling, block (shape)");
    for (size_t i = 0; i < n_scalings; i++) {
        struct look look = {LOOK_NEUTRAL, look_at(i).shape, 1};
        legend_mark(&legend, scalings[i], &look);
    }
    legend_end(&legend);
}

static void print_ranges(struct figure *f, const struct point *points, size_t n)
{
    double x_low = INFINITY, x_high = 0, r_low = INFINITY, r_high = 0, e_low = 1, e_high = 1;
    for (size_t i = 0; i < n; i++) {
        x_low = fmin(x_low, points[i].bits);
        x_high = fmax(x_high, points[i].bits);
        r_low = fmin(r_low, points[i].r);
        r_high = fmax(r_high, points[i].r);
        e_low = fmin(e_low, points[i].r * exp2(points[i].bits));
        e_high = fmax(e_high, points[i].r * exp2(points[i].bits));
    }
    x_low = fmax(0, x_low - 0.5);
    x_high += 0.5;
    fprintf(
        f->script,
        "x_low = %.6g; x_high = %.6g; r_low = %.6g; r_high = %.6g; e_low = %.6g; e_high = %.6g\n"
        "split_low = 1-%d.0/height; split_high = 1-%d.0/height\n",
        x_low, x_high, fmin(r_low, exp2(-x_high)) / 1.3, fmax(r_high, exp2(-x_low)) * 1.3,
        e_low / 1.2, e_high * 1.2, TOP + UPPER_HEIGHT, TOP + UPPER_HEIGHT + SPLIT);
}

static void fill_table(struct figure *f, const struct json *formats)
{
    for (const struct json *j = json_first(formats); j; j = json_next(j)) {
        double bits = json_get_number(j, "bits", NAN), r = json_get_number(j, "r", NAN);
        table_text(&f->table, json_get_string(j, "format", ""));
        table_text(&f->table, json_get_string(j, "scaling", ""));
        double block = json_get_number(j, "block", 0);
        if (block > 0)
            table_number(&f->table, block, 6);
        else
            table_entry(&f->table, "whole", INFINITY);
        table_number(&f->table, bits, 6);
        table_number(&f->table, r, 4);
        table_number(&f->table, json_get_number(j, "sqnr_db", NAN), 4);
        table_number(&f->table, r * exp2(bits), 4);
        table_number(&f->table, json_get_number(j, "tensors", NAN), 9);
        table_text(&f->table, json_get_string(j, "worst_tensor", ""));
    }
}

static void draw(struct figures *fs, const struct analysis_document *a, struct point *points,
                 size_t n, size_t left_out)
{
    const char **scalings = calloc(n, sizeof *scalings);
    if (!scalings) {
        fs->out_of_memory = true;
        return;
    }
    struct figure *f = figure_begin(fs, "error", a->stem, NULL, embed_quant_error_gp, headers,
                                    sizeof headers / sizeof headers[0],
                                    "Quantisation error against bits per weight");
    if (f) {
        size_t n_scalings = collect_scalings(points, n, scalings);
        figure_size(f, LEFT + PLOT_WIDTH + LEGEND_WIDTH,
                    TOP + UPPER_HEIGHT + SPLIT + LOWER_HEIGHT + BOTTOM, LEFT, LEGEND_WIDTH, TOP,
                    BOTTOM);
        print_points(f, points, n, scalings, n_scalings);
        print_ranges(f, points, n);
        fill_table(f, json_get(json_get(a->json, "summary"), "formats"));
        fputs(
            "Each mark is one format over all tensors: R is the ratio of two global sums, the bits "
            "count scales and tables. Lines join one family under one scaling. Below, the same as "
            "a "
            "multiple of the Gaussian rate-distortion bound (dashed; heavier-tailed or dependent "
            "weights may pass it).",
            f->words);
        if (left_out)
            fprintf(f->words, " %zu more formats are in the table only.", left_out);
        figure_end(fs, f);
    }
    free(scalings);
}

void figures_quant_error(struct figures *fs, const struct analysis_document *a)
{
    const struct json *formats = json_get(json_get(a->json, "summary"), "formats");
    struct point *points = calloc(MAX_POINTS, sizeof *points);
    size_t n = 0, left_out = 0;
    for (const struct json *j = json_first(formats); j && points; j = json_next(j)) {
        struct point p;
        if (!read_point(j, &p) || n == MAX_POINTS) {
            left_out++;
            continue;
        }
        p.order = n;
        points[n++] = p;
    }
    if (!points)
        fs->out_of_memory = true;
    if (n) {
        qsort(points, n, sizeof *points, by_line);
        draw(fs, a, points, n, left_out);
    }
    free(points);
}
