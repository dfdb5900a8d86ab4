/* BitNet b1.58 in its published packings, as formats of the GEMV task. */
#include <stdlib.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/ternary.h"

struct own {
    struct ternary_kernels kernels;
    struct kernel_variant variant;    /* of the same name, for the record */
    float gamma;                      /* of the tensor */
    struct ternary_tokens reference;  /* as the reference kernels prepare them */
    struct ternary_tokens *of_thread; /* [threads] */
};

static enum status open(struct gemv *g, struct err *err)
{
    const struct ternary_scheme *scheme = ternary_scheme_find(g->format->spec);
    if (!scheme)
        return status_fail(err, E_INTERNAL, "%s: no ternary scheme is called %s",
                           g->format->variant, (const char *)g->format->spec);
    struct own *o = g->own = calloc(1, sizeof *o);
    if (o)
        o->of_thread = calloc((size_t)g->threads, sizeof *o->of_thread);
    if (!o || !o->of_thread)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    o->kernels = ternary_pick(scheme, g->features);
    o->variant.isa = o->kernels.isa;
    g->variant = &o->variant;
    g->row_group = scheme->packing->row_group;
    enum status s = ternary_tokens_alloc(scheme, g->cols, g->tokens, &o->reference, err);
    for (int i = 0; !s && i < g->threads; i++)
        s = ternary_tokens_alloc(scheme, g->cols, g->tokens, &o->of_thread[i], err);
    return s;
}

static void close(struct gemv *g)
{
    struct own *o = g->own;
    if (!o)
        return;
    for (int i = 0; o->of_thread && i < g->threads; i++)
        ternary_tokens_free(&o->of_thread[i]);
    ternary_tokens_free(&o->reference);
    free(o->of_thread);
    free(o);
}

static size_t group_bytes(const struct gemv *g)
{
    const struct own *o = g->own;
    return ternary_group_bytes(o->kernels.scheme->packing, g->cols);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct own *o = g->own;
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels = block_kernels_pick(g->features);
    struct ternary_kernels reference = ternary_pick(o->kernels.scheme, 0);
    size_t n = g->pattern_rows * g->cols;
    enum status s = named_format_make("b158", &codebook, &format, err);
    if (s)
        return s;
    uint8_t *codes = malloc(n);
    int8_t *t = malloc(n);
    if (!codes || !t) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, g->pattern, g->pattern_rows, g->cols, codes, &o->gamma);
    for (size_t i = 0; i < n; i++)
        t[i] = (int8_t)codebook.level[codes[i]];
    ternary_pack(reference.scheme->packing, t, g->pattern_rows, g->cols, o->gamma, out);
    ternary_prepare(&reference, g->x, &o->reference);
out:
    free(codes);
    free(t);
    return s;
}

static struct ternary_matrix matrix(const struct gemv *g, const void *w)
{
    const struct own *o = g->own;
    return (struct ternary_matrix){o->kernels.scheme->packing, w, g->rows, g->cols, o->gamma};
}

static void activate(struct gemv *g, size_t thread)
{
    struct own *o = g->own;
    ternary_prepare(&o->kernels, g->x, &o->of_thread[thread]);
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    const struct own *o = g->own;
    struct ternary_matrix m = matrix(g, w);
    o->kernels.multiply(&m, &o->of_thread[thread], y, row0, row1);
}

static void reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1)
{
    const struct own *o = g->own;
    struct ternary_matrix m = matrix(g, w);
    struct ternary_tokens one = o->reference;
    one.m = 1;
    one.q += token * one.stride;
    one.arranged += token * one.arranged_stride;
    one.s += token;
    one.step += token;
    one.half += token;
    one.sum += token;
    ternary_pick(o->kernels.scheme, 0).multiply(&m, &one, y, row0, row1);
}

static double bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    (void)g, (void)w, (void)token, (void)row;
    return 0;
}

const struct gemv_kernel gemv_ternary = {.max_tokens = SIZE_MAX,
                                         .roof = ROOF_DOT_I8,
                                         .open = open,
                                         .close = close,
                                         .group_bytes = group_bytes,
                                         .pack = pack,
                                         .activate = activate,
                                         .rows = rows,
                                         .reference = reference,
                                         .bound = bound};
