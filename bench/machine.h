/*
 * The machine as this process may use it: processors, caches, memory, limits.
 *
 * Only processors are counted that the process's affinity, its cpuset and the places that OpenMP
 * was given allow.  To be read in the process that plans: a child that was started with one
 * OMP_PLACES entry per thread is told what it needs.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>

#include "datasets/json.h"
#include "numerics/status.h"

enum machine_level { LEVEL_L1, LEVEL_L2, LEVEL_L3, LEVEL_DRAM, N_LEVELS, N_CACHES = LEVEL_DRAM };

struct machine_cache {
    size_t bytes; /* of one data or unified cache; 0: there is none, or it is not told */
    int count;    /* how many of them the usable processors reach */
    int cores;    /* usable cores that share one, at most */
};

struct machine {
    char vendor[32], cpu[96];    /* "" when not told */
    int family, model, stepping; /* -1 when not told */
    unsigned features;           /* enum cpu_feature */
    int *pus;                    /* [n_pus], owned: system indices in the order that threads are
                                    pinned, one of each core first, then their SMT siblings */
    size_t n_pus, n_cores;
    struct machine_cache cache[N_CACHES];
    size_t llc_bytes; /* of all last-level caches that the usable processors reach */
    int numa_nodes;
    double cgroup_cpus, cgroup_memory_bytes; /* 0: no limit */
    char hypervisor[16];                     /* "none" on bare metal; "" when not told */
    char kernel[200];
    double memory_bytes;
};

const char *machine_level_name(enum machine_level level); /* "L1" ... "DRAM" */

/* E_NOMEM or E_UNAVAILABLE (no topology to be had); *out is untouched then. */
enum status machine_read(struct machine *out, struct err *err);
void machine_free(struct machine *m);

enum { FINGERPRINT_SIZE = 17 };
/* 16 hexadecimal digits and NUL: FNV-1a of the stable facts, that is all but the memory sizes. */
void machine_fingerprint(const struct machine *m, char text[FINGERPRINT_SIZE]);

/* The facts into an object; what is not told is null. */
void machine_add_facts(const struct machine *m, struct json *facts);

/* The value of OMP_PLACES that pins `threads` OpenMP threads of a child, "{0},{1}".  E_USAGE when
 * threads is 0 or above n_pus, or size too small. */
enum status machine_omp_places(const struct machine *m, size_t threads, char *text, size_t size,
                               struct err *err);

/* Pins the calling thread to pus[i % n_pus], and lets it run on all of pus again.  Where the system
 * refuses, the thread stays as it is: a measurement then scatters more. */
void machine_pin(const struct machine *m, size_t i);
void machine_unpin(const struct machine *m);

#endif
