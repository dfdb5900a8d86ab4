/* Bytes of an iteration by tier beside the modelled ones: where more is moved than the cell's data,
 * and where less because a cache kept it. */
#include "plots/profiled.h"

#include <math.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/rows.h"

extern const char embed_rows_gp[];

static const char *const headers[] = {"cell",  "threads",         "tier",  "bytes an iteration",
                                      "times", "instruction set", "reason"};

static double ratio_of(const struct profiled *p, enum tier t)
{
    double ratio = p->tiers[t].bytes / p->tiers[TIER_MODELLED].bytes;
    return ratio == 0 || fits_log_axis(ratio) ? ratio : NAN;
}

static void add_table_row(struct figure *f, const struct profiled *p, enum tier t)
{
    table_text(&f->table, p->name);
    table_number(&f->table, p->threads, 6);
    table_text(&f->table, tier_name(t));
    table_number(&f->table, p->tiers[t].bytes, 10);
    table_number(&f->table, ratio_of(p, t), 4);
    table_text(&f->table, p->tiers[t].isa);
    table_text(&f->table, isfinite(p->tiers[t].bytes) ? "" : p->tiers[t].reason);
}

static void add_row(struct rows *rows, const struct profiled *p, enum tier t)
{
    double ratio = ratio_of(p, t);
    char words[80], bytes[32], times[32];
    if (!isfinite(p->tiers[t].bytes)) {
        rows_note(rows, p->tiers[t].reason, rows_row(rows, tier_name(t), NULL));
        return;
    }
    format_si(p->tiers[t].bytes, "B", bytes);
    format_value(ratio, 3, times);
    if (isfinite(ratio))
        snprintf(words, sizeof words, "%s, %s times", bytes, times);
    else
        snprintf(words, sizeof words, "%s", bytes);
    double y = rows_row(rows, tier_name(t), words);
    if (!(ratio > 0)) /* no byte at all has no place on a logarithmic axis */
        return;
    struct look look = tier_look(t);
    fprintf(rows->figure->rows, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t1\t", y, ratio, ratio, ratio,
            look.rgb, look.shape);
    escape_field(rows->figure->rows, p->name);
    fputc('\n', rows->figure->rows);
}

static void add_cell(struct rows *rows, const struct profiled *p)
{
    char heading[256];
    bool right = !strcmp(p->status, "ok");
    snprintf(heading, sizeof heading, "%.120s%s%.20s%s%.20s%s%.60s", p->name, *p->mode ? ", " : "",
             p->mode, *p->isa ? ", " : "", p->isa, right ? "" : ", ", right ? "" : p->status);
    rows_heading(rows, heading);
    for (enum tier t = 0; t < TIERS; t++) {
        add_table_row(rows->figure, p, t);
        add_row(rows, p, t);
    }
}

static void draw(struct figures *fs, const struct profiled_group *g)
{
    int threads = g->cells[0].threads;
    struct figure *f =
        figure_begin(fs, "traffic", g->technique, g->task_name, embed_rows_gp, headers,
                     sizeof headers / sizeof headers[0], "%s / %s: bytes by tier, %d thread%s",
                     g->technique, g->task_name, threads, threads == 1 ? "" : "s");
    if (!f)
        return;
    struct rows rows = {.figure = f};
    double low = 0.5, high = 2;
    fputs("# y\ttimes modelled\tlow\thigh\tcolour\tshape\tbar\tcell\n", f->rows);
    for (size_t i = 0; i < g->n; i++) {
        for (enum tier t = 0; t < TIERS; t++)
            if (ratio_of(&g->cells[i], t) > 0) {
                low = fmin(low, ratio_of(&g->cells[i], t) / 1.3);
                high = fmax(high, ratio_of(&g->cells[i], t) * 1.3);
            }
        add_cell(&rows, &g->cells[i]);
    }
    rows_end(&rows);
    fprintf(f->script,
            "logarithmic = 1; reference = 1; bar_from = 1\nx_low = %.6g; x_high = %.6g\n", low,
            high);
    print_log_ticks(f->script, 'x', low, high);
    figure_string(f, "x_label", "bytes of an iteration over the modelled ones (logarithmic)");
    fputs("Bytes that an iteration moves: modelled (compulsory bytes, dashed line), counted by the "
          "hardware as lines that missed a level, and simulated by Callgrind with this machine's "
          "cache sizes (hollow). Bars show the difference from the model. ",
          f->words);
    profiled_caption(fs, g, f->words);
    figure_end(fs, f);
}

void figures_traffic(struct figures *fs)
{
    const struct json *cell = json_first(json_get(fs->results->profile, "cells"));
    struct profiled_group g;
    while (profiled_group_next(&cell, &g))
        draw(fs, &g);
}
