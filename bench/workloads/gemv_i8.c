/* Weights of small integers times 8-bit tokens, as formats of the GEMV task. */
#include <stdbool.h>
#include <stdlib.h>

#include "bench/workloads/gemv.h"
#include "bench/workloads/gemv_scalar.h"
#include "bench/workloads/gemv_tokens.h"
#include "numerics/kernels/gemm_i8.h"

struct own {
    const struct gemm_i8_format *format;
    gemm_i8_fn *multiply;
    struct gemv_scalar coded;
    struct gemv_tokens tokens;
};

/* What of a format's blocks and scales the kernel does not know; or NULL. */
static const char *mismatch(const struct gemm_i8_format *kernel, const struct block_format *f)
{
    bool blocks = f->block != BLOCK_TENSOR && f->block != BLOCK_CHANNEL;
    if (blocks ? f->block < kernel->min_block || f->block > kernel->max_block : kernel->max_block)
        return "blocks of that size";
    if (blocks && (kernel->scale != GEMM_I8_BF16 || f->scale_format != SCALE_BF16))
        return "scales of that format";
    return NULL;
}

static enum status open(struct gemv *g, struct err *err)
{
    const struct gemv_i8_spec *spec = g->format->spec;
    struct own *o = g->own = calloc(1, sizeof *o);
    if (!o)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    enum status s = gemv_scalar_open(g, spec->format, &o->coded, err);
    if (s)
        return s;
    o->format = gemm_i8_format_find(spec->kernel);
    const char *lack = o->format ? mismatch(o->format, &o->coded.format) : "such a format";
    if (lack)
        return status_fail(err, E_INTERNAL, "%s: %s of gemm_i8 has no %s", g->format->variant,
                           spec->kernel, lack);
    g->row_group = GEMM_I8_TILE;
    g->variant = kernel_pick(gemm_i8_variants, g->features);
    o->multiply = (gemm_i8_fn *)g->variant->fn;
    return gemv_tokens_open(g, o->format, g->block, &o->tokens, err);
}

static void close(struct gemv *g)
{
    struct own *o = g->own;
    if (!o)
        return;
    gemv_tokens_close(g, &o->tokens);
    gemv_scalar_drop(&o->coded);
    free(o);
}

static size_t group_bytes(const struct gemv *g)
{
    return gemm_i8_tile_bytes(((const struct own *)g->own)->format, g->cols, g->block);
}

/* Numbers of levels to the kernel's codes.  Its bits are worth the two levels, whatever they are.
 */
static void recode(const struct own *o, uint8_t *codes, size_t n)
{
    const struct codebook *c = &o->coded.codebook;
    unsigned code_of[CODEBOOK_MAX] = {0};
    if (o->format->layout == GEMM_I8_BITS)
        return;
    for (size_t l = 0; l < c->n; l++)
        code_of[l] = gemm_i8_code(o->format, (int)(c->level[l] / o->format->unit));
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)code_of[codes[i]];
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct own *o = g->own;
    struct gemv_scalar *c = &o->coded;
    enum status s = gemv_scalar_code(g, c, err);
    if (!s) {
        const void *scales = o->format->scale == GEMM_I8_BF16 ? (void *)c->narrow : c->scales;
        recode(o, c->codes, g->pattern_rows * g->cols);
        gemm_i8_pack(o->format, c->codes, scales, g->pattern_rows, g->cols, g->block, out);
        gemv_tokens_fill_reference(g, &o->tokens);
    }
    gemv_scalar_drop(c);
    return s;
}

static struct gemm_i8_matrix matrix(const struct gemv *g, const void *w)
{
    const struct own *o = g->own;
    return (struct gemm_i8_matrix){.format = o->format,
                                   .tiles = w,
                                   .rows = g->rows,
                                   .cols = g->cols,
                                   .block = g->block,
                                   .scale = o->coded.scale,
                                   .low = o->coded.codebook.level[0],
                                   .high = o->coded.codebook.level[1]};
}

static void activate(struct gemv *g, size_t thread)
{
    struct own *o = g->own;
    gemv_tokens_fill(g, &o->tokens, thread);
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_of(g, &o->tokens, thread);
    o->multiply(&m, &x, y, row0, row1);
}

static void reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_reference(&o->tokens, token);
    gemm_i8_ref(&m, &x, y, row0, row1);
}

static double bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    const struct own *o = g->own;
    struct gemm_i8_matrix m = matrix(g, w);
    struct gemm_i8_tokens x = gemv_tokens_reference(&o->tokens, token);
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
