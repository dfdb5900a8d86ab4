#include "numerics/statistics/order_interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

static const double wanted_level = 0.95;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The coverage of x_(k), x_(n+1-k). */
static double coverage(size_t n, size_t k)
{
    return 1 - 2 * gsl_cdf_binomial_P((unsigned)(k - 1), 0.5, (unsigned)n);
}

struct order_interval order_interval(double *values, size_t n)
{
    if (!n)
        return (struct order_interval){.estimate = NAN, .low = NAN, .high = NAN};
    qsort(values, n, sizeof *values, ascending);
    size_t k = 1;
    while (2 * (k + 1) <= n && coverage(n, k + 1) >= wanted_level)
        k++;
    return (struct order_interval){.estimate = (values[(n - 1) / 2] + values[n / 2]) / 2,
                                   .low = values[k - 1],
                                   .high = values[n - k],
                                   .level = n > 1 ? coverage(n, k) : 0,
                                   .n = n};
}
