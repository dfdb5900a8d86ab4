#include "numerics/statistics/mann_whitney.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct observation {
    double value;
    bool of_y;
};

static int ascending_observations(const void *a, const void *b)
{
    double x = ((const struct observation *)a)->value, y = ((const struct observation *)b)->value;
    return (x > y) - (x < y);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Twice the midranks of the joint sample, ascending, into ranks [n + m]; whole numbers.  Returns
 * twice the rank sum of y; *tied gets the sum of t^3 - t over the groups of t equal values. */
static size_t rank_all(const double *x, size_t n, const double *y, size_t m,
                       struct observation *all, size_t *ranks, double *tied)
{
    size_t total = n + m, of_y = 0;
    for (size_t i = 0; i < total; i++)
        all[i] = (struct observation){i < n ? x[i] : y[i - n], i >= n};
    qsort(all, total, sizeof *all, ascending_observations);
    *tied = 0;
    for (size_t i = 0, end; i < total; i = end) {
        for (end = i + 1; end < total && all[end].value == all[i].value;)
            end++;
        double t = (double)(end - i);
        *tied += t * t * t - t;
        for (size_t j = i; j < end; j++) {
            ranks[j] = i + 1 + end; /* twice the mean of i + 1 .. end */
            of_y += all[j].of_y ? ranks[j] : 0;
        }
    }
    return of_y;
}

/* counts[s] = ways to choose k of the ranks with sum s, s <= limit.  The table has a row for each
 * number chosen so far; going down over them uses each rank once. */
static enum status count_sums(const size_t *ranks, size_t total, size_t k, size_t limit,
                              double **counts, struct err *err)
{
    size_t width = limit + 1;
    double *table = calloc((k + 1) * width, sizeof *table);
    if (!table)
        return status_fail(err, E_NOMEM, "no memory for the distribution of U");
    table[0] = 1;
    for (size_t i = 0; i < total; i++)
        for (size_t chosen = i < k ? i + 1 : k; chosen > 0; chosen--) {
            const double *from = table + (chosen - 1) * width;
            double *to = table + chosen * width + ranks[i];
            for (size_t s = 0; s + ranks[i] <= limit; s++)
                to[s] += from[s];
        }
    memmove(table, table + k * width, width * sizeof *table);
    *counts = table;
    return OK;
}

/* The exact p of a doubled rank sum of k out of `total`; ranks are doubled too, and are changed. */
static enum status exact_p(size_t *ranks, size_t total, size_t k, size_t sum, bool ties, double *p,
                           struct err *err)
{
    double *counts = NULL, all = 0, beyond = 0;
    size_t unit = ties ? 1 : 2; /* without ties every doubled rank is even */
    size_t limit = k * (2 * total - k + 1) / unit;
    size_t mean = k * (total + 1); /* of the doubled sum */
    size_t distance = sum > mean ? sum - mean : mean - sum;
    for (size_t i = 0; i < total; i++)
        ranks[i] /= unit;
    enum status status = count_sums(ranks, total, k, limit, &counts, err);
    if (status)
        return status;
    for (size_t s = 0; s <= limit; s++) {
        size_t away = s * unit > mean ? s * unit - mean : mean - s * unit;
        all += counts[s];
        beyond += away >= distance ? counts[s] : 0;
    }
    *p = beyond / all;
    free(counts);
    return OK;
}

static double normal_p(double u, double n, double m, double tied)
{
    double total = n + m;
    double variance = n * m / 12 * (total + 1 - tied / (total * (total - 1)));
    double away = fmax(fabs(u - n * m / 2) - 0.5, 0); /* U steps by 1, or by less with ties */
    return variance > 0 ? 2 * gsl_cdf_ugaussian_Q(away / sqrt(variance)) : 1;
}

enum status mann_whitney(const double *x, size_t n, const double *y, size_t m,
                         struct mann_whitney *out, struct err *err)
{
    size_t total = n + m, *ranks = malloc(total * sizeof *ranks);
    struct observation *all = malloc(total * sizeof *all);
    struct mann_whitney result = {.exact = total <= MANN_WHITNEY_EXACT};
    enum status s = OK;
    double tied;
    if (!ranks || !all) {
        s = status_fail(err, E_NOMEM, "no memory for a test of %zu values", total);
        goto out;
    }
    size_t of_y = rank_all(x, n, y, m, all, ranks, &tied);
    size_t of_x = total * (total + 1) - of_y;
    result.u = (double)(of_y - m * (m + 1)) / 2;
    if (result.exact) /* the smaller sample has the smaller table */
        s = exact_p(ranks, total, n < m ? n : m, n < m ? of_x : of_y, tied > 0, &result.p, err);
    else
        result.p = normal_p(result.u, (double)n, (double)m, tied);
out:
    free(all);
    free(ranks);
    if (!s)
        *out = result;
    return s;
}

/* ---- The shift ---- */

/* How many of the differences are left out on each side, and the level that leaves.  With k left
 * out the interval misses when U <= k or U >= n m - k. */
static enum status trim(size_t n, size_t m, double wanted, size_t *k, double *level,
                        struct err *err)
{
    size_t total = n + m, few = n < m ? n : m, pairs = n * m;
    if (total > MANN_WHITNEY_EXACT) {
        double spread = sqrt((double)pairs * (double)(total + 1) / 12);
        double z = gsl_cdf_ugaussian_Qinv((1 - wanted) / 2);
        double at = (double)pairs / 2 - 0.5 - z * spread;
        *k = at > 0 ? (size_t)at : 0;
        *level = 1 - 2 * gsl_cdf_ugaussian_P(((double)*k + 0.5 - (double)pairs / 2) / spread);
        return OK;
    }
    size_t ranks[MANN_WHITNEY_EXACT], lowest = few * (few + 1) / 2;
    double *counts = NULL, all = 0, below = 0;
    for (size_t i = 0; i < total; i++)
        ranks[i] = i + 1;
    enum status s = count_sums(ranks, total, few, lowest + pairs, &counts, err);
    if (s)
        return s;
    for (size_t u = 0; u <= pairs; u++)
        all += counts[lowest + u];
    below = counts[lowest];
    *k = 0;
    while (2 * (*k + 1) < pairs && 1 - 2 * (below + counts[lowest + *k + 1]) / all >= wanted)
        below += counts[lowest + ++*k];
    *level = 1 - 2 * below / all;
    free(counts);
    return OK;
}

enum status shift_interval(const double *x, size_t n, const double *y, size_t m, double level,
                           struct shift_interval *out, struct err *err)
{
    size_t pairs = n * m, k = 0;
    struct shift_interval result = {0};
    double *differences = malloc(pairs * sizeof *differences);
    if (!differences)
        return status_fail(err, E_NOMEM, "no memory for %zu differences", pairs);
    enum status s = trim(n, m, level, &k, &result.level, err);
    if (!s) {
        for (size_t i = 0; i < pairs; i++)
            differences[i] = y[i % m] - x[i / m];
        qsort(differences, pairs, sizeof *differences, ascending);
        result.low = differences[k];
        result.high = differences[pairs - 1 - k];
        result.level = fmax(result.level, 0);
        *out = result;
    }
    free(differences);
    return s;
}
