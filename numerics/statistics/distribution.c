#include "numerics/statistics/distribution.h"

#include <math.h>

static double log_gamma(double x)
{
    int sign; /* the plain function writes a global */
    return lgamma_r(x, &sign);
}

/* The continued fraction of the incomplete beta function by Lentz's method (A&S 26.5.8), which
 * converges fast where x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300; /* instead of a zero denominator */
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m <= 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        f *= step;
        if (fabs(step - 1) < 1e-16)
            break;
    }
    return f;
}

/* Regularised incomplete beta function I_x(a, b); y = 1 - x is passed so that neither cancels. */
static double beta_regularised(double a, double b, double x, double y)
{
    if (!(x > 0))
        return isnan(x) ? x : 0;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, y) / b;
}

/* P(T > x) of a standard t, x >= 0. */
static double t_upper(double df, double x)
{
    double square = x * x / df;
    return 0.5 * beta_regularised(df / 2, 0.5, 1 / (1 + square), 1 / (1 + 1 / square));
}

static double t_pdf(double df, double x)
{
    double log_c = log_gamma((df + 1) / 2) - log_gamma(df / 2) - 0.5 * log(df * M_PI);
    return exp(log_c - (df + 1) / 2 * log1p(x * x / df));
}

/* The x >= 0 with P(T > x) = q, 0 < q <= 1/2: Newton's method inside a bracket, on log q against
 * log x beyond 1 (where the tail is nearly a straight line in both) and on q against x before. */
static double t_upper_quantile(double df, double q)
{
    int tail = q < t_upper(df, 1);
    double low = 0, high = 1;
    if (tail)
        for (; high < 700 && t_upper(df, exp(high)) > q; high *= 2)
            low = high;
    double u = (low + high) / 2;
    for (int i = 0; i < 200; i++) {
        double x = tail ? exp(u) : u, p = t_upper(df, x), density = t_pdf(df, x);
        double miss = tail ? log(p / q) : p - q;
        double slope = tail ? -density * x / p : -density;
        *(miss > 0 ? &low : &high) = u;
        double next = u - miss / slope;
        if (!(next > low && next < high))
            next = (low + high) / 2;
        double moved = fabs(next - u);
        u = next;
        if (moved <= 4e-16 * fabs(u))
            break;
    }
    return tail ? exp(u) : u;
}

/* The x with Phi(x) = p, 0 < p < 1/2: Hastings' approximation (A&S 26.2.23, off by at most 4.5e-4),
 * then Halley's method, which cubes the error: from 1e-8 after one step to nothing after two, and a
 * third for the middle, where the error is relative to a small x.  There Phi - 1/2 is what is
 * matched, which does not cancel. */
static double normal_lower_quantile(double p)
{
    double t = sqrt(-2 * log(p));
    double x = (2.515517 + t * (0.802853 + t * 0.010328)) /
                   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
               t;
    for (int i = 0; i < 3; i++) {
        double miss =
            p > 0.25 ? 0.5 * erf(x * M_SQRT1_2) - (p - 0.5) : 0.5 * erfc(-x * M_SQRT1_2) - p;
        /* miss / density, in an order that does not overflow for the least p */
        double step = miss / p * sqrt(2 * M_PI) * exp(0.5 * x * x + log(p));
        x -= step / (1 + 0.5 * x * step);
    }
    return x;
}

/* log B(1/2, a) */
static double log_beta_half(double a)
{
    return log_gamma(0.5) + log_gamma(a) - log_gamma(a + 0.5);
}

/* The density, lower tail, its inverse and partial moments of the member with scale 1. */

static double unit_pdf(const struct distribution *d, double x)
{
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        return exp(-0.5 * x * x) / sqrt(2 * M_PI);
    case DISTRIBUTION_LAPLACE:
        return 0.5 * exp(-fabs(x));
    case DISTRIBUTION_T:
        return d->df > 0 ? t_pdf(d->df, x) : NAN;
    }
    return NAN;
}

static double unit_cdf(const struct distribution *d, double x)
{
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        return 0.5 * erfc(-x * M_SQRT1_2);
    case DISTRIBUTION_LAPLACE:
        return x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x);
    case DISTRIBUTION_T:
        if (!(d->df > 0))
            return NAN;
        return x < 0 ? t_upper(d->df, -x) : 1 - t_upper(d->df, x);
    }
    return NAN;
}

static double unit_lower_quantile(const struct distribution *d, double p) /* p <= 1/2 */
{
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        return normal_lower_quantile(p);
    case DISTRIBUTION_LAPLACE:
        return log(2 * p);
    case DISTRIBUTION_T:
        return d->df > 0 ? -t_upper_quantile(d->df, p) : NAN;
    }
    return NAN;
}

double distribution_pdf(const struct distribution *d, double x)
{
    return unit_pdf(d, x / d->scale) / d->scale;
}

double distribution_cdf(const struct distribution *d, double x)
{
    return unit_cdf(d, x / d->scale);
}

double distribution_quantile(const struct distribution *d, double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p ? INFINITY : -INFINITY;
    if (p == 0.5)
        return 0;
    return d->scale * (p < 0.5 ? unit_lower_quantile(d, p) : -unit_lower_quantile(d, 1 - p));
}

double distribution_truncated_quantile(const struct distribution *d, double m, double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p ? m : -m;
    if (p == 0.5)
        return 0;
    double outside = distribution_cdf(d, -m), lower = p < 0.5 ? p : 1 - p;
    double x = distribution_quantile(d, outside + lower * (1 - 2 * outside));
    return p < 0.5 ? x : -x;
}

double distribution_moment(const struct distribution *d, int k, double x)
{
    double u = x / d->scale, f = unit_cdf(d, u), power = k == 1 ? d->scale : d->scale * d->scale;
    if (k == 0)
        return f;
    if (isinf(u) && (k == 1 || u < 0))
        return d->family == DISTRIBUTION_T && d->df <= k ? NAN : 0;
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        if (k == 1)
            return -power * unit_pdf(d, u);
        return power * (isinf(u) ? 1 : f - u * unit_pdf(d, u));
    case DISTRIBUTION_LAPLACE: {
        double e = 0.5 * exp(-fabs(u)), a = fabs(u);
        if (k == 1)
            return -power * (1 + a) * e;
        double tail = isinf(u) ? 0 : (a * a + 2 * a + 2) * e;
        return power * (u < 0 ? tail : 2 - tail);
    }
    case DISTRIBUTION_T: {
        double df = d->df;
        if (!(df > k))
            return NAN;
        if (k == 1)
            return -power * (df + u * u) / (df - 1) * unit_pdf(d, u);
        /* u^2 = df ((1 + u^2 / df) - 1), and the density times (1 + u^2 / df) is that of a t with
         * df - 2 up to a factor and a scale. */
        struct distribution less = {DISTRIBUTION_T, 1, df - 2};
        double g = unit_cdf(&less, u * sqrt((df - 2) / df));
        return power * df * ((df - 1) / (df - 2) * g - f);
    }
    }
    return NAN;
}

struct distribution distribution_unit_rms(enum distribution_family family, double df)
{
    struct distribution d = {family, 1, df};
    if (family == DISTRIBUTION_LAPLACE)
        d.scale = M_SQRT1_2;
    if (family == DISTRIBUTION_T)
        d.scale = sqrt((df - 2) / df);
    return d;
}

struct distribution distribution_power(const struct distribution *d, double alpha)
{
    struct distribution p = *d;
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        p.scale /= sqrt(alpha);
        break;
    case DISTRIBUTION_LAPLACE:
        p.scale /= alpha;
        break;
    case DISTRIBUTION_T:
        p.df = alpha * (d->df + 1) - 1;
        p.scale *= sqrt(d->df / p.df);
        break;
    }
    return p;
}

/* The derivative of log_gamma(), x > 0: GSL's would bind the codebooks to that library.  From 16 on
 * the asymptotic series, whose next term is below 1e-15. */
static double digamma(double x)
{
    double below = 0;
    for (; x < 16; x++)
        below += 1 / x;
    double q = 1 / (x * x);
    return log(x) - 0.5 / x -
           q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q / 132)))) - below;
}

double distribution_entropy(const struct distribution *d)
{
    double nats = NAN, half = d->df / 2;
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        nats = 0.5 * log(2 * M_PI * M_E);
        break;
    case DISTRIBUTION_LAPLACE:
        nats = 1 + M_LN2;
        break;
    case DISTRIBUTION_T:
        if (d->df > 0)
            nats = (half + 0.5) * (digamma(half + 0.5) - digamma(half)) + 0.5 * log(d->df) +
                   log_beta_half(half);
        break;
    }
    return nats / M_LN2 + log2(d->scale);
}

double distribution_fixed_rate_limit(const struct distribution *d)
{
    switch (d->family) {
    case DISTRIBUTION_NORMAL:
        return d->scale * sqrt(M_PI * sqrt(3) / 2);
    case DISTRIBUTION_LAPLACE:
        return d->scale * 3;
    case DISTRIBUTION_T: /* p^(1/3) is that of (df - 2) / 3 degrees of freedom but for a factor */
        if (!(d->df > 2))
            return d->df > 0 ? INFINITY : NAN;
        return d->scale * sqrt(d->df / 12 *
                               exp(3 * log_beta_half((d->df - 2) / 6) - log_beta_half(d->df / 2)));
    }
    return NAN;
}
