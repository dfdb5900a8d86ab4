#include "numerics/kernels/law_sums.h"

#include <math.h>

const struct kernel_variant law_eval_variants[] = {
    KERNEL(law_eval, ref, 0),
#if defined(__x86_64__)
    KERNEL(law_eval, avx2, CPU_AVX2),
    KERNEL(law_eval, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant law_sums_variants[] = {
    KERNEL(law_sums, ref, 0),
#if defined(__x86_64__)
    KERNEL(law_sums, avx2, CPU_AVX2),
    KERNEL(law_sums, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

struct law_rows law_rows_part(const struct law_rows *rows, size_t first, size_t n)
{
    struct law_rows part = *rows;
    part.n = n;
    part.u += first;
    part.v += first;
    part.y = rows->y ? rows->y + first : NULL;
    part.w = rows->w ? rows->w + first : NULL;
    for (size_t k = 0; k < rows->precisions; k++)
        part.bits[k] += first;
    return part;
}

struct law_term law_term(const struct law_rows *rows, const struct law_point *p, size_t i)
{
    struct law_term t = {.u = rows->u[i]};
    for (size_t k = 0; k < rows->precisions; k++) {
        double x = rows->bits[k][i] / p->gamma[k], missing = -expm1(-x); /* 1 - exp(-x) */
        t.u += log(missing);
        t.steepness[k] = x * exp(-x) / missing;
    }
    double x[3] = {p->a - p->alpha * t.u, p->b - p->beta * rows->v[i], p->e};
    double largest = fmax(fmax(x[0], x[1]), x[2]), sum = 0;
    for (int j = 0; j < 3; j++)
        sum += t.share[j] = exp(x[j] - largest);
    for (int j = 0; j < 3; j++)
        t.share[j] /= sum;
    t.f = largest + log(sum);
    return t;
}

void law_eval_ref(const struct law_rows *rows, const struct law_point *p, double *out)
{
    for (size_t i = 0; i < rows->n; i++)
        out[i] = law_term(rows, p, i).f;
}

void law_sums_ref(const struct law_rows *rows, const struct law_point *p, double delta,
                  double out[LAW_SUMS])
{
    for (size_t j = 0; j < LAW_SUMS; j++)
        out[j] = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct law_term t = law_term(rows, p, i);
        double w = rows->w ? rows->w[i] : 1, r = t.f - rows->y[i];
        double psi = r > delta ? delta : r < -delta ? -delta : r; /* NaN stays */
        out[0] += w * psi * (r - psi / 2);
        out[1] += w * psi * t.share[0];
        out[2] += w * psi * t.share[1];
        out[3] += w * psi * t.share[2];
        out[4] -= w * psi * t.share[0] * t.u;
        out[5] -= w * psi * t.share[1] * rows->v[i];
        for (size_t k = 0; k < rows->precisions; k++)
            out[6 + k] += w * psi * t.share[0] * p->alpha * t.steepness[k];
    }
}

/*
 * With EPS = 2^-53, a rounding.  exp and log of every variant are within 4 EPS of their value
 * (relative; numerics/kernels/law_sums_simd.h derives its own, glibc states less).
 *
 * u': bits / gamma, expm1 and log: the argument of log is off by 4 EPS relative and one rounding of
 * x, which moves ln(1 - exp(-x)) by less than EPS, so log is off by 5 EPS + 4 EPS |log|, and the
 * sum by EPS |u'| more.
 * Terms: alpha u' and the difference are rounded once each.  The log of the sum of exponentials
 * moves by no more than its largest argument does; taking off the largest term rounds once more,
 * exp adds 4 EPS, the sum of three 2, log 4 EPS of at most ln 3, the final sum EPS |f|.
 * So with size = |a| + |alpha| (|u| + 6 sum |log| + 6 precisions) + |b| + |beta v| + |e| >= every
 * magnitude met, f is off by at most EPS (5 size + 12), and two variants differ by twice that.
 */
#define EPS 0x1p-53

static double size_of(const struct law_rows *rows, const struct law_point *p, size_t i)
{
    double u = fabs(rows->u[i]);
    for (size_t k = 0; k < rows->precisions; k++)
        u += 6 + 6 * fabs(log(-expm1(-rows->bits[k][i] / p->gamma[k])));
    return fabs(p->a) + fabs(p->alpha) * u + fabs(p->b) + fabs(p->beta * rows->v[i]) + fabs(p->e);
}

double law_eval_bound(const struct law_rows *rows, const struct law_point *p, size_t i)
{
    return 2 * EPS * (5 * size_of(rows, p, i) + 12);
}

/*
 * psi = clip(r, +-delta) differs by no more than r, which is f less y: d = law_eval_bound() +
 * 2 EPS (|f| + |y|) with |f| <= size + ln 3.  rho then differs by at most delta d, and a term of
 * it, rounded four times, by 4 EPS rho more.  A share, exp of a term less f, differs by at most
 * 2 d + 16 EPS of itself <= 1, and the products of the derivatives are rounded four times.  Adding
 * n terms in any order is off by n EPS times the sum of magnitudes in each variant.
 */
void law_sums_bound(const struct law_rows *rows, const struct law_point *p, double delta,
                    double *bound)
{
    double adding = 2 * EPS * ((double)rows->n + 4);
    for (size_t j = 0; j < LAW_SUMS; j++)
        bound[j] = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct law_term t = law_term(rows, p, i);
        double w = rows->w ? rows->w[i] : 1, y = fabs(rows->y[i]), r = fabs(t.f - rows->y[i]);
        double psi = fmin(r, delta);
        double d = law_eval_bound(rows, p, i) + 2 * EPS * (size_of(rows, p, i) + 1.1 + y);
        double slope = d + delta * (2 * d + 16 * EPS) + adding * psi;
        double factor[5] = {1, 1, 1, fabs(t.u), fabs(rows->v[i])};
        bound[0] += w * (psi * d + d * d / 2 + adding * psi * r);
        for (int j = 0; j < 5; j++)
            bound[1 + j] += w * slope * factor[j];
        for (size_t k = 0; k < rows->precisions; k++) /* steepness <= 1 */
            bound[6 + k] += w * slope * fabs(p->alpha);
    }
}
