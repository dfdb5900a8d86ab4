/*
 * Two stored bench documents compared, cell by cell.
 *
 * Cells are paired by path, threads and ranks.  p is Mann-Whitney's over the times of the rounds;
 * the ratio is that of the medians; its interval is that of the shift of log times, which the same
 * test gives, widened to hold the ratio where the two laws differ in shape.  The rounds of one run
 * share its drift, so this evidence is weaker than that of interleaved builds (compare_live.h), and
 * weaker still below COMPARISON_ROUNDS rounds ("few-rounds").
 *
 * Figures that do not depend on the clock (bytes, flops, items, fidelity) are compared
 * exactly.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "datasets/json.h"

/* Adds mode, margin, base, new, notes, cells, unmatched and summary to a document of kind
 * "compare".  base_name, new_name: where the two came from.  E_FORMAT: a cell stands twice in one
 * of them, or has no path; E_NOMEM. */
enum status compare_stored(const struct json *base, const char *base_name, const struct json *new,
                           const char *new_name, double margin, struct json *document,
                           struct err *err);

#endif
