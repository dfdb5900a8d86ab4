/*
 * A file mapped read-only, and what a record says of where its data came from.
 *
 * A file that another process shortens while it is mapped cannot be read safely by anyone: the
 * kernel answers with SIGBUS.
 */
#ifndef DATASETS_MAPPING_H
#define DATASETS_MAPPING_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "numerics/status.h"

struct mapping {
    const void *bytes; /* never NULL in an open mapping, also when n == 0 */
    size_t n;
    struct timespec mtime;
};

/* E_NOINPUT when there is no such regular file, E_IO or E_NOMEM when it cannot be mapped; *out
 * is untouched then. */
enum status mapping_open(const char *path, struct mapping *out, struct err *err);
void mapping_close(struct mapping *m); /* also of a zeroed one */

/* FNV-1a, 64 bits: tells headers apart, and is no defence against an adversary.
 * Source: Fowler, Noll, Vo, draft-eastlake-fnv. */
uint64_t mapping_hash(const void *bytes, size_t n);

#endif
