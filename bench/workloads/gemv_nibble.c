/* The four-bit formats of the GEMV task. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/sparse_outliers.h"
#include "numerics/kernels/gamma.h"
#include "numerics/kernels/gemv_nibble.h"

struct nibble {
    struct nibble_matrix matrix;   /* but for its rows */
    float *dense;                  /* the pattern without its outliers; NULL: all of it is coded */
    struct sparse_outliers sparse; /* the pattern's */
};

static struct nibble *nibble_of(const struct gemv *g)
{
    return g->own;
}

static size_t group_bytes(const struct gemv *g)
{
    return nibble_row_bytes(g->cols, g->block);
}

struct block_format gemv_block_format(const struct codebook *codebook, size_t block)
{
    return (struct block_format){.codebook = codebook,
                                 .rule = block ? SCALE_ABSMAX : SCALE_RMS,
                                 .scale_format = block ? SCALE_BF16 : SCALE_F32,
                                 .block = block ? block : BLOCK_TENSOR,
                                 .multiplier = 1};
}

/* One code in a byte to two, the even column in the low nibble.  nibble [16]: what the kernel reads
 * for a level's number. */
static void pair_codes(const uint8_t *one, size_t rows, size_t cols, const uint8_t *nibble,
                       uint8_t *two)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            two[r * ((cols + 1) / 2) + c / 2] |=
                (uint8_t)(nibble[one[r * cols + c]] << 4 * (c % 2));
}

/* Numbers of levels to nibbles; returns what a nibble is to be multiplied by. */
static float nibbles_of(const struct codebook *c, bool arithmetic, uint8_t *nibble)
{
    float step = arithmetic ? (c->level[c->n - 1] - c->level[0]) / (float)(c->n - 1) : 1;
    for (size_t i = 0; i < c->n; i++)
        nibble[i] = arithmetic ? (uint8_t)((int)rintf(c->level[i] / step) & 15) : (uint8_t)i;
    return step;
}

static enum status open(struct gemv *g, struct err *err)
{
    struct nibble *n = g->own = calloc(1, sizeof *n);
    if (!n)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    n->matrix = (struct nibble_matrix){.cols = g->cols, .block = g->block, .scale = 1};
    return OK;
}

static void close(struct gemv *g)
{
    struct nibble *n = g->own;
    if (!n)
        return;
    sparse_outliers_free(&n->sparse);
    free(n->dense);
    free(n);
}

static enum status pack(struct gemv *g, void *out, struct err *err)
{
    struct nibble_matrix *m = &nibble_of(g)->matrix;
    const float *weights = nibble_of(g)->dense ? nibble_of(g)->dense : g->pattern;
    struct codebook codebook;
    enum status s = g->format->codebook(g->block, &codebook, err);
    if (s)
        return s;
    uint8_t nibble[16];
    float step = nibbles_of(&codebook, g->format->kernel == &gemv_int4, nibble);
    struct block_format format = gemv_block_format(&codebook, g->block);
    if (g->format->spec)
        format.rule = *(const enum scale_rule *)g->format->spec;
    struct block_kernels kernels = block_kernels_pick(g->features);
    size_t n = g->pattern_rows * g->cols;
    size_t scale_count = block_format_scales(&format, g->pattern_rows, g->cols);
    uint8_t *one = malloc(n), *two = calloc(g->pattern_rows, (g->cols + 1) / 2);
    float *wide = malloc(scale_count * sizeof *wide);
    uint16_t *scales = malloc(scale_count * sizeof *scales);
    if (!one || !two || !wide || !scales) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
        goto out;
    }
    block_format_encode(&format, &kernels, weights, g->pattern_rows, g->cols, one, wide);
    pair_codes(one, g->pattern_rows, g->cols, nibble, two);
    for (size_t i = 0; i < scale_count; i++)
        scales[i] = bf16_from_f32(wide[i]); /* exact: they are bf16 values */
    memcpy(m->table, codebook.level, sizeof m->table);
    m->scale = g->block ? step : step * wide[0];
    nibble_pack(two, scales, g->pattern_rows, g->cols, g->block, out);
out:
    free(one);
    free(two);
    free(wide);
    free(scales);
    return s;
}

static struct nibble_matrix matrix(const struct gemv *g, const void *w)
{
    struct nibble_matrix m = nibble_of(g)->matrix;
    m.rows = w;
    return m;
}

static void rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                 size_t thread)
{
    (void)thread;
    struct nibble_matrix m = matrix(g, w);
    ((gemv_nibble_fn *)g->variant->fn)(&m, g->x, y, row0, row1);
}

static void lut4_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_lut4_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double lut4_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_lut4_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_lut4 = {.variants = gemv_lut4_variants,
                                      .open = open,
                                      .close = close,
                                      .group_bytes = group_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = lut4_reference,
                                      .bound = lut4_bound};

static void int4_reference(const struct gemv *g, const void *w, size_t token, float *y, size_t row0,
                           size_t row1)
{
    struct nibble_matrix m = matrix(g, w);
    gemv_int4_ref(&m, g->x + token * g->cols, y, row0, row1);
}

static double int4_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    struct nibble_matrix m = matrix(g, w);
    return gemv_int4_bound(&m, g->x + token * g->cols, row);
}

const struct gemv_kernel gemv_int4 = {.variants = gemv_int4_variants,
                                      .open = open,
                                      .close = close,
                                      .group_bytes = group_bytes,
                                      .pack = pack,
                                      .rows = rows,
                                      .reference = int4_reference,
                                      .bound = int4_bound};

/* ---- With sparse outliers: coordinates, then values, behind the groups ---- */

static enum status sparse_fit(struct gemv *g, struct err *err)
{
    struct nibble *n = g->own;
    size_t values = g->pattern_rows * g->cols;
    if (g->rows > UINT32_MAX / g->cols)
        return status_fail(err, E_SKIP, "%s: %zu x %zu has no 32-bit indices", g->format->variant,
                           g->rows, g->cols);
    n->dense = malloc(values * sizeof *n->dense);
    if (!n->dense)
        return status_fail(err, E_NOMEM, "%s: out of memory", g->format->variant);
    memcpy(n->dense, g->pattern, values * sizeof *n->dense);
    return sparse_outliers_split(n->dense, values, GEMV_SPARSE_RATIO, &n->sparse, err);
}

/* The first of ascending indices [count] that is not below `least`. */
static size_t first_from(const uint32_t *index, size_t count, size_t least)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (index[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of the whole of W: the pattern's, as often as its rows repeat. */
static size_t sparse_count(const struct gemv *g)
{
    const struct sparse_outliers *s = &nibble_of(g)->sparse;
    return g->rows / g->pattern_rows * s->count +
           first_from(s->index, s->count, g->rows % g->pattern_rows * g->cols);
}

static size_t sparse_tail_bytes(const struct gemv *g)
{
    return sparse_count(g) * (SPARSE_OUTLIER_BITS / 8);
}

static void sparse_tail(const struct gemv *g, void *out)
{
    const struct sparse_outliers *s = &nibble_of(g)->sparse;
    size_t count = sparse_count(g), pattern = g->pattern_rows * g->cols;
    uint32_t *index = out;
    uint16_t *value = (uint16_t *)(index + count);
    for (size_t i = 0; i < count; i++) {
        index[i] = (uint32_t)(s->index[i % s->count] + i / s->count * pattern);
        value[i] = s->value[i % s->count];
    }
}

static struct sparse_outliers sparse_of(const struct gemv *g, const void *w)
{
    struct sparse_outliers s = {.count = sparse_count(g)};
    memcpy(&s.index, &(const void *){gemv_tail(g, w)}, sizeof s.index); /* only read */
    s.value = (uint16_t *)(s.index + s.count);
    return s;
}

static void sparse_rows(const struct gemv *g, const void *w, float *y, size_t row0, size_t row1,
                        size_t thread)
{
    rows(g, w, y, row0, row1, thread);
    struct sparse_outliers s = sparse_of(g, w);
    size_t row = row0, begin = row0 * g->cols;
    for (size_t i = first_from(s.index, s.count, begin); i < s.count && s.index[i] < row1 * g->cols;
         i++) {
        for (; s.index[i] - begin >= g->cols; row++)
            begin += g->cols;
        y[row] += bf16_to_f32(s.value[i]) * g->x[s.index[i] - begin];
    }
}

/* Of one row: how many outliers, the sum of their products in f64, and that of the magnitudes. */
static size_t sparse_row(const struct gemv *g, const void *w, const float *x, size_t row,
                         double *sum, double *absolute)
{
    struct sparse_outliers s = sparse_of(g, w);
    size_t first = first_from(s.index, s.count, row * g->cols), i = first;
    *sum = *absolute = 0;
    for (; i < s.count && s.index[i] < (row + 1) * g->cols; i++) {
        double product = (double)bf16_to_f32(s.value[i]) * x[s.index[i] - row * g->cols];
        *sum += product;
        *absolute += fabs(product);
    }
    return i - first;
}

static void sparse_reference(const struct gemv *g, const void *w, size_t token, float *y,
                             size_t row0, size_t row1)
{
    lut4_reference(g, w, token, y, row0, row1);
    for (size_t r = row0; r < row1; r++) {
        double sum, absolute;
        sparse_row(g, w, g->x + token * g->cols, r, &sum, &absolute);
        y[r] = (float)(y[r] + sum);
    }
}

/* The dense part is off by its own bound; then k products are rounded and added one by one, to what
 * is at most |dense| + sum |product| on the way, and the reference rounds once more. */
static double sparse_bound(const struct gemv *g, const void *w, size_t token, size_t row)
{
    double sum, absolute, dense = lut4_bound(g, w, token, row);
    size_t k = sparse_row(g, w, g->x + token * g->cols, row, &sum, &absolute);
    float *y = calloc(row + 1, sizeof *y);
    if (!y)
        return INFINITY;
    lut4_reference(g, w, token, y, row, row + 1);
    double all = fabs((double)y[row]) + dense + absolute;
    free(y);
    return all < FLT_MAX / 2 ? dense + gamma_f32(k + 2) * all + ((double)k + 1) * F32_TINIEST
                             : INFINITY;
}

const struct gemv_kernel gemv_lut4_sparse = {.variants = gemv_lut4_variants,
                                             .open = open,
                                             .close = close,
                                             .fit = sparse_fit,
                                             .group_bytes = group_bytes,
                                             .tail_bytes = sparse_tail_bytes,
                                             .tail = sparse_tail,
                                             .pack = pack,
                                             .rows = sparse_rows,
                                             .reference = sparse_reference,
                                             .bound = sparse_bound};
