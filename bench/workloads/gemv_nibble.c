/* The four-bit formats of the GEMV task. */
#include <stdlib.h>

#include "bench/workloads/gemv.h"
#include "numerics/kernels/gemv_nibble.h"

static size_t row_bytes(const struct gemv *g)
{
    return nibble_row_bytes(g->cols, g->nibbles.block);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    size_t block = g->nibbles.block, blocks = block ? (g->cols + block - 1) / block : 0;
    uint8_t *codes = calloc(g->pattern_rows, (g->cols + 1) / 2);
    uint16_t *scales = calloc(g->pattern_rows * blocks + 1, sizeof *scales);
    enum status s = E_NOMEM;
    if (codes && scales)
        s = g->format->quantise(g, codes, scales, err);
    else
        status_fail(err, s, "%s: out of memory", g->format->variant);
    if (!s)
        nibble_pack(codes, scales, g->pattern_rows, g->cols, block, out);
    free(codes);
    free(scales);
    return s;
}

static struct nibble_matrix matrix(const struct gemv *g, const void *w)
{
    struct nibble_matrix m = g->nibbles;
    m.rows = w;
    return m;
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    ((gemv_nibble_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void lut4_reference(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_lut4_ref(&m, g->x, y, row0, row1);
}

static double lut4_bound(const struct gemv *g, const void *w, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_lut4_bound(&m, g->x, row);
}

const struct gemv_kernel gemv_lut4 = {.variants = gemv_lut4_variants,
                                      .row_bytes = row_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = lut4_reference,
                                      .bound = lut4_bound};

static void int4_reference(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_int4_ref(&m, g->x, y, row0, row1);
}

static double int4_bound(const struct gemv *g, const void *w, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_int4_bound(&m, g->x, row);
}

const struct gemv_kernel gemv_int4 = {.variants = gemv_int4_variants,
                                      .row_bytes = row_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = int4_reference,
                                      .bound = int4_bound};
