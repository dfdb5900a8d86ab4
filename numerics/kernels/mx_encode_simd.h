/*
 * The vectorised block conversions of mx_encode.h, compiled once for every vector length by
 * mx_encode_<isa>.c, and private to it.
 *
 * A chunk that stays in the first-level cache is divided by its scales first, and then goes
 * through the element conversion of numerics/kernels/convert.h as a whole.  Loops have the fixed
 * length of a block, so that the compiler keeps one in registers.
 */
#ifndef NUMERICS_KERNELS_MX_ENCODE_SIMD_H
#define NUMERICS_KERNELS_MX_ENCODE_SIMD_H

#include <math.h>
#include <string.h>

#include "numerics/kernels/convert.h"
#include "numerics/kernels/mx_encode.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { CHUNK = 1024, NVFP4_BLOCKS = CHUNK / NVFP4_BLOCK };
enum { F32_INFINITY = 0x7F800000, F32_MAGNITUDE = 0x7FFFFFFF };

/* Adding and taking away this rounds to an integer, to nearest even, below 2^22 in magnitude; and
 * the low bits of the sum are that integer in two's complement. */
static const float round_magic = 0x1.8p23f;

FLATTEN uint32_t largest_bits(const float *x, size_t block)
{
    uint32_t bits[MX_BLOCK], largest = 0;
    memcpy(bits, x, block * sizeof *x);
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < block; i++) {
        uint32_t magnitude = bits[i] & F32_MAGNITUDE;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

/* `whole` blocks of x; what a block of NaN becomes is 0. */
FLATTEN void scale_blocks(const struct mx_format *f, enum mx_rule rule, const float *x,
                          size_t whole, uint8_t *scales, float *scaled)
{
    for (size_t b = 0; b < whole; b++, x += MX_BLOCK, scaled += MX_BLOCK) {
        scales[b] = mx_scale(f, rule, largest_bits(x, MX_BLOCK));
        if (scales[b] == E8M0_NAN) {
            memset(scaled, 0, MX_BLOCK * sizeof *scaled);
            continue;
        }
        float inverse = e8m0_decode((uint8_t)(E8M0_NAN - 1 - scales[b]));
#pragma omp simd
        for (size_t i = 0; i < MX_BLOCK; i++)
            scaled[i] = x[i] * inverse;
    }
}

/* Clamping before rounding is clamping after it, since the ends are integers. */
FLATTEN void encode_integers(const struct mx_format *f, const float *scaled, size_t n,
                             uint8_t *codes)
{
    float unit = (float)(1 << f->fraction_bits), largest = (float)f->largest_integer;
    uint8_t one[CHUNK + 1];
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = scaled[i] * unit;
        v = v < largest ? v : largest;
        v = v > -largest ? v : -largest;
        v += round_magic;
        uint32_t bits;
        memcpy(&bits, &v, sizeof bits);
        one[i] = (uint8_t)bits;
    }
    if (f->bits == 8) {
        memcpy(codes, one, n);
        return;
    }
    one[n] = 0;
#pragma omp simd
    for (size_t i = 0; i < (n + 1) / 2; i++)
        codes[i] = (uint8_t)((one[2 * i] & 15) | one[2 * i + 1] << 4);
}

FLATTEN void decode_integers(const struct mx_format *f, const uint8_t *codes, size_t n, float *out)
{
    float unit = 1 / (float)(1 << f->fraction_bits);
    if (f->bits == 8) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(int8_t)codes[i] * unit;
        return;
    }
    for (size_t i = 0; i + 1 < n; i += 2) {
        out[i] = (float)((int8_t)(uint8_t)(codes[i / 2] << 4) >> 4) * unit;
        out[i + 1] = (float)((int8_t)codes[i / 2] >> 4) * unit;
    }
    if (n % 2)
        out[n - 1] = (float)((int8_t)(uint8_t)(codes[n / 2] << 4) >> 4) * unit;
}

FLATTEN void encode_any(convert_rne_fn *convert, const struct mx_format *f, enum mx_rule rule,
                        const float *x, size_t n, uint8_t *codes, uint8_t *scales)
{
    for (size_t part; n; n -= part, x += part) {
        float scaled[CHUNK], last[MX_BLOCK] = {0};
        part = n < CHUNK ? n : CHUNK;
        size_t whole = part / MX_BLOCK, rest = part % MX_BLOCK;
        scale_blocks(f, rule, x, whole, scales, scaled);
        if (rest) {
            memcpy(last, x + part - rest, rest * sizeof *x);
            scale_blocks(f, rule, last, 1, scales + whole, scaled + whole * MX_BLOCK);
        }
        if (f->element)
            convert(f->element, scaled, part, codes);
        else
            encode_integers(f, scaled, part, codes);
        codes += mx_code_bytes(f, part);
        scales += mx_blocks(part, MX_BLOCK);
    }
}

/* out [n] times the scale of each block. */
FLATTEN void multiply_blocks(float *out, size_t n, const float *scale, size_t block)
{
    size_t whole = n / block;
    for (size_t b = 0; b < whole; b++)
#pragma omp simd
        for (size_t i = 0; i < block; i++)
            out[b * block + i] *= scale[b];
    for (size_t i = whole * block; i < n; i++)
        out[i] *= scale[whole];
}

FLATTEN void decode_any(convert_decode_fn *convert, const struct mx_format *f, const uint8_t *codes,
                        const uint8_t *scales, size_t n, float *out)
{
    for (size_t part; n; n -= part, out += part) {
        float scale[CHUNK / MX_BLOCK];
        part = n < CHUNK ? n : CHUNK;
        size_t blocks = mx_blocks(part, MX_BLOCK);
        for (size_t b = 0; b < blocks; b++)
            scale[b] = e8m0_decode(scales[b]);
        if (f->element)
            convert(f->element, codes, part, out);
        else
            decode_integers(f, codes, part, out);
        multiply_blocks(out, part, scale, MX_BLOCK);
        codes += mx_code_bytes(f, part);
        scales += blocks;
    }
}

/* The scale of a block relative to that of the tensor, not yet rounded to E4M3. */
FLATTEN float relative_scale(uint32_t bits, float tensor_scale)
{
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    if (bits >= F32_INFINITY)
        return NAN;
    return bits ? largest / 6 / tensor_scale : 0;
}

/* A quotient by 0, or by the NaN of a block that has one, is not used. */
FLATTEN void divide_block(const float *x, float scale, float *scaled)
{
    if (!(scale > 0)) {
        memset(scaled, 0, NVFP4_BLOCK * sizeof *scaled);
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < NVFP4_BLOCK; i++)
        scaled[i] = x[i] / scale;
}

FLATTEN void nvfp4_encode_any(convert_rne_fn *convert, convert_decode_fn *back, const float *x,
                              size_t n, float tensor_scale, uint8_t *codes, uint8_t *scales)
{
    const struct float_format *e2m1 = float_format_find("e2m1"), *e4m3 = float_format_find("e4m3");
    for (size_t part; n; n -= part, x += part) {
        float scaled[CHUNK], scale[NVFP4_BLOCKS], last[NVFP4_BLOCK] = {0};
        part = n < CHUNK ? n : CHUNK;
        size_t whole = part / NVFP4_BLOCK, rest = part % NVFP4_BLOCK, blocks = whole + (rest > 0);
        memcpy(last, x + part - rest, rest * sizeof *x);
        for (size_t b = 0; b < whole; b++)
            scale[b] = relative_scale(largest_bits(x + b * NVFP4_BLOCK, NVFP4_BLOCK), tensor_scale);
        if (rest)
            scale[whole] = relative_scale(largest_bits(last, NVFP4_BLOCK), tensor_scale);
        convert(e4m3, scale, blocks, scales);
        back(e4m3, scales, blocks, scale);
        for (size_t b = 0; b < whole; b++)
            divide_block(x + b * NVFP4_BLOCK, scale[b] * tensor_scale, scaled + b * NVFP4_BLOCK);
        if (rest)
            divide_block(last, scale[whole] * tensor_scale, scaled + whole * NVFP4_BLOCK);
        convert(e2m1, scaled, part, codes);
        codes += part / 2;
        scales += blocks;
    }
}

FLATTEN void nvfp4_decode_any(convert_decode_fn *convert, const uint8_t *codes,
                              const uint8_t *scales, size_t n, float tensor_scale, float *out)
{
    const struct float_format *e2m1 = float_format_find("e2m1"), *e4m3 = float_format_find("e4m3");
    for (size_t part; n; n -= part, out += part) {
        float scale[NVFP4_BLOCKS];
        part = n < CHUNK ? n : CHUNK;
        size_t blocks = mx_blocks(part, NVFP4_BLOCK);
        convert(e4m3, scales, blocks, scale);
        for (size_t b = 0; b < blocks; b++)
            scale[b] *= tensor_scale;
        convert(e2m1, codes, part, out);
        multiply_blocks(out, part, scale, NVFP4_BLOCK);
        codes += part / 2;
        scales += blocks;
    }
}

#endif
