/*
 * The activations of a GEMV task in 8 bits: those that each thread quantises anew in every
 * iteration, within what is timed, and those of the reference.
 */
#ifndef BENCH_WORKLOADS_GEMV_TOKENS_H
#define BENCH_WORKLOADS_GEMV_TOKENS_H

#include "bench/workloads/gemv.h"
#include "numerics/kernels/gemm_i8.h"
#include "numerics/kernels/quantise_token.h"

struct gemv_tokens {
    size_t stride, block; /* padded columns of a token; columns of a block sum, 0: there are none */
    quantise_token_fn *quantise;
    struct gemv_token_set {
        int8_t *q; /* [tokens][stride] */
        float *s;
        int32_t *sum;
        int32_t *block_sums; /* [tokens][stride / block]; NULL without blocks */
    } reference, *of_thread;
};

/* Room for g->tokens and g->threads, padded as the format wants.  E_SKIP when there are more
 * columns than it takes; E_NOMEM.  Closed whatever is returned; *t starts as {0}. */
enum status gemv_tokens_open(const struct gemv *g, const struct gemm_i8_format *format,
                             size_t block, struct gemv_tokens *t, struct err *err);
void gemv_tokens_close(const struct gemv *g, struct gemv_tokens *t);

/* Quantises g->x for one thread, and for the reference by the reference kernel. */
void gemv_tokens_fill(const struct gemv *g, struct gemv_tokens *t, size_t thread);
void gemv_tokens_fill_reference(const struct gemv *g, struct gemv_tokens *t);

/* What they quantised: all tokens of a thread, and one of the reference. */
struct gemm_i8_tokens gemv_tokens_of(const struct gemv *g, const struct gemv_tokens *t,
                                     size_t thread);
struct gemm_i8_tokens gemv_tokens_reference(const struct gemv_tokens *t, size_t token);

#endif
