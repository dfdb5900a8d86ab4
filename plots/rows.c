#include "plots/rows.h"

#include <stdio.h>

#include "plots/escape.h"

enum {
    NAME_COLUMNS = 30,
    WORD_COLUMNS = 36,
    NOTE_COLUMNS = 62,
    PLOT_WIDTH = 430,
    ROW_HEIGHT = 21,
    TOP = 40,
    BOTTOM = 60
};

/* Of the wider usual sans-serif fonts at 12 pixels. */
#define PIXELS_PER_COLUMN 7.1

/* text through one of the escapes, cut; returns its columns. */
static size_t print_short(FILE *out, const char *text, size_t columns,
                          void (*escape)(FILE *, const char *))
{
    char label[4 * NOTE_COLUMNS + 8];
    label_shorten(text, columns, label, sizeof label);
    escape(out, label);
    return label_columns(label);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void rows_heading(struct rows *r, const char *text)
{
    r->y += r->rows ? 0.55 : 0;
    fputs("set label ", r->figure->script);
    print_short(r->figure->script, text, NOTE_COLUMNS, escape_gnuplot);
    fprintf(r->figure->script, " at screen heading_x, first %g left font bold\n", r->y + 0.5);
    r->y += 1;
}

double rows_row(struct rows *r, const char *name, const char *words)
{
    FILE *out = r->figure->script;
    double y = r->y + 0.5;
    fputs(r->rows ? "set ytics add (" : "set ytics (", out);
    r->name_columns =
        larger(r->name_columns, print_short(out, name, r->name_limit ? r->name_limit : NAME_COLUMNS,
                                            escape_gnuplot_tick));
    fprintf(out, " %g)\n", y);
    if (words) {
        fputs("set label ", out);
        r->word_columns = larger(
            r->word_columns,
            print_short(out, words, r->word_limit ? r->word_limit : WORD_COLUMNS, escape_gnuplot));
        fprintf(out, " at graph 1, first %g left offset character 1, 0\n", y);
    }
    r->y += 1;
    r->rows++;
    return y;
}

void rows_note(struct rows *r, const char *text, double y)
{
    fputs("set label ", r->figure->script);
    print_short(r->figure->script, text, NOTE_COLUMNS, escape_gnuplot);
    fprintf(r->figure->script,
            " at graph 0, first %g left offset character 1, 0 textcolor rgb '#777777'\n", y);
}

void rows_end(struct rows *r)
{
    int left = 24 + (int)(PIXELS_PER_COLUMN * (double)larger(r->name_columns, 8));
    int right = 24 + (int)(PIXELS_PER_COLUMN * (double)larger(r->word_columns, 2));
    int height = TOP + BOTTOM + (int)(ROW_HEIGHT * (r->y + 0.4));
    figure_size(r->figure, left + PLOT_WIDTH + right, height, left, right, TOP, BOTTOM);
    fprintf(r->figure->script, "set yrange [%g:-0.2]\n", r->y + 0.2);
}
