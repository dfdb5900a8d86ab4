/*
 * Streaming over f32 arrays: the loops that memory bandwidth is measured with.
 *
 *   x, a, b, c   arrays of which elements begin .. end-1 are touched, begin <= end, any alignment;
 *                a overlaps neither b nor c
 *   stream_read  the XOR of the elements' bit patterns, 0 for an empty range.  It depends on every
 *                bit, so no load can be left out; it is the same in any order, so every variant
 *                gives the same value; and XOR runs on more ports than loads do, so loads bind.
 *   stream_write x[i] = value.  Plain stores: the kernels that are placed under this roof write
 *                plainly too, and a non-temporal store would never live in the L1 to L3 that it is
 *                measured in.  A plain store of a line that is not in the cache fetches it first,
 *                which is not counted.
 *   stream_triad a[i] = b[i] + s * c[i], product and sum each rounded.
 *
 * Work per element: read 4 bytes read; write 4 bytes written; triad 8 bytes read and 4 written,
 * 2 flop.
 * Accuracy: variants agree to the bit, but for the payload of a NaN.
 * Source: McCalpin, Memory Bandwidth and Machine Balance in Current High Performance Computers,
 * IEEE TCCA Newsletter 1995 (triad).
 */
#ifndef NUMERICS_KERNELS_STREAM_H
#define NUMERICS_KERNELS_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"

typedef uint32_t stream_read_fn(const float *x, size_t begin, size_t end);
typedef void stream_write_fn(float *x, float value, size_t begin, size_t end);
typedef void stream_triad_fn(float *a, const float *b, const float *c, float s, size_t begin,
                             size_t end);

stream_read_fn stream_read_ref, stream_read_avx2, stream_read_avx512;
stream_write_fn stream_write_ref, stream_write_avx2, stream_write_avx512;
stream_triad_fn stream_triad_ref, stream_triad_avx2, stream_triad_avx512;

extern const struct kernel_variant stream_read_variants[];
extern const struct kernel_variant stream_write_variants[];
extern const struct kernel_variant stream_triad_variants[];

#endif
