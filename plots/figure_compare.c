/* A comparison: new time over base time of every cell, with its interval, beside the margin that
 * matters.  Up to ROWS_MAX cells are listed by name; of more, one figure shows all by rank, and one
 * for each verdict but equivalent names those with the largest change. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/text_stream.h"
#include "plots/escape.h"
#include "plots/legend.h"
#include "plots/rows.h"

extern const char embed_rows_gp[], embed_compare_all_gp[];

enum {
    NAME_LIMIT = 62,
    UNMATCHED_SHOWN = 12,
    CHANGES_SHOWN = 4,
    ALL_LEFT = 40,
    ALL_WIDTH = 620,
    ALL_HEIGHT = 520,
    ALL_TOP = 40,
    ALL_BOTTOM = 60
};

static const char x_label[] = "time of new over time of base (logarithmic; right of 1 is slower)";

static const char *const headers[] = {
    "cell",    "threads", "ranks", "verdict",  "new / base", "low",         "high",    "base (s)",
    "new (s)", "n base",  "n new", "p (Holm)", "evidence",   "more rounds", "changes", "reason"};

enum verdict { SLOWER, FASTER, UNRESOLVED, EQUIVALENT, NOT_COMPARED, VERDICTS };

/* Shapes that differ in grey: slower points up, faster down. */
static const struct {
    const char *name;
    struct look look;
} verdicts[VERDICTS] = {[SLOWER] = {"slower", {.rgb = 0xd55e00, .shape = 9}},
                        [FASTER] = {"faster", {.rgb = 0x009e73, .shape = 11}},
                        [UNRESOLVED] = {"unresolved", {.rgb = 0x56b4e9, .shape = 13}},
                        [EQUIVALENT] = {"equivalent", {.rgb = LOOK_NEUTRAL, .shape = 7}},
                        [NOT_COMPARED] = {"not compared", {.rgb = LOOK_NEUTRAL, .shape = 7}}};

struct compared {
    const struct json *json;
    const char *path;
    int threads, ranks;
    enum verdict verdict;
    double ratio, low, high; /* NaN: none */
    bool few;                /* rounds */
    size_t index;            /* in the document */
};

struct comparison {
    const struct json *document;
    struct compared *cells; /* [n], worst first */
    size_t n, count[VERDICTS];
    double margin, x_low, x_high;
    bool same; /* number of threads and of ranks, everywhere */
    bool cut;  /* an interval leaves the axis */
};

static int whole(const struct json *cell, const char *key)
{
    double value = json_get_number(cell, key, 1);
    return value >= 0 && value < 1e6 ? (int)value : 0;
}

static double drawable(double value)
{
    return fits_log_axis(value) ? value : NAN;
}

static struct compared read_compared(const struct json *j, size_t index)
{
    const struct json *ratio = json_get(j, "ratio"), *low = json_first(json_get(ratio, "interval"));
    const char *word = json_get_string(j, "verdict", "");
    struct compared c = {
        .json = j,
        .path = json_get_string(j, "path", ""),
        .threads = whole(j, "threads"),
        .ranks = whole(j, "ranks"),
        .verdict = SLOWER,
        .ratio = drawable(json_get_number(ratio, "estimate", NAN)),
        .low = drawable(json_number(low, NAN)),
        .high = drawable(json_number(low ? json_next(low) : NULL, NAN)),
        .few = !strcmp(json_get_string(j, "evidence", ""), "few-rounds"),
        .index = index,
    };
    while (c.verdict < NOT_COMPARED && strcmp(verdicts[c.verdict].name, word))
        c.verdict++;
    if (!isfinite(c.low) || !isfinite(c.high))
        c.low = c.high = NAN;
    return c;
}

static int compare_index(const struct compared *a, const struct compared *b)
{
    return (a->index > b->index) - (a->index < b->index);
}

/* By verdict, then from the largest change to the smallest, then those without a ratio. */
static int by_weight(const void *x, const void *y)
{
    const struct compared *a = x, *b = y;
    double p = isfinite(a->ratio) ? fabs(log(a->ratio)) : -1,
           q = isfinite(b->ratio) ? fabs(log(b->ratio)) : -1;
    if (a->verdict != b->verdict)
        return a->verdict < b->verdict ? -1 : 1;
    return p != q ? (p > q ? -1 : 1) : compare_index(a, b);
}

static int by_ratio(const void *x, const void *y)
{
    const struct compared *a = *(const struct compared *const *)x,
                          *b = *(const struct compared *const *)y;
    return a->ratio != b->ratio ? (a->ratio < b->ratio ? -1 : 1) : compare_index(a, b);
}

/* The axis of n cells holds every ratio and the margin; an interval three times as wide as all that
 * would leave them no room, and is cut. */
static void choose_axis(struct comparison *k, const struct compared *cells, size_t n)
{
    double low = 2 * log1p(k->margin), high = low, low_end = 0, high_end = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(cells[i].ratio))
            continue;
        low = fmax(low, -log(cells[i].ratio));
        high = fmax(high, log(cells[i].ratio));
        if (isfinite(cells[i].low)) {
            low_end = fmax(low_end, -log(cells[i].low));
            high_end = fmax(high_end, log(cells[i].high));
        }
    }
    double most = 3 * fmax(low, high);
    k->cut = fmax(low_end, high_end) > most;
    k->x_low = exp(-1.08 * fmax(low, fmin(low_end, most)));
    k->x_high = exp(1.08 * fmax(high, fmin(high_end, most)));
}

static bool comparison_make(const struct json *document, struct comparison *k)
{
    const struct json *cells = json_get(document, "cells");
    double margin = json_get_number(document, "margin", 0);
    *k = (struct comparison){.document = document,
                             .margin = margin > 0 && margin < 10 ? margin : 0.03,
                             .cells = calloc(json_size(cells) + 1, sizeof *k->cells)};
    if (!k->cells)
        return false;
    k->same = true;
    for (const struct json *j = json_first(cells); j; j = json_next(j), k->n++) {
        struct compared *c = &k->cells[k->n];
        *c = read_compared(j, k->n);
        k->count[c->verdict]++;
        k->same &= c->threads == k->cells[0].threads && c->ranks == k->cells[0].ranks;
    }
    qsort(k->cells, k->n, sizeof *k->cells, by_weight);
    return true;
}

/* ---- Words ---- */

/* Threads and ranks are told where not all cells have the same. */
static void name_of(const struct comparison *k, const struct compared *c, char text[400])
{
    int n = snprintf(text, 400, "%.300s", c->path);
    if (k->same)
        return;
    n += snprintf(text + n, 400 - (size_t)n, ", %d thread%s", c->threads,
                  c->threads == 1 ? "" : "s");
    if (c->ranks > 1)
        snprintf(text + n, 400 - (size_t)n, ", %d ranks", c->ranks);
}

/* "bytes_read 1024 -> 512; ..." */
static void add_changes(struct table *t, const struct json *changes)
{
    char *text = NULL;
    size_t bytes, n = 0;
    FILE *out = text_stream(&text, &bytes);
    for (const struct json *c = json_first(changes); out && c && n < CHANGES_SHOWN;
         c = json_next(c), n++)
        fprintf(out, "%s%s %.6g \xe2\x86\x92 %.6g", n ? "; " : "", json_get_string(c, "metric", ""),
                json_get_number(c, "base", NAN), json_get_number(c, "new", NAN));
    if (out && json_size(changes) > n)
        fprintf(out, "; and %zu more", json_size(changes) - n);
    if (!out || fclose(out))
        t->out_of_memory = true;
    else
        table_text(t, text);
    free(text);
}

static void add_table_row(struct figure *f, const struct compared *c)
{
    struct table *t = &f->table;
    const struct json *base = json_get(c->json, "base"), *new = json_get(c->json, "new");
    table_text(t, c->path);
    table_number(t, c->threads, 6);
    table_number(t, c->ranks, 6);
    table_text(t, verdicts[c->verdict].name);
    table_number(t, c->ratio, 5);
    table_number(t, c->low, 5);
    table_number(t, c->high, 5);
    table_number(t, json_get_number(base, "median_s", NAN), 4);
    table_number(t, json_get_number(new, "median_s", NAN), 4);
    table_number(t, json_get_number(base, "n", NAN), 6);
    table_number(t, json_get_number(new, "n", NAN), 6);
    table_number(t, json_get_number(c->json, "p_holm", NAN), 3);
    table_text(t, json_get_string(c->json, "evidence", ""));
    table_number(t, json_get_number(c->json, "more_rounds", NAN), 6);
    add_changes(t, json_get(c->json, "changes"));
    table_text(t, json_get_string(c->json, "reason", ""));
}

static void print_source(FILE *out, const char *word, const struct json *source)
{
    const char *version = json_get_string(source, "version", ""),
               *revision = json_get_string(source, "revision", "");
    fprintf(out, "%s: %s", word, json_get_string(source, "source", "unnamed"));
    if (*version)
        fprintf(out, " (%s%s%.12s)", version, *revision ? ", " : "", revision);
    fputs(". ", out);
}

static void print_unmatched(FILE *out, const struct json *unmatched)
{
    size_t n = json_size(unmatched), shown = 0;
    if (!n)
        return;
    fprintf(out, "Without a partner, %zu: ", n);
    for (const struct json *j = json_first(unmatched); j && shown < UNMATCHED_SHOWN;
         j = json_next(j), shown++)
        fprintf(out, "%s%s (%d threads, only in %s)", shown ? "; " : "",
                json_get_string(j, "path", ""), whole(j, "threads"), json_get_string(j, "in", ""));
    if (n > shown)
        fprintf(out, "; and %zu more", n - shown);
    fputs(". ", out);
}

static void caption(const struct comparison *k, FILE *out)
{
    const struct json *notes = json_get(k->document, "notes");
    size_t few = 0;
    for (size_t i = 0; i < k->n; i++)
        few += k->cells[i].few;
    fprintf(out,
            "Median time of new over that of base; band: the margin of %.4g %%; whiskers: the "
            "interval that the verdict rests on%s. ",
            100 * k->margin, k->cut ? ", cut where they leave the axis" : "");
    for (enum verdict v = 0; v < VERDICTS; v++)
        if (k->count[v])
            fprintf(out, "%zu %s%s", k->count[v], verdicts[v].name, ", ");
    fprintf(out, "%zu cell%s in all. ", k->n, k->n == 1 ? "" : "s");
    if (k->same)
        fprintf(out, "Threads: %d; ranks: %d. ", k->cells[0].threads, k->cells[0].ranks);
    if (few)
        fputs("Hollow: too few rounds. ", out);
    print_source(out, "Base", json_get(k->document, "base"));
    print_source(out, "New", json_get(k->document, "new"));
    print_unmatched(out, json_get(k->document, "unmatched"));
    for (const struct json *note = json_first(notes); note; note = json_next(note))
        fprintf(out, "%s. ", json_string(note, ""));
}

/* ---- The list ---- */

static void draw_band(const struct comparison *k, struct figure *f)
{
    fprintf(f->script,
            "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind fillstyle "
            "solid 1 noborder fillcolor rgb '#eeeeee'\n",
            1 / (1 + k->margin), 1 + k->margin);
}

static void draw_axis(const struct comparison *k, struct figure *f)
{
    fprintf(f->script, "x_low = %.9g; x_high = %.9g\n", k->x_low, k->x_high);
    if (k->x_high / k->x_low < 3)
        print_even_ticks(f->script, 'x', k->x_low, k->x_high, tick_step(k->x_low, k->x_high));
    else
        print_log_ticks(f->script, 'x', k->x_low * 1.2, k->x_high / 1.2);
    figure_string(f, "x_label", x_label);
    draw_band(k, f);
}

static double inside(const struct comparison *k, double value)
{
    return fmin(fmax(value, k->x_low), k->x_high);
}

static void add_row(const struct comparison *k, struct rows *rows, const struct compared *c)
{
    char name[400], words[112];
    struct look look = verdicts[c->verdict].look;
    bool has_interval = isfinite(c->low);
    name_of(k, c, name);
    if (!isfinite(c->ratio)) {
        rows_note(rows, json_get_string(c->json, "reason", "no ratio"), rows_row(rows, name, NULL));
        return;
    }
    if (has_interval)
        snprintf(words, sizeof words, "%.3f [%.3f, %.3f]", c->ratio, c->low, c->high);
    else
        snprintf(words, sizeof words, "%.3f, no interval", c->ratio);
    double y = rows_row(rows, name, words);
    fprintf(rows->figure->rows, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t0\t", y, c->ratio,
            has_interval ? inside(k, c->low) : c->ratio,
            has_interval ? inside(k, c->high) : c->ratio, look.rgb, look.shape - c->few);
    escape_field(rows->figure->rows, c->path);
    fputc('\n', rows->figure->rows);
}

/* n cells by name, a heading for each verdict; word: in the figure's name, NULL: none. */
static void draw_list(struct figures *fs, struct comparison *k, const struct compared *cells,
                      size_t n, const char *word, const char *title)
{
    struct figure *f = figure_begin(fs, "compare", word, NULL, embed_rows_gp, headers,
                                    sizeof headers / sizeof headers[0], "%s", title);
    if (!f)
        return;
    struct rows rows = {.figure = f, .name_limit = NAME_LIMIT};
    choose_axis(k, cells, n);
    fputs("# y\tnew/base\tlow\thigh\tcolour\tshape\tbar\tcell\n", f->rows);
    for (size_t i = 0; i < n; i++) {
        const struct compared *c = &cells[i];
        char heading[64];
        snprintf(heading, sizeof heading, "%s: %zu", verdicts[c->verdict].name,
                 k->count[c->verdict]);
        if (!i || c->verdict != c[-1].verdict)
            rows_heading(&rows, heading);
        add_row(k, &rows, c);
        add_table_row(f, c);
    }
    rows_end(&rows);
    fputs("logarithmic = 1; reference = 1; bar_from = 1\n", f->script);
    draw_axis(k, f);
    caption(k, f->words);
    figure_end(fs, f);
}

/* ---- All by rank ---- */

static void draw_legend(const struct comparison *k, struct figure *f)
{
    struct legend legend = {.figure = f,
                            .x = ALL_LEFT + ALL_WIDTH + 24,
                            .y = ALL_TOP,
                            .max_rows = ALL_HEIGHT / LEGEND_LINE};
    legend_heading(&legend, "verdicts");
    for (enum verdict v = 0; v < NOT_COMPARED; v++) {
        char text[64];
        struct look look = {.rgb = verdicts[v].look.rgb, .shape = 7};
        snprintf(text, sizeof text, "%s: %zu", verdicts[v].name, k->count[v]);
        if (k->count[v])
            legend_mark(&legend, text, &look);
    }
    legend_end(&legend);
}

static void draw_all(struct figures *fs, struct comparison *k)
{
    const struct compared **order = calloc(k->n + 1, sizeof *order);
    struct figure *f = NULL;
    size_t n = 0;
    if (!order) {
        fs->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < k->n; i++)
        if (isfinite(k->cells[i].ratio))
            order[n++] = &k->cells[i];
    qsort(order, n, sizeof *order, by_ratio);
    if (n)
        f = figure_begin(fs, "compare-all", NULL, NULL, embed_compare_all_gp, headers,
                         sizeof headers / sizeof headers[0], "New over base: all %zu cells by rank",
                         n);
    if (f) {
        figure_size(f, ALL_LEFT + ALL_WIDTH + LEGEND_WIDTH, ALL_TOP + ALL_HEIGHT + ALL_BOTTOM,
                    ALL_LEFT, LEGEND_WIDTH, ALL_TOP, ALL_BOTTOM);
        choose_axis(k, k->cells, k->n);
        fputs("# rank\tnew/base\tlow\thigh\tcolour\tcell\n", f->rows);
        for (size_t i = 0; i < n; i++) {
            const struct compared *c = order[i];
            bool has_interval = isfinite(c->low);
            fprintf(f->rows, "%zu\t%.9g\t%.9g\t%.9g\t%u\t", i, c->ratio,
                    has_interval ? inside(k, c->low) : c->ratio,
                    has_interval ? inside(k, c->high) : c->ratio, verdicts[c->verdict].look.rgb);
            escape_field(f->rows, c->path);
            fputc('\n', f->rows);
        }
        for (size_t i = 0; i < k->n; i++)
            add_table_row(f, &k->cells[i]);
        fprintf(f->script, "cells = %zu\n", n);
        draw_axis(k, f);
        draw_legend(k, f);
        caption(k, f->words);
        figure_end(fs, f);
    }
    free(order);
}

void figures_compare(struct figures *fs)
{
    const struct json *document = fs->results->compare;
    struct comparison k;
    char title[96];
    if (!document)
        return;
    if (!comparison_make(document, &k)) {
        fs->out_of_memory = true;
        return;
    }
    if (k.n > ROWS_MAX)
        draw_all(fs, &k);
    else if (k.n)
        draw_list(fs, &k, k.cells, k.n, NULL, "New over base");
    const struct compared *cells = k.cells;
    for (enum verdict v = 0; v < EQUIVALENT && k.n > ROWS_MAX; cells += k.count[v++]) {
        size_t n = k.count[v] < ROWS_MAX ? k.count[v] : ROWS_MAX;
        snprintf(title, sizeof title, "New over base: %zu of %zu that are %s", n, k.count[v],
                 verdicts[v].name);
        if (n)
            draw_list(fs, &k, cells, n, verdicts[v].name, title);
    }
    free(k.cells);
}
