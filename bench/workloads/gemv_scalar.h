/*
 * The pattern of a GEMV task coded in a scalar block format: what packers of codes start from.
 *
 * The format is a row of named_formats[], whose block replaces that of the params, or, where the
 * name is NULL, format->codebook under gemv_block_format().  Levels that are
 * fitted (k-means) are fitted to about 2^16 values of whole rows, evenly spread over the pattern,
 * from a start that is the same each time.
 */
#ifndef BENCH_WORKLOADS_GEMV_SCALAR_H
#define BENCH_WORKLOADS_GEMV_SCALAR_H

#include <stdint.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/scalar_format.h"

struct gemv_scalar {
    const struct scalar_format *element; /* NULL: of format->codebook */
    struct codebook codebook;
    struct block_format format; /* its codebook is the one above, so the struct stays where it is */
    int bits;                   /* the fewest that number the levels */
    uint8_t *codes;             /* [pattern_rows][cols], one in a byte */
    float *scales;              /* block_format_scales() */
    uint16_t *narrow;           /* the same in bf16, where that is their format; else NULL */
    float scale;                /* of the whole tensor; 1 where that has no scale of its own */
};

/* All but codes, scales and fitted levels; sets g->coded and g->block, 0 also for a scale of each
 * row.  For a kernel's open(), whose own memory *s lies in. */
enum status gemv_scalar_open(struct gemv *g, const char *name, struct gemv_scalar *s,
                             struct err *err);

/* The rest, from g->pattern.  E_SKIP when levels cannot be fitted to it; E_NOMEM. */
enum status gemv_scalar_code(const struct gemv *g, struct gemv_scalar *s, struct err *err);

/* Frees codes and scales; *s stays readable. */
void gemv_scalar_drop(struct gemv_scalar *s);

#endif
