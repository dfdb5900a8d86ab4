#include "plots/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/escape.h"

enum { MAX_COLUMNS_SHOWN = 44 }; /* of a text column on a terminal */

void table_entry(struct table *t, const char *text, double value)
{
    if (t->n_entries == t->capacity) {
        size_t capacity = 2 * t->capacity + 64;
        struct entry *grown = realloc(t->entries, capacity * sizeof *grown);
        if (!grown) {
            t->out_of_memory = true;
            return;
        }
        t->entries = grown;
        t->capacity = capacity;
    }
    char *copy = strdup(text);
    if (!copy)
        t->out_of_memory = true;
    else
        t->entries[t->n_entries++] = (struct entry){copy, value};
}

void table_text(struct table *t, const char *text)
{
    table_entry(t, text, NAN);
}

void table_number(struct table *t, double value, int digits)
{
    char text[32];
    snprintf(text, sizeof text, "%.*g", digits, value);
    table_entry(t, isfinite(value) ? text : "\xe2\x80\x93", value);
}

size_t table_rows(const struct table *t)
{
    return t->n_columns ? t->n_entries / t->n_columns : 0;
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n_entries; i++)
        free(t->entries[i].text);
    free(t->entries);
    *t = (struct table){0};
}

/* A column is numbers when every entry but dashes has a value. */
static bool is_numeric(const struct table *t, size_t column)
{
    bool any = false;
    for (size_t i = column; i < t->n_entries; i += t->n_columns) {
        if (isfinite(t->entries[i].value))
            any = true;
        else if (strcmp(t->entries[i].text, "\xe2\x80\x93"))
            return false;
    }
    return any;
}

static void print_padded(const char *text, size_t width, bool right, FILE *out)
{
    char label[4 * MAX_COLUMNS_SHOWN + 8];
    label_shorten(text, MAX_COLUMNS_SHOWN, label, sizeof label);
    int pad = (int)(width - label_columns(label));
    if (right)
        fprintf(out, "%*s", pad, "");
    for (const char *c = label; *c; c++) /* a terminal must not obey a name */
        fputc((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c, out);
    if (!right)
        fprintf(out, "%*s", pad, "");
}

static size_t shown_columns(const char *text)
{
    size_t n = label_columns(text);
    return n < MAX_COLUMNS_SHOWN ? n : MAX_COLUMNS_SHOWN;
}

void table_print(const struct table *t, size_t max_rows, FILE *out)
{
    size_t rows = table_rows(t), shown = rows < max_rows ? rows : max_rows;
    size_t *width = calloc(t->n_columns + 1, sizeof *width);
    bool *right = calloc(t->n_columns + 1, sizeof *right);
    for (size_t c = 0; width && right && c < t->n_columns; c++) {
        right[c] = is_numeric(t, c);
        width[c] = shown_columns(t->headers[c]);
        for (size_t i = 0; i < shown; i++) {
            size_t n = shown_columns(t->entries[i * t->n_columns + c].text);
            width[c] = n > width[c] ? n : width[c];
        }
    }
    for (size_t i = 0; width && right && i <= shown; i++)
        for (size_t c = 0; c < t->n_columns; c++) {
            const char *text = i ? t->entries[(i - 1) * t->n_columns + c].text : t->headers[c];
            print_padded(text, width[c], right[c], out);
            fputs(c + 1 < t->n_columns ? "  " : "\n", out);
        }
    if (rows > shown)
        fprintf(out, "(%zu more rows)\n", rows - shown);
    free(width);
    free(right);
}

void table_html(const struct table *t, size_t max_rows, FILE *out)
{
    size_t rows = table_rows(t), shown = rows < max_rows ? rows : max_rows;
    fputs("<div class=\"scroll\" tabindex=\"0\"><table class=\"sortable\">\n<thead><tr>", out);
    for (size_t c = 0; c < t->n_columns; c++) {
        fprintf(out, "<th scope=\"col\"%s>", is_numeric(t, c) ? " class=\"number\"" : "");
        escape_html(out, t->headers[c]);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < shown * t->n_columns; i++) {
        const struct entry *e = &t->entries[i];
        if (i % t->n_columns == 0)
            fputs("<tr>", out);
        if (isfinite(e->value))
            fprintf(out, "<td class=\"number\" data-value=\"%.9g\">", e->value);
        else
            fputs("<td>", out);
        escape_html(out, e->text);
        fputs("</td>", out);
        if ((i + 1) % t->n_columns == 0)
            fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    if (rows > shown)
        fprintf(out, "<p class=\"soft\">%zu more rows are in the result document.</p>\n",
                rows - shown);
}
