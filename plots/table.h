/*
 * A table that is built cell by cell and shown as text or HTML: the twin of a figure.
 */
#ifndef PLOTS_TABLE_H
#define PLOTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct entry {
    char *text;   /* as shown */
    double value; /* what it is sorted by; NaN: by its text */
};

struct table {
    const char *const *headers; /* [n_columns], static, with units */
    size_t n_columns;
    struct entry *entries; /* [n][n_columns], row after row */
    size_t n_entries, capacity;
    bool out_of_memory; /* entries are missing: the table must not be shown */
};

void table_text(struct table *t, const char *text);
/* With `digits` significant digits; a value that is not finite is shown as a dash. */
void table_number(struct table *t, double value, int digits);
/* The text is shown, the value sorts. */
void table_entry(struct table *t, const char *text, double value);
size_t table_rows(const struct table *t);
void table_free(struct table *t);

/* Columns aligned by spaces; at most max_rows rows, and a line that says how many more. */
void table_print(const struct table *t, size_t max_rows, FILE *out);
/* A sortable <table> of at most max_rows rows, and a line that says how many more. */
void table_html(const struct table *t, size_t max_rows, FILE *out);

#endif
