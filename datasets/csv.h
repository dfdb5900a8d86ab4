/*
 * Tables as people write them: comma-separated text with a header row.
 *
 * Cells may be quoted ("" is a quote, and commas and line ends are text inside), lines end with LF
 * or CRLF, a line that starts with # is a comment and an empty one is left out; spaces around a
 * cell and a byte order mark before the first are dropped.  Every row has as many cells as the
 * header.
 *
 * csv_number reads a cell: decimal or scientific, with an optional sign; thousands may be set apart
 * by commas, underscores or spaces in groups of three.  Independent of the locale.
 *
 * Errors: E_NOINPUT, E_NOMEM, E_FORMAT with the line for what is no such text (a quote that does
 * not end, a row too short or long, two columns of one name, a NUL, more than 2^31 bytes or 4096
 * columns); *out is then untouched.
 */
#ifndef DATASETS_CSV_H
#define DATASETS_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

struct csv {
    size_t rows, columns; /* without the header */
    const char **header;  /* [columns] */
    const char **cells;   /* [rows][columns] */
    size_t *line;         /* [rows]: of the text, from 1 */
    void *text;           /* all strings */
};

enum status csv_read(const char *path, struct csv *out, struct err *err);
/* The same of n bytes; name stands for them in error lines. */
enum status csv_parse(const char *bytes, size_t n, const char *name, struct csv *out,
                      struct err *err);
void csv_free(struct csv *t);

/* The index of a column, by name as it is or without regard to case; t->columns when there is none.
 */
size_t csv_column(const struct csv *t, const char *name);

/* Whether the cell is a finite number. */
bool csv_number(const char *cell, double *out);

/* A column's cells as numbers into out [rows].  E_FORMAT names line and column of the first that is
 * none, or that the column is not there. */
enum status csv_numbers(const struct csv *t, const char *column, const char *name, double *out,
                        struct err *err);

#endif
