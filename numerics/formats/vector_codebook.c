#include "numerics/formats/vector_codebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/formats/bf16.h"

/* Eight samples a centroid, and as many rounds as a task may take to prepare. */
const struct vector_fit vector_fit_vq4x3b = {
    .dim = 4, .n = 4096, .samples = 1 << 15, .rounds = 6, .tolerance = 1e-3, .threads = 1};
const struct vector_fit vector_fit_sign3d8 = {.dim = 3,
                                              .n = 32,
                                              .is_signed = true,
                                              .samples = 1 << 16,
                                              .rounds = 50,
                                              .tolerance = 1e-3,
                                              .threads = 1};

enum { CHUNK = 256 }; /* vectors looked up at a time */

size_t vector_codebook_codes(const struct vector_codebook *c, size_t cols)
{
    return (cols + c->dim - 1) / c->dim;
}

static double code_bits(const struct vector_codebook *c)
{
    return log2((double)c->n) + (c->is_signed ? (double)c->dim : 0);
}

double vector_codebook_bits(const struct vector_codebook *c, size_t rows, size_t cols)
{
    double n = (double)rows * (double)cols, table = 16 * (double)(c->n * c->dim);
    double codes = (double)rows * (double)vector_codebook_codes(c, cols);
    return n > 0 ? (codes * code_bits(c) + table) / n : 0;
}

/* Vector v of a row of cols elements to out [dim]: zeros where there is none or none is finite. */
static void take(const float *row, size_t cols, size_t dim, size_t v, float *out)
{
    for (size_t d = 0; d < dim; d++) {
        size_t at = v * dim + d;
        out[d] = at < cols && isfinite(row[at]) ? row[at] : 0;
    }
}

/* Rounds the centroids to bf16 and lays them out for the search. */
static void set_centroids(struct vector_codebook *c, const double *centroid)
{
    size_t padded = nearest_padded(c->n);
    for (size_t i = 0; i < padded; i++) {
        double squares = 0;
        for (size_t d = 0; d < c->dim; d++) {
            if (i < c->n)
                c->centroid[i * c->dim + d] = bf16_from_f32((float)centroid[i * c->dim + d]);
            float v = i < c->n ? bf16_to_f32(c->centroid[i * c->dim + d]) : 0;
            c->plane[d * padded + i] = v;
            squares += (double)v * v;
        }
        c->half[i] = i < c->n ? (float)(squares / 2) : INFINITY;
    }
}

static struct nearest_vectors search_of(const struct vector_codebook *c)
{
    return (struct nearest_vectors){c->plane, c->half, c->dim, nearest_padded(c->n)};
}

static nearest_vector_fn *search_for(unsigned features)
{
    return (nearest_vector_fn *)kernel_pick(nearest_vector_variants, features)->fn;
}

/* Draws vectors of the tensor, each at most once, into sample [count][dim]. */
static void draw_samples(const struct vector_fit *fit, const float *x, size_t rows, size_t cols,
                         struct rng *rng, size_t count, float *sample)
{
    size_t per_row = (cols + fit->dim - 1) / fit->dim, left = rows * per_row, taken = 0;
    for (size_t v = 0; taken < count; v++, left--) {
        /* of those left, as many are still wanted (Knuth, algorithm S) */
        if (rng_uniform(rng) * (double)left >= (double)(count - taken))
            continue;
        float *out = sample + taken++ * fit->dim;
        take(x + v / per_row * cols, cols, fit->dim, v % per_row, out);
        for (size_t d = 0; d < fit->dim && fit->is_signed; d++)
            out[d] = fabsf(out[d]);
    }
}

/* Centroids of the cells; returns nothing of empty ones.  population is room for n. */
static void move_centroids(const struct vector_codebook *c, const float *sample, size_t count,
                           const uint16_t *code, double *centroid, size_t *population)
{
    memset(population, 0, c->n * sizeof *population);
    for (size_t i = 0; i < count; i++) {
        double *to = centroid + code[i] * c->dim;
        if (!population[code[i]]++)
            memset(to, 0, c->dim * sizeof *to);
        for (size_t d = 0; d < c->dim; d++)
            to[d] += sample[i * c->dim + d];
    }
    for (size_t i = 0; i < c->n; i++)
        for (size_t d = 0; d < c->dim && population[i]; d++)
            centroid[i * c->dim + d] /= (double)population[i];
}

static void iterate(const struct vector_fit *fit, const float *sample, size_t count,
                    struct vector_codebook *c, uint16_t *code, uint16_t *before, double *centroid,
                    size_t *population)
{
    nearest_vector_fn *search = search_for(fit->features);
    size_t changed = count;
    for (size_t round = 0; round < fit->rounds && (double)changed > fit->tolerance * (double)count;
         round++) {
        struct nearest_vectors vectors = search_of(c);
#pragma omp parallel for num_threads(fit->threads) schedule(static)
        for (size_t i = 0; i < (count + CHUNK - 1) / CHUNK; i++) {
            size_t first = i * CHUNK, part = count - first < CHUNK ? count - first : CHUNK;
            search(&vectors, sample + first * c->dim, part, code + first);
        }
        changed = round ? 0 : count;
        for (size_t i = 0; i < count && round; i++)
            changed += code[i] != before[i];
        memcpy(before, code, count * sizeof *code);
        move_centroids(c, sample, count, code, centroid, population);
        set_centroids(c, centroid);
    }
}

/* The samples that the centroids start from. */
static enum status start(const float *sample, size_t count, struct rng *rng,
                         const struct vector_codebook *c, double *centroid)
{
    size_t *order = malloc((count + 1) * sizeof *order);
    if (!order)
        return E_NOMEM;
    rng_permutation(rng, order, count);
    for (size_t i = 0; i < c->n && i < count; i++)
        for (size_t d = 0; d < c->dim; d++)
            centroid[i * c->dim + d] = sample[order[i] * c->dim + d];
    free(order);
    return OK;
}

enum status vector_codebook_fit(const struct vector_fit *fit, const float *x, size_t rows,
                                size_t cols, struct rng *rng, struct vector_codebook *out,
                                struct err *err)
{
    if (fit->dim < 2 || fit->dim > NEAREST_MAX_DIM || fit->n < 2 || fit->n > VECTOR_CODEBOOK_MAX ||
        fit->n & (fit->n - 1) || (fit->is_signed && fit->n << fit->dim > 65536))
        return status_fail(err, E_USAGE, "vector codebook: %zu vectors of %zu elements", fit->n,
                           fit->dim);
    size_t padded = nearest_padded(fit->n), count = rows * ((cols + fit->dim - 1) / fit->dim);
    count = count < fit->samples ? count : fit->samples;
    struct vector_codebook c = {
        .dim = fit->dim,
        .n = fit->n,
        .is_signed = fit->is_signed,
        .centroid = malloc(fit->n * fit->dim * sizeof *c.centroid),
        .plane = malloc(padded * fit->dim * sizeof *c.plane),
        .half = malloc(padded * sizeof *c.half),
    };
    float *sample = malloc((count + 1) * fit->dim * sizeof *sample);
    uint16_t *code = malloc((count + 1) * sizeof *code),
             *before = malloc((count + 1) * sizeof *code);
    double *centroid = calloc(fit->n * fit->dim, sizeof *centroid);
    size_t *population = malloc(fit->n * sizeof *population);
    enum status s = E_NOMEM;
    if (c.centroid && c.plane && c.half && sample && code && before && centroid && population) {
        draw_samples(fit, x, rows, cols, rng, count, sample);
        s = start(sample, count, rng, &c, centroid);
    }
    if (!s) {
        set_centroids(&c, centroid);
        iterate(fit, sample, count, &c, code, before, centroid, population);
        *out = c;
    } else {
        vector_codebook_free(&c);
        status_fail(err, s, "vector codebook: no memory for %zu samples", count);
    }
    free(sample);
    free(code);
    free(before);
    free(centroid);
    free(population);
    return s;
}

void vector_codebook_free(struct vector_codebook *c)
{
    free(c->centroid);
    free(c->plane);
    free(c->half);
    *c = (struct vector_codebook){0};
}

size_t vector_codebook_encode(const struct vector_codebook *c, unsigned features, const float *x,
                              size_t rows, size_t cols, uint16_t *codes)
{
    nearest_vector_fn *search = search_for(features);
    struct nearest_vectors vectors = search_of(c);
    size_t per_row = vector_codebook_codes(c, cols), all = rows * per_row, nonfinite = 0;
    float buffer[CHUNK * NEAREST_MAX_DIM];
    unsigned sign[CHUNK];
    for (size_t first = 0, part; first < all; first += part) {
        part = all - first < CHUNK ? all - first : CHUNK;
        for (size_t i = 0; i < part; i++) {
            size_t v = first + i;
            float *to = buffer + i * c->dim;
            take(x + v / per_row * cols, cols, c->dim, v % per_row, to);
            sign[i] = 0;
            for (size_t d = 0; d < c->dim && c->is_signed; d++) {
                sign[i] |= (unsigned)(to[d] < 0) << d;
                to[d] = fabsf(to[d]);
            }
        }
        search(&vectors, buffer, part, codes + first);
        for (size_t i = 0; i < part; i++)
            codes[first + i] = (uint16_t)(codes[first + i] | sign[i] * c->n);
    }
    for (size_t i = 0; i < rows * cols; i++)
        nonfinite += !isfinite(x[i]);
    return nonfinite;
}

float vector_codebook_value(const struct vector_codebook *c, uint16_t code, size_t d)
{
    float magnitude = bf16_to_f32(c->centroid[(code & (c->n - 1)) * c->dim + d]);
    return c->is_signed && code / c->n >> d & 1 ? -magnitude : magnitude;
}

struct block_error vector_codebook_error(const struct vector_codebook *c, unsigned features,
                                         const float *x, size_t rows, size_t cols)
{
    struct block_error sum = {.n = rows * cols};
    uint16_t codes[CHUNK];
    size_t span = CHUNK * c->dim; /* of a row, coded at a time */
    for (size_t r = 0; r < rows; r++)
        for (size_t from = 0; from < cols; from += span) {
            const float *part = x + r * cols + from;
            size_t n = cols - from < span ? cols - from : span;
            sum.nonfinite += vector_codebook_encode(c, features, part, 1, n, codes);
            for (size_t i = 0; i < n; i++) {
                float value = vector_codebook_value(c, codes[i / c->dim], i % c->dim);
                double v = part[i], off = value - v;
                if (!isfinite(v))
                    continue;
                sum.flushed += v != 0 && value == 0;
                sum.squares += v * v;
                sum.error += off * off;
                sum.max_error = fmax(sum.max_error, fabs(off));
            }
        }
    return sum;
}
