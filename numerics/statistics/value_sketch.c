#include "numerics/statistics/value_sketch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void sketch_add(struct value_sketch *s, const float *x, size_t n)
{
    double squares = 0;
    float largest = s->largest;
    uint64_t nonfinite = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        if ((bits >> 23 & 0xff) == 0xff) {
            nonfinite++;
            continue;
        }
        s->count[bits >> 16]++;
        squares += (double)x[i] * x[i];
        float magnitude = fabsf(x[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    s->squares += squares;
    s->largest = largest;
    s->nonfinite += nonfinite;
    s->n += n - nonfinite;
}

void sketch_merge(struct value_sketch *into, const struct value_sketch *from)
{
    for (size_t i = 0; i < SKETCH_BINS; i++)
        into->count[i] += from->count[i];
    into->n += from->n;
    into->nonfinite += from->nonfinite;
    into->squares += from->squares;
    into->largest = from->largest > into->largest ? from->largest : into->largest;
}

double sketch_rms(const struct value_sketch *s)
{
    return s->n ? sqrt(s->squares / (double)s->n) : 0;
}

/* Bin i holds the values from its edge away from 0 for its width. */
static double bin_edge(size_t i)
{
    uint32_t bits = (uint32_t)i << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double bin_width(size_t i)
{
    return fmax(exp2(logb(bin_edge(i)) - 7), 0x1p-133); /* subnormals lie evenly, from 0 on */
}

void sketch_histogram(const struct value_sketch *s, const double *edges, size_t n_counts,
                      double *counts)
{
    double rms = sketch_rms(s);
    memset(counts, 0, n_counts * sizeof *counts);
    for (size_t i = 0; i < SKETCH_BINS && rms > 0; i++) {
        if (!s->count[i])
            continue;
        double near = bin_edge(i), far = near + copysign(bin_width(i), near);
        double low = fmin(near, far) / rms, high = fmax(near, far) / rms;
        for (size_t b = 0; b < n_counts; b++) {
            double overlap = fmin(high, edges[b + 1]) - fmax(low, edges[b]);
            if (overlap > 0)
                counts[b] += (double)s->count[i] * overlap / (high - low);
        }
    }
}

/* The occupied bins as magnitudes with weights: the distributions are symmetric about 0. */
struct magnitudes {
    double value[SKETCH_BINS / 2], weight[SKETCH_BINS / 2];
    size_t n;
    double total;
};

static void fill_magnitudes(const struct value_sketch *s, struct magnitudes *m)
{
    enum { HALF = SKETCH_BINS / 2, EXPONENT_ALL_ONES = 0x7f80 };
    m->n = 0;
    m->total = 0;
    for (size_t i = 0; i < EXPONENT_ALL_ONES; i++) {
        double weight = (double)(s->count[i] + s->count[i + HALF]);
        if (weight <= 0)
            continue;
        m->value[m->n] = i ? bin_edge(i) + 0.5 * bin_width(i) : 0;
        m->weight[m->n++] = weight;
        m->total += weight;
    }
}

/* The scale of a Student-t of given df by the fixed point, from s. */
static double t_scale(const struct magnitudes *m, double df, double s)
{
    enum { MAX_STEPS = 500 };
    double s2 = s * s;
    for (int step = 0; step < MAX_STEPS; step++) {
        double sum = 0;
        for (size_t i = 0; i < m->n; i++) {
            double x2 = m->value[i] * m->value[i];
            sum += m->weight[i] * (df + 1) * s2 * x2 / (x2 + df * s2);
        }
        double next = sum / m->total;
        if (!(fabs(next - s2) > 1e-9 * s2)) /* far below the width of a bin */
            return sqrt(next);
        s2 = next;
    }
    return sqrt(s2);
}

/* The mean over the values of ln p(x), each taken as the fall from ln p(0). */
static double mean_loglik(const struct magnitudes *m, const struct distribution *d)
{
    double fall = 0, scale = d->scale, df = d->df;
    for (size_t i = 0; i < m->n; i++) {
        double z = m->value[i] / scale;
        switch (d->family) {
        case DISTRIBUTION_NORMAL:
            fall += m->weight[i] * z * z / 2;
            break;
        case DISTRIBUTION_LAPLACE:
            fall += m->weight[i] * z;
            break;
        case DISTRIBUTION_T:
            fall += m->weight[i] * (df + 1) / 2 * log1p(z * z / df);
            break;
        }
    }
    return log(distribution_pdf(d, 0)) - fall / m->total;
}

/* 1 .. 9.5 by 0.5, 10 .. 18 by 2, 20 .. 100 by 10. */
enum { DF_GRID = 32 };
static double grid_df(int i)
{
    return i < 18 ? 1 + 0.5 * i : i < 23 ? 10 + 2 * (i - 18) : 20 + 10 * (i - 23);
}

/* The likeliest t of the grid.  The likelihood has one peak over df, so the grid is halved by the
 * sign of its slope. */
static double fit_t(const struct magnitudes *m, double scale, struct distribution *out)
{
    struct distribution t[DF_GRID];
    double loglik[DF_GRID];
    bool known[DF_GRID] = {false};
    int low = 0, high = DF_GRID - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        for (int i = middle; i <= middle + 1; i++) {
            if (known[i])
                continue;
            double df = grid_df(i);
            t[i] = (struct distribution){DISTRIBUTION_T, t_scale(m, df, scale), df};
            loglik[i] = mean_loglik(m, &t[i]);
            known[i] = true;
        }
        if (loglik[middle] >= loglik[middle + 1])
            high = middle;
        else
            low = middle + 1;
    }
    *out = t[low];
    return loglik[low];
}

enum status sketch_fit(const struct value_sketch *s, struct sketch_fit *out, struct err *err)
{
    struct sketch_fit fit = {.normal = {DISTRIBUTION_NORMAL, sketch_rms(s), 0},
                             .laplace = {DISTRIBUTION_LAPLACE, 0, 0},
                             .t = {DISTRIBUTION_T, 0, 1},
                             .normal_loglik = NAN,
                             .laplace_loglik = NAN,
                             .t_loglik = NAN};
    struct magnitudes *m = malloc(sizeof *m);
    if (!m)
        return status_fail(err, E_NOMEM, "no memory to fit distributions");
    fill_magnitudes(s, m);
    for (size_t i = 0; i < m->n; i++)
        fit.laplace.scale += m->weight[i] * m->value[i] / m->total;
    if (fit.laplace.scale > 0) {
        fit.normal_loglik = mean_loglik(m, &fit.normal);
        fit.laplace_loglik = mean_loglik(m, &fit.laplace);
        fit.t_loglik = fit_t(m, fit.laplace.scale, &fit.t);
    }
    free(m);
    *out = fit;
    return OK;
}
