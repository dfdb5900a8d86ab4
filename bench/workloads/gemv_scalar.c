#include "bench/workloads/gemv_scalar.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"

enum { FIT_VALUES = 1 << 16 };

static const struct scalar_format *element_of(const char *name)
{
    const struct named_format *f = named_formats;
    while (strcmp(f->name, name))
        f++;
    return scalar_format_find(f->element);
}

static enum status open_named(struct gemv *g, const char *name, struct gemv_scalar *s,
                              struct err *err)
{
    enum status status = named_format_make(name, &s->codebook, &s->format, err);
    if (status)
        return status;
    s->element = element_of(name);
    g->block = s->format.block == BLOCK_CHANNEL ? 0 : s->format.block;
    return OK;
}

enum status gemv_scalar_open(struct gemv *g, const char *name, struct gemv_scalar *s,
                             struct err *err)
{
    enum status status;
    if (name) {
        status = open_named(g, name, s, err);
    } else {
        status = g->format->codebook(g->block, &s->codebook, err);
        s->format = gemv_block_format(&s->codebook, g->block);
    }
    g->coded = &s->format;
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
    bool bf16 = s->format.scale_format == SCALE_BF16;
    s->codes = malloc(g->pattern_rows * g->cols);
    s->scales = malloc(n * sizeof *s->scales);
    s->narrow = bf16 ? malloc(n * sizeof *s->narrow) : NULL;
    if (!s->codes || !s->scales || (bf16 && !s->narrow))
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    if (s->element && s->element->kind == SCALAR_KMEANS) {
        enum status status = fit(g, s, &kernels, err);
        if (status)
            return status;
    }
    block_format_encode(&s->format, &kernels, g->pattern, g->pattern_rows, g->cols, s->codes,
                        s->scales);
    for (size_t i = 0; i < n && bf16; i++)
        s->narrow[i] = bf16_from_f32(s->scales[i]); /* exact: they are bf16 values */
    s->scale = s->format.block == BLOCK_TENSOR ? s->scales[0] : 1;
    return OK;
}

void gemv_scalar_drop(struct gemv_scalar *s)
{
    free(s->codes);
    free(s->scales);
    free(s->narrow);
    s->codes = NULL;
    s->scales = NULL;
    s->narrow = NULL;
}
