#include "numerics/fits/scaling_doubt.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/fits/scaling_objective.h"
#include "numerics/statistics/distribution.h"

enum { MOST = SCALING_PARAMS };

/* ---- The spread of the residuals ---- */

/* V and M of the header. */
struct spread {
    double v, m;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status spread_of(const struct scaling_problem *p, const double *at, struct spread *out,
                             struct err *err)
{
    const struct law_point point = scaling_point(&p->form, at);
    size_t n = p->rows.n;
    double total = p->total_weight, squares = 0, within = 0, g[MOST];
    double *size = malloc(2 * n * sizeof *size);
    if (!size)
        return status_fail(err, E_NOMEM, "no memory for %zu residuals", n);
    for (size_t i = 0; i < n; i++) {
        size[i] = fabs(scaling_row(p, &point, i, g));
        squares += p->rows.w[i] * pow(fmin(size[i], p->delta), 2);
    }
    memcpy(size + n, size, n * sizeof *size);
    qsort(size + n, n, sizeof *size, compare);
    double band = fmax(p->delta, size[n + n / 2] * pow(total, -0.2));
    for (size_t i = 0; i < n; i++)
        within += size[i] <= band ? p->rows.w[i] : 0;
    free(size);
    out->v = squares / fmax(1, total - (double)scaling_param_count(&p->form));
    out->m = within / total * p->delta / band;
    return OK;
}

/* ---- Information ---- */

/* J^T J [n][n]. */
static void information_matrix(const struct scaling_problem *p, const double *at, double *matrix)
{
    const struct law_point point = scaling_point(&p->form, at);
    size_t n = scaling_param_count(&p->form);
    memset(matrix, 0, n * n * sizeof *matrix);
    for (size_t i = 0; i < p->rows.n; i++) {
        double g[MOST];
        scaling_row(p, &point, i, g);
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++)
                matrix[j * n + k] += p->rows.w[i] * g[j] * g[k];
    }
}

static double correlation_of_columns(const struct scaling_problem *p)
{
    double uu = 0, vv = 0, uv = 0;
    for (size_t i = 0; i < p->rows.n; i++) {
        double u = p->rows.u[i] - p->mean_n, v = p->rows.v[i] - p->mean_d, w = p->rows.w[i];
        uu += w * u * u;
        vv += w * v * v;
        uv += w * u * v;
    }
    return uv / sqrt(uu * vv);
}

/* The inverse of J^T J from the eigenvectors (columns of vectors) of its unit-diagonal form. Where
 * an eigenvalue is rounding alone, the inverse is infinite on what that eigenvector touches. */
static void invert(const struct scaling_information *out, const double *vectors,
                   const double *scale, double *inverse)
{
    size_t n = out->n;
    double nothing = 0x1p-52 * (double)(n * n) * out->eigenvalue[n - 1];
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < n; k++) {
            double sum = 0;
            for (size_t e = 0; e < n; e++) {
                double part = vectors[j * n + e] * vectors[k * n + e];
                sum += out->eigenvalue[e] > nothing ? part / out->eigenvalue[e]
                       : fabs(part) > 0x1p-26       ? INFINITY
                                                    : 0;
            }
            inverse[j * n + k] = sum / (scale[j] * scale[k]);
        }
}

/* "ln B, beta and alpha" */
static void list(const struct scaling_information *out, const struct scaling_form *form, char *text,
                 size_t size)
{
    size_t left = 0, used = 0;
    for (size_t j = 0; j < out->n; j++)
        left += out->undetermined[j];
    text[0] = 0;
    for (size_t j = 0; j < out->n; j++)
        if (out->undetermined[j]) {
            left--;
            used += (size_t)snprintf(text + used, size - used, "%s%s", scaling_param_name(form, j),
                                     left > 1   ? ", "
                                     : left > 0 ? " and "
                                                : "");
        }
}

/* The two largest entries of the weakest direction. */
static void weakest_pair(const struct scaling_information *out, size_t *first, size_t *second)
{
    *first = 0;
    for (size_t j = 1; j < out->n; j++)
        if (fabs(out->weakest[j]) > fabs(out->weakest[*first]))
            *first = j;
    *second = *first ? 0 : 1;
    for (size_t j = 0; j < out->n; j++)
        if (j != *first && fabs(out->weakest[j]) > fabs(out->weakest[*second]))
            *second = j;
}

static void put_in_words(struct scaling_information *out, const struct scaling_form *form)
{
    char names[128], apart[160] = "";
    size_t first, second;
    list(out, form, names, sizeof names);
    weakest_pair(out, &first, &second);
    if (out->confounded)
        snprintf(apart, sizeof apart,
                 " ln N and ln D move together (correlation %.3f): runs at other ratios D/N would "
                 "tell their terms apart.",
                 out->n_d_correlation);
    if (*names)
        snprintf(
            out->text, sizeof out->text,
            "The table does not determine %s: two standard errors exceed an exponent itself or "
            "a factor of ten.%s What changes the loss least is %s together with %s (condition "
            "%.2g).",
            names, apart, scaling_param_name(form, first), scaling_param_name(form, second),
            out->condition);
    else
        snprintf(out->text, sizeof out->text,
                 "%s%s What changes the loss least is %s together with %s (condition %.2g).",
                 out->confounded ? "The table does not tell N from D."
                                 : "The table determines every parameter.",
                 apart, scaling_param_name(form, first), scaling_param_name(form, second),
                 out->condition);
}

static void judge(struct scaling_information *out, const struct scaling_law *law)
{
    size_t exponents = law->form.shared ? 1 : 2;
    for (size_t j = 0; j < out->n; j++) {
        bool exponent = j >= 3 && j < 3 + exponents;
        double most = exponent ? fabs(law->p[j]) : log(10);
        out->undetermined[j] = !(2 * out->standard_error[j] <= most); /* NaN is undetermined */
    }
    /* 1 / (1 - 0.98^2) = 25: five times the standard errors of unrelated columns */
    out->confounded = !(fabs(out->n_d_correlation) <= 0.98);
}

enum status scaling_information(const struct scaling_table *t,
                                const struct scaling_fit_options *options,
                                const struct scaling_law *law, struct scaling_information *out,
                                struct err *err)
{
    const struct scaling_problem p = scaling_problem_of(t, &law->form, options->delta, 0);
    size_t n = scaling_param_count(&law->form);
    struct scaling_information info = {.n = n, .n_d_correlation = correlation_of_columns(&p)};
    double a[MOST * MOST], inverse[MOST * MOST], scale[MOST], values[MOST];
    struct spread spread;
    enum status s = spread_of(&p, law->p, &spread, err);
    if (s)
        return s;
    information_matrix(&p, law->p, a);
    for (size_t j = 0; j < n; j++)
        scale[j] = sqrt(a[j * n + j]);
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < n; k++)
            a[j * n + k] /= scale[j] * scale[k];
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'L', (lapack_int)n, a, (lapack_int)n, values))
        return status_fail(err, E_FAILED, "the information matrix of the fit is not finite");
    memcpy(info.eigenvalue, values, n * sizeof *values);
    info.condition = values[n - 1] / fmax(values[0], 0);
    invert(&info, a, scale, inverse);
    for (size_t j = 0; j < n; j++) {
        info.standard_error[j] = sqrt(spread.v * inverse[j * n + j]) / spread.m;
        info.weakest[j] = a[j * n];
        for (size_t k = 0; k < n; k++)
            info.correlation[j][k] =
                inverse[j * n + k] / sqrt(inverse[j * n + j] * inverse[k * n + k]);
    }
    judge(&info, law);
    put_in_words(&info, &law->form);
    *out = info;
    return OK;
}

/* ---- Profile ---- */

/* The loss with parameter `fixed` held: a function of the others. */
struct held {
    struct objective whole;
    size_t fixed;
    double value;
};

static void with_fixed(const struct held *h, const double *others, double *x)
{
    for (size_t j = 0; j < h->whole.n; j++)
        x[j] = j == h->fixed ? h->value : others[j - (j > h->fixed)];
}

static double held_curvature(const void *user, const double *others, double *gradient,
                             double *hessian)
{
    const struct held *h = user;
    size_t n = h->whole.n, f = h->fixed;
    double x[MOST] = {0}, g[MOST], whole[MOST * MOST];
    with_fixed(h, others, x);
    double value = h->whole.curvature(h->whole.user, x, g, whole);
    for (size_t j = 0; j < n; j++) {
        if (j == f)
            continue;
        gradient[j - (j > f)] = g[j];
        for (size_t k = 0; k < n; k++)
            if (k != f)
                hessian[(j - (j > f)) * (n - 1) + k - (k > f)] = whole[j * n + k];
    }
    return value;
}

struct profile {
    struct held held;
    double least, factor, limit; /* of 2 (Q - least) factor */
    double along[MOST];          /* how the others follow the fixed one, to first order */
    double at[MOST];             /* where the last fit ended */
};

/* How far the best fit with the parameter at value is above the limit; moves p->at there. */
static double excess(struct profile *p, double value)
{
    const struct minimise_limits limits = {.gradient = 1e-12, .iterations = 100};
    size_t n = p->held.whole.n, f = p->held.fixed;
    double others[MOST], change = value - p->at[f];
    struct objective o = {.n = n - 1, .curvature = held_curvature, .user = &p->held};
    struct minimum end;
    p->held.value = value;
    for (size_t j = 0; j < n; j++)
        if (j != f)
            others[j - (j > f)] = p->at[j] + p->along[j] * change;
    minimise_newton(&o, others, &limits, &end);
    with_fixed(&p->held, end.x, p->at);
    return 2 * (end.value - p->least) * p->factor - p->limit;
}

enum { FURTHEST = 40, HALVINGS = 40 };

/* The end on one side (sign): outwards in steps of a standard error, then halving. */
static double find_end(struct profile *p, const double *start, double step)
{
    size_t f = p->held.fixed;
    double inside = start[f], outside = start[f];
    memcpy(p->at, start, p->held.whole.n * sizeof *start);
    if (!isfinite(step) || step == 0)
        return step < 0 ? -INFINITY : INFINITY;
    for (int i = 1; i <= FURTHEST; i++) {
        outside = start[f] + i * step;
        if (!(excess(p, outside) <= 0))
            break;
        inside = outside;
    }
    if (inside == outside)
        return step < 0 ? -INFINITY : INFINITY;
    for (int i = 0; i < HALVINGS && fabs(outside - inside) > 1e-6 * fabs(step); i++) {
        double middle = inside + (outside - inside) / 2;
        if (excess(p, middle) <= 0)
            inside = middle;
        else
            outside = middle;
    }
    return inside + (outside - inside) / 2;
}

enum status scaling_profile_interval(const struct scaling_table *t,
                                     const struct scaling_fit_options *options,
                                     const struct scaling_fit *fit, size_t i, double level,
                                     struct scaling_interval *out, struct err *err)
{
    const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    const struct scaling_problem problem = scaling_problem_of(t, &fit->law.form, options->delta, 0);
    size_t n = scaling_param_count(&fit->law.form);
    struct scaling_information info;
    struct spread spread;
    if (options->kind != SCALING_HUBER)
        return status_fail(err, E_USAGE, "profile intervals are of the huber loss");
    if (i >= n || !(level > 0 && level < 1))
        return status_fail(err, E_USAGE, "parameter %zu of %zu, level %g", i, n, level);
    enum status s = scaling_information(t, options, &fit->law, &info, err);
    if (!s)
        s = spread_of(&problem, fit->law.p, &spread, err);
    if (s)
        return s;
    double z = distribution_quantile(&normal, (1 + level) / 2), error = info.standard_error[i];
    struct profile p = {.held = {scaling_exact(&problem), i, 0},
                        .least = fit->objective,
                        .factor = spread.m / spread.v,
                        .limit = z * z};
    for (size_t j = 0; j < n; j++)
        if (isfinite(info.standard_error[j]))
            p.along[j] = info.correlation[j][i] * info.standard_error[j] / error;
    *out = (struct scaling_interval){.estimate = fit->law.p[i],
                                     .low = find_end(&p, fit->law.p, -error),
                                     .high = find_end(&p, fit->law.p, error),
                                     .level = level,
                                     .deviation = NAN};
    return OK;
}
