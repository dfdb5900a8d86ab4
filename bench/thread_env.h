/*
 * The environment of a child that measures on a number of threads: each pinned to a processor of
 * its own, one of each core first.
 *
 * A thread that waits spins for about a millisecond and then sleeps.  One that slept at once would
 * be woken late in a run of short parallel regions; one that spun on would take half a core, or a
 * whole processor that others want, from the cells that run on one thread, but only from those that
 * come after the first parallel region: the order of a block would decide its ratios.
 */
#ifndef BENCH_THREAD_ENV_H
#define BENCH_THREAD_ENV_H

#include <stddef.h>

#include "bench/machine.h"

struct thread_env {
    char places[8192], count[32], blas_count[40];
    const char *names[8]; /* "NAME=value", ended by NULL; into this struct, so do not copy it */
};

/* E_USAGE when threads is 0 or more than the machine has. */
enum status thread_env_make(const struct machine *m, size_t threads, struct thread_env *env,
                            struct err *err);

#endif
