#include "numerics/fits/isoflop.h"

#include <math.h>

#include "numerics/fits/minimise.h"

enum status isoflop_parabola(const double *N, const double *loss, size_t n,
                             struct isoflop_parabola *out, struct err *err)
{
    struct isoflop_parabola p = {.n = n};
    double low = INFINITY, high = -INFINITY, a[9] = {0}, b[3] = {0};
    if (n < 3)
        return status_fail(err, E_USAGE, "a parabola through %zu points: it needs three", n);
    for (size_t i = 0; i < n; i++) {
        double x = log10(N[i]);
        p.centre += x / (double)n;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    double width = (high - low) / 2; /* in units of which all powers are of one size */
    for (size_t i = 0; i < n; i++) {
        double x = (log10(N[i]) - p.centre) / width,
               power[5] = {1, x, x * x, x * x * x, x * x * x * x};
        for (int j = 0; j < 3; j++) {
            b[j] += power[j] * loss[i];
            for (int k = 0; k < 3; k++)
                a[3 * j + k] += power[j + k];
        }
    }
    if (!(width > 0) || !cholesky_solve(a, 3, b, p.c))
        return status_fail(err, E_USAGE, "a parabola needs three different model sizes");
    p.c[1] /= width;
    p.c[2] /= width * width;
    p.curvature = p.c[2];
    p.minimum = p.curvature > 0;
    double shift = -p.c[1] / (2 * p.c[2]);
    p.vertex = p.c[2] != 0 ? pow(10, p.centre + shift) : NAN;
    p.loss = p.c[0] + p.c[1] * shift / 2;
    p.inside = p.centre + shift >= low && p.centre + shift <= high;
    *out = p;
    return OK;
}

enum status isoflop_line(const double *C, const double *y, size_t n, struct isoflop_line *out,
                         struct err *err)
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
    if (n < 2)
        return status_fail(err, E_USAGE, "a line through %zu points: it needs two", n);
    for (size_t i = 0; i < n; i++) {
        mean_x += log10(C[i]) / (double)n;
        mean_y += log10(y[i]) / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double x = log10(C[i]) - mean_x;
        xx += x * x;
        xy += x * (log10(y[i]) - mean_y);
    }
    if (!(xx > 0))
        return status_fail(err, E_USAGE, "a line needs two different budgets");
    double a = xy / xx;
    for (size_t i = 0; i < n; i++)
        squares += pow(log10(y[i]) - mean_y - a * (log10(C[i]) - mean_x), 2);
    *out = (struct isoflop_line){
        .a = a,
        .log10_k = mean_y - a * mean_x,
        .deviation = n > 2 ? sqrt(squares / (double)(n - 2) / xx) : NAN,
    };
    return OK;
}

size_t isoflop_rows(const double *C, size_t n, double nominal, double tolerance, size_t *rows)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (fabs(C[i] / nominal - 1) <= tolerance)
            rows[found++] = i;
    return found;
}

void isoflop_envelope(isoflop_curve_fn *loss, const void *user, size_t n_candidates,
                      const double *C, size_t n, size_t *best)
{
    for (size_t i = 0; i < n; i++) {
        double least = INFINITY;
        best[i] = n_candidates;
        for (size_t j = 0; j < n_candidates; j++) {
            double at = loss(user, j, C[i]);
            if (at < least) {
                least = at;
                best[i] = j;
            }
        }
    }
}
