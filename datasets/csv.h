/*
 * Tables as people write them: text with a header row, and cells set apart by commas, semicolons or
 * tabs.
 *
 * The separator is the one of the three that the header row has most of outside of quotes (comma
 * when it has none).  Cells may be quoted ("" is a quote, and separators and line ends are text
 * inside), lines end with LF, CRLF or CR, a line that starts with # is a comment and an empty one
 * is left out; spaces around a cell and a byte order mark before the first are dropped.  Every row
 * has as many cells as the header.  A header in which every cell is a number is none.
 *
 * Errors: E_NOINPUT, E_NOMEM, E_FORMAT with line and column for what is no such text (a quote that
 * does not end, a row too short or long, two columns of one name, a NUL, no header), or more than
 * CSV_MAX_COLUMNS columns or CSV_MAX_BYTES bytes; *out is then untouched.  What it allocates is at
 * most 18 times the bytes read.
 */
#ifndef DATASETS_CSV_H
#define DATASETS_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

enum { CSV_MAX_COLUMNS = 4096, CSV_MAX_BYTES = 1 << 28 };

struct csv {
    size_t rows, columns; /* without the header */
    const char **header;  /* [columns] */
    const char **cells;   /* [rows][columns] */
    size_t *line;         /* [rows]: of the text, from 1 */
    char *text;           /* all strings */
    char separator;
};

enum status csv_read(const char *path, struct csv *out, struct err *err);
/* The same of n bytes; name stands for them in error lines. */
enum status csv_parse(const char *bytes, size_t n, const char *name, struct csv *out,
                      struct err *err);
void csv_free(struct csv *t); /* also of a zeroed one */

/* The index of a column, by name as it is or else without regard to case; t->columns when there is
 * none. */
size_t csv_column(const struct csv *t, const char *name);

/* Whether the cell is a finite number: decimal or scientific, with an optional sign and a decimal
 * point; thousands may be set apart by commas, underscores or spaces in groups of three.
 * Independent of the locale. */
bool csv_number(const char *cell, double *out);

/* Whether the cell says that there is no value: empty, NA, N/A, NaN, null, none, ? or -, in any
 * case. */
bool csv_missing(const char *cell);

/* A column's cells as numbers into out [rows], NAN where csv_missing().  E_FORMAT names line and
 * column of the first that is neither, or the column that is not there.  Where semicolons separate,
 * a comma is an error too: it may be meant as a decimal or as a thousands sign. */
enum status csv_numbers(const struct csv *t, const char *column, const char *name, double *out,
                        struct err *err);

#endif
