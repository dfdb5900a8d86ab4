/*
 * Profiles one cell in child processes: timed with its control, counted, and simulated.
 *
 * The record is an entry of cells[] of a profile document.  What cannot be had is null with a
 * reason; a child that goes wrong costs its part alone.
 */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include "bench/counter_groups.h"
#include "bench/machine.h"
#include "bench/plan.h"
#include "bench/stop.h"

struct profile_job {
    const char *program;  /* a path that another program can start too */
    const char *valgrind; /* path; NULL: not simulated, and simulation_reason says why */
    const char *simulation_reason;
    const char *folder;          /* for Callgrind's file */
    const char *backend;         /* "papi", "perf", "none" */
    bool counts;                 /* false: only timed, and simulated where there is valgrind */
    const char *groups, *events; /* as in counter_choice_make() */
    const struct counter_choice *choice;
    const struct counter_cpu *cpu;
    const struct machine *machine;
    const struct json *machine_record; /* with roofs, for the limit */
    uint64_t seed;
    double min_time_s;
    struct stop *stop;
};

/* The record, owned; NULL with E_INTERRUPTED, E_NOMEM, or a child that cannot be started. */
enum status profile_cell(const struct profile_job *job, const struct plan_block *block,
                         const struct variant *v, struct json **record, struct err *err);

#endif
