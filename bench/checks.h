/*
 * Claim checks as the program runs them: each technique's in a child with a time limit.
 *
 * A check that crashes, overruns its time or gives no row costs only itself: what it had told
 * stays, and a row named "check" with verdict `error` says what became of it.
 */
#ifndef BENCH_CHECKS_H
#define BENCH_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/stop.h"
#include "bench/technique.h"
#include "datasets/json.h"
#include "numerics/progress.h"

struct checks_job {
    const char *program;    /* started with the verb `worker` */
    const char *const *env; /* of the children, as in struct child_job */
    int threads;            /* of timing rows */
    size_t llc_bytes;
    uint64_t seed;
    double grace_s; /* the limit of a check is 10 times its check_seconds, and this */
    struct stop *stop;
    struct progress *progress;
    /* Told each row (of the schema's checks[]) when it is there; may be NULL. */
    void (*on_row)(void *user, const struct json *row);
    void *user;
};

/* Appends to the arrays `checks` and `techniques` of a result document.  E_INTERRUPTED when the
 * user asked to stop, E_UNAVAILABLE when no child can be started; the rows so far are there then.
 */
enum status checks_run(const struct checks_job *job, const struct technique *const *techniques,
                       size_t n, struct json *checks, struct json *summary, struct err *err);

/* True for a row that is an `error`, or `not-reproduced` without a reason why that is expected.
 * `direction` is no failure: the effect is there, and smaller than claimed. */
bool check_row_fails(const struct json *row);

#endif
