#include "bench/workloads/gemv_tokens.h"

#include <stdlib.h>

#include "numerics/buffer.h"

static enum status set_alloc(const struct gemv *g, const struct gemv_tokens *t,
                             struct gemv_token_set *set, struct err *err)
{
    *set = (struct gemv_token_set){
        buffer_alloc(g->tokens * t->stride), calloc(g->tokens, sizeof *set->s),
        calloc(g->tokens, sizeof *set->sum),
        t->block ? calloc(g->tokens * (t->stride / t->block), sizeof *set->block_sums) : NULL};
    if (!set->q || !set->s || !set->sum || (t->block && !set->block_sums))
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    return OK;
}

static void set_free(const struct gemv *g, const struct gemv_tokens *t, struct gemv_token_set *set)
{
    buffer_free(set->q, g->tokens * t->stride);
    free(set->s);
    free(set->sum);
    free(set->block_sums);
}

enum status gemv_tokens_open(const struct gemv *g, const struct gemm_i8_format *format,
                             size_t block, struct gemv_tokens *t, struct err *err)
{
    if (g->cols > GEMM_I8_MAX_COLS)
        return status_fail(err, E_SKIP, "%s: more than %d columns", g->format->variant,
                           GEMM_I8_MAX_COLS);
    t->block = block;
    t->stride = gemm_i8_padded_cols(format, g->cols, block);
    t->quantise = (quantise_token_fn *)kernel_pick(quantise_token_variants, g->features)->fn;
    t->of_thread = calloc((size_t)g->threads, sizeof *t->of_thread);
    if (!t->of_thread)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    enum status s = set_alloc(g, t, &t->reference, err);
    for (int i = 0; !s && i < g->threads; i++)
        s = set_alloc(g, t, &t->of_thread[i], err);
    return s;
}

void gemv_tokens_close(const struct gemv *g, struct gemv_tokens *t)
{
    for (int i = 0; t->of_thread && i < g->threads; i++)
        set_free(g, t, &t->of_thread[i]);
    set_free(g, t, &t->reference);
    free(t->of_thread);
}

static int32_t *sums_of(const struct gemv_tokens *t, const struct gemv_token_set *set, size_t token)
{
    return t->block ? set->block_sums + token * (t->stride / t->block) : NULL;
}

static void fill(const struct gemv *g, const struct gemv_tokens *t, struct gemv_token_set *set,
                 quantise_token_fn *quantise)
{
    for (size_t i = 0; i < g->tokens; i++)
        set->s[i] = quantise(g->x + i * g->cols, g->cols, t->stride, t->block,
                             set->q + i * t->stride, sums_of(t, set, i), &set->sum[i]);
}

void gemv_tokens_fill(const struct gemv *g, struct gemv_tokens *t, size_t thread)
{
    fill(g, t, &t->of_thread[thread], t->quantise);
}

void gemv_tokens_fill_reference(const struct gemv *g, struct gemv_tokens *t)
{
    fill(g, t, &t->reference, quantise_token_ref);
}

static struct gemm_i8_tokens view(const struct gemv_tokens *t, const struct gemv_token_set *set,
                                  size_t first, size_t m)
{
    return (struct gemm_i8_tokens){.q = set->q + first * t->stride,
                                   .s = set->s + first,
                                   .sum = set->sum + first,
                                   .block_sums = sums_of(t, set, first),
                                   .stride = t->stride,
                                   .m = m};
}

struct gemm_i8_tokens gemv_tokens_of(const struct gemv *g, const struct gemv_tokens *t,
                                     size_t thread)
{
    return view(t, &t->of_thread[thread], 0, g->tokens);
}

struct gemm_i8_tokens gemv_tokens_reference(const struct gemv_tokens *t, size_t token)
{
    return view(t, &t->reference, token, 1);
}
