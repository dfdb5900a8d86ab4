/*
 * An analysis: takes tensors from files, computes without a clock, and fills a result document.
 *
 * One analysis = one file in analyses/ and one row in analyses/registry.c.
 */
#ifndef ANALYSES_ANALYSIS_H
#define ANALYSES_ANALYSIS_H

#include <stddef.h>
#include <stdint.h>

#include "datasets/json.h"
#include "numerics/progress.h"
#include "numerics/status.h"

struct analysis_option {
    const char *name;      /* without the dashes */
    const char *argument;  /* how help names it; NULL: a flag, whose value is "yes" when given */
    const char *otherwise; /* its value when it is not given; may be NULL */
    const char *help;
};

struct analysis_request {
    const char *const *inputs; /* [n_inputs] paths as given */
    size_t n_inputs;
    const char *const *options; /* the values, in the order of the analysis's table */
    unsigned features;
    int threads;
    uint64_t seed;
    struct progress *progress; /* may be NULL */
};

struct analysis {
    const char *name, *title;
    const char *help;                      /* what it reports and how to read it, with an example */
    const struct analysis_option *options; /* ends with {0} */
    /* Adds `input`, `parameters`, `summary` and `records` to document, an object that holds the
     * rest. E_USAGE for options or a missing input, E_FORMAT and E_NOINPUT for files,
     * E_INTERRUPTED. */
    enum status (*run)(const struct analysis *self, const struct analysis_request *request,
                       struct json *document, struct err *err);
};

extern const struct analysis *const analyses[]; /* ends with NULL */

/* The value of one of the analysis's own options. */
const char *analysis_option(const struct analysis *a, const struct analysis_request *request,
                            const char *name);

#endif
