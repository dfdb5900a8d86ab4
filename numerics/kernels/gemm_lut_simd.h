/*
 * The vectorised gemm_lut, written once for every vector length.
 *
 * Private to gemm_lut_<isa>.c, which first defines LANES (f32 lanes of a register, at most 16) and
 * TILES (tiles that share the activations), and
 *
 *   vec, vec_int                  LANES 32-bit lanes
 *   v_zero, v_set1, v_mul, v_fmadd, v_add
 *   v_load, v_store, v_load_int   unaligned
 *   v_shift(v, n)                 each lane right by n, zeros in
 *   v_word(v, i)                  the lower (0) or upper (1) half of each lane, in its lower half
 *   v_shift_word(v, n)            that half right by n: what is above it afterwards is arbitrary
 *   v_select(mask, a, b)          the bits of a where those of the mask are 1, else those of b
 *   v_widen_bf16                  LANES of them from memory, any alignment
 *   v_keep(v)                     v is computed here: left to itself, GCC 12 puts a unit's sums off
 *                                 and spills what they are of
 *   v_lookup8, v_lookup16, v_lookup32 (table, index)   the entry of a table in memory that the low
 *                                 3, 4 or 5 bits of each lane choose; a table of 8 is there twice
 */
#ifndef NUMERICS_KERNELS_GEMM_LUT_SIMD_H
#define NUMERICS_KERNELS_GEMM_LUT_SIMD_H

#include <stdbool.h>
#include <string.h>

#include "numerics/kernels/gemm_lut.h"

#define FLATTEN static inline __attribute__((always_inline))

enum {
    PER_TILE = CODE_TILE_ROWS / LANES,
    VECTORS = TILES * PER_TILE,
    VECTOR_BYTES = 4 * CODE_TILE_ROWS,
    SCALES_BYTES = 2 * CODE_TILE_ROWS,
    TOGETHER = 4,    /* tokens that share a decoded weight */
    MAX_TOKENS = 16, /* that share a read of the weights */
    ROOM = 1 << 15   /* floats of prepared activations: most of them stay in L2 */
};

/* The columns begin .. end-1 of a call, and their activations prepared for `together` tokens: with
 * 1 and 2 bits the 16 sums of every nibble, [nibble][together][16], otherwise the activations
 * themselves, [column][together], and zeros up to a whole unit. */
struct panel {
    const float *prepared;
    size_t begin, end;
};

static bool by_sums(int bits)
{
    return bits <= 2;
}

/* Floats that a column of one token takes when prepared. */
static size_t prepared_floats(int bits)
{
    return by_sums(bits) ? 16 / (4 / (size_t)bits) : 1;
}

FLATTEN vec_int load_vector(const uint8_t *const *unit, int v, int vector)
{
    return v_load_int(unit[v / PER_TILE] + vector * VECTOR_BYTES + v % PER_TILE * 4 * LANES);
}

/* Adds a unit of all tiles, unscaled, to part[VECTORS][tokens]. */
FLATTEN void unit_sums(const uint8_t *const *unit, const float *sums, vec *part, int tokens,
                       int bits)
{
#pragma GCC unroll 1
    for (int d = 0; d < bits; d++)
#pragma GCC unroll 2
        for (int word = 0; word < 2; word++) {
            vec_int words[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                words[v] = v_word(load_vector(unit, v, d), word);
#pragma GCC unroll 4
            for (int n = 0; n < 4; n++, sums += 16 * tokens)
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++) {
                    vec_int index = v_shift_word(words[v], 4 * n);
#pragma GCC unroll 4
                    for (int t = 0; t < tokens; t++) {
                        vec *to = part + v * tokens + t;
                        *to = v_add(*to, v_lookup16(sums + 16 * t, index));
                        v_keep(*to);
                    }
                }
        }
}

FLATTEN vec lookup(const float *table, vec_int index, int bits)
{
    return bits == 3   ? v_lookup8(table, index)
           : bits == 4 ? v_lookup16(table, index)
                       : v_lookup32(table, index);
}

/* Adds a column, whose codes are in the low bits of index, to part[][tokens] of one vector. */
FLATTEN void add_column(const float *table, vec_int index, const float *x, vec *part, int tokens,
                        int bits)
{
    vec value = lookup(table, index, bits);
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++) {
        part[t] = v_fmadd(value, v_set1(x[t]), part[t]);
        v_keep(part[t]);
    }
}

FLATTEN void unit_products(const uint8_t *const *unit, const float *x, const float *table,
                           vec *part, int tokens, int bits)
{
    int per_word = 16 / bits;
#pragma GCC unroll 1
    for (int d = 0; d < bits; d++)
#pragma GCC unroll 10
        for (int k = 0; k < 2 * per_word; k++, x += tokens)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                int at = k / per_word * 16 + k % per_word * bits;
                add_column(table, v_shift(load_vector(unit, v, d), at), x, part + v * tokens,
                           tokens, bits);
            }
    if (2 * per_word * bits == CODE_UNIT)
        return;
        /* The top bits of the words, gathered at the top of both, are the last two columns. */
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        vec_int top = load_vector(unit, v, bits - 1);
#pragma GCC unroll 4
        for (int i = 0; i < bits - 1; i++) {
            int down = bits - 1 - i;
            top = v_select(0x80008000u >> down, v_shift(load_vector(unit, v, i), down), top);
        }
        add_column(table, v_shift(top, 16 - bits), x, part + v * tokens, tokens, bits);
        add_column(table, v_shift(top, 32 - bits), x + tokens, part + v * tokens, tokens, bits);
    }
}

/* Adds a panel to sum[VECTORS][tokens]; at[] is where each tile's panel begins. */
FLATTEN void tiles_times_panel(const struct code_matrix *w, const float *table,
                               const struct panel *p, const uint8_t *const *at, size_t ahead,
                               vec *sum, int tokens, int bits)
{
    const float *prepared = p->prepared;
    size_t unit_floats = CODE_UNIT * prepared_floats(bits) * (size_t)tokens, offset = 0;
    size_t block = w->block ? w->block : p->end - p->begin;
    for (size_t c = p->begin; c < p->end; c += block) {
        size_t cols = p->end - c < block ? p->end - c : block;
        vec part[VECTORS * TOGETHER];
#pragma GCC unroll 16
        for (int i = 0; i < VECTORS * tokens; i++)
            part[i] = v_zero();
        for (size_t u = 0; u < cols; u += CODE_UNIT) {
            const uint8_t *unit[TILES];
#pragma GCC unroll 4
            for (int i = 0; i < TILES; i++) {
                unit[i] = at[i] + offset;
                for (int d = 0; d < bits; d++)
                    __builtin_prefetch(unit[i] + ahead + d * VECTOR_BYTES, 0, 2);
            }
            if (by_sums(bits))
                unit_sums(unit, prepared, part, tokens, bits);
            else
                unit_products(unit, prepared, table, part, tokens, bits);
            offset += (size_t)bits * VECTOR_BYTES;
            prepared += unit_floats;
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            vec scale = v_set1(1);
            if (w->block)
                scale = v_widen_bf16(at[v / PER_TILE] + offset + v % PER_TILE * 2 * LANES);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++)
                sum[v * tokens + t] = v_fmadd(scale, part[v * tokens + t], sum[v * tokens + t]);
        }
        offset += w->block ? SCALES_BYTES : 0;
    }
}

/* What a panel adds to the rows row0 .. row1-1 of TILES tiles from the one of row `row` on, for
 * `tokens` tokens of which `m` have a column of y.  Until the last panel y holds unscaled sums. */
FLATTEN void panel_rows(const struct code_matrix *w, const float *table, const struct panel *p,
                        float *y, size_t m, size_t row, size_t row0, size_t row1, int tokens,
                        int bits)
{
    size_t tile_bytes = code_tile_bytes(w->bits, w->cols, w->block);
    size_t begin = p->begin / CODE_UNIT * (size_t)bits * VECTOR_BYTES +
                   (w->block ? p->begin / w->block * SCALES_BYTES : 0);
    const uint8_t *at[TILES];
    float all[TOGETHER][TILES * CODE_TILE_ROWS];
    vec sum[VECTORS * TOGETHER];
    size_t first = row > row0 ? row : row0;
    size_t end = row1 - row < TILES * CODE_TILE_ROWS ? row1 : row + TILES * CODE_TILE_ROWS;
    for (size_t i = 0; i < TILES; i++) /* beyond the last row, a tile is read again */
        at[i] = w->tiles + begin +
                (row + i * CODE_TILE_ROWS < end ? row / CODE_TILE_ROWS + i
                                                : (end - 1) / CODE_TILE_ROWS) *
                    tile_bytes;
    memset(all, 0, sizeof all);
    if (p->begin)
        for (size_t t = 0; t < m; t++)
            memcpy(all[t] + (first - row), y + t * w->rows + first, (end - first) * sizeof *y);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            sum[v * tokens + t] = v_load(all[t] + v * LANES);
    tiles_times_panel(w, table, p, at, TILES * tile_bytes, sum, tokens, bits);
    vec scale = v_set1(p->end == w->cols ? w->scale : 1);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            v_store(all[t] + v * LANES, v_mul(scale, sum[v * tokens + t]));
    for (size_t t = 0; t < m; t++)
        memcpy(y + t * w->rows + first, all[t] + (first - row), (end - first) * sizeof *y);
}

/* Fills prepared[][together] with the columns begin .. end-1 of m <= together tokens. */
FLATTEN void prepare(const struct code_matrix *w, const float *x, size_t m, size_t begin,
                     size_t end, float *prepared, int together, int bits)
{
    float of_column[4][16]; /* table[code of the column] for each nibble */
    size_t per_nibble = by_sums(bits) ? 4 / (size_t)bits : 1;
    for (size_t j = 0; j < per_nibble; j++)
        for (unsigned i = 0; i < 16; i++)
            of_column[j][i] = w->table[i >> (size_t)bits * j & ((1u << bits) - 1)];
    size_t padded = (end - begin + CODE_UNIT - 1) / CODE_UNIT * CODE_UNIT;
    for (size_t c = 0; c < padded; c += per_nibble)
        for (size_t t = 0; t < (size_t)together; t++) {
            float xs[4] = {0};
            for (size_t j = 0; j < per_nibble && t < m && begin + c + j < end; j++)
                xs[j] = x[t * w->cols + begin + c + j];
            if (!by_sums(bits))
                *prepared++ = xs[0];
            for (int lane = 0; by_sums(bits) && lane < 16; lane += LANES, prepared += LANES) {
                vec sum = v_mul(v_load(of_column[0] + lane), v_set1(xs[0]));
                for (size_t j = 1; j < per_nibble; j++)
                    sum = v_fmadd(v_load(of_column[j] + lane), v_set1(xs[j]), sum);
                v_store(prepared, sum);
            }
        }
}

/* Tokens prepared for the next `left`: one alone, or TOGETHER, of which one may be missing. */
static size_t tokens_together(size_t left)
{
    return left < TOGETHER - 1 ? 1 : TOGETHER;
}

FLATTEN void all_tokens(const struct code_matrix *w, const float *x, size_t m, float *y,
                        size_t row0, size_t row1, int bits)
{
    float prepared[ROOM] __attribute__((aligned(64)));
    float table[32];
    size_t entries = (size_t)1 << bits;
    for (size_t i = 0; i < 32; i++)
        table[i] = w->table[i % entries];
    size_t each = prepared_floats(bits);
    for (size_t t0 = 0; t0 < m; t0 += MAX_TOKENS) {
        size_t share = m - t0 < MAX_TOKENS ? m - t0 : MAX_TOKENS, places = 0;
        for (size_t t = 0; t < share; t += tokens_together(share - t))
            places += tokens_together(share - t);
        size_t width = ROOM / (each * places) / CODE_MAX_BLOCK * CODE_MAX_BLOCK, begin = 0;
        do {
            size_t end = w->cols - begin < width ? w->cols : begin + width;
            size_t padded = (end - begin + CODE_UNIT - 1) / CODE_UNIT * CODE_UNIT;
            float *to = prepared;
            for (size_t t = 0, n; t < share; t += n, to += padded * each * n) {
                n = tokens_together(share - t);
                const float *from = x + (t0 + t) * w->cols;
                if (n == 1)
                    prepare(w, from, 1, begin, end, to, 1, bits);
                else
                    prepare(w, from, share - t, begin, end, to, TOGETHER, bits);
            }
            for (size_t row = row0 / CODE_TILE_ROWS * CODE_TILE_ROWS; row < row1;
                 row += TILES * CODE_TILE_ROWS) {
                struct panel p = {prepared, begin, end};
                for (size_t t = 0, n; t < share; t += n, p.prepared += padded * each * n) {
                    n = tokens_together(share - t);
                    float *out = y + (t0 + t) * w->rows;
                    if (n == 1)
                        panel_rows(w, table, &p, out, 1, row, row0, row1, 1, bits);
                    else
                        panel_rows(w, table, &p, out, share - t < n ? share - t : n, row, row0,
                                   row1, TOGETHER, bits);
                }
            }
            begin = end;
        } while (begin < w->cols);
    }
}

/* The number of bits becomes a constant of a copy of the loops each. */
FLATTEN void gemm_lut(const struct code_matrix *w, const float *x, size_t m, float *y, size_t row0,
                      size_t row1)
{
    switch (w->bits) {
    case 1:
        all_tokens(w, x, m, y, row0, row1, 1);
        break;
    case 2:
        all_tokens(w, x, m, y, row0, row1, 2);
        break;
    case 3:
        all_tokens(w, x, m, y, row0, row1, 3);
        break;
    case 4:
        all_tokens(w, x, m, y, row0, row1, 4);
        break;
    default:
        all_tokens(w, x, m, y, row0, row1, 5);
        break;
    }
}

#endif
