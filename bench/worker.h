/*
 * What happens inside a child process: one job in, lines of JSON out.
 *
 * The job is one JSON object on `in`; each reply is one line on `out`, written with one write(2).
 *
 *   {"job": "block", "technique", "task", "case", "variants": [names in run order], "threads",
 *    "seed", "min_time_s", "iterations", "llc_bytes", "weights": "FILE[:TENSOR]" or null,
 * "control"}
 *     {"start": variant} before each cell, {"cell": {...}} after it (see bench/records.h), and
 *     {"block": {"control_bytes_per_second", "own_cpu_s"}} at the end; a control that was asked
 *     for and could not be taken is null, and "control_reason" says why
 *
 *   {"job": "check", "technique", "threads", "seed", "llc_bytes"}
 *     {"check": {...}} for each row as soon as it is known, and {"end": {"rows"}} at the end
 *
 *   {"job": "count", "technique", "task", "case", "variants": [one name], "threads", "seed",
 *    "llc_bytes", "isa": at most, or null, and
 *    either "backend": "papi" or another for perf, "groups", "events": lists or null, "iterations",
 *           "cpu": {"vendor", "family", "model"}
 *    or "simulate": true, "mode": "warm" or "cold", in a process that Callgrind runs}
 *     {"count": {"passes", "iterations", "items", "seconds", "events": [...]}}, or {"count":
 * {"isa"}} of a simulation, whose counts are in Callgrind's file
 *
 * So what a child knew before it died is not lost, and a missing last line tells that it died.
 * iterations 0 means by min_time_s.  control: measure the read bandwidth of memory beside the
 * cells.
 *
 * Errors: E_USAGE for a job that names what is not there, E_FORMAT for one that is not JSON, E_IO
 * when a reply cannot be written, and what opening the weights gives.  A cell that fails is a reply
 * and no error.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench/registry.h"

struct worker {
    const struct registry_row *techniques; /* what jobs may name; ends as `registry` does */
    unsigned features;                     /* instruction sets that kernels may use */
    const char *data_dir;                  /* real inputs of claim checks; or NULL */
    int in, out;
};

enum { WORKER_OUT = 3 }; /* the descriptor on which a parent expects the replies */

/* Makes this process die with the parent that started it; call first. */
void worker_die_with_parent(void);

enum status worker_run(const struct worker *w, struct err *err);

#endif
