#include "numerics/fits/scaling_fit.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/fits/scaling_lad.h"
#include "numerics/fits/scaling_objective.h"

enum {
    BATCH = 512,   /* starts between two reports of progress */
    CANDIDATES = 8 /* ends of BFGS that are polished */
};

/* BFGS of a start ends where it can be told from the others: the gradient is 0.24 at most a row of
 * 240 at delta 1e-3, and two minima of a table differ by more than 1e-6 of their value. */
static const struct minimise_limits search_limits = {
    .gradient = 1e-9, .decrease = 1e-7, .patience = 4, .iterations = 400};
static const double same_value = 1e-6;

/* ---- Starts ---- */

/* Levels of each parameter of a grid; the last runs fastest. */
struct axis {
    double first, step;
    size_t n;
};

static enum status make_grid(const struct axis *axes, size_t n_axes, double **starts, size_t *n,
                             struct err *err)
{
    size_t rows = 1;
    for (size_t j = 0; j < n_axes; j++)
        rows *= axes[j].n;
    double *out = malloc(rows * n_axes * sizeof *out);
    if (!out)
        return status_fail(err, E_NOMEM, "no memory for %zu starts", rows);
    for (size_t i = 0; i < rows; i++) {
        size_t rest = i;
        for (size_t j = n_axes; j-- > 0; rest /= axes[j].n)
            out[i * n_axes + j] = axes[j].first + axes[j].step * (double)(rest % axes[j].n);
    }
    *starts = out;
    *n = rows;
    return OK;
}

enum status scaling_starts(const struct scaling_form *form, double **starts, size_t *n,
                           struct err *err)
{
    static const struct axis coefficient = {0, 5, 6}, floor_axis = {-1, 0.5, 5},
                             exponent = {0, 0.5, 5};
    static const struct axis tied = {0, 0, 1}, low_floor = {0, 0.7, 2},
                             low_exponent = {0.3, 0.3, 2}, gamma = {0.5, 0.8, 2};
    bool plain = !form->precisions;
    struct axis axes[SCALING_PARAMS] = {plain ? coefficient : tied, plain ? coefficient : tied,
                                        plain ? floor_axis : low_floor};
    size_t n_axes = 3;
    for (int j = 0; j < (form->shared ? 1 : 2); j++)
        axes[n_axes++] = plain ? exponent : low_exponent;
    for (size_t k = 0; k < form->precisions; k++)
        axes[n_axes++] = gamma;
    enum status s = make_grid(axes, n_axes, starts, n, err);
    for (size_t i = 0; i < *n && !s && !plain; i++) {
        double *p = *starts + i * n_axes;
        p[0] = 18 * p[3];
        p[1] = 20 * p[form->shared ? 3 : 4];
    }
    return s;
}

/* ---- The search ---- */

double scaling_objective(const struct scaling_law *law, const struct scaling_table *t, double delta,
                         double *gradient, double *hessian)
{
    const struct scaling_problem p = scaling_problem_of(t, &law->form, delta, 0);
    double unused[SCALING_PARAMS];
    struct objective f = scaling_exact(&p);
    return f.curvature(f.user, law->p, gradient ? gradient : unused, hessian);
}

/* BFGS from every start (plain coordinates) to ends (centred). */
static enum status search(const struct scaling_problem *p, const double *starts, size_t n_starts,
                          const struct scaling_fit_options *o, struct minimum *ends,
                          struct err *err)
{
    struct objective f = scaling_fast(p);
    double centred[BATCH * SCALING_PARAMS];
    for (size_t first = 0; first < n_starts; first += BATCH) {
        size_t n = n_starts - first < BATCH ? n_starts - first : BATCH;
        if (!progress_report(o->progress, (double)first / (double)n_starts, "starts"))
            return status_fail(err, E_INTERRUPTED, "interrupted after %zu of %zu starts", first,
                               n_starts);
        for (size_t i = 0; i < n; i++)
            scaling_to_centred(p, starts + (first + i) * f.n, centred + i * f.n);
        minimise_starts(&f, centred, n, &search_limits, o->threads, ends + first);
    }
    return OK;
}

/* The next end in order of value, then index, whose value is above `last`'s by more than two runs
 * to the same minimum differ; n when there is none. */
static size_t next_end(const struct minimum *ends, size_t n, double last)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(ends[i].value) && ends[i].value > last + same_value * fabs(last) &&
            (best == n || ends[i].value < ends[best].value))
            best = i;
    return best;
}

/* A polished candidate into *out when it is the lowest so far.  *huber is the value of the
 * candidate before, and then of this one: of a minimum reached again nothing more is asked. */
static enum status polish(const struct scaling_problem *p, const struct scaling_fit_options *o,
                          const struct minimum *end, double *huber, struct scaling_fit *out,
                          struct err *err)
{
    const struct minimise_limits limits = {.gradient = 1e-12 * fmax(1, p->total_weight / 1000),
                                           .iterations = 200};
    struct objective f = scaling_exact(p);
    double start[SCALING_PARAMS];
    struct minimum low;
    scaling_to_plain(p, end->x, start);
    minimise_newton(&f, start, &limits, &low);
    out->evaluations += low.evaluations;
    if (fabs(low.value - *huber) <= 1e-9 * low.value)
        return OK;
    *huber = low.value;
    double value = low.value, slack = low.max_gradient;
    bool converged = low.converged;
    if (o->kind == SCALING_LAD) {
        enum status s = scaling_lad(p, low.x, &value, &slack, err);
        if (s)
            return s;
        converged = slack <= 1;
    }
    if (isfinite(value) && value < out->objective) {
        out->law = (struct scaling_law){.form = p->form};
        memcpy(out->law.p, low.x, f.n * sizeof *low.x);
        out->objective = value;
        out->max_gradient = slack;
        out->converged = converged;
    }
    return OK;
}

static enum status check_options(const struct scaling_table *t, const struct scaling_fit_options *o,
                                 struct err *err)
{
    size_t n = scaling_param_count(&o->form);
    if (o->form.precisions > t->precisions)
        return status_fail(err, E_USAGE, "the law has %zu precisions, the table %zu",
                           o->form.precisions, t->precisions);
    if (t->n < n)
        return status_fail(err, E_USAGE, "%zu runs cannot determine the %zu parameters of the law",
                           t->n, n);
    if (!(o->delta > 0) || o->threads < 1)
        return status_fail(err, E_USAGE, "delta is %g and threads is %d: both must be above 0",
                           o->delta, o->threads);
    return OK;
}

enum status scaling_fit(const struct scaling_table *t, const struct scaling_fit_options *o,
                        struct scaling_fit *out, struct err *err)
{
    double *grid = NULL;
    const double *starts = o->starts;
    size_t n = o->n_starts;
    struct minimum *ends = NULL;
    struct scaling_fit fit = {.objective = INFINITY};
    enum status s = check_options(t, o, err);
    if (!s && !starts) {
        s = scaling_starts(&o->form, &grid, &n, err);
        starts = grid;
    }
    if (!s && !(ends = malloc((n ? n : 1) * sizeof *ends)))
        s = status_fail(err, E_NOMEM, "no memory for the ends of %zu starts", n);
    if (s)
        goto out;
    const struct scaling_problem p = scaling_problem_of(t, &o->form, o->delta, o->features);
    s = search(&p, starts, n, o, ends, err);
    double last = -1, huber = -1, lowest = INFINITY; /* no sum is below 0 */
    for (int c = 0; c < CANDIDATES && !s; c++) {
        size_t i = next_end(ends, n, last);
        if (i == n)
            break;
        last = ends[i].value;
        lowest = fmin(lowest, last);
        s = polish(&p, o, &ends[i], &huber, &fit, err);
    }
    if (s)
        goto out;
    if (!isfinite(fit.objective)) {
        s = status_fail(err, E_FAILED, "none of %zu starts led to a fit", n);
        goto out;
    }
    fit.starts = n;
    for (size_t i = 0; i < n; i++) {
        fit.evaluations += ends[i].evaluations;
        fit.near_best += ends[i].value <= 1.01 * lowest;
    }
    *out = fit;
out:
    free(grid);
    free(ends);
    return s;
}
