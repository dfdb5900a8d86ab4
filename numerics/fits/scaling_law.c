#include "numerics/fits/scaling_law.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- The law ---- */

size_t scaling_param_count(const struct scaling_form *form)
{
    return (form->shared ? 4 : 5) + form->precisions;
}

const char *scaling_param_name(const struct scaling_form *form, size_t i)
{
    static const char *const free_names[] = {"ln A", "ln B", "ln E", "alpha", "beta"};
    static const char *const shared_names[] = {"ln A", "ln B", "ln E", "exponent"};
    static const char *const gammas[] = {"ln gamma 1", "ln gamma 2", "ln gamma 3"};
    size_t plain = form->shared ? 4 : 5;
    if (i < plain)
        return form->shared ? shared_names[i] : free_names[i];
    return i < scaling_param_count(form) ? gammas[i - plain] : NULL;
}

struct scaling_constants scaling_constants(const struct scaling_law *law)
{
    const double *p = law->p, *gammas = p + (law->form.shared ? 4 : 5);
    struct scaling_constants c = {.A = exp(p[0]),
                                  .B = exp(p[1]),
                                  .E = exp(p[2]),
                                  .alpha = p[3],
                                  .beta = law->form.shared ? p[3] : p[4]};
    for (size_t k = 0; k < law->form.precisions; k++)
        c.gamma[k] = exp(gammas[k]);
    return c;
}

struct scaling_law scaling_law_of(const struct scaling_form *form,
                                  const struct scaling_constants *c)
{
    struct scaling_law law = {*form, {log(c->A), log(c->B), log(c->E), c->alpha}};
    size_t plain = 4;
    if (!form->shared)
        law.p[plain++] = c->beta;
    for (size_t k = 0; k < form->precisions; k++)
        law.p[plain + k] = log(c->gamma[k]);
    return law;
}

double scaling_precision_factor(const struct scaling_law *law, const double *bits)
{
    const struct scaling_constants c = scaling_constants(law);
    double factor = 1;
    for (size_t k = 0; k < law->form.precisions; k++)
        factor *= -expm1(-bits[k] / c.gamma[k]);
    return factor;
}

double scaling_loss(const struct scaling_law *law, double N, double D, const double *bits)
{
    const struct scaling_constants c = scaling_constants(law);
    return c.A * pow(N * scaling_precision_factor(law, bits), -c.alpha) + c.B * pow(D, -c.beta) +
           c.E;
}

struct scaling_allocation scaling_allocate(const struct scaling_law *law, double C,
                                           const double *bits)
{
    const struct scaling_constants c = scaling_constants(law);
    double A = c.A * pow(scaling_precision_factor(law, bits), -c.alpha);
    double G = pow(c.alpha * A / (c.beta * c.B), 1 / (c.alpha + c.beta));
    struct scaling_allocation best = {.exponent = c.beta / (c.alpha + c.beta)};
    best.N = G * pow(C / 6, best.exponent);
    best.D = pow(C / 6, 1 - best.exponent) / G;
    best.loss = scaling_loss(law, best.N, best.D, bits);
    return best;
}

/* ---- Tables ---- */

/* Columns for n rows in one block: all that a table points to. */
static enum status allocate(size_t n, size_t precisions, struct scaling_table *out, struct err *err)
{
    size_t columns = 4 + precisions;
    double *memory =
        n < SIZE_MAX / 8 / columns ? malloc((n ? n : 1) * columns * sizeof *memory) : NULL;
    if (!memory)
        return status_fail(err, E_NOMEM, "no memory for a table of %zu runs", n);
    *out = (struct scaling_table){.n = n,
                                  .ln_n = memory,
                                  .ln_d = memory + n,
                                  .ln_loss = memory + 2 * n,
                                  .weight = memory + 3 * n,
                                  .precisions = precisions,
                                  .memory = memory};
    for (size_t k = 0; k < precisions; k++)
        out->bits[k] = memory + (4 + k) * n;
    return OK;
}

void scaling_table_free(struct scaling_table *t)
{
    free(t->memory);
    *t = (struct scaling_table){0};
}

static enum status check_value(double value, const char *column, size_t row, struct err *err)
{
    if (value > 0 && isfinite(value))
        return OK;
    return status_fail(err, E_USAGE, "row %zu: %s is %g: it must be a number above 0", row, column,
                       value);
}

enum status scaling_table_make(const double *N, const double *D, const double *loss,
                               const double *const *bits, size_t precisions, size_t n,
                               struct scaling_table *out, struct err *err)
{
    struct scaling_table t = {0};
    if (precisions > SCALING_PRECISIONS)
        return status_fail(err, E_USAGE, "%zu columns of precision: at most %d", precisions,
                           SCALING_PRECISIONS);
    enum status s = allocate(n, precisions, &t, err);
    for (size_t i = 0; i < n && !s; i++) {
        s = check_value(N[i], "N", i, err);
        if (!s)
            s = check_value(D[i], "D", i, err);
        if (!s)
            s = check_value(loss[i], "loss", i, err);
        for (size_t k = 0; k < precisions && !s; k++) {
            s = check_value(bits[k][i], "the number of bits", i, err);
            t.bits[k][i] = bits[k][i];
        }
        t.ln_n[i] = log(N[i]);
        t.ln_d[i] = log(D[i]);
        t.ln_loss[i] = log(loss[i]);
        t.weight[i] = 1;
    }
    if (s)
        scaling_table_free(&t);
    else
        *out = t;
    return s;
}

enum status scaling_table_select(const struct scaling_table *t, const bool *keep,
                                 struct scaling_table *out, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += keep[i];
    enum status s = allocate(n, t->precisions, out, err);
    if (s)
        return s;
    for (size_t i = 0, to = 0; i < t->n; i++) {
        if (!keep[i])
            continue;
        out->ln_n[to] = t->ln_n[i];
        out->ln_d[to] = t->ln_d[i];
        out->ln_loss[to] = t->ln_loss[i];
        out->weight[to] = t->weight[i];
        for (size_t k = 0; k < t->precisions; k++)
            out->bits[k][to] = t->bits[k][i];
        to++;
    }
    return OK;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum status scaling_exclude_largest(const double *loss, size_t n, size_t m, bool *keep,
                                    size_t *kept, struct err *err)
{
    double *sorted = malloc((n ? n : 1) * sizeof *sorted);
    if (!sorted)
        return status_fail(err, E_NOMEM, "no memory to sort %zu losses", n);
    if (n)
        memcpy(sorted, loss, n * sizeof *loss);
    qsort(sorted, n, sizeof *sorted, compare);
    *kept = 0;
    for (size_t i = 0; i < n; i++)
        *kept += keep[i] = m <= n && loss[i] < sorted[n - m];
    free(sorted);
    return OK;
}

/* ---- Scores ---- */

double scaling_residual(const struct scaling_law *law, const struct scaling_table *t, size_t row)
{
    double bits[SCALING_PRECISIONS] = {0};
    for (size_t k = 0; k < law->form.precisions; k++)
        bits[k] = t->bits[k][row];
    return log(scaling_loss(law, exp(t->ln_n[row]), exp(t->ln_d[row]), bits)) - t->ln_loss[row];
}

struct scaling_score scaling_score(const struct scaling_law *law, const struct scaling_table *t)
{
    struct scaling_score score = {.n = t->n};
    for (size_t i = 0; i < t->n; i++) {
        double e = scaling_residual(law, t, i);
        score.mean += e / (double)t->n;
        score.mean_abs += fabs(e) / (double)t->n;
        score.rms += e * e / (double)t->n;
        if (fabs(e) > fabs(score.worst))
            score.worst = e;
    }
    score.rms = sqrt(score.rms);
    return score;
}
