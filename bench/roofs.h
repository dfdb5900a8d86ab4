/*
 * What this machine can do at best, measured: bandwidth of each memory level, peak rates.
 *
 *   read, write, triad   numerics/kernels/stream.h in L1, L2, L3 and DRAM, B/s of compulsory
 *                        traffic (a write's fetch of the line it overwrites is not counted)
 *   fma-f32              numerics/kernels/peak.h, flop/s
 *   dot-i8, lookup       numerics/kernels/peak.h, op/s: multiplications and additions of bytes;
 *                        bytes looked up
 *
 * All rates are totals over the threads, each pinned to a processor of its own with a working set
 * of its own: half of its L1 or L2; for L3 three times its share of the L2 (so that nothing of it
 * stays there), but no more than that share plus half of its share of the L3, since other guests
 * of the host may hold the rest; for DRAM four times the last-level caches over all threads.
 * Memory comes from buffer_alloc(), as for everything that is timed.
 */
#ifndef BENCH_ROOFS_H
#define BENCH_ROOFS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/machine.h"
#include "numerics/progress.h"

struct roof_row {
    const char *name;
    const char *level; /* NULL: a peak rate */
    const char *isa;   /* of the kernel that ran */
    size_t threads;
    double value, low, high; /* median, least and greatest of the repetitions */
    const char *unit;
    const char *reason; /* NULL: measured; else there is no value, for this reason */
};

struct roofs {
    struct roof_row *rows; /* [n], owned */
    size_t n;
};

struct roof_plan {
    unsigned features; /* what kernels may use */
    bool every_isa;    /* each allowed variant of each kernel; else the best alone */
    size_t threads[8]; /* ends at the first 0 */
    int repetitions;   /* interleaved: each visits every roof; at most ROOF_MAX_REPETITIONS */
    double sample_s;   /* least time of one repetition of one roof */
};
enum { ROOF_MAX_REPETITIONS = 15 };

/* Best instruction set, one thread and all: about 5 s.  Every one of them: about 30 s for two
 * threads. */
struct roof_plan roof_plan_quick(const struct machine *m, unsigned features);
struct roof_plan roof_plan_full(const struct machine *m, unsigned features);

/* E_NOMEM; E_USAGE for more threads than processors; E_INTERRUPTED when progress says stop.  *out
 * is untouched then.  The threads of OpenMP are pinned meanwhile, and free again afterwards. */
enum status roofs_measure(const struct machine *m, const struct roof_plan *plan,
                          struct progress *progress, struct roofs *out, struct err *err);
void roofs_free(struct roofs *r);

/* The highest measured value of that name, level (NULL for a peak) and number of threads, whichever
 * instruction set reached it; NULL when there is none. */
const struct roof_row *roofs_find(const struct roofs *r, const char *name, const char *level,
                                  size_t threads);

/* Fills the whole "machine" object of a document: fingerprint, facts, roofs. */
void roofs_add_machine(const struct machine *m, const struct roofs *r, struct json *machine);

/*
 * The DRAM read bandwidth of this moment, which a block of cells takes as its control: the median
 * over passes through 4 x llc_bytes, for about 40 ms and at least three passes, in bytes per
 * second.  The threads are taken as pinned already (OMP_PLACES).  E_NOMEM; *bytes_per_second is
 * untouched then.
 */
enum status roof_control(unsigned features, size_t threads, size_t llc_bytes,
                         double *bytes_per_second, struct err *err);

#endif
