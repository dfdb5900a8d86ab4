/* What single tensors look like: their error under each format, and their weights beside the
 * distributions that formats are made for. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/legend.h"

extern const char embed_heat_map_gp[], embed_weights_gp[];

/* ---- tensor by format ---- */

enum {
    MAX_TENSORS = 40,
    MAX_FORMATS = 26,
    TILE_WIDTH = 38,
    TILE_HEIGHT = 20,
    HEAT_TOP = 44,
    NAME_COLUMNS = 40,
    COLOUR_BOX = 104
};
#define PIXELS_PER_COLUMN 7.1

static const char *const heat_headers[] = {
    "tensor", "dtype",     "elements",  "format",  "scaling", "block",       "bits per weight",
    "R",      "SQNR (dB)", "max error", "clipped", "flushed", "scale format"};

/* A format under one scaling: a column. */
struct column {
    const char *format, *scaling;
    double block, bits, r;
};

struct heat_map {
    const char *tensors[MAX_TENSORS];
    double elements[MAX_TENSORS];
    struct column columns[MAX_FORMATS];
    size_t n_tensors, n_columns, left_out_tensors, left_out_formats;
    double sqnr[MAX_TENSORS][MAX_FORMATS];
};

static int by_bits(const void *a, const void *b)
{
    const struct column *x = a, *y = b;
    int d = (x->bits > y->bits) - (x->bits < y->bits);
    if (!d)
        d = (x->r < y->r) - (x->r > y->r);
    return d ? d : strcmp(x->format, y->format);
}

/* Of each format the scaling and block with the smallest error. */
static void choose_columns(struct heat_map *h, const struct json *formats)
{
    for (const struct json *j = json_first(formats); j; j = json_next(j)) {
        struct column c = {json_get_string(j, "format", ""), json_get_string(j, "scaling", ""),
                           json_get_number(j, "block", 0), json_get_number(j, "bits", NAN),
                           json_get_number(j, "r", NAN)};
        size_t i = 0;
        if (!isfinite(c.r) || !isfinite(c.bits))
            continue;
        while (i < h->n_columns && strcmp(h->columns[i].format, c.format) != 0)
            i++;
        if (i == MAX_FORMATS)
            h->left_out_formats++;
        else if (i == h->n_columns)
            h->columns[h->n_columns++] = c;
        else if (c.r < h->columns[i].r)
            h->columns[i] = c;
    }
    qsort(h->columns, h->n_columns, sizeof *h->columns, by_bits);
}

/* The largest tensors, in the order of the document. */
static void choose_tensors(struct heat_map *h, const struct json *tensors)
{
    for (const struct json *j = json_first(tensors); j; j = json_next(j)) {
        double elements = json_get_number(j, "elements", 0);
        size_t smallest = 0;
        if (h->n_tensors == MAX_TENSORS) {
            h->left_out_tensors++;
            for (size_t i = 1; i < MAX_TENSORS; i++)
                if (h->elements[i] <= h->elements[smallest])
                    smallest = i;
            if (!(elements > h->elements[smallest]))
                continue;
            size_t after = --h->n_tensors - smallest;
            memmove(&h->tensors[smallest], &h->tensors[smallest + 1], after * sizeof *h->tensors);
            memmove(&h->elements[smallest], &h->elements[smallest + 1],
                    after * sizeof *h->elements);
        }
        h->tensors[h->n_tensors] = json_get_string(j, "tensor", "");
        h->elements[h->n_tensors++] = elements;
    }
}

static void fill_heat_map(struct heat_map *h, const struct json *records)
{
    for (size_t i = 0; i < MAX_TENSORS; i++)
        for (size_t j = 0; j < MAX_FORMATS; j++)
            h->sqnr[i][j] = NAN;
    for (const struct json *j = json_first(records); j; j = json_next(j)) {
        const char *tensor = json_get_string(j, "tensor", ""),
                   *format = json_get_string(j, "format", ""),
                   *scaling = json_get_string(j, "scaling", "");
        size_t row = 0, column = 0;
        while (column < h->n_columns &&
               (strcmp(h->columns[column].format, format) != 0 ||
                strcmp(h->columns[column].scaling, scaling) != 0 ||
                h->columns[column].block != json_get_number(j, "block", 0)))
            column++;
        while (column < h->n_columns && row < h->n_tensors && strcmp(h->tensors[row], tensor) != 0)
            row++;
        if (column < h->n_columns && row < h->n_tensors)
            h->sqnr[row][column] = json_get_number(j, "sqnr_db", NAN);
    }
}

static void heat_table(struct figure *f, const struct json *records)
{
    for (const struct json *j = json_first(records); j; j = json_next(j)) {
        double block = json_get_number(j, "block", 0);
        table_text(&f->table, json_get_string(j, "tensor", ""));
        table_text(&f->table, json_get_string(j, "dtype", ""));
        table_number(&f->table, json_get_number(j, "elements", NAN), 12);
        table_text(&f->table, json_get_string(j, "format", ""));
        table_text(&f->table, json_get_string(j, "scaling", ""));
        if (block > 0)
            table_number(&f->table, block, 6);
        else
            table_entry(&f->table, "whole", INFINITY);
        table_number(&f->table, json_get_number(j, "bits", NAN), 6);
        table_number(&f->table, json_get_number(j, "r", NAN), 4);
        table_number(&f->table, json_get_number(j, "sqnr_db", NAN), 4);
        table_number(&f->table, json_get_number(j, "max_error", NAN), 3);
        table_number(&f->table, json_get_number(j, "clipped_share", NAN), 3);
        table_number(&f->table, json_get_number(j, "flushed_share", NAN), 3);
        table_text(&f->table, json_get_string(j, "scale_format", ""));
    }
}

/* Ticks of one axis, the first of which replaces gnuplot's own; returns the widest in columns. */
static size_t print_tick(struct figure *f, const char *axis, const char *name, size_t at)
{
    char label[4 * NAME_COLUMNS + 8];
    label_shorten(name, NAME_COLUMNS, label, sizeof label);
    fprintf(f->script, "set %stics %s(", axis, at ? "add " : "");
    escape_gnuplot_tick(f->script, label);
    fprintf(f->script, " %zu)\n", at);
    return label_columns(label);
}

static void print_heat_map(struct figure *f, const struct heat_map *h)
{
    double low = INFINITY, high = -INFINITY;
    size_t widest_tensor = 4, widest_format = 4;
    fputs("# column\trow\tSQNR (dB)\tformat\ttensor\n", f->rows);
    for (size_t i = 0; i < h->n_tensors; i++) {
        size_t n = print_tick(f, "y", h->tensors[i], i);
        widest_tensor = n > widest_tensor ? n : widest_tensor;
        for (size_t j = 0; j < h->n_columns; j++) {
            if (!isfinite(h->sqnr[i][j]))
                continue;
            low = fmin(low, h->sqnr[i][j]);
            high = fmax(high, h->sqnr[i][j]);
            fprintf(f->rows, "%zu\t%zu\t%.6g\t", j, i, h->sqnr[i][j]);
            escape_field(f->rows, h->columns[j].format);
            fputc('\t', f->rows);
            escape_field(f->rows, h->tensors[i]);
            fputc('\n', f->rows);
        }
    }
    for (size_t j = 0; j < h->n_columns; j++) {
        const struct column *c = &h->columns[j];
        char name[160];
        if (c->block > 0)
            snprintf(name, sizeof name, "%.60s %.60s %g", c->format, c->scaling, c->block);
        else
            snprintf(name, sizeof name, "%.60s %.60s", c->format, c->scaling);
        size_t n = print_tick(f, "x", name, j);
        widest_format = n > widest_format ? n : widest_format;
    }
    /* Column names lean at 50 degrees: they need width at the left as well as height. */
    int left = 24 +
               (int)(PIXELS_PER_COLUMN * fmax((double)widest_tensor, 0.62 * (double)widest_format)),
        bottom = 24 + (int)(PIXELS_PER_COLUMN * 0.8 * (double)widest_format);
    figure_size(f, left + TILE_WIDTH * (int)h->n_columns + COLOUR_BOX,
                HEAT_TOP + TILE_HEIGHT * (int)h->n_tensors + bottom, left, COLOUR_BOX, HEAT_TOP,
                bottom);
    fprintf(f->script, "columns = %zu; rows = %zu; low = %.6g; high = %.6g\n", h->n_columns,
            h->n_tensors, low, high > low ? high : low + 1);
}

void figures_heat_map(struct figures *fs, const struct analysis_document *a)
{
    const struct json *summary = json_get(a->json, "summary"),
                      *records = json_get(a->json, "records");
    struct heat_map *h = calloc(1, sizeof *h);
    if (!h) {
        fs->out_of_memory = true;
        return;
    }
    choose_columns(h, json_get(summary, "formats"));
    choose_tensors(h, json_get(summary, "tensors"));
    fill_heat_map(h, records);
    bool any = false;
    for (size_t i = 0; i < h->n_tensors; i++)
        for (size_t j = 0; j < h->n_columns; j++)
            any |= isfinite(h->sqnr[i][j]);
    struct figure *f =
        any ? figure_begin(fs, "heat-map", a->stem, NULL, embed_heat_map_gp, heat_headers,
                           sizeof heat_headers / sizeof heat_headers[0],
                           "SQNR of each tensor under each format (dB)")
            : NULL;
    if (f) {
        print_heat_map(f, h);
        heat_table(f, records);
        fputs("SQNR in dB, larger is better; a column is a format under the scaling and block that "
              "give it the smallest error over all tensors, columns in order of true bits.",
              f->words);
        if (h->left_out_tensors || h->left_out_formats)
            fprintf(
                f->words,
                " The largest %zu tensors are shown; %zu more, and %zu more formats, are in the "
                "table only.",
                h->n_tensors, h->left_out_tensors, h->left_out_formats);
        figure_end(fs, f);
    }
    free(h);
}

/* ---- weights ---- */

enum {
    MAX_PANELS = 6,
    PANEL_COLUMNS = 2,
    PANEL_WIDTH = 300,
    PANEL_HEIGHT = 170,
    LEFT = 76,
    TOP = 68,
    GAP_X = 64,
    GAP_Y = 64,
    BOTTOM = 60,
    TITLE_COLUMNS = 34,
    MAX_BINS = 4096
};

static const char *const weights_headers[] = {"tensor",
                                              "elements",
                                              "rms",
                                              "max |x|",
                                              "max |x| / rms",
                                              "df of t",
                                              "log-likelihood, normal",
                                              "log-likelihood, Laplace",
                                              "log-likelihood, t"};

struct histogram {
    const struct json *tensor;
    double elements, x_most;
    double df, t, laplace; /* degrees of freedom (0: no fit) and scales over the rms */
};

static const struct json *edges_of(const struct json *tensor)
{
    return json_get(json_get(tensor, "histogram"), "edges");
}

static const struct json *counts_of(const struct json *tensor)
{
    return json_get(json_get(tensor, "histogram"), "counts");
}

/* Edges ascend, there is one more of them than of counts, and something was counted. */
static bool read_histogram(const struct json *tensor, struct histogram *h)
{
    const struct json *edges = edges_of(tensor), *counts = counts_of(tensor);
    size_t n = json_size(counts);
    double last = -INFINITY, sum = 0, rms = json_get_number(tensor, "rms", NAN);
    if (!n || n > MAX_BINS || json_size(edges) != n + 1)
        return false;
    *h = (struct histogram){.tensor = tensor,
                            .elements = json_get_number(tensor, "elements", NAN),
                            .df = json_get_number(tensor, "df", 0),
                            .t = json_get_number(tensor, "t_scale", NAN) / rms,
                            .laplace = json_get_number(tensor, "laplace_scale", NAN) / rms};
    /* Without fitted scales: those of the tensor's rms. */
    if (!(h->df > 0 && h->df < 1e6))
        h->df = 0;
    if (!(h->laplace > 0 && h->laplace < 1e6))
        h->laplace = M_SQRT1_2;
    if (!(h->t > 0 && h->t < 1e6)) {
        h->t = sqrt((h->df - 2) / h->df);
        h->df = h->df > 2 ? h->df : 0;
    }
    if (!h->df)
        h->t = 1;
    const struct json *count = json_first(counts);
    for (const struct json *e = json_first(edges); e; e = json_next(e)) {
        double edge = json_number(e, NAN);
        if (!(edge > last) || !isfinite(edge))
            return false;
        double in_bin = count && isfinite(last) ? json_number(count, NAN) : 0;
        if (!(in_bin >= 0))
            return false;
        if (in_bin > 0)
            h->x_most = fmax(h->x_most, fmax(fabs(last), fabs(edge)));
        sum += in_bin;
        count = count && isfinite(last) ? json_next(count) : count;
        last = edge;
    }
    return sum > 0 && h->elements > 0;
}

static void print_bins(FILE *out, const struct histogram *h, double *least, double *most)
{
    const struct json *edge = json_first(edges_of(h->tensor));
    fputs("# x/rms\tdensity\twidth\n", out);
    for (const struct json *c = json_first(counts_of(h->tensor)); c; c = json_next(c)) {
        double low = json_number(edge, 0), high = json_number(edge = json_next(edge), 0);
        double count = json_number(c, 0), density = count / h->elements / (high - low);
        if (!(count > 0))
            continue;
        *least = fmin(*least, density);
        *most = fmax(*most, density);
        fprintf(out, "%.9g\t%.9g\t%.9g\n", (low + high) / 2, density, high - low);
    }
    fputs("\n\n", out);
}

static void weights_table(struct figure *f, const struct json *tensors)
{
    static const char *const members[] = {"normal_loglik", "laplace_loglik", "t_loglik"};
    for (const struct json *j = json_first(tensors); j; j = json_next(j)) {
        double rms = json_get_number(j, "rms", NAN), absmax = json_get_number(j, "absmax", NAN);
        table_text(&f->table, json_get_string(j, "tensor", ""));
        table_number(&f->table, json_get_number(j, "elements", NAN), 12);
        table_number(&f->table, rms, 4);
        table_number(&f->table, absmax, 4);
        table_number(&f->table, absmax / rms, 4);
        table_number(&f->table, json_get_number(j, "df", NAN), 4);
        for (size_t i = 0; i < 3; i++)
            table_number(&f->table, json_get_number(j, members[i], NAN), 7);
    }
}

static void print_panels(struct figure *f, const struct histogram *shown, size_t n)
{
    double left[MAX_PANELS], right[MAX_PANELS], top[MAX_PANELS], bottom[MAX_PANELS],
        x_most[MAX_PANELS], df[MAX_PANELS], laplace[MAX_PANELS], t[MAX_PANELS];
    for (size_t i = 0; i < n; i++) {
        int x = LEFT + (int)(i % PANEL_COLUMNS) * (PANEL_WIDTH + GAP_X),
            y = TOP + (int)(i / PANEL_COLUMNS) * (PANEL_HEIGHT + GAP_Y);
        char name[4 * TITLE_COLUMNS + 8], heading[sizeof name + 32];
        label_shorten(json_get_string(shown[i].tensor, "tensor", ""), TITLE_COLUMNS, name,
                      sizeof name);
        if (shown[i].df > 0)
            snprintf(heading, sizeof heading, "%s, df %.3g", name, shown[i].df);
        else
            snprintf(heading, sizeof heading, "%s", name);
        figure_label(f, heading, x, y - 12, "left font bold");
        left[i] = (double)x / f->width;
        right[i] = (double)(x + PANEL_WIDTH) / f->width;
        top[i] = 1 - (double)y / f->height;
        bottom[i] = 1 - (double)(y + PANEL_HEIGHT) / f->height;
        x_most[i] = shown[i].x_most * 1.02;
        df[i] = shown[i].df;
        laplace[i] = shown[i].laplace;
        t[i] = shown[i].t;
    }
    figure_array(f, "panel_left", left, n);
    figure_array(f, "panel_right", right, n);
    figure_array(f, "panel_top", top, n);
    figure_array(f, "panel_bottom", bottom, n);
    figure_array(f, "panel_x", x_most, n);
    figure_array(f, "panel_df", df, n);
    figure_array(f, "panel_laplace", laplace, n);
    figure_array(f, "panel_t", t, n);
    fprintf(f->script, "panels = %zu\n", n);
}

static void draw_weights(struct figures *fs, const struct analysis_document *a,
                         const struct histogram *shown, size_t n, size_t left_out)
{
    static const struct look normal = {0x0072b2, 7, 2}, laplace = {0xd55e00, 7, 4},
                             student = {0x009e73, 7, 1}, bars = {0xcfcfcf, 5, 1};
    double least = INFINITY, most = 0;
    struct figure *f = figure_begin(fs, "weights", a->stem, NULL, embed_weights_gp, weights_headers,
                                    sizeof weights_headers / sizeof weights_headers[0],
                                    "Weights beside a normal, a Laplace and a t distribution");
    if (!f)
        return;
    int columns = n > 1 ? PANEL_COLUMNS : 1, lines = (int)((n + PANEL_COLUMNS - 1) / PANEL_COLUMNS),
        right_edge = LEFT + columns * PANEL_WIDTH + (columns - 1) * GAP_X;
    figure_size(f, right_edge + LEGEND_WIDTH,
                TOP + lines * PANEL_HEIGHT + (lines - 1) * GAP_Y + BOTTOM, LEFT, LEGEND_WIDTH, TOP,
                BOTTOM);
    for (size_t i = 0; i < n; i++)
        print_bins(f->rows, &shown[i], &least, &most);
    print_panels(f, shown, n);
    fprintf(f->script, "y_low = %.6g; y_high = %.6g\n", least / 3, fmax(most, M_SQRT1_2) * 2);
    struct legend legend = {.figure = f, .x = right_edge + 24, .y = TOP, .max_rows = 8};
    legend_mark(&legend, "weights", &bars);
    legend_line(&legend, "normal", &normal);
    legend_line(&legend, "Laplace", &laplace);
    legend_line(&legend, "t, df fitted", &student);
    legend_end(&legend);
    figure_label(f, "weight / rms of its tensor", (LEFT + right_edge) / 2.0, f->height - 14,
                 "center textcolor rgb ink");
    figure_label(f, "density", 18, TOP + (f->height - TOP - BOTTOM) / 2.0,
                 "center rotate by 90 textcolor rgb ink");
    weights_table(f, json_get(json_get(a->json, "summary"), "tensors"));
    fputs("Histogram of the weights over their tensor's rms, with the densities fitted by maximum "
          "likelihood: normal, Laplace, and t.",
          f->words);
    if (left_out)
        fprintf(f->words, " The largest %zu tensors are shown; %zu more are in the table only.", n,
                left_out);
    figure_end(fs, f);
}

void figures_weights(struct figures *fs, const struct analysis_document *a)
{
    const struct json *tensors = json_get(json_get(a->json, "summary"), "tensors");
    struct histogram shown[MAX_PANELS], h;
    size_t n = 0, left_out = 0;
    for (const struct json *j = json_first(tensors); j; j = json_next(j)) {
        if (!read_histogram(j, &h))
            continue;
        size_t at = n;
        while (at && shown[at - 1].elements < h.elements)
            at--;
        left_out += n == MAX_PANELS;
        if (at == MAX_PANELS)
            continue;
        n -= n == MAX_PANELS;
        memmove(&shown[at + 1], &shown[at], (n - at) * sizeof *shown);
        shown[at] = h;
        n++;
    }
    if (n)
        draw_weights(fs, a, shown, n, left_out);
}
