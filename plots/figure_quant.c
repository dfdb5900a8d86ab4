/* Quantisation error against true bits per weight, beside what no format passes: the
 * rate-distortion bound of a Gaussian (R >= 2^-b: Cover and Thomas, Elements of Information Theory,
 * sec. 10.3.2), Shannon's lower bound of the fitted distributions, and the limits of fixed-rate
 * scalar codes with one scale for a tensor (Panter and Dite, Proc. IRE 39, 1951). */
#include "plots/figure.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/statistics/distribution.h"
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
    LOWER_HEIGHT = 230,
    NAME_BYTES = 96,
    MAX_POINTS = 1000
};

static const char *const headers[] = {"format",    "scaling", "block",   "bits per weight", "R",
                                      "SQNR (dB)", "R 2^b",   "tensors", "worst tensor"};

/* One row of summary.formats. */
struct point {
    char family[NAME_BYTES], scaling[NAME_BYTES]; /* scaling with its block */
    double bits, r;
    size_t order;
};

/* R 2^b of a limit, and how its line looks. */
struct limit {
    const char *name;
    double value;
    struct look look;
};
enum { LIMITS = 6 };

/* A limit of all tensors together: R is the ratio of global sums, so at equal bits the squares of
 * the limits add up, each over its tensor's own sum of squares. */
struct limit_sum {
    double limits, squares;
};

static void add_limit(struct limit_sum *sum, double elements, double rms, double limit)
{
    sum->limits += elements * limit * limit;
    sum->squares += elements * rms * rms;
}

static double shannon_limit(const struct distribution *d)
{
    return exp2(distribution_entropy(d)) / sqrt(2 * M_PI * M_E);
}

/* Finds the limits; NaN or infinite where the document does not tell, or there is none. */
static void find_limits(const struct json *tensors, struct limit limits[LIMITS])
{
    static const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    struct limit_sum sums[4] = {{0}};
    for (const struct json *j = json_first(tensors); j; j = json_next(j)) {
        double n = json_get_number(j, "elements", 0), rms = json_get_number(j, "rms", 0);
        const struct distribution t = {DISTRIBUTION_T, json_get_number(j, "t_scale", NAN),
                                       json_get_number(j, "df", NAN)},
                                  laplace = {DISTRIBUTION_LAPLACE,
                                             json_get_number(j, "laplace_scale", NAN), 0};
        if (!(n > 0 && rms > 0)) /* zeros cost nothing under any code */
            continue;
        add_limit(&sums[0], n, rms, shannon_limit(&t));
        add_limit(&sums[1], n, rms, shannon_limit(&laplace));
        add_limit(&sums[2], n, rms, distribution_fixed_rate_limit(&t));
        add_limit(&sums[3], n, rms, distribution_fixed_rate_limit(&laplace));
    }
    const struct limit found[LIMITS] = {
        {"Gaussian bound", 1, {0x111111, 7, 2}},
        {"Shannon, t fit", sqrt(sums[0].limits / sums[0].squares), {0x009e73, 7, 2}},
        {"Shannon, Laplace fit", sqrt(sums[1].limits / sums[1].squares), {0xd55e00, 7, 2}},
        {"fixed rate, normal", distribution_fixed_rate_limit(&normal), {0x111111, 7, 4}},
        {"fixed rate, t fit", sqrt(sums[2].limits / sums[2].squares), {0x009e73, 7, 4}},
        {"fixed rate, Laplace fit", sqrt(sums[3].limits / sums[3].squares), {0xd55e00, 7, 4}}};
    memcpy(limits, found, sizeof found);
}

static bool is_drawn(const struct limit *l)
{
    return l->value > 0.05 && l->value < 20; /* a fit to few values can be anywhere */
}

/* The name without its bits: int4-half -> int-half, nf4 -> nf, cube-root-t4 -> cube-root-t, e2m1 ->
 * ExMy; whole where its number is not that of the bits (b158). */
static void family_of(const char *format, double element_bits, char family[NAME_BYTES])
{
    size_t n = strcspn(format, "0123456789");
    char *rest;
    double number = strtod(format + n, &rest);
    if (n == 1 && format[0] == 'e' && isdigit((unsigned char)format[1])) {
        snprintf(family, NAME_BYTES, "ExMy");
        return;
    }
    if (!format[n] || (isfinite(element_bits) && number != element_bits)) {
        snprintf(family, NAME_BYTES, "%.*s", NAME_BYTES - 1, format);
        return;
    }
    while (n > 1 && (format[n - 1] == '-' || format[n - 1] == '_'))
        n--;
    n = n < NAME_BYTES ? n : NAME_BYTES - 1;
    snprintf(family, NAME_BYTES, "%.*s%.*s", (int)n, format, NAME_BYTES - 1 - (int)n, rest);
}

static bool read_point(const struct json *j, struct point *p)
{
    double block = json_get_number(j, "block", 0);
    *p = (struct point){.bits = json_get_number(j, "bits", NAN), .r = json_get_number(j, "r", NAN)};
    family_of(json_get_string(j, "format", ""), json_get_number(j, "element_bits", NAN), p->family);
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

static void print_limits(struct figure *f, const struct limit limits[LIMITS], struct legend *legend)
{
    double value[LIMITS], dash[LIMITS], colour[LIMITS];
    size_t n = 0;
    for (size_t i = 0; i < LIMITS; i++) {
        if (!is_drawn(&limits[i]))
            continue;
        value[n] = limits[i].value;
        dash[n] = limits[i].look.dash;
        colour[n++] = limits[i].look.rgb;
        legend_line(legend, limits[i].name, &limits[i].look);
    }
    fprintf(f->script, "limits = %zu\n", n);
    figure_array(f, "limit_value", value, n);
    figure_array(f, "limit_dash", dash, n);
    figure_array(f, "limit_colour", colour, n);
}

static void print_points(struct figure *f, const struct point *points, size_t n,
                         const char *const *scalings, size_t n_scalings,
                         const struct limit limits[LIMITS])
{
    struct legend legend = {.figure = f,
                            .x = LEFT + PLOT_WIDTH + 24,
                            .y = TOP,
                            .max_rows = (UPPER_HEIGHT + SPLIT + LOWER_HEIGHT) / LEGEND_LINE};
    print_limits(f, limits, &legend);
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

static void print_ranges(struct figure *f, const struct point *points, size_t n,
                         const struct limit limits[LIMITS])
{
    double x_low = INFINITY, x_high = 0, r_low = INFINITY, r_high = 0, e_low = 1, e_high = 1;
    for (size_t i = 0; i < LIMITS; i++)
        if (is_drawn(&limits[i])) {
            e_low = fmin(e_low, limits[i].value);
            e_high = fmax(e_high, limits[i].value);
        }
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
        struct limit limits[LIMITS];
        find_limits(json_get(json_get(a->json, "summary"), "tensors"), limits);
        print_points(f, points, n, scalings, n_scalings, limits);
        print_ranges(f, points, n, limits);
        fill_table(f, json_get(json_get(a->json, "summary"), "formats"));
        fputs(
            "Each mark is one format over all tensors: R is the ratio of two global sums, the bits "
            "count scales and tables. Lines join one family under one scaling. Below, the same as "
            "a multiple of 2^-b, with limits of codes of independent weights (dashed lines: of any "
            "code, from the Gaussian of the same rms and by Shannon's lower bound of the "
            "distributions fitted to each tensor; dash-dotted: of fixed-rate scalar codes at many "
            "bits "
            "with one scale for a tensor). Block scales, which use what is not alike in a tensor, "
            "may pass them.",
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
