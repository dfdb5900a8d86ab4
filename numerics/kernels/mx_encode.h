/*
 * Vectors of f32 to and from block-scaled narrow elements: the MX formats, and NVFP4.
 *
 *   x, out  [n], aligned as float
 *   codes   mx_code_bytes(format, n) bytes, apart from the others: element i is bits i * b to
 *           (i + 1) * b - 1 of the bytes read as one little-endian number, b = format->bits, as in
 *           numerics/kernels/convert.h.  Floats are sign and magnitude, integers two's complement.
 *           The bits after the last element are written as 0 and not read.
 *   scales  a byte for each 32 (NVFP4: 16) elements; the last block is as if filled up with zeros
 *
 * MX.  A block's scale is E8M0, byte k + 127 for 2^k.  MX_FLOOR is the OCP rule, k = floor(log2
 * max|x|) - emax, which clips what lies between the largest element and 2^(emax + 1); MX_CEIL takes
 * the smallest k that clips nothing.  k stays within -127 .. 127; a block of zeros has byte 0.  A
 * block with an Inf or NaN has byte 255 and codes 0, and is NaN as a whole when it is decoded.
 * Elements are x 2^-k, which is exact, to nearest, ties to even, at most format->max; the sign of
 * zero is kept by floats.  Under MX_CEIL a block near FLT_MAX may decode to Inf.
 *
 * NVFP4.  tensor_scale g, nvfp4_tensor_scale() of the whole tensor's largest magnitude, is finite
 * and not negative.  A block's scale is E4M3, to nearest even of (max|x| / 6) / g, at most 448; an
 * element is E2M1, to nearest even of x / (scale g), or 0 where scale g is 0.  All are quotients
 * and products of f32.  A block with an Inf or NaN has the NaN of E4M3 and codes 0.
 *
 * Work: no flop counted; 4n bytes read, codes and scales written, decoding the reverse.
 * Accuracy: the bits of the reference on every instruction set, but that NaN gives any NaN, in the
 * default floating-point environment (to nearest, subnormals kept).  Decoding MX is exact; NVFP4
 * rounds scale g and its product with the element.
 * Source: OCP Microscaling Formats (MX) 1.0; NVIDIA, NVFP4.  MXINT4 as in O. Gordon et al., LATMiX,
 * arXiv 2602.17681.
 */
#ifndef NUMERICS_KERNELS_MX_ENCODE_H
#define NUMERICS_KERNELS_MX_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/formats/float_format.h"

enum { MX_BLOCK = 32, NVFP4_BLOCK = 16 };
enum mx_rule { MX_FLOOR, MX_CEIL };

struct mx_format {
    const char *name, *title;
    const char *element_name;           /* of float_formats[]; NULL: integers */
    const struct float_format *element; /* set by mx_format_find(); NULL: integers */
    int bits;
    int emax;            /* floor(log2 max) */
    float max;           /* the largest element */
    int fraction_bits;   /* of integers: an element is code / 2^fraction_bits */
    int largest_integer; /* of integers: max 2^fraction_bits; its negative is the least */
};

/* mxfp4, mxfp6-e3m2, mxfp6-e2m3, mxfp8-e4m3, mxfp8-e5m2, mxint4, mxint8; ends in {0}.  Their
 * `element` is not set. */
extern const struct mx_format mx_formats[];

/* The row of that name, complete; OK or E_USAGE. */
enum status mx_format_find(const char *name, struct mx_format *out, struct err *err);

/* Bytes of n packed codes, and of their scales. */
static inline size_t mx_code_bytes(const struct mx_format *f, size_t n)
{
    return n / 8 * (size_t)f->bits + (n % 8 * (size_t)f->bits + 7) / 8;
}

static inline size_t mx_blocks(size_t n, size_t block)
{
    return n / block + (n % block != 0);
}

/* The scale byte of a block whose largest magnitude has these bits (of an f32 without its sign). */
uint8_t mx_scale(const struct mx_format *f, enum mx_rule rule, uint32_t largest_bits);

/* g for a tensor whose largest finite magnitude is absmax: largest / (6 * 448). */
float nvfp4_tensor_scale(float absmax);

typedef void mx_encode_fn(const struct mx_format *f, enum mx_rule rule, const float *x, size_t n,
                          void *codes, uint8_t *scales);
typedef void mx_decode_fn(const struct mx_format *f, const void *codes, const uint8_t *scales,
                          size_t n, float *out);
typedef void nvfp4_encode_fn(const float *x, size_t n, float tensor_scale, void *codes,
                             uint8_t *scales);
typedef void nvfp4_decode_fn(const void *codes, const uint8_t *scales, size_t n, float tensor_scale,
                             float *out);

mx_encode_fn mx_encode_ref, mx_encode_avx2, mx_encode_avx512;
mx_decode_fn mx_decode_ref, mx_decode_avx2, mx_decode_avx512;
nvfp4_encode_fn nvfp4_encode_ref, nvfp4_encode_avx2, nvfp4_encode_avx512;
nvfp4_decode_fn nvfp4_decode_ref, nvfp4_decode_avx2, nvfp4_decode_avx512;
extern const struct kernel_variant mx_encode_variants[], mx_decode_variants[],
    nvfp4_encode_variants[], nvfp4_decode_variants[];

#endif
