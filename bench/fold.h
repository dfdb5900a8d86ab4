/*
 * From the journal to the result document: raw rounds in, cells with metrics out.
 *
 * Every metric is the median over the rounds with its exact order-statistic interval.  Speed-up and
 * share of the roof are formed within each round first, from neighbours in time, and then folded.
 *
 * A header is an object {run, machine, environment, options, plan}; a round is an object
 *   {round, block, threads, started, elapsed_s, control_bytes_per_second, steal_share,
 *    foreign_load_cpus, degraded,
 *    cells: [{variant, process, status, reason, isa, mode, footprint_bytes, data, work,
 *             sample: {elapsed_ns, iterations, items} or null, correctness, fidelity}]}.
 */
#ifndef BENCH_FOLD_H
#define BENCH_FOLD_H

#include "bench/plan.h"
#include "datasets/json.h"

struct fold_input {
    const struct plan *plan;
    struct shard shard;                 /* the blocks that the document is of */
    const struct json *header, *rounds; /* as struct journal has them */
    const struct json *environment;     /* after the run */
    const struct json *counters;        /* {backend, status, reason} */
    bool interrupted;
};

/* The status that a cell has got from its rounds: the first that is not "ok", else "ok"; NULL when
 * no round has it.  *entry, when not NULL, gets that round's entry. */
const char *fold_cell_status(const struct json *rounds, const struct plan_block *block,
                             const char *variant, const struct json **entry);

/* The round object of a block, or NULL. */
const struct json *fold_find_round(const struct json *rounds, const struct plan_block *block,
                                   unsigned round);

/* The `bench` document.  E_NOMEM; *out is untouched then. */
enum status fold(const struct fold_input *in, struct json **out, struct err *err);

#endif
