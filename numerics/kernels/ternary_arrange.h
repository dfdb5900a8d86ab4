/*
 * The tables of the look-up schemes of numerics/kernels/ternary.h for one token, for inclusion in
 * the portable file and in those of an instruction set, whose compiler flags make vectors of the
 * loops over the 16 entries.
 *
 * A 16-bit table is 16 low bytes and then 16 high bytes of its entries; an 8-bit one 16 bytes.
 */
#ifndef NUMERICS_KERNELS_TERNARY_ARRANGE_H
#define NUMERICS_KERNELS_TERNARY_ARRANGE_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "numerics/kernels/ternary.h"

enum { ENTRIES = 16, TABLE_BYTES = 2 * ENTRIES };

/* Weights of an entry: sign[i][entry] of column i. */
static const int16_t pair_weights[2][ENTRIES] = {{-1, -1, -1, 0, 0, 0, 1, 1, 1},
                                                 {-1, 0, 1, -1, 0, 1, -1, 0, 1}};
static const int16_t triple_weights[3][ENTRIES] = {{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1},
                                                   {0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1},
                                                   {0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1}};
static const int16_t bit_weights[4][ENTRIES] = {
    {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1},
    {-1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1},
    {-1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1},
    {-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1}};

/* Vectors of the compiler's, whatever the instruction set. */
typedef int16_t words16 __attribute__((vector_size(2 * ENTRIES)));
typedef uint8_t bytes16 __attribute__((vector_size(ENTRIES)));

static inline __attribute__((always_inline)) uint8_t *word_tables(const int16_t weights[][ENTRIES],
                                                                  size_t inputs, const int8_t *q,
                                                                  size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++, q += inputs, out += TABLE_BYTES) {
        words16 entry = {0}, weight;
        for (size_t k = 0; k < inputs; k++) {
            memcpy(&weight, weights[k], sizeof weight);
            entry += weight * q[k];
        }
        bytes16 low = __builtin_convertvector(entry & 0xff, bytes16);
        bytes16 high = __builtin_convertvector(entry >> 8 & 0xff, bytes16);
        memcpy(out, &low, sizeof low);
        memcpy(out + ENTRIES, &high, sizeof high);
    }
    return out;
}

static inline uint8_t *pair_tables(const int8_t *q, size_t cols, uint8_t *out)
{
    return word_tables(pair_weights, 2, q, (cols + 3) / 4 * 2, out);
}

static inline void arrange_tl1(struct ternary_tokens *t, size_t i)
{
    pair_tables(t->q + i * t->stride, t->cols, t->arranged + i * t->arranged_stride);
}

static inline void arrange_tl2(struct ternary_tokens *t, size_t i)
{
    const int8_t *q = t->q + i * t->stride;
    size_t own = t->cols / 24 * 24;
    uint8_t *out = t->arranged + i * t->arranged_stride;
    pair_tables(q + own, t->cols - own, word_tables(triple_weights, 3, q, own / 3, out));
}

static inline void arrange_tmac_int16(struct ternary_tokens *t, size_t i)
{
    word_tables(bit_weights, 4, t->q + i * t->stride, (t->cols + 3) / 4,
                t->arranged + i * t->arranged_stride);
}

/* Four columns; zeros behind the last. */
static inline void four_of(const float *x, size_t cols, size_t c, float four[4])
{
    for (size_t k = 0; k < 4; k++)
        four[k] = c + k < cols ? x[c + k] : 0;
}

/* The step's least value keeps its inverse finite.  Where a sum is not finite, it is NaN, and what
 * the tables hold does not matter. */
static inline void arrange_tmac_int8(const float *x, struct ternary_tokens *t, size_t i)
{
    enum { WAYS = 16 };
    double sum[WAYS] = {0}, total = 0;
    float largest = 0;
    size_t cols = t->cols, c = 0;
    for (; c + WAYS <= cols; c += WAYS)
        for (size_t k = 0; k < WAYS; k++)
            sum[k] += x[c + k];
    for (; c < cols; c++)
        sum[c % WAYS] += x[c];
    for (size_t k = 0; k < WAYS; k++)
        total += sum[k];
    for (c = 0; c < cols; c += 4) {
        float four[4];
        four_of(x, cols, c, four);
        float magnitude = fabsf(four[0]) + fabsf(four[1]) + fabsf(four[2]) + fabsf(four[3]);
        largest = magnitude > largest ? magnitude : largest;
    }
    float step = largest / 127 > FLT_MIN ? largest / 127 : FLT_MIN, inverse = 1 / step;
    uint8_t *out = t->arranged + i * t->arranged_stride;
    for (c = 0; c < cols; c += 4, out += ENTRIES) {
        float four[4], entry[ENTRIES] = {0};
        uint32_t bits[ENTRIES];
        four_of(x, cols, c, four);
        for (size_t k = 0; k < 4; k++)
            for (size_t e = 0; e < ENTRIES; e++)
                entry[e] += (float)bit_weights[k][e] * four[k];
        /* beside 1.5 * 2^23 whole numbers are neighbours: the low byte is the rounded one's */
        for (size_t e = 0; e < ENTRIES; e++)
            entry[e] = entry[e] * inverse + 0x1.8p23f;
        memcpy(bits, entry, sizeof bits);
        for (size_t e = 0; e < ENTRIES; e++)
            out[e] = (uint8_t)bits[e];
    }
    t->step[i] = isfinite(total) && isfinite(step) ? step : NAN;
    t->half[i] = (float)(total / 2);
}

#endif
