/* What was counted of one profiled cell, and why the rest was not. */
#include "plots/profiled.h"

#include <math.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/rows.h"

extern const char embed_rows_gp[];

static const char *const headers[] = {"event",  "scope",    "status",        "per iteration",
                                      "unit",   "per item", "running share", "gain",
                                      "reason", "backend"};

static void add_table_row(struct figure *f, const struct json *e)
{
    table_text(&f->table, json_get_string(e, "event", ""));
    table_text(&f->table, json_get_string(e, "scope", ""));
    table_text(&f->table, json_get_string(e, "status", ""));
    table_number(&f->table, json_get_number(e, "per_iteration", NAN), 6);
    table_text(&f->table, json_get_string(e, "unit", ""));
    table_number(&f->table, json_get_number(e, "per_item", NAN), 4);
    table_number(&f->table, json_get_number(e, "running", NAN), 4);
    table_number(&f->table, json_get_number(e, "gain", NAN), 4);
    table_text(&f->table, json_get_string(e, "reason", ""));
    table_text(&f->table, json_get_string(e, "backend", ""));
}

static void value_or_dash(double value, int digits, char text[32])
{
    if (isfinite(value))
        format_value(value, digits, text);
    else
        strcpy(text, "\xe2\x80\x93");
}

static void add_row(struct rows *rows, const struct json *e)
{
    double value = json_get_number(e, "per_iteration", NAN);
    const char *status = json_get_string(e, "status", "");
    char name[96], words[192], count[32], item[32], gain[32], running[32];
    snprintf(name, sizeof name, "%.60s, %.20s", json_get_string(e, "event", ""),
             json_get_string(e, "scope", ""));
    if (!isfinite(value)) {
        snprintf(words, sizeof words, "%.20s: %.130s", status, json_get_string(e, "reason", ""));
        rows_note(rows, words, rows_row(rows, name, NULL));
        return;
    }
    format_value(value, 4, count);
    value_or_dash(json_get_number(e, "per_item", NAN), 3, item);
    value_or_dash(json_get_number(e, "gain", NAN), 3, gain);
    value_or_dash(100 * json_get_number(e, "running", NAN), 3, running);
    snprintf(words, sizeof words, "%s %.20s; %s an item; gain %s; %s %%", count,
             json_get_string(e, "unit", ""), item, gain, running);
    double y = rows_row(rows, name, words);
    if (!fits_log_axis(value)) /* a count of nothing has no place on a logarithmic axis */
        return;
    bool hardware = json_bool(json_get(e, "hardware"), false), checked = !strcmp(status, "ok");
    fprintf(rows->figure->rows, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t0\t", y, value, value, value,
            hardware ? 0x0072b2U : 0x009e73U, (hardware ? 7 : 5) - !checked);
    escape_field(rows->figure->rows, json_get_string(e, "event", ""));
    fputc('\n', rows->figure->rows);
}

static void caption(const struct figures *fs, const struct profiled *p, size_t left_out, FILE *out)
{
    const struct json *counters = json_get(fs->results->profile, "counters");
    fprintf(out,
            "Events of one iteration (filled: confirmed over known work; hollow: not checked; "
            "circles: hardware, squares: software); then by %s, the gain against known work, and "
            "the share of the time that the event was counted. Counters: %s, %s",
            p->item, json_get_string(counters, "backend", "no backend"),
            json_get_string(counters, "status", "no status"));
    if (*json_get_string(counters, "reason", ""))
        fprintf(out, " (%s)", json_get_string(counters, "reason", ""));
    fputs(". ", out);
    if (*p->reading)
        fprintf(out, "Reading: %s. ", p->reading);
    if (left_out)
        fprintf(out, "%zu more events are in the table only. ", left_out);
    for (const struct json *m = json_first(json_get(p->json, "metrics")); m; m = json_next(m)) {
        double value = json_get_number(m, "value", NAN);
        char text[32];
        format_value(value, 4, text);
        if (isfinite(value))
            fprintf(out, "%s: %s %s. ", json_get_string(m, "name", ""), text,
                    json_get_string(m, "unit", ""));
    }
}

static void draw(struct figures *fs, const struct profiled *p)
{
    const struct json *events = json_get(p->json, "counters");
    double low = 0.5, high = 2;
    size_t left_out = 0;
    char technique[64];
    if (!json_size(events))
        return;
    snprintf(technique, sizeof technique, "%.*s", (int)strcspn(p->path, "/"), p->path);
    struct figure *f = figure_begin(fs, "counters", technique, p->name, embed_rows_gp, headers,
                                    sizeof headers / sizeof headers[0], "%s: counters, %d thread%s",
                                    p->path, p->threads, p->threads == 1 ? "" : "s");
    if (!f)
        return;
    struct rows rows = {.figure = f, .word_limit = 60};
    fputs("# y\tper iteration\tlow\thigh\tcolour\tshape\tbar\tevent\n", f->rows);
    for (const struct json *e = json_first(events); e; e = json_next(e)) {
        double value = json_get_number(e, "per_iteration", NAN);
        add_table_row(f, e);
        if (rows.rows >= ROWS_MAX) {
            left_out++;
            continue;
        }
        if (fits_log_axis(value)) {
            low = fmin(low, value / 2);
            high = fmax(high, value * 2);
        }
        add_row(&rows, e);
    }
    rows_end(&rows);
    fprintf(f->script,
            "logarithmic = 1; x_low = %.6g; x_high = %.6g\nreference = 0; bar_from = x_low\n", low,
            high);
    print_log_ticks(f->script, 'x', low, high);
    figure_string(f, "x_label", "events of an iteration (logarithmic; each in its own unit)");
    caption(fs, p, left_out, f->words);
    figure_end(fs, f);
}

void figures_counters(struct figures *fs)
{
    const struct json *cell = json_first(json_get(fs->results->profile, "cells"));
    for (; cell; cell = json_next(cell)) {
        struct profiled p = profiled_read(cell);
        draw(fs, &p);
    }
}
