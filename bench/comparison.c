#include "bench/comparison.h"

#include <math.h>
#include <stdlib.h>

#include "numerics/statistics/distribution.h"
#include "numerics/statistics/multiple_tests.h"

static const double alpha = 0.05, least_level = 0.95; /* an interval below it decides nothing */

/* Rounds that would decide, after n: enough for the interval to leave the nearest edge of the
 * margin behind, and for p to pass Holm's first step among `tests`. */
static size_t rounds_needed(const struct comparison_cell *c, double edge, size_t tests)
{
    double n = (double)(c->n_base < c->n_new ? c->n_base : c->n_new);
    double at = log(c->ratio.estimate);
    double width = fmax(log(c->ratio.high) - at, at - log(c->ratio.low));
    double gap = fabs(fabs(at) - edge), needed = n + 1;
    if (!(c->ratio.level > 0))
        return COMPARISON_ROUNDS - (size_t)n;
    needed = fmax(needed, n * (width / gap) * (width / gap));
    if (fabs(at) > edge && c->p > 0) { /* z grows with the square root of n */
        const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
        double now = -distribution_quantile(&normal, c->p / 2);
        double wanted = -distribution_quantile(&normal, alpha / 2 / (double)tests);
        needed = fmax(needed, n * (wanted / now) * (wanted / now));
    }
    needed = ceil(fmax(needed, COMPARISON_ROUNDS)) - n;
    return needed <= COMPARISON_MAX_MORE ? (size_t)fmax(needed, 1) : COMPARISON_MAX_MORE + 1;
}

static void judge(struct comparison_cell *c, double margin, size_t tests)
{
    const struct order_interval *r = &c->ratio;
    double edge = log1p(margin);
    bool tested = c->p_holm <= alpha, has_interval = r->level >= least_level;
    c->more = 0;
    if (c->reason[0])
        c->verdict = VERDICT_NONE;
    else if (has_interval && tested && log(r->low) > edge)
        c->verdict = SLOWER;
    else if (has_interval && tested && log(r->high) < -edge)
        c->verdict = FASTER;
    else if (has_interval && log(r->low) >= -edge && log(r->high) <= edge)
        c->verdict = EQUIVALENT;
    else {
        c->verdict = UNRESOLVED;
        c->more = rounds_needed(c, edge, tests);
    }
}

enum status comparison_judge(struct comparison_cell *cells, size_t n, double margin,
                             struct err *err)
{
    double *p = malloc((n + 1) * sizeof *p);
    struct ranked_p *order = malloc((n + 1) * sizeof *order);
    size_t tests = 0;
    enum status s = OK;
    if (!p || !order) {
        s = status_fail(err, E_NOMEM, "no memory to judge %zu cells", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = cells[i].p;
        tests += !isnan(p[i]);
    }
    holm(p, n, order);
    for (size_t i = 0; i < n; i++) {
        cells[i].p_holm = p[i];
        judge(&cells[i], margin, tests ? tests : 1);
    }
out:
    free(order);
    free(p);
    return s;
}

/* ---- Records ---- */

static const char *const names[] = {NULL, "slower", "faster", "unresolved", "equivalent"};

/* NaN as null: that nothing was measured is said by `reason`. */
static void add_or_null(struct json *object, const char *key, double value)
{
    if (isfinite(value))
        json_add_number(object, key, value);
    else
        json_add_null(object, key);
}

static void add_side(struct json *cell, const char *key, double median_s, size_t n)
{
    struct json *side = json_add_object(cell, key);
    add_or_null(side, "median_s", median_s);
    json_add_u64(side, "n", n);
}

static void add_ratio(struct json *cell, const struct order_interval *r)
{
    struct json *ratio = json_add_object(cell, "ratio");
    add_or_null(ratio, "estimate", r->estimate);
    if (r->level > 0) {
        struct json *pair = json_add_array(ratio, "interval");
        json_add_number(pair, NULL, r->low);
        json_add_number(pair, NULL, r->high);
        json_add_number(ratio, "level", r->level);
    } else {
        json_add_null(ratio, "interval");
        json_add_null(ratio, "level");
    }
}

static void add_cell(struct json *list, struct comparison_cell *c)
{
    struct json *cell = json_add_object(list, NULL);
    json_add_string(cell, "path", c->path);
    json_add_number(cell, "threads", c->threads);
    json_add_number(cell, "ranks", c->ranks);
    json_add_string(cell, "verdict", names[c->verdict]);
    json_add_string(cell, "reason", c->reason[0] ? c->reason : NULL);
    json_add_string(cell, "evidence", c->evidence);
    add_ratio(cell, &c->ratio);
    add_side(cell, "base", c->base_s, c->n_base);
    add_side(cell, "new", c->new_s, c->n_new);
    add_or_null(cell, "p", c->p);
    add_or_null(cell, "p_holm", c->p_holm);
    if (c->verdict == UNRESOLVED && c->more <= COMPARISON_MAX_MORE)
        json_add_u64(cell, "more_rounds", c->more);
    else
        json_add_null(cell, "more_rounds");
    json_add(cell, "changes", c->changes ? c->changes : json_new_array());
    c->changes = NULL;
}

void comparison_add(struct json *document, struct comparison_cell *cells, size_t n)
{
    size_t count[N_VERDICTS] = {0}, changed = 0;
    struct json *list = json_add_array(document, "cells");
    for (size_t i = 0; i < n; i++) {
        count[cells[i].verdict]++;
        changed += cells[i].changes != NULL;
        add_cell(list, &cells[i]);
    }
    struct json *summary = json_add_object(document, "summary");
    for (int v = SLOWER; v < N_VERDICTS; v++)
        json_add_u64(summary, names[v], count[v]);
    json_add_u64(summary, "not_compared", count[VERDICT_NONE]);
    json_add_u64(summary, "changed", changed);
}
