/*
 * The state of the machine at one moment, and what disturbed it between two.
 *
 * What cannot be read is absent with a reason: null in JSON beside "<name>_reason".  Times are
 * seconds, CPU times summed over all processors of the system, not only those of this process:
 * a neighbour on another core takes memory bandwidth and turbo too.
 */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include <stdbool.h>

#include "datasets/json.h"

/* Above either, what was measured meanwhile is degraded. */
#define ENVIRONMENT_MAX_STEAL_SHARE 0.02
#define ENVIRONMENT_MAX_FOREIGN_CPUS 0.25

struct reading {
    double value;
    const char *reason; /* NULL: value holds.  A string that lives for ever */
};

struct setting {
    char word[32];
    const char *reason; /* as above */
};

struct environment {
    double now_s;     /* CLOCK_MONOTONIC_RAW */
    double own_cpu_s; /* of this process and of the children it has waited for */
    struct reading load_1m;
    struct reading busy_cpu_s, steal_cpu_s, total_cpu_s;
    struct reading frequency_mhz, frequency_max_mhz; /* of the first processor */
    struct reading temperature_c;                    /* the hottest sensor */
    struct reading throttle_count;                   /* thermal, of all processors */
    struct reading quota_throttled_s;                /* kept from running by a control group */
    struct reading memory_available_bytes;
    struct setting governor;
    struct setting huge_pages; /* always, madvise or never */
};

/* root: see bench/sysfile.h; "" for this system. */
void environment_read(const char *root, struct environment *out);

/* Adds the snapshot as an object. */
void environment_add(const struct environment *e, struct json *parent, const char *key);

/*
 * What others did between two snapshots.
 *
 *   own_cpu_seconds  CPU time that this program used in between (the difference of own_cpu_s, when
 *                    its children were waited for before the second snapshot)
 *   *steal_share     the share of all processors' time that the hypervisor gave to others
 *   *foreign_cpus    processors' worth of work that was not ours, >= 0
 *   return           degraded: steal over 2 %, or more than a quarter of a processor of foreign
 * work
 *
 * Either is NAN when it cannot be read, and then counts as undisturbed.  The kernel counts in ticks
 * of 10 ms or so: over less than about 0.2 s a single tick weighs too much to judge by.
 */
bool environment_delta(const struct environment *before, const struct environment *after,
                       double own_cpu_seconds, double *steal_share, double *foreign_cpus);

#endif
