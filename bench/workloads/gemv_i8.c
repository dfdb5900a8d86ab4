/* Weights of small integers times 8-bit tokens, as formats of the GEMV task. */
#include <stdlib.h>

#include "bench/workloads/gemv.h"
#include "numerics/buffer.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/gemm_i8.h"
#include "numerics/kernels/quantise_token.h"

/* Quantised tokens: of each thread, and of the reference. */
struct tokens {
    int8_t *q; /* [tokens][stride] */
    float *s;
    int32_t *sum;
};

struct own {
    const struct gemm_i8_format *format;
    gemm_i8_fn *multiply;
    quantise_token_fn *quantise;
    size_t stride;
    float scale; /* of the tensor */
    struct tokens reference, *of_thread;
};

static enum status tokens_alloc(const struct gemv *g, struct tokens *t, struct err *err)
{
    const struct own *o = g->own;
    *t = (struct tokens){buffer_alloc(g->tokens * o->stride), calloc(g->tokens, sizeof *t->s),
                         calloc(g->tokens, sizeof *t->sum)};
    if (!t->q || !t->s || !t->sum)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    return OK;
}

static void tokens_free(const struct gemv *g, struct tokens *t)
{
    buffer_free(t->q, g->tokens * ((const struct own *)g->own)->stride);
    free(t->s);
    free(t->sum);
}

static void tokens_fill(const struct gemv *g, struct tokens *t, quantise_token_fn *quantise)
{
    size_t stride = ((const struct own *)g->own)->stride;
    for (size_t i = 0; i < g->tokens; i++)
        t->s[i] =
            quantise(g->x + i * g->cols, g->cols, stride, 0, t->q + i * stride, NULL, &t->sum[i]);
}

static struct gemm_i8_tokens view(const struct gemv *g, const struct tokens *t, size_t first,
                                  size_t m)
{
    size_t stride = ((const struct own *)g->own)->stride;
    return (struct gemm_i8_tokens){.q = t->q + first * stride,
                                   .s = t->s + first,
                                   .sum = t->sum + first,
                                   .stride = stride,
                                   .m = m};
}

static enum status open(struct gemv *g, struct err *err)
{
    const struct gemv_i8_spec *spec = g->format->spec;
    const struct gemm_i8_format *format = gemm_i8_format_find(spec->kernel);
    if (!format || format->max_block)
        return status_fail(err, E_INTERNAL, "%s: gemm_i8 has no format %s without blocks",
                           g->format->variant, spec->kernel);
    if (g->cols > GEMM_I8_MAX_COLS)
        return status_fail(err, E_SKIP, "%s: more than %d columns", g->format->variant,
                           GEMM_I8_MAX_COLS);
    struct own *o = g->own = calloc(1, sizeof *o);
    if (o)
        o->of_thread = calloc((size_t)g->threads, sizeof *o->of_thread);
    if (!o || !o->of_thread)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    o->format = format;
    o->stride = gemm_i8_padded_cols(format, g->cols, 0);
    g->row_group = GEMM_I8_TILE;
    g->variant = kernel_pick(gemm_i8_variants, g->features);
    o->multiply = (gemm_i8_fn *)g->variant->fn;
    o->quantise = (quantise_token_fn *)kernel_pick(quantise_token_variants, g->features)->fn;
    enum status s = tokens_alloc(g, &o->reference, err);
    for (int i = 0; !s && i < g->threads; i++)
        s = tokens_alloc(g, &o->of_thread[i], err);
    return s;
}

static void close(struct gemv *g)
{
    struct own *o = g->own;
    if (!o)
        return;
    for (int i = 0; o->of_thread && i < g->threads; i++)
        tokens_free(g, &o->of_thread[i]);
    tokens_free(g, &o->reference);
    free(o->of_thread);
    free(o);
}

static size_t group_bytes(const struct gemv *g)
{
    return gemm_i8_tile_bytes(((const struct own *)g->own)->format, g->cols, 0);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct own *o = g->own;
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels = block_kernels_pick(g->features);
    const struct gemv_i8_spec *spec = g->format->spec;
    size_t n = g->pattern_rows * g->cols;
    enum status s = named_format_make(spec->format, &codebook, &format, err);
    if (s)
        return s;
    uint8_t *codes = malloc(n);
    float *scales = malloc(g->pattern_rows * sizeof *scales);
    if (!codes || !scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, g->pattern, g->pattern_rows, g->cols, codes, scales);
    unsigned code_of[256] = {0};
    for (size_t l = 0; l < codebook.n; l++)
        code_of[l] = gemm_i8_code(o->format, (int)(codebook.level[l] / o->format->unit));
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)code_of[codes[i]];
    o->scale = o->format->scale == GEMM_I8_TENSOR ? scales[0] : 1;
    gemm_i8_pack(o->format, codes, scales, g->pattern_rows, g->cols, 0, out);
    tokens_fill(g, &o->reference, quantise_token_ref);
out:
    free(codes);
    free(scales);
    return s;
}

static struct gemm_i8_matrix matrix(const struct gemv *g, const void *w)
{
    const struct own *o = g->own;
    return (struct gemm_i8_matrix){
        .format = o->format, .tiles = w, .rows = g->rows, .cols = g->cols, .scale = o->scale};
}

static void activate(struct gemv *g, size_t thread)
{
    struct own *o = g->own;
    tokens_fill(g, &o->of_thread[thread], o->quantise);
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = view(g, &o->of_thread[thread], 0, g->tokens);
    o->multiply(&m, &x, y, row0, row1);
}

static void reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = view(g, &o->reference, token, 1);
    gemm_i8_ref(&m, &x, y, row0, row1);
}

static double bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = view(g, &o->reference, token, 1);
    return gemm_i8_bound(&m, &x, 0, row);
}

const struct gemv_kernel gemv_i8 = {.max_tokens = SIZE_MAX,
                                    .roof = ROOF_DOT_I8,
                                    .open = open,
                                    .close = close,
                                    .group_bytes = group_bytes,
                                    .pack = pack,
                                    .activate = activate,
                                    .rows = rows,
                                    .reference = reference,
                                    .bound = bound};
