/*
 * What the habits of this host do to a timing, measured on the spot in less than a second.
 */
#ifndef BENCH_DOCTOR_PROBE_H
#define BENCH_DOCTOR_PROBE_H

#include "bench/machine.h"

/* What could not be measured is NAN.  All but jitter and timer count the time that threads ran, not
 * that in which others had their processor. */
struct doctor_probe {
    double clock_start;   /* speed of a fixed integer loop in its first millisecond, over its speed
                             after 300 ms of load; 1: the clock does not follow the load */
    double jitter_median; /* seconds of one run of that loop */
    double jitter_p99;    /* 99th percentile over the median, minus 1 */
    double together;      /* speed of a thread while all processors work, over its speed alone */
    double steal_share;   /* of all processors' time meanwhile */
    double throttled_s;   /* kept from running by the quota meanwhile */
    double timer_ns, timer_step_ns; /* one reading of CLOCK_MONOTONIC, and its least step */
    /* On pages of 4 KiB and where huge ones are asked for: the first touch of 4 KiB, and one of
     * many dependent reads at random places. */
    double fault_small_ns, fault_huge_ns, read_small_ns, read_huge_ns;
};

/* To be called after a pause, so that the clock is at rest.  The calling thread may run on all of
 * m's processors afterwards.  root: see bench/sysfile.h; only the steal and the quota are read. */
void doctor_probe(const struct machine *m, const char *root, struct doctor_probe *out);

#endif
