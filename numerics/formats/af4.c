#include "numerics/formats/codebook.h"

#include <math.h>

#include "numerics/statistics/block_law.h"

/* Share of the scaled elements inside a block (the largest apart) that lie in [0, t], and its
 * derivative. */
static double inside(const struct block_law *law, double t, double *density)
{
    double sum = 0;
    *density = 0;
    for (size_t j = 0; j < law->nodes; j++) {
        double share = erf(law->m[j] * M_SQRT1_2), m = law->m[j];
        sum += law->weight[j] * erf(m * t * M_SQRT1_2) / share;
        *density += law->weight[j] * 2 * m * distribution_pdf(&law->d, m * t) / share;
    }
    return sum;
}

/* The t with inside(t) = target by Newton's method: inside() is concave, so that from 0 each step
 * stays below the root.  Above 1 when there is none in [0, 1]. */
static double inside_inverse(const struct block_law *law, double target)
{
    double t = 0;
    for (int i = 0; i < 100 && t <= 1; i++) {
        double density, value = inside(law, t, &density), step = (target - value) / density;
        t += step;
        if (fabs(step) <= 1e-15)
            break;
    }
    return t;
}

/* Level n of a half whose first level is q: each level is the median of its cell, and the cells
 * meet in the middle between levels, so one level gives the next.  level[0..n-1], ascending. */
static double shoot(const struct block_law *law, double q, size_t n, double *level)
{
    double density, previous_share = 0;
    level[0] = q;
    for (size_t i = 0; i + 1 < n; i++) {
        double to_share = 2 * inside(law, level[i], &density) - previous_share;
        double to = inside_inverse(law, to_share);
        level[i + 1] = 2 * to - level[i];
        if (!(level[i + 1] < 1))
            return level[i + 1]; /* the first level was too large */
        previous_share = to_share;
    }
    return level[n - 1];
}

/* The half code of n levels that ends at 1. */
static void half_code(const struct block_law *law, size_t n, double *level)
{
    double low = 0, high = 1.0 / (double)n;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(shoot(law, middle, n, level) < 1 ? &low : &high) = middle;
    }
    shoot(law, low, n, level);
    level[n - 1] = 1;
}

enum status codebook_af4(size_t block, struct codebook *out, struct err *err)
{
    if (block < 4)
        return status_fail(err, E_USAGE, "AF4 needs blocks of 4 or more, not %zu", block);
    const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};
    struct block_law law;
    double level[16], half[8];
    block_law_absmax(&normal, block, 0, &law);
    half_code(&law, 8, half);
    for (size_t i = 0; i < 8; i++)
        level[8 + i] = half[i];
    level[7] = 0;
    half_code(&law, 8 - 1, half);
    for (size_t i = 0; i < 7; i++)
        level[6 - i] = -half[i];
    return codebook_from_levels(level, 16, CODEBOOK_TIES_LOWER, 0, out, err);
}
