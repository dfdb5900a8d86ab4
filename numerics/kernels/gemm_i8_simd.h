/*
 * The vectorised products of gemm_i8.h, written once for every vector length.
 *
 * Private to gemm_i8_<isa>.c, which first defines LANES (32-bit lanes of a register),
 * TOKENS_AT_ONCE (whose sums fit in registers: a power of two), and the types and operations that
 * C's vector types lack:
 *
 *   vec, vec_float                  LANES 32-bit lanes
 *   v_load, v_zero, v_set8, v_set32, v_add8, v_add32, v_sub32, v_and,
 *   v_average8 (rounded up), v_less8 (saturated at 0)
 *   v_shift_left16, v_shift_right16 16-bit lanes by a constant
 *   v_choose_bits(m, a, b)          bits of a where m has ones, of b elsewhere
 *   v_lookup(table, index)          table repeats every 16 bytes; bit 7 of an index gives 0
 *   v_mirror(u, flags)              bytes: 128 - u where bit 6 of the flag is set, else u
 *   v_float, vf_zero, vf_set, vf_load, vf_store, vf_multiply, vf_fused(a, b, c): a * b + c
 *   v_table(bytes)                  16 bytes to every 16
 *   scale_bf16, scale_e8m0          LANES scales from memory
 *   scale_e4m3                      the same, times 2^-8
 *   dots(sum, chains, u, n, largest, q)
 *       sum[v % chains] += the dot products of four unsigned bytes of u[v], all at most `largest`,
 *       and q[4 v] .. q[4 v + 3], for v < n; only the sum over chains is promised
 *   DIRECT_CHAINS, direct_sums(kind, sum, bytes, q), direct_total(kind, sum)
 *       a way of its own to the sum of codes (not biased) times q for one token, without decoding
 *       to vectors, in that many chains; 0 chains: there is none
 *   MOST_CHAINS                     4 or DIRECT_CHAINS
 */
#ifndef NUMERICS_KERNELS_GEMM_I8_SIMD_H
#define NUMERICS_KERNELS_GEMM_I8_SIMD_H

#include <stdbool.h>
#include <string.h>

#include "numerics/kernels/gemm_i8.h"

enum { PARTS = GEMM_I8_TILE / LANES, VECTOR = 64, MOST_ITEMS = GEMM_I8_MAX_GROUP / 4 };
enum { PART_BYTES = VECTOR / PARTS };

struct kind_facts {
    int offset;  /* an unsigned byte is a value plus this */
    int largest; /* of these bytes */
    int group, group_bytes;
};

FLATTEN struct kind_facts facts(enum kind kind)
{
    static const struct kind_facts of[] = {
        [BYTES] = {128, 255, 16, 256}, [INT4] = {8, 15, 16, 128}, [E2M1] = {12, 24, 16, 128},
        [SIXES] = {64, 124, 16, 192},  [PAIRS] = {1, 2, 16, 64},  [DIGITS] = {1, 2, 20, 64},
        [BITS] = {0, 1, 32, 64},
    };
    return of[kind];
}

/* Column 4 v + j of a group, biased by the kind's offset, to byte j of the dwords of u[v]. */
FLATTEN void decode(enum kind kind, const uint8_t *bytes, vec *u)
{
    static const uint8_t e2m1[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    /* What a magnitude of 16 + i exceeds i by, in eighths: E2M3 goes in steps of 2 and 4 there. */
    static const uint8_t above[16] = {16, 17, 18, 19, 20, 21, 22, 23,
                                      24, 27, 30, 33, 36, 39, 42, 45};
    vec low4 = v_set8(15);
    int items = facts(kind).group / 4;
#pragma GCC unroll 8
    for (int v = 0; v < items; v++)
        switch (kind) {
        case BYTES:
            u[v] = v_load(bytes + VECTOR * v);
            break;
        case INT4:
        case E2M1:
            u[v] = v_load(bytes + VECTOR * (v / 2));
            u[v] = v_and(v % 2 ? v_shift_right16(u[v], 4) : u[v], low4);
            if (kind == E2M1)
                u[v] = v_lookup(v_table(e2m1), u[v]);
            break;
        case SIXES: {
            vec low = v_load(bytes + VECTOR * (v / 2)), high = v_load(bytes + 2 * VECTOR);
            low = v % 2 ? v_shift_right16(low, 4) : low;
            /* bits 7 and 6 say "below 16" and the sign; the look-up ignores 6, 5 and 4 */
            vec index = v_choose_bits(low4, low, v_shift_left16(high, 2 * v));
            vec linear = v_choose_bits(low4, low, v_set8(64));
            u[v] = v_mirror(v_add8(linear, v_lookup(v_table(above), index)), index);
            break;
        }
        case PAIRS:
            u[v] = v_and(v_shift_right16(v_load(bytes), 2 * v), v_set8(3));
            break;
        case DIGITS: {
            /* x is the byte times 3^v; its digit is (3 x) >> 8, whether 3 x / 4 reaches 64 or 128;
             * averages round up, which x - 1 makes up for */
            vec x = v_load(bytes);
            for (int k = 0; k < v; k++)
                x = v_add8(v_add8(x, x), x);
            x = v_less8(x, v_set8(1));
            x = v_average8(x, v_average8(x, v_zero()));
            u[v] = v_and(v_shift_right16(x, 6), v_set8(3));
            break;
        }
        case BITS:
            u[v] = v_and(v_shift_right16(v_load(bytes), v), v_set8(1));
            break;
        }
}

FLATTEN vec_float block_scale(enum gemm_i8_scale scale, const uint8_t *scales)
{
    return scale == GEMM_I8_BF16   ? scale_bf16(scales)
           : scale == GEMM_I8_E8M0 ? scale_e8m0(scales)
                                   : scale_e4m3(scales);
}

FLATTEN size_t scale_bytes(enum gemm_i8_scale scale)
{
    return scale == GEMM_I8_TENSOR ? 0 : scale == GEMM_I8_ROW ? 4 : scale == GEMM_I8_BF16 ? 2 : 1;
}

/* A sum is a chain of dependent additions; where tokens and blocks are too few to overlap it with
 * others, it is kept in several. */
FLATTEN int chains_of(bool blocks, int tokens)
{
    return tokens > 2 ? 1 : blocks ? 2 : 4 / tokens;
}

/* One or two tokens run as fast as memory, and then an explicit prefetch only costs (5 % here);
 * with more, a processor's own prefetching of such a slow stream does not reach far enough. */
enum { BYTES_AHEAD = 4096 };

FLATTEN void ask_for(const uint8_t *bytes, int n)
{
#pragma GCC unroll 4
    for (int line = 0; line < n; line += VECTOR)
        __builtin_prefetch(bytes + BYTES_AHEAD + line, 0, 2);
}

/* What does not change from tile to tile. */
struct job {
    const struct gemm_i8_matrix *w;
    const struct gemm_i8_tokens *x;
    size_t blocks, groups; /* groups of a block */
};

/* 16 rows of the tokens `token` .. token + tokens - 1. */
FLATTEN void tile_of_tokens(const struct job *job, const uint8_t *tile, size_t token, int tokens,
                            enum kind kind, enum gemm_i8_scale scale, size_t groups,
                            float y[TOKENS_AT_ONCE][GEMM_I8_TILE])
{
    const struct gemm_i8_tokens *x = job->x;
    const struct gemm_i8_matrix *w = job->w;
    struct kind_facts k = facts(kind);
    bool has_blocks = scale != GEMM_I8_TENSOR && scale != GEMM_I8_ROW;
    bool direct = (kind == DIGITS || kind == BITS) && tokens == 1 && DIRECT_CHAINS > 0;
    int chains = direct ? DIRECT_CHAINS : chains_of(has_blocks, tokens);
    const uint8_t *bytes = tile, *scales = tile;
    size_t size = GEMM_I8_TILE * scale_bytes(scale);
    const int8_t *q = x->q + token * x->stride;
    size_t sums_stride = has_blocks ? job->blocks : 1;
    vec sum[PARTS][TOKENS_AT_ONCE][MOST_CHAINS];
    vec_float total[PARTS][TOKENS_AT_ONCE];
    for (int p = 0; p < PARTS; p++)
        for (int t = 0; t < tokens; t++)
            total[p][t] = vf_zero();
    for (size_t b = 0; b < job->blocks; b++) {
        scales += size;
        if (size && b % (VECTOR / size) == 0) {
            scales = bytes;
            bytes += VECTOR;
            if (tokens > 2)
                ask_for(scales, VECTOR);
        }
        const int32_t *sums = has_blocks ? x->block_sums + token * job->blocks + b : x->sum + token;
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++)
            for (int p = 0; p < PARTS; p++) {
                int32_t bias = direct ? 0 : -k.offset * sums[(size_t)t * sums_stride];
                sum[p][t][0] = k.offset ? v_set32(bias) : v_zero();
                for (int c = 1; c < chains; c++)
                    sum[p][t][c] = v_zero();
            }
#pragma GCC unroll 2
        for (size_t g = 0; g < groups; g++, bytes += k.group_bytes, q += k.group) {
            if (tokens > 2)
                ask_for(bytes, k.group_bytes);
#pragma GCC unroll 2
            for (int p = 0; p < PARTS; p++) {
                if (direct) {
                    direct_sums(kind, sum[p][0], v_load(bytes + PART_BYTES * p), q);
                    continue;
                }
                vec u[MOST_ITEMS];
                decode(kind, bytes + PART_BYTES * p, u);
#pragma GCC unroll 8
                for (int t = 0; t < tokens; t++)
                    dots(sum[p][t], chains, u, k.group / 4, k.largest, q + (size_t)t * x->stride);
            }
        }
#pragma GCC unroll 2
        for (int p = 0; p < PARTS; p++) {
            vec_float factor = vf_zero();
            if (has_blocks)
                factor = block_scale(scale, scales + p * LANES * scale_bytes(scale));
#pragma GCC unroll 8
            for (int t = 0; t < tokens; t++) {
                for (int c = 1; c < chains && !direct; c++)
                    sum[p][t][0] = v_add32(sum[p][t][0], sum[p][t][c]);
                if (direct)
                    sum[p][t][0] = v_sub32(direct_total(kind, sum[p][t]),
                                           v_set32(k.offset * sums[(size_t)t * sums_stride]));
                vec_float f = v_float(sum[p][t][0]);
                if (kind == BITS)
                    f = vf_fused(f, vf_set(w->high - w->low),
                                 vf_set(w->low * (float)sums[(size_t)t * sums_stride]));
                total[p][t] = has_blocks ? vf_fused(factor, f, total[p][t]) : f;
            }
        }
    }
    double unit = (double)w->scale * w->format->unit * (scale == GEMM_I8_E4M3 ? 256 : 1);
    for (int t = 0; t < tokens; t++)
        for (int p = 0; p < PARTS; p++) {
            vec_float f = total[p][t];
            if (scale == GEMM_I8_ROW)
                f = vf_multiply(f, vf_load(scales + p * LANES * sizeof(float)));
            vf_store(y[t] + LANES * p,
                     vf_multiply(f, vf_set((float)(unit / x->s[token + (size_t)t]))));
        }
}

FLATTEN void all_tiles(const struct job *job, float *y, size_t row0, size_t row1, enum kind kind,
                       enum gemm_i8_scale scale, size_t groups)
{
    const struct gemm_i8_matrix *w = job->w;
    size_t tile_bytes = gemm_i8_tile_bytes(w->format, w->cols, w->block);
    for (size_t row = row0; row < row1; row += GEMM_I8_TILE) {
        const uint8_t *tile = w->tiles + row / GEMM_I8_TILE * tile_bytes;
        size_t rows = row1 - row < GEMM_I8_TILE ? row1 - row : GEMM_I8_TILE, done;
        for (size_t token = 0; token < job->x->m; token += done) {
            float out[TOKENS_AT_ONCE][GEMM_I8_TILE];
            size_t left = job->x->m - token;
            if (TOKENS_AT_ONCE >= 8 && left >= 8)
                tile_of_tokens(job, tile, token, 8, kind, scale, groups, out), done = 8;
            else if (left >= 4)
                tile_of_tokens(job, tile, token, 4, kind, scale, groups, out), done = 4;
            else if (left >= 2)
                tile_of_tokens(job, tile, token, 2, kind, scale, groups, out), done = 2;
            else
                tile_of_tokens(job, tile, token, 1, kind, scale, groups, out), done = 1;
            for (size_t t = 0; t < done; t++)
                memcpy(y + (token + t) * w->rows + row, out[t], rows * sizeof *y);
        }
    }
}

/* What a format's loops are made of becomes constants of a copy of them. */
FLATTEN void any_format(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                        size_t row0, size_t row1)
{
    const struct gemm_i8_format *f = w->format;
    size_t padded = gemm_i8_padded_cols(f, w->cols, w->block);
    struct job job = {w, x, w->block ? padded / w->block : 1,
                      (w->block ? w->block : padded) / f->group};
    switch (f->layout) {
    case GEMM_I8_BYTES:
        all_tiles(&job, y, row0, row1, BYTES, GEMM_I8_ROW, job.groups);
        break;
    case GEMM_I8_NIBBLES:
        if (f->scale == GEMM_I8_E8M0)
            all_tiles(&job, y, row0, row1, E2M1, GEMM_I8_E8M0, 2);
        else if (f->scale == GEMM_I8_E4M3)
            all_tiles(&job, y, row0, row1, E2M1, GEMM_I8_E4M3, 1);
        else
            all_tiles(&job, y, row0, row1, INT4, GEMM_I8_BF16, job.groups);
        break;
    case GEMM_I8_SIXES:
        all_tiles(&job, y, row0, row1, SIXES, GEMM_I8_ROW, job.groups);
        break;
    case GEMM_I8_PAIRS:
        all_tiles(&job, y, row0, row1, PAIRS, GEMM_I8_TENSOR, job.groups);
        break;
    case GEMM_I8_DIGITS:
        all_tiles(&job, y, row0, row1, DIGITS, GEMM_I8_TENSOR, job.groups);
        break;
    case GEMM_I8_BITS:
        all_tiles(&job, y, row0, row1, BITS, GEMM_I8_BF16, 2);
        break;
    }
}

#endif
