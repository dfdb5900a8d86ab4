/*
 * The shortest time that one iteration of a cell can take on this machine.
 *
 *   memory   the compulsory bytes over the bandwidth of the level that the cell lives in: a cold
 *            cell reads from DRAM, whose bandwidth was measured in the same block and round (the
 *            control); a warm one from the smallest cache that holds its footprint, whose bandwidth
 *            is in the machine's record, as are those for writing and for reading and writing
 *   compute  roof_ops over the peak of the inner instruction, from the machine's record, where the
 *            work names a compute roof; the limit is then the larger of the two
 *
 * Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
 */
#ifndef BENCH_ROOFLINE_H
#define BENCH_ROOFLINE_H

#include <stdbool.h>

#include "datasets/json.h"

struct roofline {
    const char *bound; /* read, write, copy, fma-f32, dot-i8, lookup */
    const char *level; /* L1, L2, L3, DRAM; NULL for an instruction's peak */
    double limit_s;
    bool from_block; /* else from the machine's record */
};

/* machine {facts {caches}, roofs} and cell {isa, mode, footprint_bytes, work} as in the result
 * schema; control: bytes a second, NAN when it was not measured.  False when the cell's mode is
 * neither warm nor cold, or a roof that it needs was not measured. */
bool roofline_limit(const struct json *machine, const struct json *cell, int threads,
                    double control, struct roofline *out);

#endif
