#include "bench/workloads/gemv_scalar.h"

#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"

enum { FIT_VALUES = 1 << 16 };

static enum status open_named(struct gemv *g, const char *name, struct gemv_scalar *s,
                              struct err *err)
{
    const struct named_format *f = named_formats;
    while (f->name && strcmp(f->name, name))
        f++;
    if (!f->name)
        return status_fail(err, E_INTERNAL, "%s: no such format", name);
    if (f->block == BLOCK_TENSOR ? f->scale_format != SCALE_F32
                                 : f->block == BLOCK_CHANNEL || f->scale_format != SCALE_BF16)
        return status_fail(err, E_INTERNAL, "%s: its scales are not bf16 of blocks or one f32",
                           name);
    const struct scaling *scaling = scaling_find(f->scaling);
    s->element = scalar_format_find(f->element);
    s->format = (struct block_format){.codebook = &s->codebook,
                                      .rule = scaling->rule,
                                      .scale_format = f->scale_format,
                                      .block = f->block,
                                      .multiplier = 1,
                                      .extra_bits = scalar_format_extra_bits(s->element),
                                      .least = f->least};
    g->block = f->block == BLOCK_TENSOR ? 0 : f->block;
    return scalar_format_codebook(s->element, scaling->rule, f->block, 0, &s->codebook, err);
}

enum status gemv_scalar_open(struct gemv *g, struct gemv_scalar *s, struct err *err)
{
    enum status status;
    if (g->format->spec) {
        status = open_named(g, g->format->spec, s, err);
    } else {
        status = g->format->codebook(g->block, &s->codebook, err);
        s->format = gemv_block_format(&s->codebook, g->block);
    }
    while ((size_t)1 << s->bits < s->codebook.n)
        s->bits++;
    return status;
}

static enum status fit(const struct gemv *g, struct gemv_scalar *s,
                       const struct block_kernels *kernels, struct err *err)
{
    size_t rows = FIT_VALUES / g->cols + 1, n = 0;
    if (rows > g->pattern_rows)
        rows = g->pattern_rows;
    struct rng rng = {1}; /* a fixed start: the levels are a function of the weights alone */
    float *u = malloc(rows * g->cols * sizeof *u);
    if (!u)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    for (size_t i = 0; i < rows; i++)
        n += block_format_normalise(&s->format, kernels,
                                    g->pattern + i * g->pattern_rows / rows * g->cols, 1, g->cols,
                                    NULL, u + n);
    enum status status = scalar_format_fit(s->element, u, n, &rng, &s->codebook, err);
    free(u);
    return status == E_USAGE ? E_SKIP : status; /* the user's weights have too few values */
}

enum status gemv_scalar_code(const struct gemv *g, struct gemv_scalar *s, struct err *err)
{
    struct block_kernels kernels = block_kernels_pick(g->features);
    size_t n = block_format_scales(&s->format, g->pattern_rows, g->cols);
    enum status status = OK;
    float *wide = malloc(n * sizeof *wide);
    s->codes = malloc(g->pattern_rows * g->cols);
    s->scales = g->block ? malloc(n * sizeof *s->scales) : NULL;
    if (!wide || !s->codes || (g->block && !s->scales)) {
        status = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    if (s->element && s->element->kind == SCALAR_KMEANS)
        status = fit(g, s, &kernels, err);
    if (status)
        goto out;
    block_format_encode(&s->format, &kernels, g->pattern, g->pattern_rows, g->cols, s->codes, wide);
    s->scale = g->block ? 1 : wide[0];
    for (size_t i = 0; i < n && g->block; i++)
        s->scales[i] = bf16_from_f32(wide[i]); /* exact: they are bf16 values */
out:
    free(wide);
    return status;
}

void gemv_scalar_drop(struct gemv_scalar *s)
{
    free(s->codes);
    free(s->scales);
    s->codes = NULL;
    s->scales = NULL;
}
