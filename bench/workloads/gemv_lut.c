/* Formats of the GEMV task whose codes look levels up: packed in tiles for vectors, or in the form
 * in which they are exchanged, for a byte table and for decoding into a buffer first. */
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv.h"
#include "bench/workloads/gemv_scalar.h"
#include "numerics/buffer.h"
#include "numerics/kernels/gemm_lut.h"
#include "numerics/kernels/gemv_dense.h"
#include "numerics/kernels/gemv_lut8.h"

/* Four tiles: what gemm_lut works on at a time, and enough to pay for a byte table. */
enum { ROW_GROUP = 4 * CODE_TILE_ROWS };

struct lut {
    struct gemv_scalar coded;
    gemv_f32_fn *dense; /* of gemv_unfused, as the rest is */
    float *weights;     /* [rows][cols], decoded */
    size_t weights_bytes;
    float *row; /* [cols], for the reference */
};

static struct lut *lut_of(const struct gemv *g)
{
    return g->own;
}

static enum status lut_open(struct gemv *g, struct err *err)
{
    struct lut *l = g->own = calloc(1, sizeof *l);
    if (!l)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    g->row_group = ROW_GROUP;
    enum status s = gemv_scalar_open(g, g->format->spec, &l->coded, err);
    size_t block = l->coded.format.block;
    if (!s && l->coded.bits > CODE_MAX_BITS)
        s = status_fail(err, E_INTERNAL, "%s: %zu levels are too many", g->format->variant,
                        l->coded.codebook.n);
    if (!s && (block == BLOCK_CHANNEL ||
               (block != BLOCK_TENSOR && l->coded.format.scale_format != SCALE_BF16)))
        s = status_fail(err, E_INTERNAL, "%s: scales are not bf16 of blocks or one of the tensor",
                        g->format->variant);
    return s;
}

static void lut_close(struct gemv *g)
{
    struct lut *l = g->own;
    if (!l)
        return;
    gemv_scalar_drop(&l->coded);
    buffer_free(l->weights, l->weights_bytes);
    free(l->row);
    free(l);
}

/* The first levels are the codebook's. */
static void table_of(const struct lut *l, float *table)
{
    memcpy(table, l->coded.codebook.level, l->coded.codebook.n * sizeof *table);
}

/* ---- Tiles ---- */

static size_t tiled_group_bytes(const struct gemv *g)
{
    return code_tiles_bytes(lut_of(g)->coded.bits, ROW_GROUP, g->cols, g->block);
}

static enum status tiled_pack(struct gemv *g, void *out, struct err *err)
{
    struct gemv_scalar *c = &lut_of(g)->coded;
    enum status s = gemv_scalar_code(g, c, err);
    uint8_t *canonical = s ? NULL : malloc(g->pattern_rows * canonical_bytes(c->bits, g->cols));
    if (!s && !canonical)
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    if (!s) {
        canonical_pack(c->codes, g->pattern_rows, g->cols, c->bits, canonical);
        code_pack(canonical, c->narrow, c->bits, g->pattern_rows, g->cols, g->block, out);
    }
    free(canonical);
    gemv_scalar_drop(c);
    return s;
}

static struct code_matrix tiled(const struct gemv *g, const void *w)
{
    const struct lut *l = lut_of(g);
    struct code_matrix m = {.tiles = w,
                            .rows = g->rows,
                            .cols = g->cols,
                            .block = g->block,
                            .bits = l->coded.bits,
                            .scale = l->coded.scale};
    table_of(l, m.table);
    return m;
}

static void tiled_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                       size_t thread)
{
    (void)thread;
    struct code_matrix m = tiled(g, w);
    ((gemm_lut_fn *)g->variant->fn)(&m, g->x, g->tokens, y, row0, row1);
}

static void tiled_reference(const struct gemv *g, const void *w, size_t token, float *y,
                            size_t row0, size_t row1)
{
    struct code_matrix m = tiled(g, w);
    gemm_lut_ref(&m, g->x + token * g->cols, 1, y, row0, row1);
}

static double tiled_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct code_matrix m = tiled(g, w);
    return gemm_lut_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_lut = {.variants = gemm_lut_variants,
                                     .max_tokens = SIZE_MAX,
                                     .roof = ROOF_FMA_F32,
                                     .open = lut_open,
                                     .close = lut_close,
                                     .group_bytes = tiled_group_bytes,
                                     .pack = tiled_pack,
                                     .rows = tiled_rows,
                                     .reference = tiled_reference,
                                     .bound = tiled_bound};

/* ---- The canonical form: a group is the codes of its rows and then their scales ---- */

static size_t codes_bytes(const struct gemv *g)
{
    return ROW_GROUP * canonical_bytes(lut_of(g)->coded.bits, g->cols);
}

static size_t group_scales(const struct gemv *g)
{
    return g->block ? ROW_GROUP * ((g->cols + g->block - 1) / g->block) : 0;
}

/* A multiple of 64, so that scales and the next group's codes stay aligned. */
static size_t canonical_group_bytes(const struct gemv *g)
{
    return codes_bytes(g) + group_scales(g) * sizeof(uint16_t);
}

static enum status canonical_group_pack(struct gemv *g, void *out, struct err *err)
{
    struct gemv_scalar *c = &lut_of(g)->coded;
    enum status s = gemv_scalar_code(g, c, err);
    for (size_t i = 0; i < g->pattern_rows / ROW_GROUP && !s; i++) {
        uint8_t *group = (uint8_t *)out + i * g->group_bytes;
        canonical_pack(c->codes + i * ROW_GROUP * g->cols, ROW_GROUP, g->cols, c->bits, group);
        if (g->block)
            memcpy(group + codes_bytes(g), c->narrow + i * group_scales(g),
                   group_scales(g) * sizeof *c->narrow);
    }
    gemv_scalar_drop(c);
    return s;
}

/* The group that the row is in. */
static struct canonical_matrix canonical(const struct gemv *g, const void *w, size_t row)
{
    const struct lut *l = lut_of(g);
    const uint8_t *group = (const uint8_t *)w + row / ROW_GROUP * g->group_bytes;
    struct canonical_matrix m = {.codes = group,
                                 .scales = (const uint16_t *)(const void *)(group + codes_bytes(g)),
                                 .cols = g->cols,
                                 .block = g->block,
                                 .bits = l->coded.bits,
                                 .scale = l->coded.scale};
    table_of(l, m.table);
    return m;
}

static size_t group_end(size_t row, size_t row1)
{
    return row1 - row < ROW_GROUP ? row1 : row + ROW_GROUP;
}

static enum status lut8_open(struct gemv *g, struct err *err)
{
    enum status s = lut_open(g, err);
    if (!s && lut_of(g)->coded.bits != 1 && lut_of(g)->coded.bits != 2 &&
        lut_of(g)->coded.bits != 4)
        s = status_fail(err, E_INTERNAL, "%s: a byte holds no whole number of codes",
                        g->format->variant);
    return s;
}

static void lut8_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                      size_t thread)
{
    (void)thread;
    for (size_t r = row0; r < row1; r = group_end(r, row1)) {
        struct canonical_matrix m = canonical(g, w, r);
        ((gemv_lut8_fn *)g->variant->fn)(&m, g->x, y + r, 0, group_end(r, row1) - r);
    }
}

static void lut8_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    for (size_t r = row0; r < row1; r = group_end(r, row1)) {
        struct canonical_matrix m = canonical(g, w, r);
        gemv_lut8_ref(&m, g->x + token * g->cols, y + r, 0, group_end(r, row1) - r);
    }
}

static double lut8_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct canonical_matrix m = canonical(g, w, row);
    return gemv_lut8_bound(&m, g->x + token * g->cols, row % ROW_GROUP);
}

const struct gemv_kernel gemv_lut8 = {.variants = gemv_lut8_variants,
                                      .open = lut8_open,
                                      .close = lut_close,
                                      .group_bytes = canonical_group_bytes,
                                      .pack = canonical_group_pack,
                                      .rows = lut8_rows,
                                      .reference = lut8_reference,
                                      .bound = lut8_bound};

/* ---- Not fused: all weights are decoded to memory, and then multiplied ---- */

static enum status unfused_open(struct gemv *g, struct err *err)
{
    enum status s = lut8_open(g, err);
    if (!s && !g->block)
        s = status_fail(err, E_INTERNAL, "%s: has no blocks", g->format->variant);
    if (s)
        return s;
    struct lut *l = g->own;
    l->dense = (gemv_f32_fn *)kernel_pick(gemv_f32_variants, g->features)->fn;
    l->weights_bytes = g->rows * g->cols * sizeof *l->weights;
    l->weights = buffer_alloc(l->weights_bytes);
    l->row = malloc(g->cols * sizeof *l->row);
    if (!l->weights || !l->row)
        s = status_fail(err, E_NOMEM, "%s: no %zu bytes for decoded weights", g->format->variant,
                        l->weights_bytes);
    return s;
}

/* A thread multiplies the rows that it has decoded, so it waits for no other in between. */
static void unfused_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                         size_t thread)
{
    (void)thread;
    const struct lut *l = lut_of(g);
    for (size_t r = row0; r < row1; r = group_end(r, row1)) {
        struct canonical_matrix m = canonical(g, w, r);
        ((canonical_dequantise_fn *)g->variant->fn)(&m, 0, group_end(r, row1) - r,
                                                    l->weights + r * g->cols);
    }
    l->dense(l->weights, g->cols, g->x, y, row0, row1);
}

/* In l->row, which only the one token's thread uses. */
static const float *decoded_row(const struct gemv *g, const void *w, size_t row)
{
    const struct lut *l = lut_of(g);
    struct canonical_matrix m = canonical(g, w, row);
    canonical_dequantise_ref(&m, row % ROW_GROUP, row % ROW_GROUP + 1, l->row);
    return l->row;
}

static void unfused_reference(const struct gemv *g, const void *w, size_t token, float *y,
                              size_t row0, size_t row1)
{
    for (size_t r = row0; r < row1; r++)
        gemv_f32_ref(decoded_row(g, w, r), g->cols, g->x + token * g->cols, y + r, 0, 1);
}

static double unfused_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    return gemv_f32_bound(decoded_row(g, w, row), g->x + token * g->cols, g->cols);
}

const struct gemv_kernel gemv_unfused = {.variants = canonical_dequantise_variants,
                                         .open = unfused_open,
                                         .close = lut_close,
                                         .group_bytes = canonical_group_bytes,
                                         .pack = canonical_group_pack,
                                         .rows = unfused_rows,
                                         .reference = unfused_reference,
                                         .bound = unfused_bound};
