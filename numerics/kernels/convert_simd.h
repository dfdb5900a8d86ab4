/*
 * The vectorised conversions of convert.h, written once for every vector length.
 *
 * Private to convert_<isa>.c, which first defines LANES (32-bit lanes of a register), and the types
 * and operations that C's vector types lack:
 *
 *   vec, vec_signed, vec_float, vec_64   LANES 32-bit lanes, or LANES / 2 of 64 bits
 *   v_load, v_store                      unaligned
 *   v_min, v_min_signed, v_max_signed
 *   v_shift_left, v_shift_right          by lane; 0 where the count is above 31 as unsigned
 *   v_add_carry(n, a, b)                 n + 1 where a + b carries out of 32 bits, else n
 *   v_select_greater(a, b, yes, no)      a > b as signed ? yes : no
 *   v_half_from_float, v_float_from_half binary16 in the low half of a lane, to nearest even
 *   v_pack_words, v_pack_bytes           the low parts of two or four registers, in order
 *   v_widen_words, v_widen_bytes         LANES of them from memory, with zeros
 *   pack_6, pack_4, unpack_6, unpack_4   BLOCK codes in bytes to and from packed ones
 *
 * Integer arithmetic does all rounding.  What floating point there is (the conversion of a small
 * integer and its product with a power of two, both exact and normal; the binary16 instructions,
 * whose rounding is an operand) cannot see the state of the floating-point unit.
 */
#ifndef NUMERICS_KERNELS_CONVERT_SIMD_H
#define NUMERICS_KERNELS_CONVERT_SIMD_H

#include <string.h>

#include "numerics/kernels/convert.h"
#include "numerics/rng.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { BLOCK = 4 * LANES }; /* elements converted at a time */
enum { F32_MAGNITUDE = 0x7FFFFFFF, F32_INFINITY = 0x7F800000, F32_QUIET_NAN = 0x7FC00000 };

/* What sets the formats apart beyond their constants. */
enum kind {
    BINARY32_RANGE, /* bf16: the exponent of binary32 itself */
    BINARY16,       /* has instructions of its own */
    SIGNED_ZERO,
    UNSIGNED_ZERO /* the code of -0 is NaN */
};

struct constants {
    uint32_t max_bits; /* the largest finite value as binary32 */
    uint32_t max_code, nan_code, sign_bit;
    int mantissa_bits;
    int shift; /* mantissa bits of binary32 that the format lacks */
    int least; /* exponent field, in binary32, of the format's least normal value */
    float quantum;
};

static inline struct constants constants_of(const struct float_format *f)
{
    float max = float_format_decode(f, f->max_code);
    struct constants k = {.max_code = f->max_code,
                          .nan_code = f->nan_code,
                          .sign_bit = 1u << (f->bits - 1),
                          .mantissa_bits = f->mantissa_bits,
                          .shift = 23 - f->mantissa_bits,
                          .least = 128 - f->bias,
                          .quantum = float_format_decode(f, 1)};
    memcpy(&k.max_bits, &max, sizeof max);
    return k;
}

static inline enum kind kind_of(const struct float_format *f)
{
    if (f->bits == 16)
        return f->bias == 127 ? BINARY32_RANGE : BINARY16;
    return f->nan == FLOAT_NAN_NEGATIVE_ZERO ? UNSIGNED_ZERO : SIGNED_ZERO;
}

/* ---- Random bits ---- */

struct stream {
    vec_64 even, odd; /* the states of the elements of even and of odd number */
};

FLATTEN struct stream stream_at(uint64_t seed)
{
    struct stream s;
    for (int i = 0; i < LANES / 2; i++) {
        s.even[i] = seed + (uint64_t)(2 * i + 1) * RNG_STEP;
        s.odd[i] = s.even[i] + RNG_STEP;
    }
    return s;
}

FLATTEN vec_64 splitmix64(vec_64 z)
{
    z = (z ^ z >> 30) * RNG_MIX_1;
    z = (z ^ z >> 27) * RNG_MIX_2;
    return z ^ z >> 31;
}

FLATTEN vec stream_next(struct stream *s)
{
    vec_64 even = splitmix64(s->even), odd = splitmix64(s->odd);
    s->even += LANES * RNG_STEP;
    s->odd += LANES * RNG_STEP;
    return (vec)(even >> 32 | (odd & 0xFFFFFFFF00000000u));
}

/* ---- Encoding ---- */

/* The code without sign of magnitude a <= max_bits.  With n the significand cut to the format and
 * `fraction` what was cut off, in units of 2^-32, n goes up iff fraction + push >= 2^32. */
FLATTEN vec encode_magnitude(const struct constants *k, enum kind kind, vec a,
                             struct stream *stochastic)
{
    if (kind == BINARY16 && !stochastic)
        return v_half_from_float(a);
    vec n, fraction, base = {0};
    if (kind == BINARY32_RANGE) {
        n = a >> 16;
        fraction = a << 16;
    } else { /* a subnormal of binary32 is so small here that any significand will do */
        vec significand = (a & 0x007FFFFF) | 0x00800000, zero = {0};
        vec above = (a >> 23) - (uint32_t)k->least;
        vec shift = (uint32_t)k->shift - v_min_signed(above, zero);
        n = v_shift_right(significand, shift);
        fraction = v_shift_left(significand, 32 - shift);
        if (stochastic) /* nearest need not look at what is so far below a half */
            fraction |= v_shift_right(significand, shift - 32);
        base = v_max_signed(above, zero) << (uint32_t)k->mantissa_bits;
    }
    vec push = stochastic ? stream_next(stochastic) : 0x7FFFFFFF + (n & 1);
    return base + v_add_carry(n, fraction, push);
}

/* Clamping before rounding is clamping after it: nothing up to max_bits rounds to above it. */
FLATTEN vec encode(const struct constants *k, enum kind kind, int bits, vec u,
                   struct stream *stochastic)
{
    vec magnitude = u & F32_MAGNITUDE, max = k->max_bits - (vec){0};
    vec body = encode_magnitude(k, kind, v_min(magnitude, max), stochastic);
    vec sign = u >> (uint32_t)(32 - bits) & k->sign_bit;
    if (kind == UNSIGNED_ZERO)
        sign &= (vec)(body != 0);
    vec infinity = F32_INFINITY - (vec){0}, nan = k->nan_code - (vec){0};
    return v_select_greater(magnitude, infinity, nan, body | sign);
}

/* Eight bytes of five bits to five bytes: pairs to 10 bits, pairs of those to 20, and to 40. */
FLATTEN void pack_5(vec bytes, uint8_t *out)
{
    uint8_t codes[BLOCK];
    v_store(codes, bytes);
    for (int i = 0; i < BLOCK; i += 8, out += 5) {
        uint64_t eight;
        memcpy(&eight, codes + i, sizeof eight);
        eight = (eight & 0x001F001F001F001F) | (eight >> 3 & 0x03E003E003E003E0);
        eight = (eight & 0x000003FF000003FF) | (eight >> 6 & 0x000FFC00000FFC00);
        eight = (eight & 0x00000000000FFFFF) | (eight >> 12 & 0x000000FFFFF00000);
        memcpy(out, &eight, 5);
    }
}

FLATTEN void unpack_5(const uint8_t *in, uint8_t *bytes)
{
    for (int i = 0; i < BLOCK; i += 8, in += 5) {
        uint64_t eight = 0;
        memcpy(&eight, in, 5);
        eight = (eight & 0x00000000000FFFFF) | (eight << 12 & 0x000FFFFF00000000);
        eight = (eight & 0x000003FF000003FF) | (eight << 6 & 0x03FF000003FF0000);
        eight = (eight & 0x001F001F001F001F) | (eight << 3 & 0x1F001F001F001F00);
        memcpy(bytes + i, &eight, sizeof eight);
    }
}

FLATTEN void encode_block(const struct constants *k, enum kind kind, int bits, const float *x,
                          struct stream *stochastic, uint8_t *codes)
{
    vec c[4];
    for (int j = 0; j < 4; j++)
        c[j] = encode(k, kind, bits, v_load(x + j * LANES), stochastic);
    if (bits == 16) {
        v_store(codes, v_pack_words(c[0], c[1]));
        v_store(codes + 4 * LANES, v_pack_words(c[2], c[3]));
    } else if (bits == 8) {
        v_store(codes, v_pack_bytes(c));
    } else if (bits == 6) {
        pack_6(v_pack_bytes(c), codes);
    } else if (bits == 5) {
        pack_5(v_pack_bytes(c), codes);
    } else {
        pack_4(v_pack_bytes(c), codes);
    }
}

FLATTEN void encode_all(const struct float_format *f, enum kind kind, int bits, const float *x,
                        size_t n, struct stream *stochastic, uint8_t *codes)
{
    struct constants k = constants_of(f);
    for (; n >= BLOCK; n -= BLOCK, x += BLOCK, codes += BLOCK * bits / 8)
        encode_block(&k, kind, bits, x, stochastic, codes);
    if (n) {
        float last[BLOCK] = {0};
        uint8_t packed[BLOCK * sizeof(uint16_t)];
        memcpy(last, x, n * sizeof *x);
        encode_block(&k, kind, bits, last, stochastic, packed);
        memcpy(codes, packed, convert_bytes(f, n));
    }
}

/* Each call below is one loop with everything but the constants known at compile time. */
FLATTEN void encode_any(const struct float_format *f, const float *x, size_t n,
                        struct stream *stochastic, void *codes)
{
    enum kind kind = kind_of(f);
    if (kind == BINARY32_RANGE)
        encode_all(f, BINARY32_RANGE, 16, x, n, stochastic, codes);
    else if (kind == BINARY16)
        encode_all(f, BINARY16, 16, x, n, stochastic, codes);
    else if (kind == UNSIGNED_ZERO)
        encode_all(f, UNSIGNED_ZERO, 8, x, n, stochastic, codes);
    else if (f->bits == 8)
        encode_all(f, SIGNED_ZERO, 8, x, n, stochastic, codes);
    else if (f->bits == 6)
        encode_all(f, SIGNED_ZERO, 6, x, n, stochastic, codes);
    else if (f->bits == 5)
        encode_all(f, SIGNED_ZERO, 5, x, n, stochastic, codes);
    else
        encode_all(f, SIGNED_ZERO, 4, x, n, stochastic, codes);
}

/* ---- Decoding ---- */

FLATTEN vec decode(const struct constants *k, enum kind kind, int bits, vec code)
{
    if (kind == BINARY32_RANGE)
        return code << 16;
    if (kind == BINARY16)
        return v_float_from_half(code);
    vec body = code & (k->sign_bit - 1), normal_from = (1u << k->mantissa_bits) - (vec){0};
    vec sign = code << (uint32_t)(32 - bits) & 0x80000000;
    vec normal = (body << (uint32_t)k->shift) + ((uint32_t)(k->least - 1) << 23);
    /* Exponent all ones: infinity where the mantissa is 0, NaN elsewhere, as in the format. */
    if (bits == 8)
        normal |= (vec)((vec_signed)body > (int32_t)k->max_code) & F32_INFINITY;
    vec subnormal = (vec)(__builtin_convertvector((vec_signed)body, vec_float) * k->quantum);
    vec value = sign | v_select_greater(normal_from, body, subnormal, normal);
    if (kind == UNSIGNED_ZERO)
        value |= (vec)(code == k->nan_code) & F32_QUIET_NAN;
    return value;
}

FLATTEN void decode_block(const struct constants *k, enum kind kind, int bits, const uint8_t *codes,
                          float *out)
{
    uint8_t bytes[BLOCK];
    if (bits == 6)
        unpack_6(codes, bytes);
    else if (bits == 5)
        unpack_5(codes, bytes);
    else if (bits == 4)
        unpack_4(codes, bytes);
    const uint8_t *from = bits < 8 ? bytes : codes;
    for (int j = 0; j < 4; j++)
        v_store(out + j * LANES, decode(k, kind, bits,
                                        bits == 16 ? v_widen_words(from + j * 2 * LANES)
                                                   : v_widen_bytes(from + j * LANES)));
}

FLATTEN void decode_all(const struct float_format *f, enum kind kind, int bits,
                        const uint8_t *codes, size_t n, float *out)
{
    struct constants k = constants_of(f);
    for (; n >= BLOCK; n -= BLOCK, codes += BLOCK * bits / 8, out += BLOCK)
        decode_block(&k, kind, bits, codes, out);
    if (n) {
        uint8_t packed[BLOCK * sizeof(uint16_t)] = {0};
        float last[BLOCK];
        memcpy(packed, codes, convert_bytes(f, n));
        decode_block(&k, kind, bits, packed, last);
        memcpy(out, last, n * sizeof *out);
    }
}

FLATTEN void decode_any(const struct float_format *f, const void *codes, size_t n, float *out)
{
    enum kind kind = kind_of(f);
    if (kind == BINARY32_RANGE)
        decode_all(f, BINARY32_RANGE, 16, codes, n, out);
    else if (kind == BINARY16)
        decode_all(f, BINARY16, 16, codes, n, out);
    else if (kind == UNSIGNED_ZERO)
        decode_all(f, UNSIGNED_ZERO, 8, codes, n, out);
    else if (f->bits == 8)
        decode_all(f, SIGNED_ZERO, 8, codes, n, out);
    else if (f->bits == 6)
        decode_all(f, SIGNED_ZERO, 6, codes, n, out);
    else if (f->bits == 5)
        decode_all(f, SIGNED_ZERO, 5, codes, n, out);
    else
        decode_all(f, SIGNED_ZERO, 4, codes, n, out);
}

/* ---- Copying ---- */

/* Without the empty statement a compiler sees memcpy() in this loop and calls it. */
FLATTEN void copy_all(const float *x, size_t n, float *out)
{
    for (; n >= LANES; n -= LANES, x += LANES, out += LANES) {
        vec v = v_load(x);
        __asm__("" : "+x"(v));
        v_store(out, v);
    }
    memcpy(out, x, n * sizeof *x);
}

#endif
