/*
 * A compare document as text for a terminal, or as Markdown for a review.
 */
#ifndef CLI_COMPARE_TABLE_H
#define CLI_COMPARE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "datasets/json.h"

/* Sources and notes, the cells by verdict (slower first), figures that changed, cells without a
 * partner, and a line of sums. */
void compare_table_print(const struct json *document, bool markdown, FILE *out);

#endif
