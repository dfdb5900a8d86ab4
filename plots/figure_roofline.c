/* The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009): what the machine allows at
 * an arithmetic intensity, and where each cell lies under it.  One figure for each number of
 * threads. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/roofline_frame.h"

extern const char embed_roofline_gp[];

static const char *const headers[] = {"technique",
                                      "task",
                                      "variant",
                                      "case",
                                      "mode",
                                      "op/B",
                                      "op/s",
                                      "op/s at the limit",
                                      "share of the limit",
                                      "bound by",
                                      "bytes an iteration",
                                      "status"};

static bool is_on_roofline(const struct cell *c)
{
    return cell_has_time(c) && c->ops > 0 && c->bytes > 0 && isfinite(c->ops / c->bytes);
}

static double intensity(const struct cell *c)
{
    return c->ops / c->bytes;
}

static double rate(const struct cell *c)
{
    return c->ops / c->time.value;
}

static bool is_first_of_name(const struct cell *cells, size_t i)
{
    for (size_t j = i; j-- > 0 && cell_same_task(&cells[j], &cells[i]);)
        if (cells[j].threads == cells[i].threads && is_on_roofline(&cells[j]) &&
            !strcmp(cells[j].variant, cells[i].variant))
            return false;
    return true;
}

static void draw_legend(struct figures *fs, struct figure *f, int threads)
{
    const struct cell *cells = fs->results->cells, *headed = NULL;
    struct legend legend = roofline_legend(f);
    for (size_t i = 0; i < fs->results->n_cells; i++) {
        const struct cell *c = &cells[i];
        if (c->threads != threads || !is_on_roofline(c) || !is_first_of_name(cells, i))
            continue;
        if (!headed || !cell_same_task(headed, c)) {
            char heading[160];
            snprintf(heading, sizeof heading, "%.70s / %.70s", c->technique, c->task);
            legend_heading(&legend, heading);
            headed = c;
        }
        struct look look = styles_look(fs->styles, c->variant);
        legend_mark(&legend, c->variant, &look);
    }
    legend_end(&legend);
}

static void add_cell(struct figures *fs, struct figure *f, const struct cell *c)
{
    struct look look = styles_look(fs->styles, c->variant);
    double at_limit = c->ops / c->limit_s;
    char bound[64];
    table_text(&f->table, c->technique);
    table_text(&f->table, c->task);
    table_text(&f->table, c->variant);
    table_text(&f->table, c->case_name);
    table_text(&f->table, c->mode);
    table_number(&f->table, intensity(c), 4);
    table_number(&f->table, rate(c), 4);
    table_number(&f->table, at_limit, 4);
    table_number(&f->table, c->fraction, 3);
    snprintf(bound, sizeof bound, "%.30s %.30s", c->bound, c->bound_level);
    table_text(&f->table, bound);
    table_number(&f->table, c->bytes, 10);
    table_text(&f->table, c->status);
    fprintf(f->rows, "%.9g\t%.9g\t%.9g\t%u\t%d\t", intensity(c), rate(c),
            isfinite(at_limit) ? at_limit : rate(c), look.rgb, look.shape);
    escape_field(f->rows, c->path);
    fputc('\n', f->rows);
}

static void draw(struct figures *fs, int threads)
{
    const struct results *r = fs->results;
    struct roofline_frame frame;
    size_t drawn = 0, without = 0;
    char word[32];
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].threads == threads && cell_has_time(&r->cells[i]))
            ++*(is_on_roofline(&r->cells[i]) ? &drawn : &without);
    if (!drawn)
        return;
    snprintf(word, sizeof word, "%d-thread%s", threads, threads == 1 ? "" : "s");
    struct figure *f = figure_begin(fs, "roofline", word, NULL, embed_roofline_gp, headers,
                                    sizeof headers / sizeof headers[0], "Roofline, %d thread%s",
                                    threads, threads == 1 ? "" : "s");
    if (!f)
        return;
    roofline_frame_begin(&frame, results_machine(r), threads);
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].threads == threads && is_on_roofline(&r->cells[i]))
            roofline_frame_hold(&frame, intensity(&r->cells[i]), rate(&r->cells[i]));
    roofline_frame_end(&frame, f,
                       "arithmetic intensity (operations per byte of compulsory traffic)");
    draw_legend(fs, f, threads);
    fputs("# op/B\top/s\top/s at the limit\tcolour\tshape\tcell\n", f->rows);
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].threads == threads && is_on_roofline(&r->cells[i]))
            add_cell(fs, f, &r->cells[i]);
    fprintf(
        f->words,
        "Each mark is a cell (median time); the line above it ends at the limit of its own inner "
        "instruction or memory level. Operations are those of the cell's roof (flop, 8-bit "
        "multiply-add, byte look-up); traffic tier: modelled (compulsory bytes). Roofs as "
        "measured on this machine with %d thread%s. ",
        threads, threads == 1 ? "" : "s");
    if (without)
        fprintf(f->words,
                "%zu cells that only move bytes have no intensity and stand in the figures of the "
                "share of the limit. ",
                without);
    fprintf(f->words, "Machine %s.",
            json_get_string(results_machine(r), "fingerprint", "without a fingerprint"));
    figure_end(fs, f);
}

void figures_roofline(struct figures *fs)
{
    const struct cell *cells = fs->results->cells;
    for (size_t i = 0; i < fs->results->n_cells; i++) {
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = cells[j].threads != cells[i].threads;
        if (is_new)
            draw(fs, cells[i].threads);
    }
}
