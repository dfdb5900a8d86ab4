/*
 * The result documents of one folder, or one document alone, as the figures and the report want
 * them.
 *
 * Everything borrowed (strings, nodes) lives until results_free().
 */
#ifndef PLOTS_RESULTS_H
#define PLOTS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "datasets/json.h"
#include "numerics/status.h"

/* A metric with its interval; NaN where there is none. */
struct estimate {
    double value, low, high, level;
    size_t n;
};

/* One cell of bench.json; strings are never NULL. */
struct cell {
    const char *path, *family, *technique, *task, *variant, *case_name, *title, *role, *isa;
    const char *mode; /* "warm", "cold" or "" */
    const char *status, *reason;
    int threads, ranks;
    struct estimate time, speedup;
    double ops, bytes;    /* of one iteration: roof_ops, else flops; compulsory bytes; NaN: none */
    const char *ops_unit; /* "flop" or "op" */
    double limit_s, fraction, fraction_low, fraction_high;
    const char *bound, *bound_level; /* "" where there is none */
    const struct json *fidelity;     /* rows */
    const struct json *json;
    size_t index, block,
        task_index; /* in the document: of the cell, of its block's and task's first */
};

struct analysis_document {
    char stem[256];   /* "quant-error" of analysis-quant-error.json */
    const char *name; /* "quant-error" */
    struct json *json;
};

struct results {
    struct json *bench, *check, *profile, *compare; /* NULL: not there */
    struct cell *cells; /* of bench in its order, but tasks and blocks are together */
    size_t n_cells;
    struct analysis_document *analyses; /* by file name */
    size_t n_analyses;
};

/* path: a folder, or a file with any of these documents.  E_NOINPUT: it cannot be read, or there is
 * no document that can be drawn; E_FORMAT: one of them is not what it should be. */
enum status results_load(const char *path, struct results *out, struct err *err);
void results_free(struct results *r);

/* The machine and the run of the first document that has them; NULL without. */
const struct json *results_machine(const struct results *r);
const struct json *results_run(const struct results *r);

bool cell_has_time(const struct cell *c);
/* Cells that are measured together: same technique, task, case, threads and ranks. */
bool cell_same_block(const struct cell *a, const struct cell *b);
bool cell_same_task(const struct cell *a, const struct cell *b);

#endif
