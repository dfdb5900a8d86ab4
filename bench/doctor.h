/*
 * What on this host disturbs measurements: for each habit of the system the finding, what it does
 * to a timing, and what to do about it.
 */
#ifndef BENCH_DOCTOR_H
#define BENCH_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/environment.h"
#include "bench/machine.h"

enum diagnosis_kind { DIAGNOSIS_FINE, DIAGNOSIS_DISTURBS, DIAGNOSIS_UNKNOWN };

struct diagnosis {
    const char *topic;
    enum diagnosis_kind kind;
    char finding[128];
    const char *effect, *remedy; /* NULL when nothing disturbs */
};

struct doctor {
    const char *root; /* see bench/sysfile.h */
    const struct machine *machine;
    const struct environment *before, *after; /* half a second or more apart, this process idle */
    bool has_gnuplot;
};

enum { DIAGNOSES = 13 };

/* Every topic once, always in the same order. */
void doctor_examine(const struct doctor *d, struct diagnosis out[DIAGNOSES]);

#endif
