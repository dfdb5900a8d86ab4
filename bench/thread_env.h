/*
 * The environment of a child that measures on a number of threads: each pinned to a processor of
 * its own, one of each core first, and waiting awake, as a thread that sleeps between two short
 * parallel regions is woken late.
 */
#ifndef BENCH_THREAD_ENV_H
#define BENCH_THREAD_ENV_H

#include <stddef.h>

#include "bench/machine.h"

struct thread_env {
    char places[8192], count[32], blas_count[40];
    const char *names[6]; /* "NAME=value", ended by NULL; into this struct, so do not copy it */
};

/* E_USAGE when threads is 0 or more than the machine has. */
enum status thread_env_make(const struct machine *m, size_t threads, struct thread_env *env,
                            struct err *err);

#endif
