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

struct check {
    const struct technique *technique;
    struct rng rng;
    unsigned features;
    /* Times a block for check_time(); NULL: timing rows cannot be had here. */
    enum status (*time)(struct check *check, const char *task, const char *case_name,
                        const char *const *variants, size_t n, double *median_ns, struct err *err);
    struct check_result *results; /* [n], owned */
    size_t n;
    bool out_of_memory;
};

/* The verdict that the claim's own numbers give it. */
enum verdict claim_verdict(const struct claim *claim);

/* Runs technique->check.  check must be zero but for technique, rng, features and time. */
void check_run(struct check *check);
void check_free(struct check *check);

#endif
