/*
 * Measures the cells of one block in this process, one after another in the order given.
 *
 * A cell: prepare (untimed), run once, correctness, fidelity, work; only a cell that is right is
 * then timed by Google Benchmark, and what it held is released.  Every cell draws from a generator
 * of the same seed, so that all variants and all rounds of a block see the same data.
 *
 * The outcome of a cell is its status, not the caller's:
 *   ok       timed
 *   skipped  this variant has no such case, or prepare() said E_SKIP
 *   invalid  its output is wrong or was not checked; not timed
 *   failed   prepare() or the timing failed
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/findings.h"
#include "bench/gbench.h"
#include "bench/technique.h"

enum cell_status { CELL_OK, CELL_SKIPPED, CELL_INVALID, CELL_FAILED };
const char *cell_status_name(enum cell_status s);

/* Where the bytes of a cell come from when it is timed. */
enum cell_mode {
    MODE_NEITHER, /* the footprint is between the two, or the cache's size is not known */
    MODE_WARM,    /* it fits the last-level cache */
    MODE_COLD     /* it exceeds the last-level cache COLD_FACTOR times */
};
const char *cell_mode_name(enum cell_mode m); /* NULL for MODE_NEITHER */
enum { COLD_FACTOR = 4 };

/* What the cells of a block have in common. */
struct trial;
struct cell;
struct block {
    const struct task *task;
    const struct matrix_case *c;
    int threads;
    unsigned features;
    uint64_t seed;
    const struct tensor *weights; /* the user's, or NULL */
    size_t llc_bytes;
    size_t iterations; /* as in struct gbench */
    double min_time_s;
    /* What is done with a trial that is right, in the place of timing it; NULL: it is timed. */
    void (*observe)(void *user, struct trial *t, struct cell *cell);
    void *user;
};

struct cell {
    const struct variant *v;
    enum cell_status status;
    struct err reason; /* "" when ok */
    const char *isa;
    bool weights_taken; /* it computed on the user's weights */
    bool ran;           /* work, mode and footprint_bytes are known */
    struct work work;
    enum cell_mode mode;
    size_t footprint_bytes;
    struct findings findings;
    struct gbench_sample sample; /* when ok */
};

/* Fills *cell, which cell_free() then empties. */
void measure_cell(const struct block *b, const struct variant *v, struct cell *cell);
void cell_free(struct cell *cell);

/* mapping_hash() of what a cell of the block computes on: of the user's weights as they lie in the
 * file when it took them, else of the first 2^12 outputs of the generator that all is drawn from.
 */
uint64_t block_data_hash(const struct block *b, bool weights_taken);

#endif
