/*
 * Two measurements of the same cells side by side: how a cell is judged, and how it is recorded.
 *
 * A ratio is new time over base time: above 1 is slower.  A verdict is given when the whole
 * interval of the ratio, of level 0.95 or more, lies on one side:
 *
 *   slower      above 1 + margin, and Holm's p is at most 0.05
 *   faster      below 1 / (1 + margin), and Holm's p is at most 0.05
 *   equivalent  between the two
 *   unresolved  none of it; `more` says how many more rounds would do if their scatter stays, the
 *               interval shrinking with the square root of their number
 */
#ifndef BENCH_COMPARISON_H
#define BENCH_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "datasets/json.h"
#include "numerics/statistics/order_interval.h"

enum verdict { VERDICT_NONE, SLOWER, FASTER, UNRESOLVED, EQUIVALENT, N_VERDICTS };

enum { COMPARISON_MAX_MORE = 10000, COMPARISON_REASON = 256, COMPARISON_ROUNDS = 10 };

struct comparison_cell {
    const char *path; /* borrowed */
    double threads, ranks;
    const char *evidence;           /* static: "stored", "few-rounds", "screened", "confirmed" */
    char reason[COMPARISON_REASON]; /* why there is no ratio; "" else */
    double base_s, new_s;           /* medians; NaN: none */
    size_t n_base, n_new;           /* rounds */
    struct order_interval ratio;    /* level 0: no interval */
    double p, p_holm;               /* NaN: not tested */
    enum verdict verdict;
    size_t more; /* of UNRESOLVED; above COMPARISON_MAX_MORE: not to be told, or too many */
    struct json *changes; /* owned array of {metric, base, new} of exact figures; NULL: none */
};

/* Holm over the cells that were tested, then each verdict.  E_NOMEM. */
enum status comparison_judge(struct comparison_cell *cells, size_t n, double margin,
                             struct err *err);

/* Adds members cells and summary {slower, faster, equivalent, unresolved, not_compared, changed} to
 * a document; frees the cells' changes. */
void comparison_add(struct json *document, struct comparison_cell *cells, size_t n);

#endif
