/*
 * Minima of smooth functions of a few parameters: BFGS from many starts, and Newton for the last
 * digits.
 *
 *   value      of user at x [n], n <= MINIMISE_MAX, and its gradient [n]; not finite where the
 *              function is not defined, which a line search then steps back from
 *   curvature  the same, and the Hessian [n][n], row-major, symmetric; NULL: minimise_newton()
 *              cannot be used
 *   user       is read by several threads at once
 *
 * minimise_bfgs: inverse-Hessian update, line search to the weak Wolfe conditions by doubling and,
 * once bracketed, by the minimum of the parabola through the bracket, kept off its ends.  Ends when
 * max |gradient| <= limits.gradient, when `patience` iterations in a row have lowered the value by
 * less than limits.decrease of it, when the line search finds nothing lower, or after
 * limits.iterations.  It never returns a value above that of the start; a start where the value is
 * not finite is returned as it is, with value INFINITY.
 *
 * minimise_newton: solves (H + mu D) step = -gradient, D = max(|diag H|, 1e-12 max |diag H|), with
 * mu raised until the matrix is positive definite and the value falls, and lowered to 0 near the
 * minimum, where it converges quadratically.  A step that leaves the value equal to rounding and
 * lowers the gradient is taken too, so that the gradient reaches what rounding allows.  Ends when
 * max |gradient| <= limits.gradient, when no step is taken, or after limits.iterations.
 *
 * minimise_starts: BFGS from each of n_starts rows of starts [n_starts][n].  Result i depends on
 * start i alone, so on no number of threads.
 *
 * Work: n^2 flop an iteration beside the evaluations; Newton n^3.
 * Source: Nocedal, Wright, Numerical Optimization, 2nd ed., sec. 3.5, 6.1 and 3.4.
 */
#ifndef NUMERICS_FITS_MINIMISE_H
#define NUMERICS_FITS_MINIMISE_H

#include <stdbool.h>
#include <stddef.h>

enum { MINIMISE_MAX = 16 };

struct objective {
    size_t n;
    double (*value)(const void *user, const double *x, double *gradient);
    double (*curvature)(const void *user, const double *x, double *gradient, double *hessian);
    const void *user;
};

struct minimise_limits {
    double gradient, decrease;
    size_t patience, iterations; /* patience 0: never ends by decrease */
};

struct minimum {
    double x[MINIMISE_MAX], value, max_gradient;
    size_t iterations, evaluations;
    bool converged; /* max_gradient <= limits.gradient */
};

void minimise_bfgs(const struct objective *f, const double *start,
                   const struct minimise_limits *limits, struct minimum *out);
void minimise_newton(const struct objective *f, const double *start,
                     const struct minimise_limits *limits, struct minimum *out);
void minimise_starts(const struct objective *f, const double *starts, size_t n_starts,
                     const struct minimise_limits *limits, int threads, struct minimum *out);

/* Solves a x = b for a [n][n] symmetric positive definite, of which the lower triangle is read and
 * overwritten with its Cholesky factor; x may be b.  False when a is not positive definite to
 * rounding; x is then undefined. */
bool cholesky_solve(double *a, size_t n, const double *b, double *x);

#endif
