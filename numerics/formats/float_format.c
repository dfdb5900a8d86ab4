#include "numerics/formats/float_format.h"

#include <stddef.h>
#include <string.h>

enum {
    F32_MANTISSA_BITS = 23,
    F32_BIAS = 127,
    F32_IMPLICIT_BIT = 1 << F32_MANTISSA_BITS,
    F32_INFINITY = 0x7F800000,
    F32_QUIET_NAN = 0x7FC00000
};

const struct float_format float_formats[] = {
    {"bf16", "bfloat16", 16, 8, 7, 127, true, FLOAT_NAN_IEEE, 0x7FC0, 0x7F7F},
    {"fp16", "IEEE binary16", 16, 5, 10, 15, true, FLOAT_NAN_IEEE, 0x7E00, 0x7BFF},
    {"e4m3", "OCP FP8 E4M3FN", 8, 4, 3, 7, false, FLOAT_NAN_TOP, 0x7F, 0x7E},
    {"e5m2", "OCP FP8 E5M2", 8, 5, 2, 15, true, FLOAT_NAN_IEEE, 0x7E, 0x7B},
    {"e4m3fnuz", "FP8 E4M3FNUZ", 8, 4, 3, 8, false, FLOAT_NAN_NEGATIVE_ZERO, 0x80, 0x7F},
    {"e5m2fnuz", "FP8 E5M2FNUZ", 8, 5, 2, 16, false, FLOAT_NAN_NEGATIVE_ZERO, 0x80, 0x7F},
    {"e3m2", "OCP FP6 E3M2", 6, 3, 2, 3, false, FLOAT_NAN_NONE, 0x20, 0x1F},
    {"e2m3", "OCP FP6 E2M3", 6, 2, 3, 1, false, FLOAT_NAN_NONE, 0x20, 0x1F},
    {"e2m2", "FP5 E2M2", 5, 2, 2, 1, false, FLOAT_NAN_NONE, 0x10, 0xF},
    {"e2m1", "OCP FP4 E2M1", 4, 2, 1, 1, false, FLOAT_NAN_NONE, 0x8, 0x7},
    {0}};

const struct float_format *float_format_find(const char *name)
{
    for (const struct float_format *f = float_formats; f->name; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

static uint32_t f32_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float f32_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static int floor_log2(uint32_t u)
{
    return 31 - __builtin_clz(u);
}

/* A finite magnitude as an integer: significand * 2^exponent, exactly. */
struct exact {
    uint32_t significand; /* < 2^24 */
    int exponent;
};

static struct exact split(uint32_t magnitude)
{
    int e = (int)(magnitude >> F32_MANTISSA_BITS);
    uint32_t m = magnitude & (F32_IMPLICIT_BIT - 1);
    return (struct exact){e ? m | F32_IMPLICIT_BIT : m, (e ? e : 1) - F32_BIAS - F32_MANTISSA_BITS};
}

/* x as a whole number of quanta 2^quantum; quantum >= x.exponent - 8. */
static uint32_t round_to_quantum(struct exact x, int quantum, enum float_rounding rounding,
                                 uint32_t r)
{
    int shift = quantum - x.exponent;
    if (shift <= 0)
        return x.significand << -shift;
    /* 32 bits of fraction say all there is to know: with more than 32 bits shifted out, what is
     * lost below them belongs to a fraction under 2^-8, which is no tie. */
    uint64_t fixed = (uint64_t)x.significand << 32 >> (shift < 63 ? shift : 63);
    uint32_t n = (uint32_t)(fixed >> 32), fraction = (uint32_t)fixed;
    uint32_t push = rounding == FLOAT_SR ? r : rounding == FLOAT_RNE ? 0x7FFFFFFF + (n & 1) : 0;
    return n + (uint32_t)(((uint64_t)fraction + push) >> 32);
}

uint32_t float_format_encode(const struct float_format *f, float x, enum float_rounding rounding,
                             bool saturate, uint32_t r)
{
    uint32_t magnitude = f32_bits(x) & 0x7FFFFFFF;
    uint32_t sign = f32_bits(x) >> 31 << (f->bits - 1);
    if (magnitude > F32_INFINITY)
        return f->nan_code;
    bool infinite = magnitude == F32_INFINITY;
    uint32_t body = f->max_code + 1;
    if (!infinite) {
        struct exact v = split(magnitude);
        int least = 1 - f->bias; /* exponent of the least normal value */
        int exponent = v.significand ? v.exponent + floor_log2(v.significand) : least;
        int quantum = (exponent > least ? exponent : least) - f->mantissa_bits;
        /* Below the least normal value the exponent field is 0 and n lacks the implicit bit, above
         * it n has it; either way a carry out of the mantissa lands in the exponent. */
        body = ((uint32_t)(quantum + f->mantissa_bits - least) << f->mantissa_bits) +
               round_to_quantum(v, quantum, rounding, r);
    }
    if (body > f->max_code) { /* asked after rounding: E4M3 464 is a tie that goes to 448 */
        bool has_neither = !f->has_inf && f->nan == FLOAT_NAN_NONE;
        if (saturate || has_neither || (rounding == FLOAT_RTZ && !infinite))
            body = f->max_code;
        else if (f->has_inf)
            body = f->max_code + 1;
        else
            return f->nan_code;
    }
    return !body && f->nan == FLOAT_NAN_NEGATIVE_ZERO ? 0 : sign | body;
}

static bool is_nan_code(const struct float_format *f, uint32_t code)
{
    uint32_t sign_bit = 1u << (f->bits - 1), body = code & (sign_bit - 1);
    switch (f->nan) {
    case FLOAT_NAN_IEEE:
        return body > f->max_code + 1;
    case FLOAT_NAN_TOP:
        return body == sign_bit - 1;
    case FLOAT_NAN_NEGATIVE_ZERO:
        return code == sign_bit;
    case FLOAT_NAN_NONE:
        break;
    }
    return false;
}

float float_format_decode(const struct float_format *f, uint32_t code)
{
    int mantissa_bits = f->mantissa_bits;
    uint32_t sign_bit = 1u << (f->bits - 1), body = code & (sign_bit - 1);
    if (is_nan_code(f, code & (2 * sign_bit - 1)))
        return f32_from_bits(F32_QUIET_NAN);
    uint32_t sign = code & sign_bit ? 0x80000000 : 0;
    if (f->has_inf && body == f->max_code + 1)
        return f32_from_bits(sign | F32_INFINITY);
    uint32_t m = body & ((1u << mantissa_bits) - 1);
    int e = (int)(body >> mantissa_bits);
    if (!e && f->bias < F32_BIAS) { /* a subnormal that is normal in binary32, or zero */
        if (!m)
            return f32_from_bits(sign);
        int up = mantissa_bits - floor_log2(m);
        m = m << up & ((1u << mantissa_bits) - 1);
        e = 1 - up;
    }
    return f32_from_bits(sign | (uint32_t)(e + F32_BIAS - f->bias) << F32_MANTISSA_BITS |
                         m << (F32_MANTISSA_BITS - mantissa_bits));
}

uint8_t e8m0_encode(float x, enum e8m0_rounding rounding)
{
    struct exact v = split(f32_bits(x) & 0x7FFFFFFF);
    int code = v.significand ? v.exponent + floor_log2(v.significand) + F32_BIAS : -1;
    if (code < 0)
        return 0;
    uint32_t one = 0x80000000, half = 0x40000000;
    uint32_t significand = v.significand << __builtin_clz(v.significand);
    if (rounding == E8M0_CEIL)
        code += significand > one;
    else if (rounding == E8M0_RNE)
        code += significand - one + (code & 1) > half;
    return (uint8_t)(code < E8M0_NAN ? code : E8M0_NAN - 1);
}

float e8m0_decode(uint8_t code)
{
    if (code == E8M0_NAN)
        return f32_from_bits(F32_QUIET_NAN);
    return f32_from_bits(code ? (uint32_t)code << F32_MANTISSA_BITS : F32_IMPLICIT_BIT / 2);
}

int8_t mxint8_encode(float x, bool symmetric)
{
    uint32_t magnitude = f32_bits(x) & 0x7FFFFFFF;
    bool negative = f32_bits(x) >> 31;
    if (magnitude > F32_INFINITY)
        return 0;
    int n = 128; /* |x| >= 4 */
    if (magnitude < f32_bits(4))
        n = (int)round_to_quantum(split(magnitude), -6, FLOAT_RNE, 0);
    int max = negative && !symmetric ? 128 : 127;
    n = n < max ? n : max;
    return (int8_t)(negative ? -n : n);
}
