/* The plain C of gemv_lut8 and canonical_dequantise, private to the files that compile it. */
#ifndef NUMERICS_KERNELS_GEMV_LUT8_PLAIN_H
#define NUMERICS_KERNELS_GEMV_LUT8_PLAIN_H

#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/code_matrix.h"
#include "numerics/kernels/gemv_lut8.h"

#define FLATTEN static inline __attribute__((always_inline))

/* Eight columns; GCC and clang map its arithmetic to whatever vectors the target has. */
typedef float eight __attribute__((vector_size(32)));

enum { SUMS = 4, STEP = 8 * SUMS }; /* added up apart, so that enough sums are under way */

static inline size_t block_end(const struct canonical_matrix *w, size_t c)
{
    return w->block && w->cols - c > w->block ? c + w->block : w->cols;
}

/* lut[byte][i]: the value of the i-th code of a byte, the first in its highest bits. */
FLATTEN void build_lut(const struct canonical_matrix *w, float *lut, size_t bits)
{
    for (size_t byte = 0; byte < 256; byte++)
        for (size_t i = 0; i < 8 / bits; i++)
            *lut++ = w->table[byte >> (8 - bits * (i + 1)) & (((size_t)1 << bits) - 1)];
}

/* The values of the next eight columns, which `bits` bytes hold. */
FLATTEN void look_up(const uint8_t *bytes, const float *lut, size_t bits, eight *values)
{
    if (bits == 1) {
        memcpy(values, lut + 8 * bytes[0], sizeof *values);
        return;
    }
    typedef uint64_t pairs __attribute__((vector_size(32)));
    uint64_t pair[4];
    for (size_t i = 0; i < 4; i++) /* two columns at a time, as a byte of 4-bit codes has no more */
        memcpy(pair + i, lut + 8 / bits * bytes[i * bits / 4] + 2 * i % (8 / bits), sizeof *pair);
    pairs all = {pair[0], pair[1], pair[2], pair[3]};
    memcpy(values, &all, sizeof all);
}

FLATTEN float block_sum(const uint8_t *row, const float *lut, const float *x, size_t c, size_t end,
                        const float *table, size_t bits)
{
    eight sum[SUMS] = {{0}};
    float all = 0;
    for (; end - c >= STEP; c += STEP)
        for (size_t i = 0; i < SUMS; i++) {
            eight values, xs;
            look_up(row + (c / 8 + i) * bits, lut, bits, &values);
            memcpy(&xs, x + c + 8 * i, sizeof xs);
            sum[i] += values * xs;
        }
    for (; c < end; c++)
        all += table[canonical_code(row, (int)bits, c)] * x[c];
    eight four = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int i = 0; i < 8; i++)
        all += four[i];
    return all;
}

FLATTEN void lut8_rows(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                       size_t row1, size_t bits)
{
    float lut[256 * 8];
    size_t row_bytes = canonical_bytes((int)bits, w->cols);
    size_t blocks = w->block ? (w->cols + w->block - 1) / w->block : 0;
    build_lut(w, lut, bits);
    for (size_t r = row0; r < row1; r++) {
        const uint16_t *scale = blocks ? w->scales + r * blocks : NULL;
        float sum = 0;
        for (size_t c = 0, end; c < w->cols; c = end) {
            end = block_end(w, c);
            float part = block_sum(w->codes + r * row_bytes, lut, x, c, end, w->table, bits);
            sum += scale ? bf16_to_f32(*scale++) * part : part;
        }
        y[r] = w->scale * sum;
    }
}

FLATTEN void gemv_lut8(const struct canonical_matrix *w, const float *x, float *y, size_t row0,
                       size_t row1)
{
    switch (w->bits) {
    case 1:
        lut8_rows(w, x, y, row0, row1, 1);
        break;
    case 2:
        lut8_rows(w, x, y, row0, row1, 2);
        break;
    default:
        lut8_rows(w, x, y, row0, row1, 4);
        break;
    }
}

FLATTEN void dequantise_rows(const struct canonical_matrix *w, size_t row0, size_t row1, float *out,
                             size_t bits)
{
    float lut[256 * 8];
    size_t row_bytes = canonical_bytes((int)bits, w->cols);
    size_t blocks = w->block ? (w->cols + w->block - 1) / w->block : 0;
    build_lut(w, lut, bits);
    for (size_t r = row0; r < row1; r++, out += w->cols) {
        const uint8_t *row = w->codes + r * row_bytes;
        for (size_t c = 0, end; c < w->cols; c = end) {
            end = block_end(w, c);
            float scale = blocks ? bf16_to_f32(w->scales[r * blocks + c / w->block]) : 1;
            size_t at = c;
            for (; end - at >= 8; at += 8) {
                eight values;
                look_up(row + at / 8 * bits, lut, bits, &values);
                values *= scale;
                memcpy(out + at, &values, sizeof values);
            }
            for (; at < end; at++)
                out[at] = scale * w->table[canonical_code(row, (int)bits, at)];
        }
    }
}

FLATTEN void canonical_dequantise(const struct canonical_matrix *w, size_t row0, size_t row1,
                                  float *out)
{
    switch (w->bits) {
    case 1:
        dequantise_rows(w, row0, row1, out, 1);
        break;
    case 2:
        dequantise_rows(w, row0, row1, out, 2);
        break;
    default:
        dequantise_rows(w, row0, row1, out, 4);
        break;
    }
}

#endif
