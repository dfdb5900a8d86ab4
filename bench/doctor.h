/*
 * What on this host disturbs measurements: for each habit of the system what was found and where,
 * what it does to a timing, the command that changes it, and the one that changes it back.
 */
#ifndef BENCH_DOCTOR_H
#define BENCH_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/doctor_probe.h"
#include "bench/environment.h"
#include "bench/machine.h"
#include "datasets/json.h"

enum diagnosis_kind { DIAGNOSIS_FINE, DIAGNOSIS_DISTURBS, DIAGNOSIS_UNKNOWN };
const char *diagnosis_kind_name(enum diagnosis_kind kind); /* "ok", "disturbs", "unknown" */

/* Texts are "" where there is nothing to say. */
struct diagnosis {
    const char *section, *topic;
    enum diagnosis_kind kind;
    char finding[160];
    char source[192];            /* the file, or what else, that the finding was read from */
    char effect[400];            /* on a timing, with the figures measured here */
    char advice[300];            /* what no command can do, or why none is given */
    char remedy[512], undo[512]; /* commands for a shell: undo restores what was found */
};

struct doctor {
    const char *root; /* see bench/sysfile.h */
    const struct machine *machine;
    const struct environment *before, *after; /* half a second or more apart, this process idle */
    const struct doctor_probe *probe;
    const char *gnuplot;         /* the program to draw with; NULL: gnuplot_missing says why */
    const char *gnuplot_missing; /* and what to install */
    const char *results;         /* the folder that results go to, or its parent that is there */
    double results_free_bytes;   /* NAN: unknown */
    bool superuser;              /* commands then need no sudo */
};

enum { DIAGNOSES = 23 };

/* Every topic once, always in the same order, those of a section together. */
void doctor_examine(const struct doctor *d, struct diagnosis out[DIAGNOSES]);

/* A plain object: the topics, what was measured, and how many disturb. */
void doctor_add(const struct doctor *d, const struct diagnosis found[DIAGNOSES],
                struct json *object);

#endif
