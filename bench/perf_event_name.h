/*
 * Events of the Linux perf subsystem by name, as `perf stat -e` takes them.
 *
 *   cycles, LLC-load-misses, ...    the kernel's generic names
 *   r01c2                           the raw code of an event of the core
 *   PMU/TERM,.../                   a unit under /sys/bus/event_source/devices: TERM is the name of
 *                                   an event that the kernel lists, or FIELD=VALUE with a field of
 *                                   the unit's format.  A unit that comes in several pieces (PMU_0,
 *                                   PMU_1, ...) is selected whole: the count is the sum.
 */
#ifndef BENCH_PERF_EVENT_NAME_H
#define BENCH_PERF_EVENT_NAME_H

#include <stddef.h>
#include <stdint.h>

struct perf_selector {
    uint32_t type;
    uint64_t config[3];
    int cpu; /* -1: the calling thread, wherever it runs; else all that happens at this processor */
};

/* Fills out [capacity] and *n.  0; -ENOENT: no such event or unit here; -EINVAL: a name that is
 * none, or a value that its field cannot hold; -E2BIG.  root: see bench/sysfile.h. */
int perf_event_name(const char *root, const char *name, struct perf_selector *out, size_t capacity,
                    size_t *n);

#endif
