/*
 * The vectorised gemm_bf16, written once for every vector length.
 *
 * Private to gemm_bf16_<isa>.c, which first defines LANES (f32 lanes of a register), ROWS and
 * TOKENS (the sums of a tile in registers), GEMV (the kernel for one token), and
 *
 *   vec, vec_int                   LANES 32-bit lanes
 *   v_zero, v_load, v_fmadd, v_sum (of the lanes)
 *   v_load_int                     2 * LANES bf16 from memory
 *   v_even, v_odd                  those at even places, and at odd ones, as f32
 *   v_even_of, v_odd_of (a, b)     the same of 2 * LANES f32
 *   v_keep(v)                      v is computed here, not later
 */
#ifndef NUMERICS_KERNELS_GEMM_BF16_SIMD_H
#define NUMERICS_KERNELS_GEMM_BF16_SIMD_H

#include <string.h>

#include "numerics/kernels/gemm_bf16.h"
#include "numerics/kernels/gemv_dense.h"

#define FLATTEN static inline __attribute__((always_inline))

/* PANEL columns of the activations of TOKENS tokens, their even columns before their odd ones in
 * every STEP, are prepared in L1 for all rows of a share. */
enum { STEP = 2 * LANES, PANEL = 1024 };

/* Adds a panel to y[tokens][rows] of `rows` rows: x is prepared, w and its rows' stride are in
 * columns, and what is behind `cols` is zero in x.  Weights `ahead` columns further are asked for.
 */
FLATTEN void tile(const uint16_t *w, size_t stride, size_t cols, const float *x, float *y,
                  size_t y_stride, int rows, int tokens, size_t m, int first, size_t ahead)
{
    vec sum[ROWS * TOKENS];
    size_t c = 0;
#pragma GCC unroll 32
    for (int i = 0; i < rows * tokens; i++)
        sum[i] = v_zero();
    for (; c < cols; c += STEP) {
        vec even[ROWS], odd[ROWS];
        uint16_t tail[ROWS][STEP];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const uint16_t *from = w + (size_t)r * stride + c;
            __builtin_prefetch(from + ahead, 0, 2);
            if (cols - c < STEP) {
                memset(tail[r], 0, sizeof tail[r]);
                memcpy(tail[r], from, (cols - c) * sizeof *from);
                from = tail[r];
            }
            vec_int both = v_load_int(from);
            even[r] = v_even(both);
            odd[r] = v_odd(both);
        }
#pragma GCC unroll 6
        for (int t = 0; t < tokens; t++) {
            vec xs = v_load(x + t * PANEL + c);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                sum[r * tokens + t] = v_fmadd(even[r], xs, sum[r * tokens + t]);
                v_keep(sum[r * tokens + t]);
            }
            xs = v_load(x + t * PANEL + c + LANES);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                sum[r * tokens + t] = v_fmadd(odd[r], xs, sum[r * tokens + t]);
                v_keep(sum[r * tokens + t]);
            }
        }
    }
#pragma GCC unroll 6
    for (int t = 0; t < tokens; t++)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            if ((size_t)t < m) {
                float *to = y + (size_t)t * y_stride + r;
                *to = (first ? 0 : *to) + v_sum(sum[r * tokens + t]);
            }
}

/* Columns c .. c+cols-1 of m <= TOKENS tokens, and zeros up to whole steps and TOKENS tokens. */
static void prepare(const float *x, size_t stride, size_t cols, size_t m, float *out)
{
    for (size_t t = 0; t < TOKENS; t++)
        for (size_t c = 0; c < cols; c += STEP) {
            float two[STEP] = {0};
            size_t n = t >= m ? 0 : cols - c < STEP ? cols - c : STEP;
            memcpy(two, x + (n ? t * stride + c : 0), n * sizeof *x);
            vec low = v_load(two), high = v_load(two + LANES);
            v_store(out + t * PANEL + c, v_even_of(low, high));
            v_store(out + t * PANEL + c + LANES, v_odd_of(low, high));
        }
}

FLATTEN void gemm_bf16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t m,
                       float *y, size_t row0, size_t row1)
{
    /* Every token of a call has its panel here, so that a tile of weights serves them all. */
    enum { GROUPS = 32 / TOKENS + 1 };
    float prepared[GROUPS][TOKENS * PANEL] __attribute__((aligned(64)));
    if (m == 1) {
        GEMV(w, cols, x, y, row0, row1);
        return;
    }
    for (size_t t0 = 0; t0 < m; t0 += GROUPS * TOKENS) {
        size_t share = m - t0 < GROUPS * TOKENS ? m - t0 : GROUPS * TOKENS, begin = 0;
        do {
            size_t n = cols - begin < PANEL ? cols - begin : PANEL;
            for (size_t t = 0; t < share; t += TOKENS)
                prepare(x + (t0 + t) * cols + begin, cols, n,
                        share - t < TOKENS ? share - t : TOKENS, prepared[t / TOKENS]);
            for (size_t r = row0, step; r < row1; r += step) {
                step = row1 - r < ROWS ? 1 : ROWS;
                const uint16_t *from = w + r * cols + begin;
                for (size_t t = 0; t < share; t += TOKENS) {
                    float *to = y + (t0 + t) * rows + r;
                    size_t left = share - t < TOKENS ? share - t : TOKENS;
                    const float *xs = prepared[t / TOKENS];
                    size_t ahead = t ? 0 : ROWS * cols; /* the next tile, asked for once */
                    if (step == ROWS && left > TOKENS / 2)
                        tile(from, cols, n, xs, to, rows, ROWS, TOKENS, left, !begin, ahead);
                    else if (step == ROWS)
                        tile(from, cols, n, xs, to, rows, ROWS, TOKENS / 2, left, !begin, ahead);
                    else
                        tile(from, cols, n, xs, to, rows, 1, TOKENS, left, !begin, ahead);
                }
            }
            begin += n;
        } while (begin < cols);
    }
}

#endif
