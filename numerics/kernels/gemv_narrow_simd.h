/*
 * The vectorised gemv_narrow, written once for every vector length.
 *
 * Private to gemv_narrow_<isa>.c, which first defines LANES (f32 lanes of a register), ROWS (that
 * share a load of x), and
 *
 *   vec, bytes                           LANES f32 lanes; NARROW_BLOCK bytes
 *   v_zero, v_set1, v_add, v_mul, v_fmadd, v_load, v_sum (of the lanes)
 *   v_load_f16, v_load_i8                LANES numbers from memory, exactly
 *   v_load_e5m2                          likewise: a byte is the upper half of binary16
 *   v_load_e4m3                          the numbers over 2^8, which binary16 holds, and NaN codes
 *                                        as the number that their bits would be next
 *   b_zero, b_load, b_max_magnitude(a, b)  b without its sign, if it is larger
 *   b_has_127                            whether a byte is 127
 */
#ifndef NUMERICS_KERNELS_GEMV_NARROW_SIMD_H
#define NUMERICS_KERNELS_GEMV_NARROW_SIMD_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "numerics/kernels/gemv_narrow.h"

#define FLATTEN static inline __attribute__((always_inline))

/* How far ahead DRAM is asked for: eight rows' worth at the same column, so that every byte is
 * asked for once, whatever the length of a row; into L2, as x fills L1.  A share that fits into L2
 * is there already. */
enum { ROWS_AHEAD = 8, L2_BYTES = 1 << 20 };

enum { PER_BLOCK = NARROW_BLOCK / LANES, E8M0_CODES = 256 };

FLATTEN vec decode(const uint8_t *from, enum narrow_format format)
{
    switch (format) {
    case NARROW_F16:
        return v_load_f16(from);
    case NARROW_E4M3:
        return v_load_e4m3(from);
    case NARROW_E5M2:
        return v_load_e5m2(from);
    default:
        return v_load_i8(from);
    }
}

struct row_sums {
    vec sum[2]; /* two, so that enough fused adds are under way */
    bytes largest;
};

/* Adds 32 columns of a row. */
FLATTEN void add_block(const uint8_t *codes, const float *x, const float *scale,
                       enum narrow_format format, struct row_sums *s)
{
    size_t step = LANES * (format == NARROW_F16 ? 2 : 1);
    if (format == NARROW_E4M3)
        s->largest = b_max_magnitude(s->largest, b_load(codes));
    vec part = v_zero();
#pragma GCC unroll 4
    for (size_t i = 0; i < PER_BLOCK; i++) {
        vec w = decode(codes + i * step, format), xs = v_load(x + i * LANES);
        if (!scale)
            s->sum[i % 2] = v_fmadd(w, xs, s->sum[i % 2]);
        else
            part = i ? v_fmadd(w, xs, part) : v_mul(w, xs);
    }
    if (scale)
        s->sum[0] = v_fmadd(v_set1(*scale), part, s->sum[0]);
}

/* y of `rows` adjacent rows.  scale_of[] is the E8M0 codes' values. */
FLATTEN void tile(const struct narrow_matrix *w, const float *x, const float *x_tail, float *y,
                  size_t row, size_t rows, const float *scale_of, bool far,
                  enum narrow_format format)
{
    size_t bytes_each = format == NARROW_F16 ? 2 : 1, stride = w->cols * bytes_each;
    size_t blocks = (w->cols + NARROW_BLOCK - 1) / NARROW_BLOCK, c = 0;
    const uint8_t *codes = (const uint8_t *)w->codes + row * stride;
    const uint8_t *exponents = scale_of ? w->exponents + row * blocks : NULL;
    struct row_sums s[ROWS];
    for (size_t r = 0; r < rows; r++)
        s[r] = (struct row_sums){{v_zero(), v_zero()}, b_zero()};
    for (; c + NARROW_BLOCK <= w->cols; c += NARROW_BLOCK)
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            const uint8_t *from = codes + r * stride + c * bytes_each;
            if (far && c * bytes_each % 64 == 0) /* a line once */
                __builtin_prefetch(from + ROWS_AHEAD * stride, 0, 2);
            add_block(from, x + c,
                      scale_of ? &scale_of[exponents[r * blocks + c / NARROW_BLOCK]] : NULL, format,
                      &s[r]);
        }
    for (size_t r = 0; c < w->cols && r < rows; r++) {
        uint8_t tail[2 * NARROW_BLOCK] = {0};
        memcpy(tail, codes + r * stride + c * bytes_each, (w->cols - c) * bytes_each);
        add_block(tail, x_tail,
                  scale_of ? &scale_of[exponents[r * blocks + c / NARROW_BLOCK]] : NULL, format,
                  &s[r]);
    }
    float unit = format == NARROW_E4M3 ? 0x1p8f : format == NARROW_MXINT8 ? 0x1p-6f : 1;
    for (size_t r = 0; r < rows; r++) {
        float sum = unit * v_sum(v_add(s[r].sum[0], s[r].sum[1]));
        if (format == NARROW_E4M3 && b_has_127(s[r].largest))
            sum = NAN;
        y[row + r] = w->row_scales ? w->row_scales[row + r] * sum : sum;
    }
}

FLATTEN void all_rows(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1, const float *scale_of, enum narrow_format format)
{
    float x_tail[NARROW_BLOCK] = {0};
    size_t tail = w->cols % NARROW_BLOCK, r = row0;
    if (tail)
        memcpy(x_tail, x + w->cols - tail, tail * sizeof *x);
    bool far = (row1 - row0) * w->cols * narrow_bytes(format) > L2_BYTES;
    for (; r + ROWS <= row1; r += ROWS)
        tile(w, x, x_tail, y, r, ROWS, scale_of, far, format);
    for (; r < row1; r++)
        tile(w, x, x_tail, y, r, 1, scale_of, far, format);
}

/* Whether there are exponents becomes a constant, as the format does in gemv_narrow(). */
FLATTEN void any_scale(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                       size_t row1, enum narrow_format format)
{
    if (!w->exponents) {
        all_rows(w, x, y, row0, row1, NULL, format);
        return;
    }
    uint32_t bits[E8M0_CODES];
    float scale_of[E8M0_CODES];
    for (uint32_t e = 0; e < E8M0_CODES; e++)
        bits[e] = e << 23;
    bits[0] = 0x00400000;   /* 2^-127, a subnormal */
    bits[255] = 0x7fc00000; /* NaN */
    memcpy(scale_of, bits, sizeof scale_of);
    all_rows(w, x, y, row0, row1, scale_of, format);
}

FLATTEN void gemv_narrow(const struct narrow_matrix *w, const float *x, float *y, size_t row0,
                         size_t row1)
{
    switch (w->format) {
    case NARROW_F16:
        any_scale(w, x, y, row0, row1, NARROW_F16);
        break;
    case NARROW_E4M3:
        any_scale(w, x, y, row0, row1, NARROW_E4M3);
        break;
    case NARROW_E5M2:
        any_scale(w, x, y, row0, row1, NARROW_E5M2);
        break;
    case NARROW_INT8:
        any_scale(w, x, y, row0, row1, NARROW_INT8);
        break;
    default:
        any_scale(w, x, y, row0, row1, NARROW_MXINT8);
        break;
    }
}

#endif
