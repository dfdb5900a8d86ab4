/* Dense 8- and 16-bit formats of the GEMV task: binary16, and integers and FP8 with a scale for
 * each row. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/float_format.h"
#include "numerics/kernels/convert.h"
#include "numerics/kernels/gemv_narrow.h"

static struct narrow_matrix matrix(const struct gemv *g, const void *w)
{
    const struct gemv_kernel *kernel = g->format->kernel;
    return (struct narrow_matrix){.codes = w,
                                  .format = kernel == &gemv_fp16   ? NARROW_F16
                                            : kernel == &gemv_e4m3 ? NARROW_E4M3
                                            : kernel == &gemv_e5m2 ? NARROW_E5M2
                                                                   : NARROW_INT8,
                                  .cols = g->cols,
                                  .row_scales = g->own};
}

static size_t group_bytes(const struct gemv *g)
{
    return g->cols * narrow_bytes(matrix(g, NULL).format);
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    (void)thread;
    struct narrow_matrix m = matrix(g, w);
    ((gemv_narrow_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1)
{
    struct narrow_matrix m = matrix(g, w);
    gemv_narrow_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct narrow_matrix m = matrix(g, w);
    return gemv_narrow_bound(&m, g->x + token * g->cols, row);
}

static enum status fp16_pack(struct gemv *g, void *out, struct err *err)
{
    (void)err;
    convert_rne_fn *encode = (convert_rne_fn *)kernel_pick(convert_rne_variants, g->features)->fn;
    encode(float_format_find("fp16"), g->pattern, g->pattern_rows * g->cols, out);
    return OK;
}

const struct gemv_kernel gemv_fp16 = {.variants = gemv_narrow_variants,
                                      .group_bytes = group_bytes,
                                      .pack = fp16_pack,
                                      .rows = rows,
                                      .reference = reference,
                                      .bound = bound};

/* The scales of all rows, which the copies share: 4 bytes of a row. */
static enum status scales_open(struct gemv *g, struct err *err)
{
    g->own = malloc(g->rows * sizeof(float));
    return g->own ? OK : status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
}

static void scales_close(struct gemv *g)
{
    free(g->own);
}

static enum status int8_pack(struct gemv *g, void *out, struct err *err)
{
    struct codebook codebook;
    enum status s = codebook_integer(8, CODEBOOK_INT_RESTRICTED, &codebook, err);
    if (s)
        return s;
    struct block_format format = gemv_int8_format(&codebook);
    struct block_kernels kernels = block_kernels_pick(g->features);
    size_t n = g->pattern_rows * g->cols;
    uint8_t *codes = malloc(n);
    float *scales = malloc(g->pattern_rows * sizeof *scales);
    if (!codes || !scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, g->pattern, g->pattern_rows, g->cols, codes, scales);
    for (size_t i = 0; i < n; i++)
        ((int8_t *)out)[i] = (int8_t)codebook.level[codes[i]];
    for (size_t r = 0; r < g->rows; r++)
        ((float *)g->own)[r] = scales[r % g->pattern_rows];
out:
    free(codes);
    free(scales);
    return s;
}

struct block_format gemv_int8_format(const struct codebook *codebook)
{
    return (struct block_format){.codebook = codebook,
                                 .rule = SCALE_ABSMAX,
                                 .scale_format = SCALE_F32,
                                 .block = BLOCK_CHANNEL,
                                 .multiplier = 1};
}

const struct gemv_kernel gemv_int8row = {.variants = gemv_narrow_variants,
                                         .open = scales_open,
                                         .close = scales_close,
                                         .group_bytes = group_bytes,
                                         .pack = int8_pack,
                                         .rows = rows,
                                         .reference = reference,
                                         .bound = bound};

/* ---- FP8: each row over its absmax and times the largest value, rounded to nearest even ---- */

static enum status fp8_pack(struct gemv *g, void *out, struct err *err)
{
    bool e4m3 = g->format->kernel == &gemv_e4m3;
    const struct float_format *f = float_format_find(e4m3 ? "e4m3" : "e5m2");
    double largest = float_format_decode(f, f->max_code);
    convert_rne_fn *encode = (convert_rne_fn *)kernel_pick(convert_rne_variants, g->features)->fn;
    float *scales = g->own, *row = malloc(g->cols * sizeof *row);
    if (!row)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    for (size_t r = 0; r < g->pattern_rows; r++) {
        const float *weights = g->pattern + r * g->cols;
        float absmax = 0;
        for (size_t c = 0; c < g->cols; c++)
            absmax = fmaxf(absmax, fabsf(weights[c]));
        float scale = fmaxf((float)(absmax / largest), FLT_MIN);
        for (size_t c = 0; c < g->cols; c++)
            row[c] = weights[c] / scale;
        encode(f, row, g->cols, (uint8_t *)out + r * g->cols);
        for (size_t copy = r; copy < g->rows; copy += g->pattern_rows)
            scales[copy] = scale;
    }
    free(row);
    return OK;
}

#define GEMV_FP8                                                                                   \
    {                                                                                              \
        .variants = gemv_narrow_variants, .open = scales_open, .close = scales_close,              \
        .group_bytes = group_bytes, .pack = fp8_pack, .rows = rows, .reference = reference,        \
        .bound = bound                                                                             \
    }
const struct gemv_kernel gemv_e4m3 = GEMV_FP8, gemv_e5m2 = GEMV_FP8;
