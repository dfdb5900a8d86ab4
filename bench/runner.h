/*
 * Measures what a plan holds and a journal lacks: in each round every block, in the plan's order,
 * in a child process of its own.
 *
 * A cell that crashes, overruns the time or says nothing is recorded as failed or timeout and is
 * not tried again; the others of its block run on in a new child.  Neither are skipped and invalid
 * ones, whose next round would end alike.  The machine's state is compared before and after each
 * round of a block, and a round that others disturbed is marked.
 */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include <stdbool.h>

#include "bench/journal.h"
#include "bench/machine.h"
#include "bench/plan.h"
#include "bench/stop.h"
#include "numerics/progress.h"

struct runner {
    const char *program; /* started with the one word `worker` */
    const struct plan *plan;
    const struct machine *machine;
    struct shard shard;
    unsigned rounds;
    uint64_t seed;
    double min_time_s;
    size_t iterations;   /* 0: as many as min_time_s asks for */
    bool control;        /* measure the memory's read bandwidth beside each block */
    double timeout_s;    /* of a child; 0: 30 s, and 5 s and ten times min_time_s for each cell */
    const char *weights; /* FILE[:TENSOR], or NULL */
    struct stop *stop;   /* the first request ends after the block under way, the second at once */
    struct progress *progress;
};

/* Rounds of a preset when none are asked for. */
unsigned runner_rounds(enum preset preset);

/* One round of one block, as fold.h describes it; variants that `rounds` shows as other than ok are
 * left out.  place: how many rounds of blocks come before it in the run, for the progress.
 * *out is NULL when no variant is left.  E_INTERRUPTED (nothing was kept), E_UNAVAILABLE (the
 * program cannot be started), E_NOMEM. */
enum status runner_block(const struct runner *r, size_t block, unsigned round, size_t place,
                         const struct json *rounds, struct json **out, struct err *err);

/* All that is missing.  E_INTERRUPTED: the journal holds what was finished.  Else as above, and
 * E_IO when the journal cannot be written. */
enum status runner_run(const struct runner *r, struct journal *journal, struct err *err);

#endif
