/* The dense formats of the GEMV task: f32 and bf16 by our kernels, f32 by OpenBLAS. */
#include <string.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemm_bf16.h"
#include "numerics/kernels/gemv_blas.h"
#include "numerics/kernels/gemv_dense.h"

static size_t f32_group_bytes(const struct gemv *g)
{
    return g->cols * sizeof(float);
}

static enum status f32_pack(struct gemv *g, void *out, struct err *err)
{
    (void)err;
    memcpy(out, g->pattern, g->pattern_rows * g->cols * sizeof *g->pattern);
    return OK;
}

static void f32_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                     size_t thread)
{
    (void)thread;
    ((gemv_f32_fn *)g->variant->fn)(w, g->cols, g->x, y, row0, row1);
}

static void f32_whole(const struct gemv *g, const void *w, float *y)
{
    gemv_blas_f32(w, g->rows, g->cols, g->x, g->tokens, y, g->threads);
}

static void f32_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                          size_t row1)
{
    gemv_f32_ref(w, g->cols, g->x + token * g->cols, y, row0, row1);
}

static double f32_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    return gemv_f32_bound((const float *)w + row * g->cols, g->x + token * g->cols, g->cols);
}

const struct gemv_kernel gemv_f32 = {.variants = gemv_f32_variants,
                                     .group_bytes = f32_group_bytes,
                                     .pack = f32_pack,
                                     .rows = f32_rows,
                                     .reference = f32_reference,
                                     .bound = f32_bound};

const struct gemv_kernel gemv_sgemv = {.library_isa = gemv_blas_core,
                                       .max_tokens = SIZE_MAX,
                                       .roof = ROOF_FMA_F32,
                                       .group_bytes = f32_group_bytes,
                                       .pack = f32_pack,
                                       .whole = f32_whole,
                                       .reference = f32_reference,
                                       .bound = f32_bound};

static size_t bf16_group_bytes(const struct gemv *g)
{
    return g->cols * sizeof(uint16_t);
}

static enum status bf16_pack(struct gemv *g, void *out, struct err *err)
{
    (void)err;
    uint16_t *narrow = out;
    for (size_t i = 0; i < g->pattern_rows * g->cols; i++)
        narrow[i] = bf16_from_f32(g->pattern[i]);
    return OK;
}

static void bf16_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                      size_t thread)
{
    (void)thread;
    ((gemm_bf16_fn *)g->variant->fn)(w, g->rows, g->cols, g->x, g->tokens, y, row0, row1);
}

static void bf16_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    gemv_bf16_ref(w, g->cols, g->x + token * g->cols, y, row0, row1);
}

static double bf16_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    return gemv_bf16_bound((const uint16_t *)w + row * g->cols, g->x + token * g->cols, g->cols);
}

const struct gemv_kernel gemv_bf16 = {.variants = gemm_bf16_variants,
                                      .max_tokens = SIZE_MAX,
                                      .roof = ROOF_FMA_F32,
                                      .group_bytes = bf16_group_bytes,
                                      .pack = bf16_pack,
                                      .rows = bf16_rows,
                                      .reference = bf16_reference,
                                      .bound = bf16_bound};
