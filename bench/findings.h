/*
 * What a technique found out about its own output: correctness and fidelity values of one trial.
 */
#ifndef BENCH_FINDINGS_H
#define BENCH_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

enum { FINDING_NAME = 48 };

struct finding {
    bool correctness; /* else fidelity */
    bool proxy;
    char subject[FINDING_NAME], metric[FINDING_NAME], reference[FINDING_NAME]; /* "": none */
    double value, bound;
};

struct findings {
    struct finding *rows; /* [n], owned */
    size_t n;
    bool out_of_memory; /* a row was lost */
};

void findings_free(struct findings *f);

/* Within its bound, which is finite: no value fails an infinite one. */
bool finding_right(const struct finding *row);

/* True when at least one correctness row is there, all are right, and none was lost. */
bool findings_right(const struct findings *f);

#endif
