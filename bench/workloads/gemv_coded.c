/* Formats of the GEMV task with codes of their own: a Huffman stream of a uniform grid, and vectors
 * of weights. */
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/entropy_grid.h"
#include "numerics/formats/vector_codebook.h"
#include "numerics/kernels/gemv_huffman.h"
#include "numerics/kernels/gemv_vector.h"

static enum status no_memory(const struct gemv *g, struct err *err)
{
    return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
}

/* ---- Huffman: a copy is the beginnings of its rows and their streams ---- */

struct coded {
    struct huffman_code code;
    float *level;
    struct huffman_lookup lookup;
    uint8_t *stream; /* of the pattern's rows */
    uint32_t *begin; /* [pattern_rows + 1], where they begin in it and end */
};

static enum status huffman_open(struct gemv *g, struct err *err)
{
    g->own = calloc(1, sizeof(struct coded));
    return g->own ? OK : no_memory(g, err);
}

static void huffman_close(struct gemv *g)
{
    struct coded *c = g->own;
    if (!c)
        return;
    huffman_free(&c->code);
    free(c->level);
    free(c->stream);
    free(c->begin);
    free(c);
}

/* Rows one behind the other, each from a whole byte on. */
static enum status encode_rows(const struct gemv *g, const uint16_t *symbols, struct err *err)
{
    struct coded *c = g->own;
    size_t bytes = 0;
    c->begin = malloc((g->pattern_rows + 1) * sizeof *c->begin);
    if (!c->begin)
        return no_memory(g, err);
    for (size_t r = 0; r < g->pattern_rows; r++) {
        c->begin[r] = (uint32_t)bytes;
        bytes +=
            huffman_bytes(huffman_bits(&c->code, symbols + r * g->cols, g->cols)) - HUFFMAN_PADDING;
    }
    c->begin[g->pattern_rows] = (uint32_t)bytes;
    if (bytes > UINT32_MAX / (g->rows / g->pattern_rows + 1))
        return status_fail(err, E_SKIP, "%s: rows would begin beyond 32 bits", g->format->variant);
    c->stream = malloc(bytes + HUFFMAN_PADDING);
    if (!c->stream)
        return no_memory(g, err);
    for (size_t r = 0; r < g->pattern_rows; r++)
        huffman_encode(&c->code, symbols + r * g->cols, g->cols, c->stream + c->begin[r]);
    return OK;
}

static enum status huffman_fit(struct gemv *g, struct err *err)
{
    struct coded *c = g->own;
    struct entropy_grid grid;
    size_t n = g->pattern_rows * g->cols;
    enum status s =
        entropy_grid_fit(g->pattern, n, GEMV_HUFFMAN_BITS, ENTROPY_HUFFMAN, &grid, NULL, err);
    if (s)
        return s;
    size_t levels = entropy_grid_levels(&grid);
    uint64_t *count = calloc(levels, sizeof *count);
    uint16_t *symbols = malloc(n * sizeof *symbols);
    c->level = malloc(levels * sizeof *c->level);
    if (!count || !symbols || !c->level) {
        s = no_memory(g, err);
        goto out;
    }
    for (size_t i = 0; i < levels; i++)
        c->level[i] = entropy_grid_level(&grid, i);
    entropy_grid_encode(&grid, g->pattern, n, symbols);
    entropy_grid_count(&grid, g->pattern, n, count);
    s = entropy_huffman(count, levels, &c->code, err);
    if (s)
        goto out;
    huffman_lookup_make(&c->code, c->level, &c->lookup);
    s = encode_rows(g, symbols, err);
out:
    free(count);
    free(symbols);
    return s;
}

static size_t no_bytes(const struct gemv *g)
{
    (void)g;
    return 0;
}

static enum status no_groups(struct gemv *g, void *out, struct err *err)
{
    (void)g;
    (void)out;
    (void)err;
    return OK;
}

/* Of the streams of all rows. */
static size_t stream_bytes(const struct gemv *g)
{
    const struct coded *c = g->own;
    return g->rows / g->pattern_rows * c->begin[g->pattern_rows] +
           c->begin[g->rows % g->pattern_rows];
}

static size_t huffman_tail_bytes(const struct gemv *g)
{
    return g->rows * sizeof(uint32_t) + stream_bytes(g) + HUFFMAN_PADDING;
}

static void huffman_tail(const struct gemv *g, void *out)
{
    const struct coded *c = g->own;
    uint32_t *begin = out;
    uint8_t *stream = (uint8_t *)(begin + g->rows);
    size_t at = 0;
    for (size_t r = 0; r < g->rows; r++) {
        const uint32_t *from = c->begin + r % g->pattern_rows;
        begin[r] = (uint32_t)at;
        memcpy(stream + at, c->stream + from[0], from[1] - from[0]);
        at += from[1] - from[0];
    }
    memset(stream + at, 0, HUFFMAN_PADDING);
}

static struct huffman_matrix huffman_matrix(const struct gemv *g, const void *w)
{
    const struct coded *c = g->own;
    const uint32_t *begin = gemv_tail(g, w);
    return (struct huffman_matrix){.stream = (const uint8_t *)(begin + g->rows),
                                   .begin = begin,
                                   .cols = g->cols,
                                   .code = &c->code,
                                   .level = c->level,
                                   .lookup = &c->lookup};
}

static void huffman_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                         size_t thread)
{
    (void)thread;
    struct huffman_matrix m = huffman_matrix(g, w);
    ((gemv_huffman_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void huffman_reference(const struct gemv *g, const void *w, size_t token, float *y,
                              size_t row0, size_t row1)
{
    struct huffman_matrix m = huffman_matrix(g, w);
    gemv_huffman_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double huffman_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct huffman_matrix m = huffman_matrix(g, w);
    return gemv_huffman_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_huffman = {.variants = gemv_huffman_variants,
                                         .open = huffman_open,
                                         .close = huffman_close,
                                         .fit = huffman_fit,
                                         .group_bytes = no_bytes,
                                         .tail_bytes = huffman_tail_bytes,
                                         .tail = huffman_tail,
                                         .pack = no_groups,
                                         .rows = huffman_rows,
                                         .reference = huffman_reference,
                                         .bound = huffman_bound};

/* ---- Vectors: the table is the copies' tail, so that each copy brings its own ---- */

static enum status vectors_open(struct gemv *g, struct err *err)
{
    g->own = calloc(1, sizeof(struct vector_codebook));
    if (g->format->kernel == &gemv_sign3d8)
        g->row_group = 4 * SIGN3D8_TILE_ROWS; /* which its kernel takes at a time */
    return g->own ? OK : no_memory(g, err);
}

static void vectors_close(struct gemv *g)
{
    if (g->own)
        vector_codebook_free(g->own);
    free(g->own);
}

static enum status vectors_fit(struct gemv *g, struct err *err)
{
    struct vector_fit fit =
        g->format->kernel == &gemv_sign3d8 ? vector_fit_sign3d8 : vector_fit_vq4x3b;
    struct rng rng = {1}; /* a fixed start: the table is a function of the weights alone */
    fit.features = g->features;
    fit.threads = g->threads;
    return vector_codebook_fit(&fit, g->pattern, g->pattern_rows, g->cols, &rng, g->own, err);
}

static size_t vectors_group_bytes(const struct gemv *g)
{
    return g->format->kernel == &gemv_sign3d8
               ? g->row_group / SIGN3D8_TILE_ROWS * sign3d8_tile_bytes(g->cols)
               : vq4x3b_row_bytes(g->cols);
}

static enum status vectors_pack(struct gemv *g, void *out, struct err *err)
{
    const struct vector_codebook *c = g->own;
    size_t per_row = vector_codebook_codes(c, g->cols);
    uint16_t *codes = malloc(g->pattern_rows * per_row * sizeof *codes);
    if (!codes)
        return no_memory(g, err);
#pragma omp parallel for num_threads(g->threads) schedule(static)
    for (size_t r = 0; r < g->pattern_rows; r++)
        vector_codebook_encode(c, g->features, g->pattern + r * g->cols, 1, g->cols,
                               codes + r * per_row);
    if (g->format->kernel == &gemv_sign3d8)
        sign3d8_pack(codes, g->pattern_rows, g->cols, out);
    else
        vq4x3b_pack(codes, g->pattern_rows, g->cols, out);
    free(codes);
    return OK;
}

static size_t table_bytes(const struct gemv *g)
{
    const struct vector_codebook *c = g->own;
    return c->n * c->dim * sizeof *c->centroid;
}

static void table_copy(const struct gemv *g, void *out)
{
    memcpy(out, ((const struct vector_codebook *)g->own)->centroid, table_bytes(g));
}

static struct vq4x3b_matrix vq4x3b(const struct gemv *g, const void *w)
{
    return (struct vq4x3b_matrix){w, gemv_tail(g, w), g->cols};
}

static void vq4x3b_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                        size_t thread)
{
    (void)thread;
    struct vq4x3b_matrix m = vq4x3b(g, w);
    ((gemv_vq4x3b_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void vq4x3b_reference(const struct gemv *g, const void *w, size_t token, float *y,
                             size_t row0, size_t row1)
{
    struct vq4x3b_matrix m = vq4x3b(g, w);
    gemv_vq4x3b_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double vq4x3b_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct vq4x3b_matrix m = vq4x3b(g, w);
    return gemv_vq4x3b_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_vq4x3b = {.variants = gemv_vq4x3b_variants,
                                        .open = vectors_open,
                                        .close = vectors_close,
                                        .fit = vectors_fit,
                                        .group_bytes = vectors_group_bytes,
                                        .tail_bytes = table_bytes,
                                        .tail = table_copy,
                                        .pack = vectors_pack,
                                        .rows = vq4x3b_rows,
                                        .reference = vq4x3b_reference,
                                        .bound = vq4x3b_bound};

/* Its 96 magnitudes are widened in each call, as any user of the format would. */
static struct sign3d8_matrix sign3d8(const struct gemv *g, const void *w)
{
    struct sign3d8_matrix m = {.tiles = w, .cols = g->cols};
    const uint16_t *table = gemv_tail(g, w);
    for (size_t i = 0; i < SIGN3D8_ENTRIES; i++)
        for (size_t d = 0; d < SIGN3D8_DIM; d++)
            m.magnitude[d][i] = bf16_to_f32(table[i * SIGN3D8_DIM + d]);
    return m;
}

static void sign3d8_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                         size_t thread)
{
    (void)thread;
    struct sign3d8_matrix m = sign3d8(g, w);
    ((gemv_sign3d8_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void sign3d8_reference(const struct gemv *g, const void *w, size_t token, float *y,
                              size_t row0, size_t row1)
{
    struct sign3d8_matrix m = sign3d8(g, w);
    gemv_sign3d8_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double sign3d8_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct sign3d8_matrix m = sign3d8(g, w);
    return gemv_sign3d8_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_sign3d8 = {.variants = gemv_sign3d8_variants,
                                         .open = vectors_open,
                                         .close = vectors_close,
                                         .fit = vectors_fit,
                                         .group_bytes = vectors_group_bytes,
                                         .tail_bytes = table_bytes,
                                         .tail = table_copy,
                                         .pack = vectors_pack,
                                         .rows = sign3d8_rows,
                                         .reference = sign3d8_reference,
                                         .bound = sign3d8_bound};
