#include "numerics/formats/bit_allocation.h"

#include <math.h>

static double worth(const struct bit_tensor *t)
{
    return log2(t->rms) + log2(t->fisher) / 2;
}

static int is_positive(double x)
{
    return x > 0 && isfinite(x);
}

enum status bit_allocation(const struct bit_tensor *tensor, size_t n, double mean, double *bits,
                           struct err *err)
{
    double count = 0, sum = 0;
    if (!n)
        return status_fail(err, E_USAGE, "bit allocation: there are no tensors");
    for (size_t i = 0; i < n; i++) {
        const struct bit_tensor *t = tensor + i;
        if (!is_positive(t->count) || !is_positive(t->rms) || !is_positive(t->fisher))
            return status_fail(err, E_USAGE,
                               "bit allocation: tensor %zu has %g elements, rms %g and Fisher "
                               "information %g, which must be positive",
                               i, t->count, t->rms, t->fisher);
        count += t->count;
        sum += t->count * worth(t);
    }
    for (size_t i = 0; i < n; i++)
        bits[i] = mean - sum / count + worth(tensor + i);
    return OK;
}

void bit_allocation_round(double *bits, size_t n, double least)
{
    for (size_t i = 0; i < n; i++)
        bits[i] = fmax(nearbyint(bits[i]), least);
}

double bit_allocation_mean(const struct bit_tensor *tensor, size_t n, const double *bits)
{
    double count = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        count += tensor[i].count;
        sum += tensor[i].count * bits[i];
    }
    return sum / count;
}

double bit_allocation_divergence(const struct bit_tensor *tensor, size_t n, const double *bits,
                                 double mean, double c)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct bit_tensor *t = tensor + i;
        double off = t->rms * c * exp2(-(bits ? bits[i] : mean));
        sum += t->count * t->fisher * off * off / 2;
    }
    return sum;
}
