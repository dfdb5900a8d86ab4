/*
 * A table of training runs as an analysis of scaling laws needs it: parameters N, tokens D, the
 * loss, and perhaps the bits that weights, activations and KV cache were trained in.
 *
 * Columns are found by their usual names, or named.  Tokens come from a column, or from the compute
 * of the run, D = C / (6 N).  A row with a missing value, or one that is not above 0, stays in the
 * table and says why it cannot be used.
 */
#ifndef ANALYSES_RUN_TABLE_H
#define ANALYSES_RUN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/fits/scaling_law.h"
#include "numerics/status.h"

enum run_column { RUN_N, RUN_D, RUN_C, RUN_LOSS, RUN_BITS, RUN_COLUMNS = RUN_BITS + 3 };

struct run_table {
    size_t n, used, excluded, unusable;
    size_t precisions;          /* bits columns that are there, the first ones */
    double *value[RUN_COLUMNS]; /* [n]; C is 6 N D where the table has no compute */
    size_t *line;               /* [n]: of the file; of the example the row, from 1 */
    unsigned char *use;         /* [n]: enum run_use */
    char name[RUN_COLUMNS][64]; /* of the columns as they are called there; "" for none */
};

enum run_use { RUN_USED, RUN_UNUSABLE, RUN_EXCLUDED };

/* columns: "N=name,D=name,C=name,loss=name,P_w=name,P_a=name,P_kv=name" in any choice, or NULL;
 * flops: the column of C from which D is taken, or NULL.  E_USAGE for an unknown key; E_FORMAT for
 * the file, or a column that is not there; E_NOINPUT, E_NOMEM. */
enum status run_table_read(const char *path, const char *columns, const char *flops,
                           struct run_table *out, struct err *err);

/* The example of datasets/synthetic_runs.h, drawn with that seed.  E_NOMEM. */
enum status run_table_synthetic(uint64_t seed, struct run_table *out, struct err *err);

void run_table_free(struct run_table *t); /* also of a zeroed one */

/* none; largest:M keeps losses below the M-th largest; loss-above:L; ratio-above:R, in tokens per
 * parameter.  E_USAGE for another rule; E_FORMAT when no row is left. */
enum status run_table_exclude(struct run_table *t, const char *rule, struct err *err);

/* Why row i is not used: "no D", "N is 0, not above 0", "excluded"; "" when it is. */
void run_table_reason(const struct run_table *t, size_t i, char text[128]);

/* The rows that are used as a table to fit.  take [n]: only those of them; NULL: all. */
enum status run_table_rows(const struct run_table *t, size_t precisions, const bool *take,
                           struct scaling_table *out, struct err *err);

#endif
