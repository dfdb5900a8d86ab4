/*
 * Running a claim check and keeping its rows.
 */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/technique.h"

/* From best to worst: a technique has its worst row's. */
enum verdict { REPRODUCED, SKIPPED, DIRECTION, NOT_REPRODUCED, CHECK_ERROR };
const char *verdict_name(enum verdict v);

struct check_result {
    struct claim claim; /* its strings are owned copies, all in one block */
    enum verdict verdict;
    char *strings; /* the block */
    char *reason;  /* of a skipped row or an error; else NULL */
};

/* How check_time() times its blocks. */
struct check_clock {
    int threads;
    size_t llc_bytes;
};

struct check {
    const struct technique *technique;
    struct rng rng;
    unsigned features;
    const char *data_dir;            /* see check_data_dir() */
    const struct check_clock *clock; /* NULL: timing rows cannot be had here */
    /* Told each row as soon as it is known; may be NULL.  row_user is its own. */
    void (*on_row)(struct check *check, const struct check_result *row);
    void *row_user;
    struct check_result *results; /* [n], owned */
    size_t n;
    bool out_of_memory;
};

/* The verdict that the claim's own numbers give it. */
enum verdict claim_verdict(const struct claim *claim);

/* Runs technique->check.  check must be zero but for the members above results. */
void check_run(struct check *check);
void check_free(struct check *check);

#endif
