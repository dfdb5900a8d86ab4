/*
 * Counts events over one piece of work, in as many passes as the hardware needs.
 *
 * Every event is probed first (bench/counters.h), then opened on each thread: cores of another type
 * may not have it.  Events that opened and ran together in a trial share a pass, others run alone,
 * and none takes turns with another.  What beginning and ending count by themselves (the least of
 * five empty passes) is subtracted and told.
 */
#ifndef BENCH_COUNTING_H
#define BENCH_COUNTING_H

#include "bench/counters.h"

struct counted {
    struct counter_probe probe; /* OK and UNCHECKED have a value; else why there is none */
    const char *backend;
    double value;    /* over all threads, net; NAN when there is none */
    double overhead; /* what was subtracted */
    double running;  /* share of the time that it counted, NAN when it did not begin */
    size_t pass;     /* from 1; 0: in none */
};

struct counting {
    struct counter_backend threads; /* of events with a PAPI name, and of all when it is perf */
    struct counter_backend perf;    /* of events that only perf can name, or only perf knows */
    struct counter_backend energy;  /* of events with a zone */
    int n_threads;                  /* OpenMP threads that the work runs on */
    void (*work)(void *user);
    void *user;
};

/* counted [n], n <= 64.  Returns the passes made; *seconds: their mean time. */
size_t counting_run(const struct counting *job, const struct counter_event *const *events, size_t n,
                    struct counted *counted, double *seconds);

#endif
