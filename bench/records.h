/*
 * Cells and check rows as JSON, in the member names of the result schema.
 *
 * What a child writes of a cell is the part that it knows: the parent adds path, family, title and
 * so on, and collects the samples of all rounds.
 */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include <stdint.h>

#include "bench/check.h"
#include "bench/measure.h"
#include "datasets/json.h"

/* What a block computes on. */
struct data_record {
    const char *name; /* "seeded", or FILE:TENSOR */
    uint64_t hash, seed;
};

/* {variant, status, reason, isa, mode, footprint_bytes, data, work, sample, correctness, fidelity};
 * NULL when memory is short.  sample {elapsed_ns, iterations, items} is null unless status is ok.
 */
struct json *cell_record(const struct cell *cell, const struct data_record *data);

/* A row of checks[]; NULL when memory is short. */
struct json *check_record(const char *technique, const struct check_result *row, double seconds,
                          uint64_t seed);

#endif
