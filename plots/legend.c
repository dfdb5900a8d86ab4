#include "plots/legend.h"

#include "plots/escape.h"

enum { NAME_COLUMNS = 29, LINE_NAME_COLUMNS = 25, INDENT = 8, LINE_LENGTH = 30 };

/* The y of the next row's middle, or -1 when there is no room. */
static int next_row(struct legend *l)
{
    if (l->rows >= l->max_rows - 1) { /* the last row says what is missing */
        l->left_out++;
        return -1;
    }
    return l->y + LEGEND_LINE / 2 + LEGEND_LINE * l->rows++;
}

static void name_at(struct legend *l, const char *name, size_t columns, int x, int y,
                    const char *options)
{
    char label[4 * NAME_COLUMNS + 8];
    label_shorten(name, columns, label, sizeof label);
    figure_label(l->figure, label, x, y, options);
}

void legend_heading(struct legend *l, const char *text)
{
    int y = l->rows + 2 < l->max_rows ? next_row(l) : -1;
    if (y >= 0)
        name_at(l, text, NAME_COLUMNS, l->x, y, "left font bold");
}

void legend_mark(struct legend *l, const char *name, const struct look *look)
{
    char options[96];
    int y = next_row(l);
    if (y < 0)
        return;
    snprintf(options, sizeof options,
             "left point pt %d ps 1 lc rgb '#%06x' offset character 1.4, 0", look->shape,
             look->rgb);
    name_at(l, name, NAME_COLUMNS, l->x + INDENT, y, options);
}

void legend_line(struct legend *l, const char *name, const struct look *look)
{
    int y = next_row(l);
    if (y < 0)
        return;
    fprintf(l->figure->script,
            "set arrow from screen %d.0/width, screen 1-%d.0/height to screen %d.0/width, screen "
            "1-%d.0/height nohead lw 2 dt %d lc rgb '#%06x'\n",
            l->x, y, l->x + LINE_LENGTH, y, look->dash, look->rgb);
    name_at(l, name, LINE_NAME_COLUMNS, l->x + LINE_LENGTH + INDENT, y, "left");
}

void legend_end(struct legend *l)
{
    char text[64];
    if (!l->left_out)
        return;
    snprintf(text, sizeof text, "and %d more, in the table", l->left_out);
    figure_label(l->figure, text, l->x, l->y + LEGEND_LINE / 2 + LEGEND_LINE * l->rows, "left");
}
