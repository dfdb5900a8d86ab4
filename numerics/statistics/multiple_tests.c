#include "numerics/statistics/multiple_tests.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

double sign_test(size_t negative, size_t positive)
{
    size_t n = negative + positive, fewer = negative < positive ? negative : positive;
    return n ? fmin(1, 2 * gsl_cdf_binomial_P((unsigned)fewer, 0.5, (unsigned)n)) : 1;
}

static int ascending(const void *a, const void *b)
{
    double x = ((const struct ranked_p *)a)->p, y = ((const struct ranked_p *)b)->p;
    return (x > y) - (x < y);
}

void holm(double *p, size_t n, struct ranked_p *order)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            order[made++] = (struct ranked_p){p[i], i};
    qsort(order, made, sizeof *order, ascending);
    double largest = 0;
    for (size_t i = 0; i < made; i++) {
        largest = fmax(largest, fmin(1, (double)(made - i) * order[i].p));
        p[order[i].index] = largest;
    }
}
