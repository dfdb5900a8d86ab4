/* Timing rows: blocks of one process, interleaved as the runner's are across processes. */
#include <stdlib.h>
#include <time.h>

#include "bench/check.h"
#include "bench/measure.h"
#include "bench/registry.h"
#include "numerics/statistics/order_interval.h"

/* At least 5 rounds: with fewer a single disturbed round can move the median to a neighbour that
 * is disturbed too.  More, up to 15, as long as they fit the time. */
enum { MIN_ROUNDS = 5, MAX_ROUNDS = 15, BUDGET_S = 10 };
static const double min_time_s = 0.02; /* a round's sample; the median is over the rounds */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum status time_variant(const struct block *b, const struct variant *v, double *ns,
                                struct err *err)
{
    struct cell cell;
    enum status s = OK;
    measure_cell(b, v, &cell);
    if (cell.status == CELL_OK)
        *ns = cell.sample.elapsed_ns / (double)cell.sample.iterations;
    else
        s = status_fail(err, cell.status == CELL_SKIPPED ? E_SKIP : E_FAILED, "%s is %s: %s",
                        v->name, cell_status_name(cell.status), cell.reason.text);
    cell_free(&cell);
    return s;
}

/* Rounds of all variants; ns [n][MAX_ROUNDS] gets *rounds samples of each. */
static enum status time_rounds(const struct block *b, const struct variant *const *variants,
                               size_t n, struct rng rng, double *ns, size_t *order, size_t *rounds,
                               struct err *err)
{
    double end = now_s() + BUDGET_S;
    enum status s = OK;
    for (*rounds = 0; *rounds < MAX_ROUNDS && (*rounds < MIN_ROUNDS || now_s() < end); ++*rounds) {
        rng_permutation(&rng, order, n);
        for (size_t i = 0; i < n && !s; i++)
            s = time_variant(b, variants[order[i]], &ns[order[i] * MAX_ROUNDS + *rounds], err);
        if (s)
            return s;
    }
    return OK;
}

enum status check_time(struct check *check, const char *task, const char *case_name,
                       const char *const *variants, size_t n, double *median_ns, struct err *err)
{
    if (!check->clock)
        return status_fail(err, E_SKIP, "no clock here: timing rows run in `assay check`");
    struct block b = {.task = technique_task(check->technique, task),
                      .threads = check->clock->threads,
                      .features = check->features,
                      .seed = check->rng.state,
                      .llc_bytes = check->clock->llc_bytes,
                      .min_time_s = min_time_s};
    b.c = b.task ? task_case(b.task, case_name) : NULL;
    if (!b.c)
        return status_fail(err, E_INTERNAL, "%s has no task %s with a case %s",
                           check->technique->id, task, case_name);
    const struct variant **found = malloc((n + 1) * sizeof *found);
    double *ns = malloc((n + 1) * MAX_ROUNDS * sizeof *ns);
    size_t *order = malloc((n + 1) * sizeof *order), rounds = 0;
    enum status s = OK;
    if (!found || !ns || !order)
        s = status_fail(err, E_NOMEM, "out of memory for %zu variants", n);
    for (size_t i = 0; i < n && !s; i++) {
        found[i] = task_variant(b.task, variants[i]);
        if (!found[i])
            s = status_fail(err, E_INTERNAL, "%s/%s has no variant %s", check->technique->id, task,
                            variants[i]);
    }
    if (!s)
        s = time_rounds(&b, found, n, rng_split(&check->rng, n), ns, order, &rounds, err);
    for (size_t i = 0; i < n && !s; i++)
        median_ns[i] = order_interval(&ns[i * MAX_ROUNDS], rounds).estimate;
    free(order);
    free(ns);
    free(found);
    return s;
}
