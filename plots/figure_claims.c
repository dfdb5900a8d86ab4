/* What the papers say beside what was measured here: the ratio of the two, on one axis for all. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/rows.h"

extern const char embed_claims_gp[];

static const char *const headers[] = {"technique", "row",      "claim", "paper",  "unit",
                                      "where",     "measured", "unit",  "low",    "high",
                                      "verdict",   "kind",     "why",   "seconds"};

/* Beyond these ratios a mark would only squeeze the others: it stays at the edge, as a triangle. */
#define RATIO_LOW 0.25
#define RATIO_HIGH 4.0

struct claim_row {
    const char *technique, *row, *verdict, *reason;
    double paper, measured, low, high;
    double scale; /* what values are divided by; NaN: nothing can be drawn */
};

static struct claim_row read_row(const struct json *j)
{
    const struct json *paper = json_get(j, "paper"), *measured = json_get(j, "measured"),
                      *threshold = json_get(j, "threshold");
    struct claim_row c = {.technique = json_get_string(j, "technique", ""),
                          .row = json_get_string(j, "row", ""),
                          .verdict = json_get_string(j, "verdict", ""),
                          .reason = json_get_string(j, "reason", ""),
                          .paper = json_get_number(paper, "value", NAN),
                          .measured = json_get_number(measured, "value", NAN),
                          .low = json_get_number(threshold, "low", -INFINITY),
                          .high = json_get_number(threshold, "high", INFINITY)};
    /* Without the paper's number, or with 0, the threshold is the measure. */
    double candidates[] = {c.paper, c.low, c.high};
    c.scale = NAN;
    for (size_t i = 0; i < 3 && isnan(c.scale); i++)
        if (isfinite(candidates[i]) && candidates[i] != 0 && c.measured / candidates[i] > 0)
            c.scale = candidates[i];
    return c;
}

static struct look look_of_verdict(const char *verdict)
{
    return !strcmp(verdict, "reproduced")  ? (struct look){0x009e73, 7, 1}
           : !strcmp(verdict, "direction") ? (struct look){0xe69f00, 13, 1}
                                           : (struct look){0xd55e00, 5, 1};
}

static double clip(double ratio)
{
    return fmin(fmax(ratio, RATIO_LOW), RATIO_HIGH);
}

static void draw_row(struct rows *rows, const struct claim_row *c)
{
    char words[160], measured[32], paper[32];
    FILE *out = rows->figure->rows;
    if (isnan(c->measured)) {
        snprintf(words, sizeof words, "%s%s%.120s", c->verdict, *c->reason ? ": " : "", c->reason);
        rows_note(rows, words, rows_row(rows, c->row, NULL));
        return;
    }
    format_value(c->measured, 4, measured);
    format_value(c->paper, 4, paper);
    snprintf(words, sizeof words, "%s%s%s  %.20s", measured, isfinite(c->paper) ? " / " : "",
             isfinite(c->paper) ? paper : "", c->verdict);
    double y = rows_row(rows, c->row, words);
    if (isnan(c->scale)) {
        rows_note(rows, "no ratio: the values differ in sign", y);
        return;
    }
    double ratio = c->measured / c->scale, a = c->low / c->scale, b = c->high / c->scale;
    struct look look = look_of_verdict(c->verdict);
    if (clip(ratio) != ratio)
        look.shape = ratio < 1 ? 11 : 9;
    else if (!isfinite(c->paper) || c->paper == 0)
        look.shape--;
    fprintf(out, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t", y, clip(ratio), clip(fmin(a, b)),
            clip(fmax(a, b)), look.rgb, look.shape);
    escape_field(out, c->technique);
    fputc('\t', out);
    escape_field(out, c->row);
    fputc('\n', out);
}

static void fill_table(struct figure *f, const struct json *j, const struct claim_row *c)
{
    const struct json *paper = json_get(j, "paper"), *measured = json_get(j, "measured");
    table_text(&f->table, c->technique);
    table_text(&f->table, c->row);
    table_text(&f->table, json_get_string(j, "claim", ""));
    table_number(&f->table, c->paper, 5);
    table_text(&f->table, json_get_string(paper, "unit", ""));
    table_text(&f->table, json_get_string(paper, "where", ""));
    table_number(&f->table, c->measured, 5);
    table_text(&f->table, json_get_string(measured, "unit", ""));
    table_number(&f->table, c->low, 5);
    table_number(&f->table, c->high, 5);
    table_text(&f->table, c->verdict);
    table_text(&f->table, json_get_string(j, "kind", ""));
    table_text(&f->table, *c->reason ? c->reason : json_get_string(j, "explained", ""));
    table_number(&f->table, json_get_number(j, "seconds", NAN), 3);
}

void figures_claims(struct figures *fs)
{
    const struct json *checks = json_get(fs->results->check, "checks");
    const char *technique = NULL;
    size_t left_out = 0;
    if (!json_size(checks))
        return;
    struct figure *f =
        figure_begin(fs, "claims", NULL, NULL, embed_claims_gp, headers,
                     sizeof headers / sizeof headers[0], "Claims: measured over the paper's value");
    if (!f)
        return;
    struct rows rows = {.figure = f};
    fputs("# y\tratio\tthreshold low\tthreshold high\tcolour\tshape\ttechnique\trow\n"
          "?\t?\t?\t?\t?\t?\n",
          f->rows);
    for (const struct json *j = json_first(checks); j; j = json_next(j)) {
        struct claim_row c = read_row(j);
        fill_table(f, j, &c);
        if (rows.rows >= ROWS_MAX) {
            left_out++;
            continue;
        }
        if (!technique || strcmp(technique, c.technique) != 0)
            rows_heading(&rows, c.technique);
        technique = c.technique;
        draw_row(&rows, &c);
    }
    rows_end(&rows);
    fprintf(f->script, "x_low = %g; x_high = %g\n", RATIO_LOW, RATIO_HIGH);
    fputs(
        "Each row is one claim: measured value over the paper's, with the verdict; the grey band "
        "is "
        "where it counts as reproduced. At the right: measured / paper. Hollow marks: the source "
        "gives no number, and the ratio is to the threshold. Triangles at an edge lie beyond it. ",
        f->words);
    if (left_out)
        fprintf(f->words, "%zu more rows are in the table only. ", left_out);
    fprintf(f->words, "Machine %s.",
            json_get_string(json_get(fs->results->check, "machine"), "fingerprint",
                            "without a fingerprint"));
    figure_end(fs, f);
}
