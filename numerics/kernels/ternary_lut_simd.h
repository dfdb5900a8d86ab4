/*
 * The look-up schemes of numerics/kernels/ternary.h for any vector of bytes.
 *
 * Its includer defines the type vec, LANES (its bytes),
 * and v_load, v_zero, v_and, v_set8, v_shift_right16, v_lookup(table, index) and v_table(16 bytes)
 * in all 128-bit lanes, v_unpack_low, v_unpack_high (bytes of a and b in turn, within 128-bit
 * lanes), v_add16, v_sub8, v_xor, v_bit(bytes, j) (all ones where bit j is set),
 * v_one_two(a) (bytes 2 i plus twice 2 i + 1, in 16 bits), and v_add_words(int32_t *sum, a).
 *
 * A vector of bytes is so many rows.  What is looked up has low and high bytes, which unpacking
 * joins to the 16-bit entries of the first and second eight rows of each 128-bit lane.  Two vectors
 * share the loads of the tables.
 */
#ifndef NUMERICS_KERNELS_TERNARY_LUT_SIMD_H
#define NUMERICS_KERNELS_TERNARY_LUT_SIMD_H

#include "numerics/kernels/ternary_arrange.h"

/* Units whose 16-bit sums fit: of tl1 two entries of at most 256; of tl2 eight of at most 384, and
 * one, since their signs are applied by complement; of tmac one of at most 512, and 127 (1 + 2). */
enum { TL1_UNITS = 63, TL2_UNITS = 10, TMAC16_UNITS = 63, TMAC8_UNITS = 85 };
enum { PARTS = 2, SLOTS = PARTS * LANES };

/* 16-bit sums of the rows of PARTS vectors: the first and second eights of 128-bit lanes. */
struct words {
    vec low[PARTS], high[PARTS];
};

/* Where vector p of a unit's byte lies, and how many there are. */
struct place {
    const uint8_t *at[PARTS];
    int parts;
};

/* How far ahead memory is asked for, in each of the two streams: groups of rows are long, and the
 * processor's own prefetching ends with a page. */
enum { BYTES_AHEAD = 2048 };

FLATTEN vec load_ahead(const uint8_t *p)
{
    __builtin_prefetch(p + BYTES_AHEAD);
    return v_load(p);
}

FLATTEN void words_zero(struct words *w)
{
#pragma GCC unroll 2
    for (int p = 0; p < PARTS; p++)
        w->low[p] = w->high[p] = v_zero();
}

FLATTEN void words_flush(const struct words *w, int parts, int32_t sum[SLOTS])
{
#pragma GCC unroll 2
    for (int p = 0; p < parts; p++) {
        v_add_words(sum + p * LANES, w->low[p]);
        v_add_words(sum + p * LANES + LANES / 2, w->high[p]);
    }
}

FLATTEN vec nibble(vec bytes, int which)
{
    return v_and(which ? v_shift_right16(bytes, 4) : bytes, v_set8(15));
}

/* Adds the entries of a 16-bit table; those whose sign is all ones are complemented. */
FLATTEN void look_up(struct words *w, int p, vec index, vec sign, vec low_table, vec high_table)
{
    vec low = v_xor(v_lookup(low_table, index), sign);
    vec high = v_xor(v_lookup(high_table, index), sign);
    w->low[p] = v_add16(w->low[p], v_unpack_low(low, high));
    w->high[p] = v_add16(w->high[p], v_unpack_high(low, high));
}

FLATTEN void look_up_plain(struct words *w, int p, vec index, vec low_table, vec high_table)
{
    vec low = v_lookup(low_table, index), high = v_lookup(high_table, index);
    w->low[p] = v_add16(w->low[p], v_unpack_low(low, high));
    w->high[p] = v_add16(w->high[p], v_unpack_high(low, high));
}

/* Sums over `units` units of tl1; returns the tables behind them. */
FLATTEN const uint8_t *tl1_sums(struct place w, size_t units, const uint8_t *table,
                                int32_t sum[SLOTS])
{
    for (size_t begin = 0; begin < units; begin += TL1_UNITS) {
        size_t end = units - begin < TL1_UNITS ? units : begin + TL1_UNITS;
        struct words words;
        words_zero(&words);
        for (size_t u = begin; u < end; u++, table += 2 * TABLE_BYTES)
#pragma GCC unroll 2
            for (int p = 0; p < w.parts; p++) {
                vec bytes = load_ahead(w.at[p] + u * TERNARY_LANES);
#pragma GCC unroll 2
                for (int i = 0; i < 2; i++)
                    look_up_plain(&words, p, nibble(bytes, i), v_table(table + i * TABLE_BYTES),
                                  v_table(table + i * TABLE_BYTES + ENTRIES));
            }
        words_flush(&words, w.parts, sum);
    }
    return table;
}

/* Of tl2.  Complement is one less than negation: negatives are counted, and added. */
FLATTEN const uint8_t *tl2_sums(struct place w, size_t units, const uint8_t *table,
                                int32_t sum[SLOTS])
{
    for (size_t begin = 0; begin < units; begin += TL2_UNITS) {
        size_t end = units - begin < TL2_UNITS ? units : begin + TL2_UNITS;
        struct words words;
        vec negative[PARTS] = {v_zero(), v_zero()};
        words_zero(&words);
        for (size_t u = begin; u < end; u++, table += 8 * TABLE_BYTES)
#pragma GCC unroll 2
            for (int p = 0; p < w.parts; p++) {
                const uint8_t *unit = w.at[p] + 5 * u * TERNARY_LANES;
                vec signs = load_ahead(unit + 4 * TERNARY_LANES), bytes = v_zero();
#pragma GCC unroll 8
                for (int j = 0; j < 8; j++) {
                    vec sign = v_bit(signs, j);
                    if (j % 2 == 0)
                        bytes = load_ahead(unit + j / 2 * TERNARY_LANES);
                    negative[p] = v_sub8(negative[p], sign);
                    look_up(&words, p, nibble(bytes, j % 2), sign, v_table(table + j * TABLE_BYTES),
                            v_table(table + j * TABLE_BYTES + ENTRIES));
                }
            }
#pragma GCC unroll 2
        for (int p = 0; p < w.parts; p++) {
            words.low[p] = v_add16(words.low[p], v_unpack_low(negative[p], v_zero()));
            words.high[p] = v_add16(words.high[p], v_unpack_high(negative[p], v_zero()));
        }
        words_flush(&words, w.parts, sum);
    }
    return table;
}

/* Of both planes apart, by 16-bit tables: sum[0] and sum[1]. */
FLATTEN void tmac16_sums(struct place w, size_t units, const uint8_t *table, int32_t sum[2][SLOTS])
{
    for (size_t begin = 0; begin < units; begin += TMAC16_UNITS) {
        size_t end = units - begin < TMAC16_UNITS ? units : begin + TMAC16_UNITS;
        struct words plane[2];
        words_zero(&plane[0]);
        words_zero(&plane[1]);
        for (size_t u = begin; u < end; u++, table += TABLE_BYTES) {
            vec low = v_table(table), high = v_table(table + ENTRIES);
#pragma GCC unroll 2
            for (int p = 0; p < w.parts; p++) {
                vec bytes = load_ahead(w.at[p] + u * TERNARY_LANES);
                look_up_plain(&plane[0], p, nibble(bytes, 0), low, high);
                look_up_plain(&plane[1], p, nibble(bytes, 1), low, high);
            }
        }
        words_flush(&plane[0], w.parts, sum[0]);
        words_flush(&plane[1], w.parts, sum[1]);
    }
}

/* Of the first plane and twice the second, by 8-bit tables. */
FLATTEN void tmac8_sums(struct place w, size_t units, const uint8_t *table, int32_t sum[SLOTS])
{
    for (size_t begin = 0; begin < units; begin += TMAC8_UNITS) {
        size_t end = units - begin < TMAC8_UNITS ? units : begin + TMAC8_UNITS;
        struct words words;
        words_zero(&words);
        for (size_t u = begin; u < end; u++, table += ENTRIES) {
            vec entries = v_table(table);
#pragma GCC unroll 2
            for (int p = 0; p < w.parts; p++) {
                vec bytes = load_ahead(w.at[p] + u * TERNARY_LANES);
                vec one = v_lookup(entries, nibble(bytes, 0));
                vec two = v_lookup(entries, nibble(bytes, 1));
                words.low[p] = v_add16(words.low[p], v_one_two(v_unpack_low(one, two)));
                words.high[p] = v_add16(words.high[p], v_one_two(v_unpack_high(one, two)));
            }
        }
        words_flush(&words, w.parts, sum);
    }
}

/* ---- From sums to y ---- */

enum lut_kind { TL1, TL2, TMAC16, TMAC8 };

FLATTEN void some_rows(enum lut_kind kind, const struct ternary_matrix *w,
                       const struct ternary_tokens *x, size_t token, struct place place, size_t row,
                       size_t row1, float *y)
{
    const uint8_t *table = x->arranged + token * x->arranged_stride;
    size_t fours = (w->cols + 3) / 4, triples = w->cols / 24;
    int32_t sum[2][SLOTS] = {{0}};
    float factor = w->gamma / x->s[token], step = w->gamma * x->step[token] / 2;
    float half = x->half[token] * w->gamma;
    if (kind == TL1) {
        tl1_sums(place, fours, table, sum[0]);
    } else if (kind == TL2) {
        table = tl2_sums(place, triples, table, sum[0]);
        for (int p = 0; p < place.parts; p++)
            place.at[p] += 5 * triples * TERNARY_LANES;
        tl1_sums(place, (w->cols - 24 * triples + 3) / 4, table, sum[0]);
    } else if (kind == TMAC16) {
        tmac16_sums(place, fours, table, sum);
    } else {
        tmac8_sums(place, fours, table, sum[0]);
    }
    for (size_t i = 0; i < (size_t)place.parts * LANES; i++) {
        /* the lane, the half and the entry of a slot */
        size_t slot = i % (LANES / 2), second = i / (LANES / 2) % 2;
        size_t r = row + i / LANES * LANES + slot / 8 * 16 + second * 8 + slot % 8;
        if (r >= row1)
            continue;
        int32_t s = kind == TMAC16 ? (sum[0][i] + 2 * sum[1][i] - x->sum[token]) / 2 : sum[0][i];
        y[r] = kind == TMAC8 ? (float)s * step - half : (float)s * factor;
    }
}

FLATTEN struct place place_of(const struct ternary_matrix *w, size_t row, int parts)
{
    size_t group_bytes = ternary_group_bytes(w->packing, w->cols);
    struct place place = {.parts = parts};
    for (size_t p = 0; p < (size_t)parts; p++, row += LANES)
        place.at[p] = w->packed + row / TERNARY_LANES * group_bytes + row % TERNARY_LANES;
    return place;
}

/* How many vectors there are becomes a constant of two copies of the loops. */
FLATTEN void all_rows(enum lut_kind kind, const struct ternary_matrix *w,
                      const struct ternary_tokens *x, float *y, size_t row0, size_t row1)
{
    for (size_t token = 0; token < x->m; token++, y += w->rows)
        for (size_t row = row0; row < row1; row += SLOTS)
            if (row1 - row > LANES)
                some_rows(kind, w, x, token, place_of(w, row, PARTS), row, row1, y);
            else
                some_rows(kind, w, x, token, place_of(w, row, 1), row, row1, y);
}

#endif
