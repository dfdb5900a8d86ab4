#include "numerics/fits/inference_optimum.h"

#include <float.h>
#include <math.h>

/* Steps that no solver comes near; a hostile law must not keep one busy. */
enum { MAX_STEPS = 400 };
#define GOLDEN 0.6180339887498949 /* (sqrt 5 - 1) / 2 */

/* ln of the two terms of the left side over loss - E, at u = 0: the first falls by beta, the second
 * by beta + 1 for each unit of u. */
struct terms {
    double first, second; /* second: -INFINITY for T = 0 */
};

static bool has_optimum(const struct scaling_constants *law, double loss, double T)
{
    return law->A > 0 && law->B > 0 && law->alpha > 0 && law->beta > 0 && loss > law->E && T >= 0 &&
           isfinite(T) && isfinite(loss);
}

static struct terms terms_of(const struct scaling_constants *law, double loss, double T)
{
    double ratio = law->beta / law->alpha, scale = log(law->B / (loss - law->E));
    return (struct terms){scale + log1p(ratio), scale + log(ratio * T / 3)};
}

/* Below the root: where the larger term alone is 1. */
static double below(const struct scaling_constants *law, const struct terms *t)
{
    return fmax(t->first / law->beta, t->second / (law->beta + 1));
}

double inference_ln_d_newton(const struct scaling_constants *law, double loss, double T)
{
    if (!has_optimum(law, loss, T))
        return NAN;
    struct terms t = terms_of(law, loss, T);
    double u = below(law, &t);
    for (int i = 0; i < MAX_STEPS; i++) {
        double a = t.first - law->beta * u, b = t.second - (law->beta + 1) * u;
        double high = fmax(a, b), sum = exp(a - high) + exp(b - high);
        double value = high + log(sum), share = exp(b - high) / sum;
        double step = value / (law->beta + share);
        u += step;
        if (!(step > 4 * DBL_EPSILON * fmax(1, fabs(u))))
            break;
    }
    return u;
}

double inference_ln_d_bisect(const struct scaling_constants *law, double loss, double T)
{
    if (!has_optimum(law, loss, T))
        return NAN;
    struct terms t = terms_of(law, loss, T);
    double low = below(law, &t), high = low + log(2) / law->beta;
    for (int i = 0; i < MAX_STEPS; i++) {
        double u = (low + high) / 2;
        if (!(u > low && u < high))
            break;
        if (exp(t.first - law->beta * u) + exp(t.second - (law->beta + 1) * u) > 1)
            low = u;
        else
            high = u;
    }
    return (low + high) / 2;
}

double inference_ln_d_linear(const struct scaling_constants *law, double loss, double T)
{
    if (!has_optimum(law, loss, T))
        return NAN;
    double l = loss - law->E, ratio = law->beta / law->alpha;
    double first = (ratio + 1) * law->B, second = ratio * law->B * T / 3, D = 1e8;
    for (int i = 0; i < MAX_STEPS; i++) {
        double p = pow(D, -law->beta);
        double value = first * p + second * p / D - l;
        double slope = -(law->beta * first * p + (law->beta + 1) * second * p / D) / D;
        if (fabs(value) <= 1e-12 * l)
            break;
        double next = D - value / slope;
        D = next > 0 ? next : D / 2;
    }
    return log(D);
}

double inference_ln_d_search(const struct scaling_constants *law, double loss, double T)
{
    if (!has_optimum(law, loss, T))
        return NAN;
    struct terms t = terms_of(law, loss, T);
    double low = log(law->B / (loss - law->E)) / law->beta, high = below(law, &t) + 30;
    double a = high - GOLDEN * (high - low), b = low + GOLDEN * (high - low);
    double cost[2];
    for (int i = 0; i < 2; i++) {
        double D = exp(i ? b : a);
        cost[i] = log(inference_flops(inference_n_at(law, loss, D), D, T));
    }
    while (high - low > 1e-9) {
        bool left = cost[0] <= cost[1];
        if (left) {
            high = b;
            b = a;
            cost[1] = cost[0];
            a = high - GOLDEN * (high - low);
        } else {
            low = a;
            a = b;
            cost[0] = cost[1];
            b = low + GOLDEN * (high - low);
        }
        double D = exp(left ? a : b);
        cost[left ? 0 : 1] = log(inference_flops(inference_n_at(law, loss, D), D, T));
    }
    return (low + high) / 2;
}

double inference_residual(const struct scaling_constants *law, double loss, double T, double u)
{
    double ratio = law->beta / law->alpha, p = law->B * exp(-law->beta * u);
    return (ratio + 1) * p + ratio * T / 3 * p * exp(-u) - (loss - law->E);
}

double inference_n_at(const struct scaling_constants *law, double loss, double D)
{
    double rest = loss - law->E - law->B * pow(D, -law->beta);
    return rest > 0 ? pow(law->A / rest, 1 / law->alpha) : INFINITY;
}

double inference_flops(double N, double D, double T)
{
    return 6 * N * D + 2 * N * T;
}

enum status inference_optimise(const struct scaling_constants *law, double loss, double T,
                               struct inference_optimum *out, struct err *err)
{
    if (!(T >= 0 && isfinite(T)))
        return status_fail(err, E_USAGE, "%g tokens of inference: not a finite number from 0", T);
    if (!has_optimum(law, loss, T))
        return status_fail(err, E_USAGE, "no model reaches a loss of %g: this law ends at E = %.6g",
                           loss, law->E);
    double l = loss - law->E, u = inference_ln_d_newton(law, loss, T);
    struct inference_optimum o = {
        .D = exp(u),
        .residual = inference_residual(law, loss, T, u),
        .D_compute = pow(law->B * (law->beta / law->alpha + 1) / l, 1 / law->beta),
        .N_compute = pow(law->A * (law->alpha / law->beta + 1) / l, 1 / law->alpha)};
    o.N = inference_n_at(law, loss, o.D);
    o.flops = inference_flops(o.N, o.D, T);
    o.flops_compute = inference_flops(o.N_compute, o.D_compute, T);
    *out = o;
    return OK;
}

double inference_effective_tokens(const struct inference_prices *p, double T_in, double T_out)
{
    double train = p->train_dollars / p->train_peak, infer = p->infer_dollars / p->infer_peak;
    return infer / train * p->train_share * (T_in / p->input_share + T_out / p->output_share);
}

double inference_dollars(const struct inference_prices *p, double N, double D, double T_in,
                         double T_out)
{
    const double hour = 3600;
    return 6 * N * D * p->train_dollars / (hour * p->train_peak * p->train_share) +
           2 * N * (T_in / p->input_share + T_out / p->output_share) * p->infer_dollars /
               (hour * p->infer_peak);
}
