/* oneDNN's matrix products as formats of the GEMV task: what an engine would call instead. */
#include <stdlib.h>
#include <string.h>

#include "bench/onednn.h"
#include "bench/workloads/gemv.h"
#include "numerics/buffer.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/gemv_dense.h"
#include "numerics/kernels/quantise_token.h"

struct own {
    struct onednn_matmul *product;
    quantise_token_fn *quantise;
    size_t stride;     /* of q: the padding that the quantiser wants */
    uint16_t *x16;     /* [tokens][cols] */
    float *x_rounded;  /* [tokens][cols]: x16 again, for the reference */
    int8_t *q, *x8;    /* [stride], [tokens][cols] */
    float *s, *scales; /* [tokens], [pattern_rows] */
    int32_t *dot;      /* [tokens][rows] */
    void *plain;       /* [pattern_rows][cols], bf16 or 8-bit */
};

static enum status open(struct gemv *g, enum onednn_type type, struct err *err)
{
    struct own *o = g->own = calloc(1, sizeof *o);
    size_t step = TOKEN_STEP, values = g->tokens * g->cols;
    if (!o)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    o->stride = (g->cols + step - 1) / step * step;
    o->quantise = (quantise_token_fn *)kernel_pick(quantise_token_variants, g->features)->fn;
    o->x16 = malloc(values * sizeof *o->x16);
    o->x_rounded = malloc(values * sizeof *o->x_rounded);
    o->q = malloc(o->stride);
    o->x8 = malloc(values);
    o->s = malloc(g->tokens * sizeof *o->s);
    o->dot = malloc(g->tokens * g->rows * sizeof *o->dot);
    if (!o->x16 || !o->x_rounded || !o->q || !o->x8 || !o->s || !o->dot)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    return onednn_open(type, g->rows, g->cols, g->tokens, g->threads, &o->product, err);
}

static enum status bf16_open(struct gemv *g, struct err *err)
{
    return open(g, ONEDNN_BF16, err);
}

static enum status i8_open(struct gemv *g, struct err *err)
{
    return open(g, ONEDNN_I8, err);
}

static void close(struct gemv *g)
{
    struct own *o = g->own;
    if (!o)
        return;
    onednn_close(o->product);
    free(o->x16);
    free(o->x_rounded);
    free(o->q);
    free(o->x8);
    free(o->s);
    free(o->scales);
    free(o->dot);
    free(o->plain);
    free(o);
}

static size_t group_bytes(const struct gemv *g)
{
    return onednn_weight_bytes(((const struct own *)g->own)->product);
}

/* The whole matrix from the plain rows of the pattern, in the library's layout. */
static enum status reorder(struct gemv *g, size_t row_bytes, void *out, struct err *err)
{
    struct own *o = g->own;
    char *all = buffer_alloc(g->rows * row_bytes);
    if (!all)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    for (size_t r = 0; r < g->rows; r++)
        memcpy(all + r * row_bytes, (char *)o->plain + r % g->pattern_rows * row_bytes, row_bytes);
    enum status s = onednn_reorder(o->product, all, out, err);
    buffer_free(all, g->rows * row_bytes);
    return s;
}

static enum status bf16_pack(struct gemv *g, void *out, struct err *err)
{
    struct own *o = g->own;
    size_t n = g->pattern_rows * g->cols;
    uint16_t *plain = o->plain = malloc(n * sizeof *plain);
    if (!plain)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    for (size_t i = 0; i < n; i++)
        plain[i] = bf16_from_f32(g->pattern[i]);
    return reorder(g, g->cols * sizeof *plain, out, err);
}

static void bf16_whole(const struct gemv *g, const void *w, float *y)
{
    struct own *o = g->own;
    for (size_t i = 0; i < g->tokens * g->cols; i++)
        o->x16[i] = bf16_from_f32(g->x[i]);
    if (!onednn_run(o->product, w, o->x16, y))
        memset(y, 0xff, g->tokens * g->rows * sizeof *y); /* NaN: no result */
}

/* The activations as the library sees them. */
static const float *rounded(const struct gemv *g, size_t token)
{
    float *x = ((struct own *)g->own)->x_rounded + token * g->cols;
    for (size_t i = 0; i < g->cols; i++)
        x[i] = bf16_to_f32(bf16_from_f32(g->x[token * g->cols + i]));
    return x;
}

static void bf16_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    (void)w;
    gemv_bf16_ref(((const struct own *)g->own)->plain, g->cols, rounded(g, token), y, row0, row1);
}

static double bf16_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    const struct own *o = g->own;
    (void)w;
    return gemv_bf16_bound((const uint16_t *)o->plain + row * g->cols,
                           o->x_rounded + token * g->cols, g->cols);
}

const struct gemv_kernel gemv_onednn_bf16 = {.library_isa = onednn_isa,
                                             .max_tokens = SIZE_MAX,
                                             .opaque = true,
                                             .roof = ROOF_FMA_F32,
                                             .open = bf16_open,
                                             .close = close,
                                             .group_bytes = group_bytes,
                                             .pack = bf16_pack,
                                             .whole = bf16_whole,
                                             .reference = bf16_reference,
                                             .bound = bf16_bound};

static enum status i8_pack(struct gemv *g, void *out, struct err *err)
{
    struct own *o = g->own;
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels = block_kernels_pick(g->features);
    size_t n = g->pattern_rows * g->cols;
    enum status s = named_format_make("int8-row", &codebook, &format, err);
    if (s)
        return s;
    uint8_t *codes = malloc(n);
    int8_t *plain = o->plain = malloc(n);
    o->scales = malloc(g->pattern_rows * sizeof *o->scales);
    if (!codes || !plain || !o->scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, g->pattern, g->pattern_rows, g->cols, codes, o->scales);
    for (size_t i = 0; i < n; i++)
        plain[i] = (int8_t)codebook.level[codes[i]];
    s = reorder(g, g->cols, out, err);
out:
    free(codes);
    return s;
}

/* What the dot product of row r and a token stands for. */
static float scaled(const struct gemv *g, int32_t dot, size_t token, size_t r)
{
    const struct own *o = g->own;
    return (float)dot * (o->scales[r % g->pattern_rows] / o->s[token]);
}

static void i8_whole(const struct gemv *g, const void *w, float *y)
{
    struct own *o = g->own;
    int32_t sum;
    for (size_t token = 0; token < g->tokens; token++) {
        o->s[token] = o->quantise(g->x + token * g->cols, g->cols, o->stride, 0, o->q, NULL, &sum);
        memcpy(o->x8 + token * g->cols, o->q, g->cols);
    }
    if (!onednn_run(o->product, w, o->x8, o->dot)) {
        memset(y, 0xff, g->tokens * g->rows * sizeof *y); /* NaN: no result */
        return;
    }
    for (size_t token = 0; token < g->tokens; token++)
        for (size_t r = 0; r < g->rows; r++)
            y[token * g->rows + r] = scaled(g, o->dot[token * g->rows + r], token, r);
}

/* The codes of the tokens are those of the last run: they do not depend on the weights. */
static void i8_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                         size_t row1)
{
    const struct own *o = g->own;
    const int8_t *x = o->x8 + token * g->cols;
    (void)w;
    for (size_t r = row0; r < row1; r++) {
        const int8_t *row = (const int8_t *)o->plain + r * g->cols;
        int32_t dot = 0; /* at most 2^14 a term */
        for (size_t c = 0; c < g->cols; c++)
            dot += row[c] * x[c];
        y[r] = scaled(g, dot, token, r);
    }
}

/* Integers are exact, and the reference scales them alike. */
static double i8_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    (void)g;
    (void)w;
    (void)token;
    (void)row;
    return 0;
}

const struct gemv_kernel gemv_onednn_i8 = {.library_isa = onednn_isa,
                                           .max_tokens = SIZE_MAX,
                                           .opaque = true,
                                           .roof = ROOF_DOT_I8,
                                           .open = i8_open,
                                           .close = close,
                                           .group_bytes = group_bytes,
                                           .pack = i8_pack,
                                           .whole = i8_whole,
                                           .reference = i8_reference,
                                           .bound = i8_bound};
