/* Six-bit floats in the GEMV task. */
#include "bench/workloads/gemv_fp6.h"

#include <math.h>
#include <stdlib.h>

#include "numerics/formats/float_row.h"
#include "numerics/kernels/gemm_fp6.h"

static const struct kernel_variant scalar_variants[] = {KERNEL(gemm_fp6, ref, 0), {0}};

static struct fp6_matrix matrix(const struct gemv *g, const void *w)
{
    struct fp6_matrix m = *(const struct fp6_matrix *)g->own;
    m.tiles = w;
    return m;
}

static enum status open(struct gemv *g, struct err *err)
{
    const struct gemv_fp6_spec *spec = g->format->spec;
    struct fp6_matrix *m = g->own = calloc(1, sizeof *m);
    if (!m)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    *m = fp6_matrix_of(float_format_find(spec->element), spec->layout, NULL, g->rows, g->cols);
    g->row_group = FP6_TILE;
    return OK;
}

static void close(struct gemv *g)
{
    free(g->own);
}

static size_t group_bytes(const struct gemv *g)
{
    const struct fp6_matrix *m = g->own;
    return fp6_tile_bytes(m->format, m->layout, m->cols);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct fp6_matrix m = matrix(g, NULL);
    m.rows = g->pattern_rows;
    uint8_t *codes = malloc(m.rows * m.cols);
    uint16_t *scales = malloc(m.rows * sizeof *scales);
    enum status s = OK;
    if (!codes || !scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
#pragma omp parallel for num_threads(g->threads) schedule(static)
    for (size_t r = 0; r < m.rows; r++)
        scales[r] =
            float_row_quantise(m.format, g->pattern + r * m.cols, m.cols, codes + r * m.cols);
    fp6_pack(&m, codes, scales, 0, m.rows / FP6_TILE, out);
out:
    free(codes);
    free(scales);
    return s;
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    (void)thread;
    struct fp6_matrix m = matrix(g, w);
    ((gemm_fp6_fn *)g->variant->fn)(&m, g->x, g->tokens, y, row0, row1);
}

static void reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                      size_t row1)
{
    struct fp6_matrix m = matrix(g, w);
    gemm_fp6_ref(&m, g->x + token * g->cols, 1, y, row0, row1);
}

static double bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct fp6_matrix m = matrix(g, w);
    return gemm_fp6_bound(&m, g->x + token * g->cols, row);
}

double gemv_fp6_weight_error(const struct gemv *g)
{
    struct fp6_matrix m = matrix(g, g->weights);
    size_t n = g->pattern_rows < g->rows ? g->pattern_rows : g->rows;
    double off = 0, all = 0;
#pragma omp parallel for num_threads(g->threads) reduction(+ : off, all) schedule(static)
    for (size_t r = 0; r < n; r++) {
        double scale = float_row_scale(fp6_scale_bits(&m, r));
        for (size_t c = 0; c < m.cols; c++) {
            double w = g->pattern[r * m.cols + c], e = scale * m.value[fp6_code(&m, r, c)] - w;
            off += e * e;
            all += w * w;
        }
    }
    return sqrt(off / all);
}

#define FP6(kernels)                                                                               \
    {                                                                                              \
        .variants = kernels, .max_tokens = SIZE_MAX, .roof = ROOF_FMA_F32, .open = open,           \
        .close = close, .group_bytes = group_bytes, .pack = pack, .rows = rows,                    \
        .reference = reference, .bound = bound                                                     \
    }

const struct gemv_kernel gemv_fp6_cvt = FP6(gemm_fp6_cvt_variants);
const struct gemv_kernel gemv_fp6_lut = FP6(gemm_fp6_lut_variants);
const struct gemv_kernel gemv_fp6_lanes = FP6(gemm_fp6_lanes_variants);
const struct gemv_kernel gemv_fp6_scalar = FP6(scalar_variants);
