/*
 * Google Benchmark behind a C face: times one function and hands out the raw sample.
 *
 * The function is called in batches, run(context, n) for n iterations, so that a call costs nothing
 * beside what it times.  The library calls it with growing n until a run lasts long enough; the
 * sample is of that last run alone.  Nothing is printed, and neither command-line flags nor
 * BENCHMARK_* in the environment have a say.
 *
 *   elapsed_ns  wall-clock time of all iterations of the sample
 *   items       growth of *items during them; 0 when items is NULL
 *
 * Errors: E_USAGE when neither iterations nor min_time_s is positive, E_NOMEM, E_INTERNAL when the
 * library gave no sample; *sample is untouched then.  Not to be called from two threads at once:
 * the library keeps its list of benchmarks in one place.
 */
#ifndef BENCH_GBENCH_H
#define BENCH_GBENCH_H

#include <stddef.h>

#include "numerics/status.h"

struct gbench {
    void (*run)(void *context, size_t n);
    void *context;
    const double *items; /* a count that run() adds to; may be NULL */
    size_t iterations;   /* exactly so many, in one run; 0: by time */
    double min_time_s;   /* the sample lasts at least as long; ignored when iterations > 0 */
};

struct gbench_sample {
    double elapsed_ns, items;
    size_t iterations;
};

enum status gbench_time(const struct gbench *job, struct gbench_sample *sample, struct err *err);

#endif
