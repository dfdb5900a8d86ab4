/*
 * Vectors of binary32 to and from packed narrow floats (numerics/formats/float_format.h).
 *
 *   format  a row of float_formats
 *   x, out  [n], aligned as float
 *   codes   convert_bytes(format, n) bytes, any alignment, apart from x and out: code i is bits
 *           i * b to (i + 1) * b - 1 of the bytes read as one little-endian number, b =
 * format->bits. So two 4-bit codes share a byte, the first in its low half, and four 6-bit codes
 * fill three bytes.  The bits after the last code are written as 0 and not read.
 *
 * Encoding saturates: float_format_encode(format, x[i], rounding, true, r) for every i, bit for
 * bit, and decoding is float_format_decode(), but that NaN gives just any NaN.  Neither depends on
 * the rounding direction or the subnormal handling that the floating-point unit is set to.
 *
 * Rounding is to nearest even (convert_rne) or stochastic (convert_sr).  The random bits of element
 * i are the high half of output i (the first is output 0) of splitmix64 with state `seed`, so the
 * stream does not depend on the instruction set, and convert_sr_seed() continues it elsewhere.
 *
 * Work: no flop counted; 4n bytes read and convert_bytes() written, decoding the reverse.  Stores
 * are regular ones, so a cache miss also reads the line that is written to.
 */
#ifndef NUMERICS_KERNELS_CONVERT_H
#define NUMERICS_KERNELS_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/formats/float_format.h"

typedef void convert_rne_fn(const struct float_format *format, const float *x, size_t n,
                            void *codes);
typedef void convert_sr_fn(const struct float_format *format, const float *x, size_t n,
                           uint64_t seed, void *codes);
typedef void convert_decode_fn(const struct float_format *format, const void *codes, size_t n,
                               float *out);
/* The loop of the others without a conversion: loads x, stores it to out.  What they cannot beat
 * per byte with regular stores. */
typedef void convert_copy_fn(const float *x, size_t n, float *out);

convert_rne_fn convert_rne_ref, convert_rne_avx2, convert_rne_avx512;
convert_sr_fn convert_sr_ref, convert_sr_avx2, convert_sr_avx512;
convert_decode_fn convert_decode_ref, convert_decode_avx2, convert_decode_avx512;
convert_copy_fn convert_copy_ref, convert_copy_avx2, convert_copy_avx512;
extern const struct kernel_variant convert_rne_variants[], convert_sr_variants[],
    convert_decode_variants[], convert_copy_variants[];

/* Bytes of n packed codes: n * bits / 8, rounded up. */
static inline size_t convert_bytes(const struct float_format *format, size_t n)
{
    size_t bits = (size_t)format->bits;
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

/* The seed with which element 0 of a call draws what element `first` draws under `seed`. */
uint64_t convert_sr_seed(uint64_t seed, size_t first);

#endif
