/*
 * Every technique of the suite, from bench/techniques.def.
 */
#ifndef BENCH_REGISTRY_H
#define BENCH_REGISTRY_H

#include "bench/technique.h"

struct registry_row {
    const char *family;
    const struct technique *technique;
};

extern const struct registry_row registry[]; /* ends with a row without a technique */

/* NULL when there is none. */
const struct registry_row *registry_find(const char *id);
const struct registry_row *registry_find_in(const struct registry_row *rows, const char *id);
const struct task *technique_task(const struct technique *t, const char *name);
const struct variant *task_variant(const struct task *t, const char *name);
const struct matrix_case *task_case(const struct task *t, const char *name);

#endif
