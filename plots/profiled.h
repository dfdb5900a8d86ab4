/*
 * One cell of a profile document: what it was modelled, counted and simulated to move.
 *
 * Everything borrowed lives as long as the document.
 */
#ifndef PLOTS_PROFILED_H
#define PLOTS_PROFILED_H

#include "plots/figure.h"

/* From the core outwards; lines that missed a level came from the next. */
enum tier {
    TIER_MODELLED,
    TIER_WRITE_ALLOCATE,
    TIER_L1,
    TIER_L2,
    TIER_L3,
    TIER_DRAM,
    TIER_SIMULATED,
    TIERS
};

struct tier_bytes {
    double bytes; /* of one iteration; NaN: reason says why */
    const char *reason, *isa;
    const struct json *causes; /* why they may differ from the modelled ones; NULL: none */
};

struct profiled {
    const char *path, *name; /* name: path without technique and task */
    const char *status, *reason, *reading, *isa, *mode;
    int threads;
    double time_s, limit_s;
    double ops; /* of one iteration, as in struct cell */
    const char *item;
    struct tier_bytes tiers[TIERS];
    const struct json *json;
};

/* Consecutive cells of one task and number of threads, few enough for one figure. */
enum { PROFILED_MAX = 7 };
struct profiled_group {
    struct profiled cells[PROFILED_MAX];
    size_t n;
    char technique[64], task_name[64];
};

const char *tier_name(enum tier t);
/* The tier's mark: grey what is modelled, hollow what is simulated. */
struct look tier_look(enum tier t);

struct profiled profiled_read(const struct json *cell);
/* Reads the group that begins at *cell and moves *cell behind it; false at the end. */
bool profiled_group_next(const struct json **cell, struct profiled_group *out);

/* Into the caption: the causes of difference of the tiers that have bytes, and every cell's reading
 * in words. */
void profiled_caption(const struct figures *fs, const struct profiled_group *g, FILE *out);

#endif
