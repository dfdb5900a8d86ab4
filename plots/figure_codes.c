/* How often a format's codes are used: a code that is rarely used is a part of a bit that stores
 * nothing. */
#include "plots/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char embed_codes_gp[];

#include "plots/escape.h"

enum {
    MAX_PANELS = 12,
    PANEL_COLUMNS = 3,
    PANEL_WIDTH = 230,
    PANEL_HEIGHT = 120,
    LEFT = 76,
    TOP = 76,
    GAP_X = 56,
    GAP_Y = 70,
    BOTTOM = 60,
    RIGHT = 24,
    TITLE_COLUMNS = 30,
    MAX_CODES = 256
};

static const char *const headers[] = {"format",          "scaling",         "block",
                                      "bits of a code",  "entropy (bits)",  "unused share of bits",
                                      "bits per weight", "most used code",  "its share",
                                      "codes",           "codes never used"};

struct usage {
    const struct json *format;
    double bits, entropy, r, all, most;
    size_t n, never, most_code;
};

static bool read_usage(const struct json *format, struct usage *u)
{
    const struct json *codes = json_get(format, "codes");
    *u = (struct usage){.format = format,
                        .bits = json_get_number(format, "code_bits", NAN),
                        .entropy = json_get_number(format, "entropy_bits", NAN),
                        .r = json_get_number(format, "r", NAN)};
    for (const struct json *c = json_first(codes); c; c = json_next(c), u->n++) {
        double count = json_number(c, NAN);
        if (!(count >= 0) || !isfinite(count))
            return false;
        u->never += count == 0;
        u->all += count;
        if (count > u->most) {
            u->most = count;
            u->most_code = u->n;
        }
    }
    return u->n > 1 && u->n <= MAX_CODES && u->all > 0 && u->bits > 0 && u->bits <= 64 &&
           isfinite(u->entropy);
}

static const char *name_of(const struct usage *u)
{
    return json_get_string(u->format, "format", "");
}

static int by_bits(const void *a, const void *b)
{
    const struct usage *x = a, *y = b;
    int d = (x->bits > y->bits) - (x->bits < y->bits);
    if (!d) /* what an entropy coder would save most of first */
        d = (x->entropy > y->entropy) - (x->entropy < y->entropy);
    return d ? d : strcmp(name_of(x), name_of(y));
}

/* Keeps of each format the scaling and block of least error, at most MAX_PANELS formats, which are
 * spread over the rest in order of bits. */
static size_t choose(struct usage *usages, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < kept && strcmp(name_of(&usages[j]), name_of(&usages[i])) != 0)
            j++;
        if (j == kept || usages[i].r < usages[j].r)
            usages[j] = usages[i];
        kept += j == kept;
    }
    qsort(usages, kept, sizeof *usages, by_bits);
    if (kept <= MAX_PANELS)
        return kept;
    for (size_t i = 0; i < MAX_PANELS; i++)
        usages[i] = usages[i * (kept - 1) / (MAX_PANELS - 1)];
    return MAX_PANELS;
}

static void print_panel(struct figure *f, const struct usage *u, int x, int y)
{
    char heading[256], name[4 * TITLE_COLUMNS + 8], numbers[96];
    double block = json_get_number(u->format, "block", 0);
    snprintf(heading, sizeof heading, block > 0 ? "%.100s, %.60s %g" : "%.100s, %.60s", name_of(u),
             json_get_string(u->format, "scaling", ""), block);
    label_shorten(heading, TITLE_COLUMNS, name, sizeof name);
    snprintf(numbers, sizeof numbers, "entropy %.3f of %.4g bits", u->entropy, u->bits);
    figure_label(f, name, x, y - 26, "left font bold");
    figure_label(f, numbers, x, y - 10, "left font small textcolor rgb ink");
    fputs("# code\tshare\tformat\n", f->rows);
    size_t code = 0;
    for (const struct json *c = json_first(json_get(u->format, "codes")); c; c = json_next(c)) {
        fprintf(f->rows, "%zu\t%.9g\t", code++, json_number(c, 0) / u->all);
        escape_field(f->rows, name_of(u));
        fputc('\n', f->rows);
    }
    fputs("\n\n", f->rows);
}

static void draw_panels(struct figure *f, const struct usage *shown, size_t n)
{
    double left[MAX_PANELS], right[MAX_PANELS], top[MAX_PANELS], bottom[MAX_PANELS],
        x_high[MAX_PANELS], y_high[MAX_PANELS];
    int columns = n < PANEL_COLUMNS ? (int)n : PANEL_COLUMNS,
        lines = (int)((n + PANEL_COLUMNS - 1) / PANEL_COLUMNS),
        right_edge = LEFT + columns * PANEL_WIDTH + (columns - 1) * GAP_X;
    figure_size(f, (right_edge > 420 ? right_edge : 420) + RIGHT,
                TOP + lines * PANEL_HEIGHT + (lines - 1) * GAP_Y + BOTTOM, LEFT, RIGHT, TOP,
                BOTTOM);
    for (size_t i = 0; i < n; i++) {
        int x = LEFT + (int)(i % PANEL_COLUMNS) * (PANEL_WIDTH + GAP_X),
            y = TOP + (int)(i / PANEL_COLUMNS) * (PANEL_HEIGHT + GAP_Y);
        print_panel(f, &shown[i], x, y);
        left[i] = (double)x / f->width;
        right[i] = (double)(x + PANEL_WIDTH) / f->width;
        top[i] = 1 - (double)y / f->height;
        bottom[i] = 1 - (double)(y + PANEL_HEIGHT) / f->height;
        x_high[i] = (double)shown[i].n;
        y_high[i] = 1.08 * fmax(shown[i].most / shown[i].all, 1.0 / (double)shown[i].n);
    }
    figure_array(f, "panel_left", left, n);
    figure_array(f, "panel_right", right, n);
    figure_array(f, "panel_top", top, n);
    figure_array(f, "panel_bottom", bottom, n);
    figure_array(f, "panel_x", x_high, n);
    figure_array(f, "panel_y", y_high, n);
    fprintf(f->script, "panels = %zu\n", n);
    figure_label(f, "code, from the lowest level to the highest", (LEFT + right_edge) / 2.0,
                 f->height - 14, "center textcolor rgb ink");
    figure_label(f, "share of the weights", 18, TOP + (f->height - TOP - BOTTOM) / 2.0,
                 "center rotate by 90 textcolor rgb ink");
}

static void add_row(struct figure *f, const struct usage *u)
{
    double block = json_get_number(u->format, "block", 0);
    table_text(&f->table, name_of(u));
    table_text(&f->table, json_get_string(u->format, "scaling", ""));
    if (block > 0)
        table_number(&f->table, block, 7);
    else
        table_entry(&f->table, "whole", INFINITY);
    table_number(&f->table, u->bits, 4);
    table_number(&f->table, u->entropy, 5);
    table_number(&f->table, 1 - u->entropy / u->bits, 3);
    table_number(&f->table, json_get_number(u->format, "bits", NAN), 6);
    table_number(&f->table, (double)u->most_code, 3);
    table_number(&f->table, u->most / u->all, 4);
    table_number(&f->table, (double)u->n, 3);
    table_number(&f->table, (double)u->never, 3);
}

void figures_codes(struct figures *fs, const struct analysis_document *a)
{
    const struct json *formats = json_get(json_get(a->json, "summary"), "formats");
    struct usage *usages = calloc(json_size(formats) + 1, sizeof *usages);
    size_t n = 0;
    if (!usages) {
        fs->out_of_memory = true;
        return;
    }
    for (const struct json *j = json_first(formats); j; j = json_next(j))
        n += read_usage(j, &usages[n]);
    struct figure *f = n ? figure_begin(fs, "codes", a->stem, NULL, embed_codes_gp, headers,
                                        sizeof headers / sizeof headers[0], "Use of the codes")
                         : NULL;
    if (f) {
        for (size_t i = 0; i < n; i++)
            add_row(f, &usages[i]);
        size_t shown = choose(usages, n);
        draw_panels(f, usages, shown);
        fputs("Share of all weights that each code stands for, all tensors together (dashed: every "
              "code as often). The entropy is what an ideal code of one table for all of them "
              "would take, beside the bits that are stored. Of each format the scaling and block "
              "of least error.",
              f->words);
        if (n > shown)
            fprintf(f->words,
                    " %zu of %zu combinations are shown, spread over the formats in order of bits; "
                    "the table has all.",
                    shown, n);
        figure_end(fs, f);
    }
    free(usages);
}
