#include "numerics/formats/entropy_grid.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entropy_grid entropy_grid_over(float amax, size_t half)
{
    return (struct entropy_grid){half, fmaxf(amax / (float)half, FLT_MIN)};
}

/* Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low 16 bits of the sum: |v| is
 * below 2^15 after the clamp. */
static inline uint16_t code_of(float x, float delta, size_t half)
{
    float v = x / delta, end = (float)half;
    uint32_t bits;
    v = v < end ? v : end; /* the quotient's rounding */
    v = v > -end ? v : -end;
    v = (fabsf(x) <= FLT_MAX ? v : 0) + 0x1.8p23f;
    memcpy(&bits, &v, sizeof bits);
    return (uint16_t)(bits + half);
}

void entropy_grid_encode(const struct entropy_grid *g, const float *x, size_t n, uint16_t *codes)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = code_of(x[i], g->delta, g->half);
}

enum { CHUNK = 2048 };

void entropy_grid_count(const struct entropy_grid *g, const float *x, size_t n, uint64_t *count)
{
    uint16_t codes[CHUNK];
    for (size_t i = 0, part; i < n; i += part) {
        part = n - i < CHUNK ? n - i : CHUNK;
        entropy_grid_encode(g, x + i, part, codes);
        for (size_t j = 0; j < part; j++)
            count[codes[j]]++;
    }
}

double entropy_bits(const uint64_t *count, size_t levels)
{
    double total = 0, cost = 0;
    for (size_t i = 0; i < levels; i++)
        total += (double)count[i];
    for (size_t i = 0; i < levels; i++)
        cost -= (double)count[i] * log2(((double)count[i] + 1) / (total + (double)levels));
    return total > 0 ? cost / total : 0;
}

enum status entropy_huffman(const uint64_t *count, size_t levels, struct huffman_code *out,
                            struct err *err)
{
    uint64_t *weight = malloc((levels ? levels : 1) * sizeof *weight);
    if (!weight)
        return status_fail(err, E_NOMEM, "entropy coding: no memory for %zu levels", levels);
    for (size_t i = 0; i < levels; i++)
        weight[i] = count[i] + 1;
    enum status s = huffman_make(weight, levels, out, err);
    free(weight);
    return s;
}

/* Mean cost of x on the grid; count is room for its levels. */
static enum status cost_of(const struct entropy_grid *g, const float *x, size_t n,
                           enum entropy_coder coder, uint64_t *count, double *cost, struct err *err)
{
    size_t levels = entropy_grid_levels(g);
    struct huffman_code code = {0};
    memset(count, 0, levels * sizeof *count);
    entropy_grid_count(g, x, n, count);
    if (coder == ENTROPY_IDEAL) {
        *cost = entropy_bits(count, levels);
        return OK;
    }
    enum status s = entropy_huffman(count, levels, &code, err);
    if (!s)
        *cost = (double)huffman_cost(&code, count) / (double)n;
    huffman_free(&code);
    return s;
}

static float largest(const float *x, size_t n)
{
    float amax = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) <= FLT_MAX && fabsf(x[i]) > amax)
            amax = fabsf(x[i]);
    return amax;
}

enum status entropy_grid_fit(const float *x, size_t n, double bits, enum entropy_coder coder,
                             struct entropy_grid *out, double *cost, struct err *err)
{
    if (n >= HUFFMAN_MAX_TOTAL / 2)
        return status_fail(err, E_USAGE, "entropy-coded grid: %zu elements", n);
    enum status s = OK;
    float amax = largest(x, n);
    double found = 0, tried = 0;
    /* low costs no more than `bits` (or is the coarsest), high costs more (or is beyond the finest)
     */
    size_t low = 1, high = ENTROPY_GRID_MAX_HALF + 1;
    size_t half = bits < 15 ? (size_t)fmax(1, exp2(bits - 1)) : ENTROPY_GRID_MAX_HALF;
    uint64_t *count = malloc((2 * (size_t)ENTROPY_GRID_MAX_HALF + 1) * sizeof *count);
    if (!count)
        return status_fail(err, E_NOMEM, "entropy-coded grid: out of memory");
    *out = entropy_grid_over(amax, 1);
    s = n ? cost_of(out, x, n, coder, count, &found, err) : OK;
    while (!s && n && high - low > 1) {
        struct entropy_grid g = entropy_grid_over(amax, half);
        s = cost_of(&g, x, n, coder, count, &tried, err);
        if (s)
            break;
        if (tried <= bits) {
            *out = g;
            found = tried;
            low = half;
        } else {
            high = half;
        }
        half = high > ENTROPY_GRID_MAX_HALF && 2 * low < high ? 2 * low : low + (high - low) / 2;
    }
    free(count);
    if (!s && cost)
        *cost = found;
    return s;
}

enum status entropy_grid_code(const float *x, size_t n, double bits, enum entropy_coder coder,
                              struct block_error *error, double *true_bits, struct err *err)
{
    struct entropy_grid g;
    double cost = 0;
    enum status s = entropy_grid_fit(x, n, bits, coder, &g, &cost, err);
    if (s)
        return s;
    uint16_t codes[CHUNK];
    struct block_error sum = {.n = n};
    for (size_t i = 0, part; i < n; i += part) {
        part = n - i < CHUNK ? n - i : CHUNK;
        entropy_grid_encode(&g, x + i, part, codes);
        for (size_t j = 0; j < part; j++) {
            double v = x[i + j], off = entropy_grid_level(&g, codes[j]) - v;
            if (!isfinite(v)) {
                sum.nonfinite++;
                continue;
            }
            sum.flushed += v != 0 && codes[j] == g.half;
            sum.squares += v * v;
            sum.error += off * off;
            sum.max_error = fmax(sum.max_error, fabs(off));
        }
    }
    block_error_add(error, &sum);
    *true_bits = n ? cost + (8 * (double)entropy_grid_levels(&g) + 32) / (double)n : 0;
    return OK;
}
