/*
 * The loops around the kernels of gemm_fp6.h: panels of columns, whose activations are put into the
 * order in which a kernel decodes weights, once for all rows; tiles of rows; eight tokens at a
 * time.
 *
 * Private to gemm_fp6*_<isa>.c, which have F16C.
 */
#ifndef NUMERICS_KERNELS_GEMM_FP6_PANEL_H
#define NUMERICS_KERNELS_GEMM_FP6_PANEL_H

#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/gemm_fp6.h"

#define FP6_INLINE static inline __attribute__((always_inline))

enum { FP6_PANEL = 1 << 15, FP6_TOKENS = 8, FP6_PASS = 32 /* tokens that share a panel */ };

/* The columns of a chunk in the order of decoding: runs of `lanes` values; value l of run v is of
 * column base[v] + step * l, and `jump` later in a run's second half. */
struct fp6_order {
    uint8_t base[16];
    size_t lanes, step, jump;
};

struct fp6_panel {
    const float *x; /* [tokens / at_once][chunks][at_once][FP6_CHUNK], ordered */
    size_t col, chunks;
    bool far; /* what lies ahead is to be asked for, into L2: it is not there yet */
};

/* sum [at_once][rows at once]: unscaled sums over the panel of the rows from w's row `row` on */
typedef void fp6_tile_fn(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row,
                         float *sum);

/* One kernel: its order, and its tiles of `rows` rows (a divisor of FP6_TILE), for one token and
 * for `many_rows` rows and FP6_TOKENS tokens. */
struct fp6_kernel {
    struct fp6_order order;
    size_t rows, many_rows;
    int exponent; /* the sums are to be multiplied by 2^exponent */
};

FP6_INLINE void fp6_order_chunk(const struct fp6_order *o, const float *x, size_t cols, float *out)
{
    float padded[FP6_CHUNK] = {0};
    if (cols < FP6_CHUNK) {
        memcpy(padded, x, cols * sizeof *x);
        x = padded;
    }
    for (size_t v = 0; v < FP6_CHUNK / o->lanes; v++)
        for (size_t l = 0; l < o->lanes; l++)
            *out++ = x[o->base[v] + o->step * l + (l < o->lanes / 2 ? 0 : o->jump)];
}

/* Columns p->col on of m tokens to out; tokens are padded with zeros to whole blocks. */
FP6_INLINE void fp6_fill(const struct fp6_matrix *w, const struct fp6_order *o,
                         const struct fp6_panel *p, const float *x, size_t m, size_t at_once,
                         float *out)
{
    for (size_t t = 0; t < (m + at_once - 1) / at_once * at_once; t++)
        for (size_t c = 0; c < p->chunks; c++) {
            size_t col = p->col + c * FP6_CHUNK;
            float *to = out + ((t / at_once * p->chunks + c) * at_once + t % at_once) * FP6_CHUNK;
            if (t < m)
                fp6_order_chunk(o, x + t * w->cols + col,
                                w->cols - col < FP6_CHUNK ? w->cols - col : FP6_CHUNK, to);
            else
                memset(to, 0, FP6_CHUNK * sizeof *to);
        }
}

FP6_INLINE float fp6_row_factor(const struct fp6_matrix *w, size_t row, int exponent)
{
    return _cvtsh_ss(fp6_scale_bits(w, row)) * (float)(1 << exponent);
}

FP6_INLINE void fp6_all_rows(const struct fp6_matrix *w, const struct fp6_kernel *k,
                             const struct fp6_panel *p, size_t m, float *y, size_t row0,
                             size_t row1, bool last, size_t at_once, fp6_tile_fn *tile)
{
    size_t rows = at_once == 1 ? k->rows : k->many_rows;
    float factor[FP6_TILE] = {0};
    for (size_t r = row0; r < row1; r += rows) {
        size_t n = row1 - r < rows ? row1 - r : rows;
        for (size_t i = 0; last && i < n; i++)
            factor[i] = fp6_row_factor(w, r + i, k->exponent);
        for (size_t t = 0; t < m; t += at_once) {
            struct fp6_panel block = *p;
            float sum[FP6_TOKENS * FP6_TILE];
            block.x += t * p->chunks * FP6_CHUNK;
            tile(w, &block, r, sum);
            for (size_t s = 0; s < at_once && t + s < m; s++) {
                float *out = y + (t + s) * w->rows + r;
                for (size_t i = 0; i < n; i++) {
                    float total = p->col ? out[i] + sum[s * rows + i] : sum[s * rows + i];
                    out[i] = last ? total * factor[i] : total;
                }
            }
        }
    }
}

FP6_INLINE void fp6_gemm(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1, const struct fp6_kernel *k, fp6_tile_fn *one,
                         fp6_tile_fn *many)
{
    enum { L2_BYTES = 1 << 20 };
    _Alignas(64) float ordered[FP6_PANEL];
    size_t padded = fp6_padded_cols(w->cols), at_once = m > 1 ? FP6_TOKENS : 1;
    bool far = (row1 - row0) * fp6_row_bytes(w->format, w->layout, w->cols) > L2_BYTES;
    for (size_t t = 0; t < m; t += FP6_PASS) {
        size_t pass = m - t < FP6_PASS ? m - t : FP6_PASS, col = 0;
        size_t kept = (pass + at_once - 1) / at_once * at_once;
        do {
            size_t width = FP6_PANEL / kept / FP6_CHUNK * FP6_CHUNK;
            width = padded - col < width ? padded - col : width;
            struct fp6_panel p = {ordered, col, width / FP6_CHUNK, far};
            fp6_fill(w, &k->order, &p, x + t * w->cols, pass, at_once, ordered);
            col += width;
            if (at_once == 1)
                fp6_all_rows(w, k, &p, pass, y + t * w->rows, row0, row1, col == padded, 1, one);
            else
                fp6_all_rows(w, k, &p, pass, y + t * w->rows, row0, row1, col == padded, FP6_TOKENS,
                             many);
        } while (col < padded);
    }
}

#endif
