/* The four-bit formats of the GEMV task. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemv_nibble.h"

static size_t group_bytes(const struct gemv *g)
{
    return nibble_row_bytes(g->cols, g->block);
}

struct block_format gemv_block_format(const struct codebook *codebook, size_t block)
{
    return (struct block_format){.codebook = codebook,
                                 .rule = block ? SCALE_ABSMAX : SCALE_RMS,
                                 .scale_format = block ? SCALE_BF16 : SCALE_F32,
                                 .block = block ? block : BLOCK_TENSOR,
                                 .multiplier = 1};
}

/* One code in a byte to two, the even column in the low nibble.  nibble [16]: what the kernel reads
 * for a level's number. */
static void pair_codes(const uint8_t *one, size_t rows, size_t cols, const uint8_t *nibble,
                       uint8_t *two)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            two[r * ((cols + 1) / 2) + c / 2] |=
                (uint8_t)(nibble[one[r * cols + c]] << 4 * (c % 2));
}

/* Numbers of levels to nibbles; returns what a nibble is to be multiplied by. */
static float nibbles_of(const struct codebook *c, bool arithmetic, uint8_t *nibble)
{
    float step = arithmetic ? (c->level[c->n - 1] - c->level[0]) / (float)(c->n - 1) : 1;
    for (size_t i = 0; i < c->n; i++)
        nibble[i] = arithmetic ? (uint8_t)((int)rintf(c->level[i] / step) & 15) : (uint8_t)i;
    return step;
}

static enum status open(struct gemv *g, struct err *err)
{
    struct nibble_matrix *m = g->own = calloc(1, sizeof *m);
    if (!m)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    *m = (struct nibble_matrix){.cols = g->cols, .block = g->block, .scale = 1};
    return OK;
}

static void close(struct gemv *g)
{
    free(g->own);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct nibble_matrix *m = g->own;
    struct codebook codebook;
    enum status s = g->format->codebook(g->block, &codebook, err);
    if (s)
        return s;
    uint8_t nibble[16];
    float step = nibbles_of(&codebook, g->format->kernel == &gemv_int4, nibble);
    struct block_format format = gemv_block_format(&codebook, g->block);
    struct block_kernels kernels = block_kernels_pick(g->features);
    size_t n = g->pattern_rows * g->cols;
    size_t scale_count = block_format_scales(&format, g->pattern_rows, g->cols);
    uint8_t *one = malloc(n), *two = calloc(g->pattern_rows, (g->cols + 1) / 2);
    float *wide = malloc(scale_count * sizeof *wide);
    uint16_t *scales = malloc(scale_count * sizeof *scales);
    if (!one || !two || !wide || !scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, g->pattern, g->pattern_rows, g->cols, one, wide);
    pair_codes(one, g->pattern_rows, g->cols, nibble, two);
    for (size_t i = 0; i < scale_count; i++)
        scales[i] = bf16_from_f32(wide[i]); /* exact: they are bf16 values */
    memcpy(m->table, codebook.level, sizeof m->table);
    m->scale = g->block ? step : step * wide[0];
    nibble_pack(two, scales, g->pattern_rows, g->cols, g->block, out);
out:
    free(one);
    free(two);
    free(wide);
    free(scales);
    return s;
}

static struct nibble_matrix matrix(const struct gemv *g, const void *w)
{
    struct nibble_matrix m = *(const struct nibble_matrix *)g->own;
    m.rows = w;
    return m;
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    (void)thread;
    struct nibble_matrix m = matrix(g, w);
    ((gemv_nibble_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void lut4_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_lut4_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double lut4_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_lut4_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_lut4 = {.variants = gemv_lut4_variants,
                                      .open = open,
                                      .close = close,
                                      .group_bytes = group_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = lut4_reference,
                                      .bound = lut4_bound};

static void int4_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_int4_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double int4_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_int4_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_int4 = {.variants = gemv_int4_variants,
                                      .open = open,
                                      .close = close,
                                      .group_bytes = group_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = int4_reference,
                                      .bound = int4_bound};
