#include "numerics/fits/scaling_objective.h"

#include <math.h>

/* The parameters of two exponents, which a shared one is folded from: a, b, e, alpha, beta, gammas.
 */
enum { BETA = 4, MOST = SCALING_PARAMS };

struct scaling_problem scaling_problem_of(const struct scaling_table *t,
                                          const struct scaling_form *form, double delta,
                                          unsigned features)
{
    struct scaling_problem p = {.form = *form,
                                .rows = {.u = t->ln_n,
                                         .v = t->ln_d,
                                         .y = t->ln_loss,
                                         .w = t->weight,
                                         .precisions = form->precisions,
                                         .n = t->n},
                                .delta = delta,
                                .sums =
                                    (law_sums_fn *)kernel_pick(law_sums_variants, features)->fn};
    for (size_t k = 0; k < form->precisions; k++)
        p.rows.bits[k] = t->bits[k];
    for (size_t i = 0; i < t->n; i++) {
        p.mean_n += t->weight[i] * t->ln_n[i];
        p.mean_d += t->weight[i] * t->ln_d[i];
        p.total_weight += t->weight[i];
    }
    p.mean_n /= p.total_weight;
    p.mean_d /= p.total_weight;
    return p;
}

struct law_point scaling_point(const struct scaling_form *form, const double *p)
{
    const double *gammas = p + (form->shared ? 4 : 5);
    struct law_point point = {p[0], p[1], p[2], p[3], form->shared ? p[3] : p[BETA], {1, 1, 1}};
    for (size_t k = 0; k < form->precisions; k++)
        point.gamma[k] = exp(gammas[k]);
    return point;
}

/* From the derivatives by all of a, b, e, alpha, beta, gammas to those by the parameters. */
static void fold(const struct scaling_form *form, const double *full, double *out)
{
    size_t to = 0;
    for (size_t j = 0; j < 5 + form->precisions; j++) {
        if (j == BETA && form->shared)
            out[3] += full[j];
        else
            out[to++] = full[j];
    }
}

static void move_centre(const struct scaling_problem *p, const double *from, double sign,
                        double *to)
{
    size_t n = scaling_param_count(&p->form);
    for (size_t j = 2; j < n; j++)
        to[j] = from[j];
    to[0] = from[0] + sign * from[3] * p->mean_n;
    to[1] = from[1] + sign * from[p->form.shared ? 3 : BETA] * p->mean_d;
}

void scaling_to_centred(const struct scaling_problem *p, const double *plain, double *centred)
{
    move_centre(p, plain, -1, centred);
}

void scaling_to_plain(const struct scaling_problem *p, const double *centred, double *plain)
{
    move_centre(p, centred, 1, plain);
}

static double fast_value(const void *user, const double *x, double *gradient)
{
    const struct scaling_problem *p = user;
    double plain[MOST], sums[LAW_SUMS];
    scaling_to_plain(p, x, plain);
    struct law_point point = scaling_point(&p->form, plain);
    p->sums(&p->rows, &point, p->delta, sums);
    sums[4] += p->mean_n * sums[1];
    sums[5] += p->mean_d * sums[2];
    fold(&p->form, sums + 1, gradient);
    return sums[0];
}

struct objective scaling_fast(const struct scaling_problem *p)
{
    return (struct objective){.n = scaling_param_count(&p->form), .value = fast_value, .user = p};
}

/* The derivatives of each term's exponent by all of a, b, e, alpha, beta, gammas. */
static void term_slopes(const struct law_rows *rows, const struct law_point *point,
                        const struct law_term *t, size_t i, double slope[3][MOST])
{
    for (int term = 0; term < 3; term++)
        for (int j = 0; j < MOST; j++)
            slope[term][j] = term == j;
    slope[0][3] = -t->u;
    slope[1][BETA] = -rows->v[i];
    for (size_t k = 0; k < rows->precisions; k++)
        slope[0][5 + k] = point->alpha * t->steepness[k];
}

static void mean_slope(const struct law_term *t, double slope[3][MOST], double *g)
{
    for (int j = 0; j < MOST; j++)
        g[j] = t->share[0] * slope[0][j] + t->share[1] * slope[1][j] + t->share[2] * slope[2][j];
}

double scaling_row(const struct scaling_problem *problem, const struct law_point *point, size_t i,
                   double *gradient)
{
    struct law_term t = law_term(&problem->rows, point, i);
    double slope[3][MOST], full[MOST];
    term_slopes(&problem->rows, point, &t, i, slope);
    mean_slope(&t, slope, full);
    fold(&problem->form, full, gradient);
    return t.f - problem->rows.y[i];
}

/* Adds inside * g g' + outside * (second derivatives of f), lower triangle. */
static void add_curvature(const struct law_rows *rows, const struct law_point *point,
                          const struct law_term *t, size_t i, double slope[3][MOST],
                          const double *g, double inside, double outside, double h[MOST][MOST])
{
    size_t n = 5 + rows->precisions;
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k <= j; k++) {
            double second = -g[j] * g[k];
            for (int term = 0; term < 3; term++)
                second += t->share[term] * slope[term][j] * slope[term][k];
            h[j][k] += inside * g[j] * g[k] + outside * second;
        }
    for (size_t k = 0; k < rows->precisions; k++) {
        double x = rows->bits[k][i] / point->gamma[k], q = t->steepness[k];
        h[5 + k][3] += outside * t->share[0] * q;
        h[5 + k][5 + k] += outside * t->share[0] * point->alpha * q * (x / -expm1(-x) - 1);
    }
}

static void fold_hessian(const struct scaling_form *form, double full[MOST][MOST], double *out)
{
    size_t all = 5 + form->precisions, n = scaling_param_count(form);
    double half[MOST][MOST];
    for (size_t j = 0; j < all; j++) {
        for (size_t k = j + 1; k < all; k++)
            full[j][k] = full[k][j];
        fold(form, full[j], half[j]);
    }
    for (size_t k = 0; k < n; k++) {
        double column[MOST], folded[MOST];
        for (size_t j = 0; j < all; j++)
            column[j] = half[j][k];
        fold(form, column, folded);
        for (size_t j = 0; j < n; j++)
            out[j * n + k] = folded[j];
    }
}

static double exact_curvature(const void *user, const double *x, double *gradient, double *hessian)
{
    const struct scaling_problem *p = user;
    const struct law_rows *rows = &p->rows;
    const struct law_point point = scaling_point(&p->form, x);
    double value = 0, g_sum[MOST] = {0}, h[MOST][MOST] = {{0}};
    for (size_t i = 0; i < rows->n; i++) {
        struct law_term t = law_term(rows, &point, i);
        double slope[3][MOST], g[MOST], r = t.f - rows->y[i];
        bool within = fabs(r) <= p->delta;
        double psi = within ? r : copysign(p->delta, r); /* a NaN r makes the value NaN */
        value += rows->w[i] * psi * (r - psi / 2);
        if (!gradient)
            continue;
        term_slopes(rows, &point, &t, i, slope);
        mean_slope(&t, slope, g);
        for (int j = 0; j < MOST; j++)
            g_sum[j] += rows->w[i] * psi * g[j];
        if (hessian)
            add_curvature(rows, &point, &t, i, slope, g, within ? rows->w[i] : 0, rows->w[i] * psi,
                          h);
    }
    if (gradient)
        fold(&p->form, g_sum, gradient);
    if (hessian)
        fold_hessian(&p->form, h, hessian);
    return value;
}

static double exact_value(const void *user, const double *x, double *gradient)
{
    return exact_curvature(user, x, gradient, NULL);
}

struct objective scaling_exact(const struct scaling_problem *p)
{
    return (struct objective){.n = scaling_param_count(&p->form),
                              .value = exact_value,
                              .curvature = exact_curvature,
                              .user = p};
}
