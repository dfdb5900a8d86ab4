/*
 * Several runs of one plan (its shards, or runs that were measured in parts) joined into one.
 *
 * The inputs are folders with a journal.  They must agree in everything that --resume asks for but
 * the shard: options, plan, machine, build.  A round of a block that stands in two of them alike
 * counts once; one that differs is a conflict, and is refused by name.
 */
#ifndef BENCH_MERGE_H
#define BENCH_MERGE_H

#include "bench/registry.h"
#include "datasets/json.h"

/* Makes folder `out` with the joint journal (a run that --resume can go on with) and gives the
 * document folded from it.  What no input measured is listed as skipped, and the run as
 * interrupted.  E_NOINPUT: a folder has no journal; E_USAGE: another run; E_FORMAT: a conflict or a
 * damaged journal; E_CANTCREATE, E_IO of out; E_UNAVAILABLE: a technique that rows lack;
 * E_NOMEM. */
enum status merge_runs(const char *out, const char *const *inputs, size_t n,
                       const struct registry_row *rows, struct json **document, struct err *err);

#endif
