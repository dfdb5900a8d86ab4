#include "numerics/fits/minimise.h"

#include <math.h>
#include <string.h>

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static double largest(const double *x, size_t n)
{
    double m = 0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= m)) /* NaN is largest */
            m = fabs(x[i]);
    return m;
}

bool cholesky_solve(double *a, size_t n, const double *b, double *x)
{
    for (size_t j = 0; j < n; j++) {
        double pivot = a[j * n + j], d = pivot - dot(a + j * n, a + j * n, j);
        if (!(d > (double)n * 0x1p-52 * pivot))
            return false;
        d = a[j * n + j] = sqrt(d);
        for (size_t i = j + 1; i < n; i++)
            a[i * n + j] = (a[i * n + j] - dot(a + i * n, a + j * n, j)) / d;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = (b[i] - dot(a + i * n, x, i)) / a[i * n + i];
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= a[k * n + i] * x[k];
        x[i] /= a[i * n + i];
    }
    return true;
}

/* ---- BFGS ---- */

struct point {
    double x[MINIMISE_MAX], g[MINIMISE_MAX], value;
};

static double evaluate(const struct objective *f, struct point *p, struct minimum *count)
{
    count->evaluations++;
    p->value = f->value(f->user, p->x, p->g);
    return p->value;
}

/* The weak Wolfe conditions: the value falls by this part of what the slope promises, and the slope
 * has lost this part (Nocedal, Wright, sec. 3.1; 0.9 for quasi-Newton steps). */
static const double sufficient_decrease = 1e-4, slope_left = 0.9;
enum { LINE_STEPS = 50 };

/* From `from` along d, whose slope is < 0.  False when nothing lower is found; *to is the end. */
static bool search_line(const struct objective *f, const struct point *from, const double *d,
                        double slope, struct point *to, struct minimum *count)
{
    double low = 0, low_value = from->value, low_slope = slope, high = INFINITY, t = 1;
    struct point best = {.value = from->value};
    for (int step = 0; step < LINE_STEPS; step++) {
        for (size_t i = 0; i < f->n; i++)
            to->x[i] = from->x[i] + t * d[i];
        double value = evaluate(f, to, count), at = dot(to->g, d, f->n);
        if (!isfinite(at) || !(value <= from->value + sufficient_decrease * t * slope)) {
            high = t;
        } else {
            if (value < best.value)
                best = *to;
            if (at >= slope_left * slope)
                return true;
            low = t;
            low_value = value;
            low_slope = at;
        }
        if (high == INFINITY) {
            t *= 2;
            continue;
        }
        /* the parabola through the low end and, when it was the one just tried, the high one */
        double width = high - low, part = 0.5;
        double bend = isfinite(value) ? value - low_value - low_slope * width : 0;
        if (t == high && bend > 0)
            part = fmin(0.9, fmax(0.1, -low_slope * width / (2 * bend)));
        t = low + part * width;
        if (!(t > low && t < high))
            break;
    }
    *to = best;
    return best.value < from->value;
}

/* H <- (I - s y'/ys) H (I - y s'/ys) + s s'/ys */
static void update_inverse(double *h, size_t n, const double *s, const double *y, double ys)
{
    double hy[MINIMISE_MAX];
    for (size_t i = 0; i < n; i++)
        hy[i] = dot(h + i * n, y, n);
    double scale = (1 + dot(y, hy, n) / ys) / ys;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            h[i * n + j] += scale * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / ys;
}

static void set_diagonal(double *h, size_t n, double value)
{
    memset(h, 0, n * n * sizeof *h);
    for (size_t i = 0; i < n; i++)
        h[i * n + i] = value;
}

static void finish(const struct objective *f, const struct point *p,
                   const struct minimise_limits *limits, struct minimum *out)
{
    memcpy(out->x, p->x, sizeof out->x);
    out->value = isfinite(p->value) ? p->value : INFINITY;
    out->max_gradient = largest(p->g, f->n);
    out->converged = out->max_gradient <= limits->gradient;
}

void minimise_bfgs(const struct objective *f, const double *start,
                   const struct minimise_limits *limits, struct minimum *out)
{
    size_t n = f->n, slow = 0;
    double h[MINIMISE_MAX * MINIMISE_MAX], d[MINIMISE_MAX], y[MINIMISE_MAX];
    struct point p = {.value = 0}, next = {.value = 0};
    bool first = true; /* h is no estimate yet */
    *out = (struct minimum){.iterations = 0};
    memcpy(p.x, start, n * sizeof *start);
    evaluate(f, &p, out);
    set_diagonal(h, n, 1);
    while (isfinite(p.value) && out->iterations < limits->iterations &&
           !(largest(p.g, n) <= limits->gradient) &&
           !(limits->patience && slow >= limits->patience)) {
        for (size_t i = 0; i < n; i++)
            d[i] = -dot(h + i * n, p.g, n);
        double slope = dot(d, p.g, n);
        bool lower = slope < 0 && search_line(f, &p, d, slope, &next, out);
        out->iterations++;
        if (!lower) {
            if (first)
                break;
            set_diagonal(h, n, 1); /* what rounding has made of h may be to blame */
            first = true;
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            d[i] = next.x[i] - p.x[i];
            y[i] = next.g[i] - p.g[i];
        }
        double ys = dot(y, d, n), yy = dot(y, y, n);
        if (ys > 0x1p-52 * sqrt(yy * dot(d, d, n))) {
            if (first)
                set_diagonal(h, n, ys / yy); /* the curvature met (ibid., eq. 6.20) */
            first = false;
            update_inverse(h, n, d, y, ys);
        }
        slow = p.value - next.value <= limits->decrease * fabs(next.value) ? slow + 1 : 0;
        p = next;
    }
    finish(f, &p, limits, out);
}

/* ---- Newton ---- */

/* (h + mu D) step = -g; false when that matrix is not positive definite. */
static bool damped_step(const double *h, const double *g, size_t n, double mu, double *step)
{
    double a[MINIMISE_MAX * MINIMISE_MAX], minus_g[MINIMISE_MAX], most = 0;
    memcpy(a, h, n * n * sizeof *h);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(h[i * n + i]));
        minus_g[i] = -g[i];
    }
    for (size_t i = 0; i < n; i++)
        a[i * n + i] += mu * fmax(fabs(h[i * n + i]), 1e-12 * most);
    return cholesky_solve(a, n, minus_g, step);
}

enum { MOST_RAISES = 30 };

void minimise_newton(const struct objective *f, const double *start,
                     const struct minimise_limits *limits, struct minimum *out)
{
    size_t n = f->n;
    double h[MINIMISE_MAX * MINIMISE_MAX], next_h[MINIMISE_MAX * MINIMISE_MAX], mu = 0;
    struct point p = {.value = 0}, next = {.value = 0};
    *out = (struct minimum){.evaluations = 1};
    memcpy(p.x, start, n * sizeof *start);
    p.value = f->curvature(f->user, p.x, p.g, h);
    bool moved = isfinite(p.value);
    while (moved && out->iterations < limits->iterations &&
           !(largest(p.g, n) <= limits->gradient)) {
        moved = false;
        out->iterations++;
        for (int raise = 0; raise < MOST_RAISES && !moved; raise++) {
            double step[MINIMISE_MAX];
            if (damped_step(h, p.g, n, mu, step)) {
                for (size_t i = 0; i < n; i++)
                    next.x[i] = p.x[i] + step[i];
                next.value = f->curvature(f->user, next.x, next.g, next_h);
                out->evaluations++;
                double rounding = 0x1p-46 * fabs(p.value);
                moved = next.value < p.value - rounding ||
                        (next.value <= p.value + rounding && largest(next.g, n) < largest(p.g, n));
            }
            if (!moved)
                mu = fmax(4 * mu, 1e-6);
        }
        if (moved) {
            p = next;
            memcpy(h, next_h, n * n * sizeof *h);
            mu = mu > 1e-6 ? mu / 8 : 0;
        }
    }
    finish(f, &p, limits, out);
}

void minimise_starts(const struct objective *f, const double *starts, size_t n_starts,
                     const struct minimise_limits *limits, int threads, struct minimum *out)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
    for (size_t i = 0; i < n_starts; i++)
        minimise_bfgs(f, starts + i * f->n, limits, &out[i]);
}
