/*
 * The first line of a journal: what the run is, and what must be the same when it is gone on with.
 */
#ifndef BENCH_RUN_HEADER_H
#define BENCH_RUN_HEADER_H

#include "bench/plan.h"
#include "bench/run_record.h"
#include "bench/runner.h"

#define JOURNAL_SCHEMA "assay.journal/1"

/* {schema, run, machine, environment, options, plan}; takes machine (as in the result schema) and
 * environment.  NULL when memory is short. */
struct json *run_header_make(const struct run_record *record, const struct runner *runner,
                             enum preset preset, struct json *machine, struct json *environment);

/* Whether rounds measured under `now` may stand beside those under `old`: same options, plan,
 * machine, build and instruction sets.  E_USAGE names what differs and says the remedy; E_FORMAT
 * when old is not a header; E_NOMEM. */
enum status run_header_match(const struct json *old, const struct json *now, const char *folder,
                             const char *remedy, struct err *err);

#endif
