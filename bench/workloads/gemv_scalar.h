/*
 * The pattern of a GEMV task coded in a scalar block format: what packers of codes start from.
 *
 * The format is format->spec, the name of a row of named_formats[] (whose block replaces that of
 * the params), or, where that is NULL, format->codebook under gemv_block_format().  Levels that are
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
    uint16_t *scales;           /* [pattern_rows][ceil(cols / block)], bf16; NULL without blocks */
    float scale;                /* of the whole tensor; 1 with blocks */
};

/* All but codes, scales and fitted levels; sets g->block.  For a kernel's open(), whose own memory
 * *s lies in.  E_INTERNAL when the format's scales are neither bf16 blocks nor one f32. */
enum status gemv_scalar_open(struct gemv *g, struct gemv_scalar *s, struct err *err);

/* The rest, from g->pattern.  E_SKIP when levels cannot be fitted to it; E_NOMEM. */
enum status gemv_scalar_code(const struct gemv *g, struct gemv_scalar *s, struct err *err);

/* Frees codes and scales; *s stays readable. */
void gemv_scalar_drop(struct gemv_scalar *s);

#endif
