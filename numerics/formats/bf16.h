/*
 * bfloat16: the upper 16 bits of a binary32.
 *
 * Widening is exact.  Narrowing rounds to nearest even, overflows to infinity, keeps subnormals,
 * and keeps NaN a NaN (quiet).
 */
#ifndef NUMERICS_FORMATS_BF16_H
#define NUMERICS_FORMATS_BF16_H

#include <stdint.h>
#include <string.h>

static inline float bf16_to_f32(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static inline uint16_t bf16_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) /* the rounding add could carry a NaN into infinity */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
