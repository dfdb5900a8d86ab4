#include "numerics/statistics/block_law.h"

#include <math.h>

void block_law_rms(const struct distribution *d, struct block_law *out)
{
    out->d = *d;
    out->d.scale /= sqrt(distribution_moment(d, 2, INFINITY));
    out->block = out->nodes = 0;
    out->top = 0;
}

void block_law_absmax(const struct distribution *d, size_t block, int energy, struct block_law *out)
{
    const double step = 1.0 / 32, b = (double)block;
    double weight[BLOCK_LAW_NODES], largest = 0;
    out->d = *d;
    out->block = block;
    out->nodes = 0;
    out->top = 0;
    for (size_t i = 0; i < BLOCK_LAW_NODES; i++) {
        double m = exp(-12 + step * (double)i), below = log1p(-2 * distribution_cdf(d, -m));
        weight[i] =
            step * m * 2 * b * distribution_pdf(d, m) * exp((b - 1) * below) * pow(m, energy);
        largest = fmax(largest, weight[i]);
    }
    for (size_t i = 0; i < BLOCK_LAW_NODES; i++)
        if (weight[i] > 1e-20 * largest) {
            out->m[out->nodes] = exp(-12 + step * (double)i);
            out->weight[out->nodes++] = weight[i];
            out->top += weight[i];
        }
}

double block_law_moment(const struct block_law *law, int k, double t)
{
    if (!law->block)
        return distribution_moment(&law->d, k, t);
    if (t < -1)
        return 0;
    double sum = 0, inside = fmin(t, 1);
    for (size_t j = 0; j < law->nodes; j++) {
        double m = law->m[j], share = 1 - 2 * distribution_cdf(&law->d, -m);
        double integral =
            distribution_moment(&law->d, k, m * inside) - distribution_moment(&law->d, k, -m);
        sum += law->weight[j] * integral / (share * pow(m, k));
    }
    double low = law->top / 2 * (k == 1 ? -1 : 1), high = t >= 1 ? law->top / 2 : 0;
    return (double)(law->block - 1) * sum + low + high;
}
