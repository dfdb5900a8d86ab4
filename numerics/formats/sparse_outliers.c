#include "numerics/formats/sparse_outliers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"

/* |x| as integers that order alike; what is not finite comes last. */
static uint32_t magnitude(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= 0x7fffffff;
    return bits < 0x7f800000 ? bits : 0;
}

/* The magnitude of the count-th largest, by two counts of 2^16 cells: of the upper halves of the
 * magnitudes, then of the lower halves of those that share the upper half in question. */
static uint32_t threshold(const float *x, size_t n, size_t count, size_t *cells)
{
    uint32_t upper = 0;
    for (int half = 0; half < 2; half++) {
        memset(cells, 0, 65536 * sizeof *cells);
        for (size_t i = 0; i < n; i++) {
            uint32_t m = magnitude(x[i]);
            if (!half)
                cells[m >> 16]++;
            else if (m >> 16 == upper >> 16)
                cells[m & 0xffff]++;
        }
        uint32_t cell = 65535;
        while (cells[cell] < count)
            count -= cells[cell--];
        upper |= half ? cell : cell << 16;
    }
    return upper;
}

enum status sparse_outliers_split(float *x, size_t n, double ratio, struct sparse_outliers *out,
                                  struct err *err)
{
    if (!(ratio >= 0 && ratio <= 1) || n > UINT32_MAX)
        return status_fail(err, E_USAGE, "sparse outliers: a share of %g of %zu elements", ratio,
                           n);
    struct sparse_outliers s = {.count = (size_t)(ratio * (double)n)};
    if (!s.count) {
        *out = s;
        return OK;
    }
    size_t *cells = malloc(65536 * sizeof *cells);
    s.index = malloc(s.count * sizeof *s.index);
    s.value = malloc(s.count * sizeof *s.value);
    if (!cells || !s.index || !s.value) {
        free(cells);
        sparse_outliers_free(&s);
        return status_fail(err, E_NOMEM, "sparse outliers: out of memory");
    }
    uint32_t least = threshold(x, n, s.count, cells);
    free(cells);
    size_t above = 0, found = 0;
    for (size_t i = 0; i < n; i++)
        above += magnitude(x[i]) > least;
    size_t equal = s.count - above; /* how many of those at the threshold are taken */
    for (size_t i = 0; i < n && found < s.count; i++) {
        uint32_t m = magnitude(x[i]);
        if (m < least || (m == least && !equal) || !isfinite(x[i]))
            continue;
        equal -= m == least;
        s.index[found] = (uint32_t)i;
        s.value[found++] = bf16_from_f32(x[i]);
        x[i] = 0;
    }
    s.count = found; /* fewer where more is not finite than is left over */
    *out = s;
    return OK;
}

void sparse_outliers_free(struct sparse_outliers *s)
{
    free(s->index);
    free(s->value);
    *s = (struct sparse_outliers){0};
}

void sparse_outliers_restore(const struct sparse_outliers *s, float *x)
{
    for (size_t i = 0; i < s->count; i++)
        x[s->index[i]] = bf16_to_f32(s->value[i]);
}

enum status sparse_outliers_code(const struct block_format *f, const struct block_kernels *k,
                                 const float *x, size_t rows, size_t cols, double ratio,
                                 struct block_error *error, double *true_bits, struct err *err)
{
    size_t n = rows * cols, scale_count = block_format_scales(f, rows, cols);
    struct sparse_outliers sparse = {0};
    struct block_error sum = {.n = n};
    enum status s = OK;
    float *dense = malloc((n + 1) * sizeof *dense), *scales = malloc((scale_count + 1) * sizeof *x);
    uint8_t *codes = malloc(n + 1);
    if (!dense || !scales || !codes) {
        s = status_fail(err, E_NOMEM, "sparse outliers: no memory for %zu elements", n);
        goto out;
    }
    if (n)
        memcpy(dense, x, n * sizeof *dense);
    s = sparse_outliers_split(dense, n, ratio, &sparse, err);
    if (s)
        goto out;
    sum.nonfinite = block_format_encode(f, k, dense, rows, cols, codes, scales);
    block_format_decode(f, codes, scales, rows, cols, dense);
    sparse_outliers_restore(&sparse, dense);
    for (size_t i = 0; i < n; i++) {
        double off = (double)dense[i] - x[i];
        if (!isfinite(x[i]))
            continue;
        sum.flushed += x[i] != 0 && dense[i] == 0;
        sum.squares += (double)x[i] * x[i];
        sum.error += off * off;
        sum.max_error = fmax(sum.max_error, fabs(off));
    }
    block_error_add(error, &sum);
    *true_bits = block_format_bits(f, rows, cols) +
                 (n ? SPARSE_OUTLIER_BITS * (double)sparse.count / (double)n : 0);
out:
    sparse_outliers_free(&sparse);
    free(dense);
    free(scales);
    free(codes);
    return s;
}
