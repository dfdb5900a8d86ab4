/*
 * What a bench run would do, printed: cells, their bytes and limits, and about how long it takes.
 */
#ifndef CLI_BENCH_DRY_RUN_H
#define CLI_BENCH_DRY_RUN_H

#include "bench/runner.h"

/* Runs each cell once, untimed, to learn the bytes that its work model counts; r is as for the run
 * itself.  machine (as in the result schema) has the roofs of an earlier run, or none: limits are
 * then not shown.  E_INTERRUPTED, and as runner_block(). */
enum status bench_dry_run(const struct runner *r, const struct json *machine, struct err *err);

#endif
