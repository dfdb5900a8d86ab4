/*
 * What the control group of this process allows: a container's share of the machine.
 *
 * Both versions of the interface are read, and each limit is the tightest on the way from the
 * process's own group up to the root, since a parent's limit binds its children.
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
#ifndef BENCH_CGROUP_H
#define BENCH_CGROUP_H

#include <stdbool.h>

enum { CGROUP_FILE_MAX = 192 };

struct cgroup {
    double cpus;         /* quota / period; 0: no limit */
    double memory_bytes; /* 0: no limit */
    double
        throttled_s; /* time that the own group was kept from running by its quota; NAN: unknown */
    /* The files of the two limits; "" without one, or when the path is longer. */
    char cpus_file[CGROUP_FILE_MAX], memory_file[CGROUP_FILE_MAX];
    /* A file of the limit is there that cannot be read or says neither a number nor "max". */
    bool cpus_unclear, memory_unclear;
};

/* root: see bench/sysfile.h.  Files that are not there mean no limit. */
struct cgroup cgroup_read(const char *root);

#endif
