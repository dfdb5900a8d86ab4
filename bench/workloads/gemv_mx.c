/* Block-scaled weights as formats of the GEMV task. */
#include "bench/workloads/gemv_mx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv_tokens.h"
#include "numerics/kernels/gemm_i8.h"
#include "numerics/kernels/gemv_narrow.h"
#include "numerics/kernels/mx_encode.h"

/* ---- The pattern in the format ---- */

/* Rows of codes and scale bytes, as they are exchanged. */
struct blocks {
    struct mx_format format; /* bits 0: nvfp4 */
    float tensor_scale;
    size_t code_bytes, scale_bytes; /* of a row */
    uint8_t *codes, *scales;        /* [pattern_rows] of them */
};

static bool is_nvfp4(const struct gemv *g)
{
    return !strcmp(g->format->spec, "nvfp4");
}

static size_t block_of(const struct gemv *g)
{
    return is_nvfp4(g) ? NVFP4_BLOCK : MX_BLOCK;
}

static void blocks_free(struct blocks *b)
{
    free(b->codes);
    free(b->scales);
}

/* Freed with blocks_free() whatever is returned. */
static enum status blocks_encode(const struct gemv *g, struct blocks *b, struct err *err)
{
    *b = (struct blocks){.scale_bytes = mx_blocks(g->cols, block_of(g))};
    enum status s = is_nvfp4(g) ? OK : mx_format_find(g->format->spec, &b->format, err);
    if (s)
        return s;
    b->code_bytes = is_nvfp4(g) ? (g->cols + 1) / 2 : mx_code_bytes(&b->format, g->cols);
    b->codes = malloc(g->pattern_rows * b->code_bytes);
    b->scales = malloc(g->pattern_rows * b->scale_bytes);
    if (!b->codes || !b->scales)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    float absmax = 0;
    for (size_t i = 0; i < g->pattern_rows * g->cols; i++)
        absmax = fmaxf(absmax, fabsf(g->pattern[i]));
    b->tensor_scale = nvfp4_tensor_scale(absmax);
    mx_encode_fn *mx = (mx_encode_fn *)kernel_pick(mx_encode_variants, g->features)->fn;
    nvfp4_encode_fn *nvfp4 = (nvfp4_encode_fn *)kernel_pick(nvfp4_encode_variants, g->features)->fn;
    for (size_t r = 0; r < g->pattern_rows; r++) {
        const float *w = g->pattern + r * g->cols;
        uint8_t *codes = b->codes + r * b->code_bytes, *scales = b->scales + r * b->scale_bytes;
        if (is_nvfp4(g))
            nvfp4(w, g->cols, b->tensor_scale, codes, scales);
        else
            mx(&b->format, MX_FLOOR, w, g->cols, codes, scales);
    }
    return OK;
}

double gemv_mx_weight_error(const struct gemv *g)
{
    struct blocks b;
    float *row = malloc(g->cols * sizeof *row);
    double error = 0, squares = 0;
    if (!row || blocks_encode(g, &b, NULL)) {
        error = NAN;
        goto out;
    }
    for (size_t r = 0; r < g->pattern_rows; r++) {
        const float *w = g->pattern + r * g->cols;
        const uint8_t *codes = b.codes + r * b.code_bytes, *scales = b.scales + r * b.scale_bytes;
        if (is_nvfp4(g))
            nvfp4_decode_ref(codes, scales, g->cols, b.tensor_scale, row);
        else
            mx_decode_ref(&b.format, codes, scales, g->cols, row);
        for (size_t c = 0; c < g->cols; c++) {
            double off = (double)row[c] - w[c];
            error += off * off;
            squares += (double)w[c] * w[c];
        }
    }
out:
    if (row)
        blocks_free(&b);
    free(row);
    return sqrt(error / squares);
}

/* ---- f32 activations: groups of rows, their codes first, then their scales ---- */

enum { GROUP_ROWS = 16 };

static enum narrow_format narrow_format_of(const struct gemv *g)
{
    const char *name = g->format->spec;
    return !strcmp(name, "mxfp8-e4m3")   ? NARROW_E4M3
           : !strcmp(name, "mxfp8-e5m2") ? NARROW_E5M2
                                         : NARROW_MXINT8;
}

static enum status narrow_open(struct gemv *g, struct err *err)
{
    (void)err;
    g->row_group = GROUP_ROWS;
    return OK;
}

static size_t narrow_group_bytes(const struct gemv *g)
{
    return GROUP_ROWS * (g->cols + mx_blocks(g->cols, MX_BLOCK));
}

static enum status narrow_pack(struct gemv *g, void *out, struct err *err)
{
    struct blocks b;
    enum status s = blocks_encode(g, &b, err);
    uint8_t *at = out;
    for (size_t r = 0; r < g->pattern_rows && !s; r += GROUP_ROWS) {
        memcpy(at, b.codes + r * b.code_bytes, GROUP_ROWS * b.code_bytes);
        at += GROUP_ROWS * b.code_bytes;
        memcpy(at, b.scales + r * b.scale_bytes, GROUP_ROWS * b.scale_bytes);
        at += GROUP_ROWS * b.scale_bytes;
    }
    blocks_free(&b);
    return s;
}

/* The group of a row, as a matrix of its own. */
static struct narrow_matrix narrow_group(const struct gemv *g, const void *w, size_t row)
{
    const uint8_t *at = (const uint8_t *)w + row / GROUP_ROWS * narrow_group_bytes(g);
    return (struct narrow_matrix){.codes = at,
                                  .format = narrow_format_of(g),
                                  .cols = g->cols,
                                  .exponents = at + GROUP_ROWS * g->cols};
}

static void narrow_multiply(const struct gemv *g, gemv_narrow_fn *multiply, const void *w,
                            const float *x, float *y, size_t row0, size_t row1)
{
    for (size_t r = row0; r < row1; r += GROUP_ROWS) {
        struct narrow_matrix m = narrow_group(g, w, r);
        multiply(&m, x, y + r, 0, row1 - r < GROUP_ROWS ? row1 - r : GROUP_ROWS);
    }
}

static void narrow_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                        size_t thread)
{
    (void)thread;
    narrow_multiply(g, (gemv_narrow_fn *)g->variant->fn, w, g->x, y, row0, row1);
}

static void narrow_reference(const struct gemv *g, const void *w, size_t token, float *y,
                             size_t row0, size_t row1)
{
    narrow_multiply(g, gemv_narrow_ref, w, g->x + token * g->cols, y, row0, row1);
}

static double narrow_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct narrow_matrix m = narrow_group(g, w, row);
    return gemv_narrow_bound(&m, g->x + token * g->cols, row % GROUP_ROWS);
}

const struct gemv_kernel gemv_mx_narrow = {.variants = gemv_narrow_variants,
                                           .open = narrow_open,
                                           .group_bytes = narrow_group_bytes,
                                           .pack = narrow_pack,
                                           .rows = narrow_rows,
                                           .reference = narrow_reference,
                                           .bound = narrow_bound};

/* ---- 8-bit activations ---- */

struct i8 {
    const struct gemm_i8_format *format;
    float scale; /* of the tensor */
    struct gemv_tokens tokens;
};

static enum status i8_open(struct gemv *g, struct err *err)
{
    struct i8 *o = g->own = calloc(1, sizeof *o);
    if (!o)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    o->format = gemm_i8_format_find(g->format->spec);
    if (!o->format)
        return status_fail(err, E_INTERNAL, "%s: no kernel for this format", g->format->variant);
    g->row_group = GEMM_I8_TILE;
    return gemv_tokens_open(g, o->format, block_of(g), &o->tokens, err);
}

static void i8_close(struct gemv *g)
{
    struct i8 *o = g->own;
    if (!o)
        return;
    gemv_tokens_close(g, &o->tokens);
    free(o);
}

static size_t i8_group_bytes(const struct gemv *g)
{
    return gemm_i8_tile_bytes(((const struct i8 *)g->own)->format, g->cols, block_of(g));
}

static enum status i8_pack(struct gemv *g, void *out, struct err *err)
{
    struct i8 *o = g->own;
    struct blocks b;
    enum status s = blocks_encode(g, &b, err);
    uint8_t *one = malloc(g->pattern_rows * g->cols); /* a code in a byte */
    if (!s && !one)
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    if (s)
        goto out;
    for (size_t r = 0; r < g->pattern_rows; r++)
        for (size_t c = 0; c < g->cols; c++)
            one[r * g->cols + c] = b.codes[r * b.code_bytes + c / 2] >> 4 * (c % 2) & 15;
    o->scale = is_nvfp4(g) ? b.tensor_scale : 1;
    gemm_i8_pack(o->format, one, b.scales, g->pattern_rows, g->cols, block_of(g), out);
    gemv_tokens_fill_reference(g, &o->tokens);
out:
    free(one);
    blocks_free(&b);
    return s;
}

static struct gemm_i8_matrix i8_matrix(const struct gemv *g, const void *w)
{
    const struct i8 *o = g->own;
    return (struct gemm_i8_matrix){.format = o->format,
                                   .tiles = w,
                                   .rows = g->rows,
                                   .cols = g->cols,
                                   .block = block_of(g),
                                   .scale = o->scale};
}

static void i8_activate(struct gemv *g, size_t thread)
{
    struct i8 *o = g->own;
    gemv_tokens_fill(g, &o->tokens, thread);
}

static void i8_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                    size_t thread)
{
    const struct i8 *o = g->own;
    struct gemm_i8_matrix m = i8_matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_of(g, &o->tokens, thread);
    ((gemm_i8_fn *)g->variant->fn)(&m, &x, y, row0, row1);
}

static void i8_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                         size_t row1)
{
    const struct i8 *o = g->own;
    struct gemm_i8_matrix m = i8_matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_reference(&o->tokens, token);
    gemm_i8_ref(&m, &x, y, row0, row1);
}

static double i8_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    const struct i8 *o = g->own;
    struct gemm_i8_matrix m = i8_matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_reference(&o->tokens, token);
    return gemm_i8_bound(&m, &x, 0, row);
}

const struct gemv_kernel gemv_mx_i8 = {.variants = gemm_i8_variants,
                                       .max_tokens = SIZE_MAX,
                                       .roof = ROOF_DOT_I8,
                                       .open = i8_open,
                                       .close = i8_close,
                                       .group_bytes = i8_group_bytes,
                                       .pack = i8_pack,
                                       .activate = i8_activate,
                                       .rows = i8_rows,
                                       .reference = i8_reference,
                                       .bound = i8_bound};
