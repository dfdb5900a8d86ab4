/* The roofline of profiled cells: each cell's operations over the bytes of every tier, modelled,
 * counted and simulated, so that a mark slides to the left where more is moved. */
#include "plots/profiled.h"

#include <math.h>

#include "plots/escape.h"
#include "plots/roofline_frame.h"

extern const char embed_roofline_gp[];

static const char *const headers[] = {"cell", "threads", "tier",
                                      "op/B", "op/s",    "op/s at the limit"};

/* How near write-allocate may come to modelled, and still be seen beside it. */
#define HIDDEN 1.05

static double intensity(const struct profiled *p, enum tier t)
{
    return p->ops / p->tiers[t].bytes;
}

static bool is_drawn(const struct profiled *p, enum tier t)
{
    double x = intensity(p, t), y = p->ops / p->time_s;
    /* It would hide the mark that it stands on. */
    if (t == TIER_WRITE_ALLOCATE && !(p->tiers[t].bytes > HIDDEN * p->tiers[TIER_MODELLED].bytes))
        return false;
    return fits_log_axis(x) && fits_log_axis(y);
}

static size_t count_drawn(const struct profiled *p)
{
    size_t n = 0;
    for (enum tier t = 0; t < TIERS; t++)
        n += is_drawn(p, t);
    return n;
}

static void draw_legend(struct figure *f, const struct profiled_group *g)
{
    struct legend legend = roofline_legend(f);
    legend_heading(&legend, "cells");
    for (size_t i = 0; i < g->n; i++)
        if (count_drawn(&g->cells[i])) {
            struct look look = look_at(i);
            look.dash = 1;
            legend_line(&legend, g->cells[i].name, &look);
        }
    legend_heading(&legend, "bytes");
    for (enum tier t = 0; t < TIERS; t++) {
        bool any = false;
        for (size_t i = 0; i < g->n; i++)
            any |= is_drawn(&g->cells[i], t);
        struct look look = {.rgb = 0x333333, .shape = tier_look(t).shape};
        if (any)
            legend_mark(&legend, tier_name(t), &look);
    }
    legend_end(&legend);
}

static void add_cell(struct figure *f, const struct profiled *p, size_t index)
{
    double rate = p->ops / p->time_s, at_limit = p->ops / p->limit_s;
    double low = INFINITY, high = 0;
    unsigned rgb = look_at(index).rgb;
    for (enum tier t = 0; t < TIERS; t++) {
        if (!is_drawn(p, t))
            continue;
        double x = intensity(p, t);
        low = fmin(low, x);
        high = fmax(high, x);
        table_text(&f->table, p->name);
        table_number(&f->table, p->threads, 6);
        table_text(&f->table, tier_name(t));
        table_number(&f->table, x, 4);
        table_number(&f->table, rate, 4);
        table_number(&f->table, at_limit, 4);
        fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%u\t%d\t", x, rate,
                t == TIER_MODELLED && isfinite(at_limit) ? at_limit : rate, rgb,
                tier_look(t).shape);
        escape_field(f->rows, p->path);
        fputc('\n', f->rows);
    }
    if (low < high)
        fprintf(f->script,
                "set arrow from first %.6g, first %.6g to first %.6g, first %.6g nohead front lw "
                "1.2 lc rgb '#%06x'\n",
                low, rate, high, rate, rgb);
}

static void draw(struct figures *fs, const struct profiled_group *g)
{
    int threads = g->cells[0].threads;
    size_t drawn = 0;
    for (size_t i = 0; i < g->n; i++)
        drawn += count_drawn(&g->cells[i]);
    if (!drawn)
        return;
    struct figure *f =
        figure_begin(fs, "tiers", g->technique, g->task_name, embed_roofline_gp, headers,
                     sizeof headers / sizeof headers[0], "%s / %s: roofline by tier, %d thread%s",
                     g->technique, g->task_name, threads, threads == 1 ? "" : "s");
    if (!f)
        return;
    struct roofline_frame frame;
    roofline_frame_begin(&frame, json_get(fs->results->profile, "machine"), threads);
    for (size_t i = 0; i < g->n; i++)
        for (enum tier t = 0; t < TIERS; t++)
            if (is_drawn(&g->cells[i], t))
                roofline_frame_hold(&frame, intensity(&g->cells[i], t),
                                    g->cells[i].ops / g->cells[i].time_s);
    roofline_frame_end(&frame, f, "arithmetic intensity (operations per byte of each tier)");
    draw_legend(f, g);
    fputs("# op/B\top/s\top/s at the limit\tcolour\tshape\tcell\n", f->rows);
    for (size_t i = 0; i < g->n; i++)
        add_cell(f, &g->cells[i], i);
    fprintf(f->words,
            "One colour a cell, one shape a tier: the cell's operations over the modelled, counted "
            "and simulated (hollow) bytes, all at the speed that was measured; the grey line above "
            "the modelled mark ends at the limit of the cell. Write-allocate has a mark where it "
            "is 5 %% above modelled. Roofs as measured on this machine "
            "with %d thread%s. ",
            threads, threads == 1 ? "" : "s");
    profiled_caption(fs, g, f->words);
    figure_end(fs, f);
}

void figures_tiers(struct figures *fs)
{
    const struct json *cell = json_first(json_get(fs->results->profile, "cells"));
    struct profiled_group g;
    while (profiled_group_next(&cell, &g))
        draw(fs, &g);
}
