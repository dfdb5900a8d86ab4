#include "numerics/kernels/ternary_packing.h"

#include <string.h>

#include "numerics/formats/float_format.h"
#include "numerics/kernels/gemm_i8.h"

enum { QUARTER = 32, TQ1_QUINTS = 48, TQ1_CODES = 52, TL2_TRIPLES = 8 };

/* ---- 2-bit codes ---- */

/* 128 weights, the first quarter of them at bit first, the next step bits further. */
static void pack_quarters(const int8_t *t, int first, int step, uint8_t *bytes)
{
    memset(bytes, 0, QUARTER);
    for (int j = 0; j < 4; j++)
        for (int p = 0; p < QUARTER; p++)
            bytes[p] |= (uint8_t)((t[QUARTER * j + p] + 1) << (first + step * j));
}

static void unpack_quarters(const uint8_t *bytes, int first, int step, int8_t *t)
{
    for (int j = 0; j < 4; j++)
        for (int p = 0; p < QUARTER; p++)
            t[QUARTER * j + p] = (int8_t)((bytes[p] >> (first + step * j) & 3) - 1);
}

static void put_scale(uint16_t scale, uint8_t *bytes)
{
    bytes[0] = (uint8_t)scale;
    bytes[1] = (uint8_t)(scale >> 8);
}

static void i2s_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    (void)scale;
    pack_quarters(t, 6, -2, unit);
}

static void i2s_unpack(const uint8_t *unit, int8_t *t)
{
    unpack_quarters(unit, 6, -2, t);
}

static void tq2_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    for (int half = 0; half < 2; half++)
        pack_quarters(t + 128 * half, 0, 2, unit + QUARTER * half);
    put_scale(scale, unit + 64);
}

static void tq2_unpack(const uint8_t *unit, int8_t *t)
{
    for (int half = 0; half < 2; half++)
        unpack_quarters(unit + QUARTER * half, 0, 2, t + 128 * half);
}

/* ---- Digit bytes ---- */

/* The weight that is digit n of a byte; 256 where there is none. */
static int tq1_weight(int byte, int n)
{
    if (byte < QUARTER)
        return byte + QUARTER * n;
    if (byte < TQ1_QUINTS)
        return 160 + byte - QUARTER + 16 * n;
    return n < 4 ? 240 + byte - TQ1_QUINTS + 4 * n : 256;
}

static void tq1_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    for (int b = 0; b < TQ1_CODES; b++) {
        unsigned number = 0;
        for (int n = 0; n < 5; n++) {
            int weight = tq1_weight(b, n);
            number = 3 * number + (weight < 256 ? (unsigned)(t[weight] + 1) : 0);
        }
        unit[b] = gemm_i8_digit_byte(number);
    }
    put_scale(scale, unit + TQ1_CODES);
}

static void tq1_unpack(const uint8_t *unit, int8_t *t)
{
    for (int b = 0; b < TQ1_CODES; b++)
        for (unsigned n = 0; n < 5; n++) {
            int weight = tq1_weight(b, (int)n);
            if (weight < 256)
                t[weight] = (int8_t)((int)gemm_i8_digit(unit[b], n) - 1);
        }
}

/* ---- Numbers of table entries ---- */

static void tl1_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    (void)scale;
    *unit = (uint8_t)(3 * (t[0] + 1) + t[1] + 1 + 16 * (3 * (t[2] + 1) + t[3] + 1));
}

static void tl1_unpack(const uint8_t *unit, int8_t *t)
{
    for (int i = 0; i < 2; i++) {
        int pair = *unit >> 4 * i & 15;
        t[2 * i] = (int8_t)(pair / 3 - 1);
        t[2 * i + 1] = (int8_t)(pair % 3 - 1);
    }
}

static void tl2_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    (void)scale;
    memset(unit, 0, 5);
    for (int j = 0; j < TL2_TRIPLES; j++, t += 3) {
        int v = 9 * t[0] + 3 * t[1] + t[2];
        unit[j / 2] |= (uint8_t)((v < 0 ? -v : v) << 4 * (j % 2));
        unit[4] |= (uint8_t)((v < 0) << j);
    }
}

/* Digits -1, 0, 1 from the least significant on: the remainder 2 is -1 and a carry. */
void ternary_triple(int v, int8_t *t)
{
    for (int i = 2; i >= 0; i--) {
        int digit = (v + 1) % 3 - 1;
        t[i] = (int8_t)digit;
        v = (v - digit) / 3;
    }
}

static void tl2_unpack(const uint8_t *unit, int8_t *t)
{
    for (int j = 0; j < TL2_TRIPLES; j++, t += 3) {
        ternary_triple(unit[j / 2] >> 4 * (j % 2) & 15, t);
        for (int i = 0; i < 3 && unit[4] >> j & 1; i++)
            t[i] = (int8_t)-t[i];
    }
}

static void planes_pack(const int8_t *t, uint16_t scale, uint8_t *unit)
{
    (void)scale;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int code = t[i] + 2;
        *unit |= (uint8_t)((code & 1) << i | (code >> 1) << (4 + i));
    }
}

static void planes_unpack(const uint8_t *unit, int8_t *t)
{
    for (int i = 0; i < 4; i++)
        t[i] = (int8_t)((*unit >> i & 1) + 2 * (*unit >> (4 + i) & 1) - 2);
}

const struct ternary_packing ternary_i2s = {"i2s", 128, 32, 1, NULL, i2s_pack, i2s_unpack};
const struct ternary_packing ternary_tq2 = {"tq2", 256, 66, 1, NULL, tq2_pack, tq2_unpack};
const struct ternary_packing ternary_tq1 = {"tq1", 256, 54, 1, NULL, tq1_pack, tq1_unpack};
const struct ternary_packing ternary_tl1 = {"tl1", 4, 1, TERNARY_LANES, NULL, tl1_pack, tl1_unpack};
const struct ternary_packing ternary_tl2 = {"tl2",        24,       5,         TERNARY_LANES,
                                            &ternary_tl1, tl2_pack, tl2_unpack};
const struct ternary_packing ternary_planes = {"planes",     4, 1, TERNARY_LANES, NULL, planes_pack,
                                               planes_unpack};

/* ---- Rows ---- */

/* Columns that p itself packs; the rest are the tail's. */
static size_t own_cols(const struct ternary_packing *p, size_t cols)
{
    return p->tail ? cols / p->cols * p->cols : cols;
}

static size_t units(const struct ternary_packing *p, size_t cols)
{
    return (cols + p->cols - 1) / p->cols;
}

size_t ternary_group_bytes(const struct ternary_packing *p, size_t cols)
{
    size_t own = own_cols(p, cols);
    size_t tail = p->tail ? ternary_group_bytes(p->tail, cols - own) : 0;
    return units(p, own) * p->bytes * p->row_group + tail;
}

/* Row r of a group that begins at out; t NULL: zeros. */
static void pack_row(const struct ternary_packing *p, const int8_t *t, size_t cols, uint16_t scale,
                     uint8_t *out, size_t r)
{
    size_t own = own_cols(p, cols), count = units(p, own);
    for (size_t u = 0; u < count; u++) {
        int8_t weights[TERNARY_MAX_UNIT] = {0};
        uint8_t unit[TERNARY_MAX_UNIT];
        size_t c = u * p->cols, n = own - c < p->cols ? own - c : p->cols;
        if (t)
            memcpy(weights, t + c, n);
        p->pack(weights, scale, unit);
        for (size_t b = 0; b < p->bytes; b++)
            out[(u * p->bytes + b) * p->row_group + r] = unit[b];
    }
    if (p->tail)
        pack_row(p->tail, t ? t + own : NULL, cols - own, scale,
                 out + count * p->bytes * p->row_group, r);
}

void ternary_pack(const struct ternary_packing *p, const int8_t *t, size_t rows, size_t cols,
                  float gamma, uint8_t *out)
{
    const struct float_format *binary16 = float_format_find("fp16");
    uint16_t scale = (uint16_t)float_format_encode(binary16, gamma, FLOAT_RNE, true, 0);
    size_t group_bytes = ternary_group_bytes(p, cols);
    for (size_t row = 0; row < (rows + p->row_group - 1) / p->row_group * p->row_group; row++)
        pack_row(p, row < rows ? t + row * cols : NULL, cols, scale,
                 out + row / p->row_group * group_bytes, row % p->row_group);
}

static void unpack_units(const struct ternary_packing *p, const uint8_t *group, size_t r,
                         size_t cols, int8_t *t)
{
    size_t own = own_cols(p, cols), count = units(p, own);
    for (size_t u = 0; u < count; u++) {
        int8_t weights[TERNARY_MAX_UNIT];
        uint8_t unit[TERNARY_MAX_UNIT];
        size_t c = u * p->cols, n = own - c < p->cols ? own - c : p->cols;
        for (size_t b = 0; b < p->bytes; b++)
            unit[b] = group[(u * p->bytes + b) * p->row_group + r];
        p->unpack(unit, weights);
        memcpy(t + c, weights, n);
    }
    if (p->tail)
        unpack_units(p->tail, group + count * p->bytes * p->row_group, r, cols - own, t + own);
}

void ternary_unpack_row(const struct ternary_packing *p, const uint8_t *packed, size_t row,
                        size_t cols, int8_t *t)
{
    unpack_units(p, packed + row / p->row_group * ternary_group_bytes(p, cols), row % p->row_group,
                 cols, t);
}
