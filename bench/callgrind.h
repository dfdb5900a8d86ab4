/*
 * Traffic of one iteration by simulation: Valgrind's Callgrind with this machine's cache sizes.
 *
 * Two levels (L1 and last), least recently used, no prefetching, one thread, instructions up to
 * AVX2.  Bytes are lines that the last level reads from memory and writes back to it.
 */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

struct callgrind_cache {
    size_t bytes, ways, line; /* a power of two of sets */
};

/* The data cache of that level (1, or the largest there is) of the first processor, made smaller
 * to the next power of two of sets.  False when the system does not tell.  root: sysfile.h. */
bool callgrind_cache(const char *root, bool last, struct callgrind_cache *out);

struct callgrind_counts {
    double instructions, reads, writes; /* executed, data references */
    double read_lines, written_lines;   /* between the last level and memory */
};

/* What a file of Callgrind's (--cache-sim=yes --simulate-wb=yes) adds up to.  E_NOINPUT, or
 * E_FORMAT when it has no totals of these events. */
enum status callgrind_read(const char *path, struct callgrind_counts *out, struct err *err);

/* In the simulated process: counts work(user) once; warm: after it ran once uncounted, its lines in
 * the cache.  E_UNAVAILABLE when this is no such process, or the build lacked Valgrind's header. */
enum status callgrind_count(void (*work)(void *user), void *user, bool warm, struct err *err);

#endif
