/*
 * The `run` object of every result document: who made it, when, from which sources and how.
 */
#ifndef BENCH_RUN_RECORD_H
#define BENCH_RUN_RECORD_H

#include <stdint.h>
#include <time.h>

#include "datasets/json.h"

struct build_library {
    const char *name, *version; /* as found when the build was configured */
};

/* How the program was built; cli/build_info.c has the one of this build. */
struct build_info {
    const char *version;
    const char *revision; /* of git; NULL: not built from a checkout */
    int dirty;            /* 1: the sources differ from the revision, 0: they do not, -1: unknown */
    const char *compiler, *flags;
    const struct build_library *libraries; /* ends with {0} */
};

struct run_record {
    char id[48]; /* the start and a hash of host, process and clock: unique without a registry */
    char created[24]; /* UTC, ISO 8601 */
    char host[256];
    const struct build_info *build;
    int argc;
    char **argv; /* borrowed */
    uint64_t seed;
    const char *isa;       /* the best instruction set the run was allowed */
    struct timespec begun; /* CLOCK_MONOTONIC */
};

/* build, argv must outlive the record.  features: what kernels may use. */
void run_record_start(struct run_record *r, const struct build_info *build, int argc, char **argv,
                      uint64_t seed, unsigned features);

/* Adds the member "run" to the document and returns it, for what only some documents have (preset,
 * rounds ...).  status: "complete" or "interrupted". */
struct json *run_record_add(const struct run_record *r, struct json *document, const char *status);

/* The folder that a run without --out writes into: "results/<date>-<host>". */
void run_record_folder(const struct run_record *r, char *text, size_t size);

enum { UTC_SIZE = 24 };
/* "2024-02-29T12:34:56Z" */
void run_record_utc(time_t when, char text[UTC_SIZE]);

#endif
