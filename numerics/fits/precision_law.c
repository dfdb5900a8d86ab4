#include "numerics/fits/precision_law.h"

#include <math.h>

#include "numerics/fits/inference_optimum.h"

double precision_factor(const double *gamma, const double *bits, size_t n)
{
    double factor = 1;
    for (size_t i = 0; i < n; i++)
        factor *= -expm1(-bits[i] / gamma[i]);
    return factor;
}

double precision_optimal_bits(const double *gamma, size_t n)
{
    double low = 0, high = 0;
    if (n < 2)
        return NAN;
    /* u / (exp(u) - 1) < 1 / n where exp(u) > 1 + n u: so at u = 2 ln n + 2 */
    for (size_t i = 0; i < n; i++)
        high = fmax(high, gamma[i] * (2 * log((double)n) + 2));
    for (;;) {
        double bits = (low + high) / 2, sum = 0;
        if (!(bits > low && bits < high))
            return bits;
        for (size_t i = 0; i < n; i++)
            sum += bits / gamma[i] / expm1(bits / gamma[i]);
        *(sum > 1 ? &low : &high) = bits;
    }
}

double post_training_loss(const struct post_training *q, double N, double D, double bits)
{
    return q->C_T * pow(D, q->gamma_D) * pow(N, -q->gamma_N) * exp(-bits / q->gamma_post);
}

double post_training_critical_d(const struct scaling_constants *law, const struct post_training *q,
                                double N, double bits)
{
    return pow(law->beta * law->B * pow(N, q->gamma_N) * exp(bits / q->gamma_post) /
                   (q->gamma_D * q->C_T),
               1 / (q->gamma_D + law->beta));
}

double precision_n_at(const struct scaling_constants *law, double gamma, double loss, double D,
                      double bits)
{
    return inference_n_at(law, loss, D) / precision_factor(&gamma, &bits, 1);
}

struct memory_model precision_fill_memory(double gamma, double bytes, double bits)
{
    const double layers = 12.0 / 128, vocabulary = 2 * 128256, share = 16;
    /* w solves layers w^3 bits + vocabulary w 16 = 8 bytes.  The cubic is convex for w > 0, so
     * Newton from where the layers alone fill the memory falls to the root. */
    double w = cbrt(8 * bytes / (layers * bits));
    for (double step = w; step > 1e-15 * w;) {
        double value = layers * w * w * w * bits + vocabulary * w * share - 8 * bytes;
        step = value / (3 * layers * w * w * bits + vocabulary * share);
        w -= step;
    }
    struct memory_model m = {.width = w, .body = layers * w * w * w, .embeddings = vocabulary * w};
    m.effective = m.body * precision_factor(&gamma, &bits, 1);
    return m;
}

double precision_best_bits(double gamma, double bytes, double low, double high, double step)
{
    double best = low, most = 0;
    for (size_t i = 0; low + (double)i * step <= high; i++) {
        double bits = low + (double)i * step;
        double effective = precision_fill_memory(gamma, bytes, bits).effective;
        if (effective > most) {
            most = effective;
            best = bits;
        }
    }
    return best;
}
