/*
 * A bench document in the forms that other tools read.
 *
 *   google-benchmark  its JSON, as compare.py and dashboards take it: for each cell an entry a
 *                     repetition (round) and, from two on, the mean, median and standard deviation.
 *                     real_time is the time of an iteration in ns; cpu_time is the same, as no
 *                     processor time is measured.  A cell without a time has error_occurred.
 *   csv               a row a sample, and one without sample figures for a cell that has none;
 *                     RFC 4180 with line feeds; times in ns
 *   markdown          a table a block: time, speed-up with its interval, status
 *
 * *text is freed with free().  E_FORMAT names a member that the document lacks; E_NOMEM.  *text is
 * untouched then.
 */
#ifndef DATASETS_EXPORT_H
#define DATASETS_EXPORT_H

#include <stdio.h>

#include "datasets/json.h"

enum export_format { EXPORT_GOOGLE_BENCHMARK, EXPORT_CSV, EXPORT_MARKDOWN };

enum status export_print(const struct json *bench, enum export_format format, char **text,
                         struct err *err);

/* Text into a cell of a Markdown table: a bar or a line's end would end the cell. */
void export_markdown_words(FILE *out, const char *text);

#endif
