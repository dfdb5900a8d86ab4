#include "numerics/formats/lloyd_max.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double codebook_expected_error(const struct codebook *c, const struct block_law *law)
{
    double before[3] = {0}, error = 0;
    for (size_t i = 0; i < c->n; i++) {
        double to = i + 1 < c->n ? ((double)c->level[i] + c->level[i + 1]) / 2 : INFINITY, cell[3];
        for (int k = 0; k < 3; k++) {
            double upto = block_law_moment(law, k, to);
            cell[k] = upto - before[k];
            before[k] = upto;
        }
        error += cell[2] - 2 * c->level[i] * cell[1] + (double)c->level[i] * c->level[i] * cell[0];
    }
    return sqrt(error / before[2]);
}

enum status lloyd_max_law(const struct block_law *law, size_t n, struct codebook *out,
                          struct err *err)
{
    struct cube_root start = {.family = law->d.family,
                              .df = law->d.df,
                              .rule = law->block ? SCALE_ABSMAX : SCALE_RMS,
                              .mode = CODEBOOK_SYMMETRIC,
                              .alpha = 1.0 / 3,
                              .n = n,
                              .block = law->block};
    enum status s = codebook_cube_root(&start, out, err);
    if (s)
        return s;
    /* The half above 0: with n odd, its first cell begins at the negative of its first boundary. */
    double level[CODEBOOK_MAX], moved = INFINITY;
    for (size_t i = 0; i < n; i++)
        level[i] = out->level[i];
    for (int round = 0; round < 20000 && moved > 1e-11 * level[n - 1]; round++) {
        size_t first = (n + 1) / 2;
        double from = n % 2 ? level[first] / 2 : 0;
        double before0 = block_law_moment(law, 0, from), before1 = block_law_moment(law, 1, from);
        moved = 0;
        for (size_t i = first; i < n; i++) {
            double to = i + 1 < n ? (level[i] + level[i + 1]) / 2 : INFINITY;
            double upto0 = block_law_moment(law, 0, to), upto1 = block_law_moment(law, 1, to);
            double centroid = (upto1 - before1) / (upto0 - before0);
            moved = fmax(moved, fabs(centroid - level[i]));
            level[i] = centroid;
            level[n - 1 - i] = -centroid;
            before0 = upto0;
            before1 = upto1;
        }
    }
    return codebook_from_levels(level, n, CODEBOOK_TIES_LOWER, 0, out, err);
}

enum status lloyd_max_rms(const struct distribution *d, size_t n, struct codebook *out,
                          struct err *err)
{
    struct block_law law;
    block_law_rms(d, &law);
    return lloyd_max_law(&law, n, out, err);
}

enum status lloyd_max_absmax(const struct distribution *d, size_t block, size_t n,
                             struct codebook *out, struct err *err)
{
    struct block_law law;
    block_law_absmax(d, block, 2, &law);
    return lloyd_max_law(&law, n, out, err);
}

/* ---- Samples: sorted once, so that a cell is a range and its mean two differences ---- */

struct sample {
    float x;
    float weight;
};

static int by_value(const void *a, const void *b)
{
    float x = ((const struct sample *)a)->x, y = ((const struct sample *)b)->x;
    return (x > y) - (x < y);
}

/* The number of samples that are at most m. */
static size_t samples_upto(const struct sample *s, size_t n, double m)
{
    size_t low = 0;
    for (size_t high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (s[middle].x <= m)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* k-means++: each further level is a sample drawn with probability proportional to its weight times
 * its squared distance from the nearest level so far.  nearest is room for n. */
static void start_plus_plus(const struct sample *s, size_t n, double *nearest, struct rng *rng,
                            double *level, size_t levels)
{
    for (size_t i = 0; i < n; i++)
        nearest[i] = 1;
    for (size_t j = 0; j < levels; j++) {
        double total = 0, target, sum = 0;
        size_t pick = 0;
        for (size_t i = 0; i < n; i++)
            total += s[i].weight * nearest[i];
        target = rng_uniform(rng) * total;
        while (pick + 1 < n && (sum += s[pick].weight * nearest[pick]) <= target)
            pick++;
        level[j] = s[pick].x;
        for (size_t i = 0; i < n; i++) {
            double d = s[i].x - level[j];
            nearest[i] = j ? fmin(nearest[i], d * d) : d * d;
        }
    }
    qsort(level, levels, sizeof *level, ascending);
}

static void iterate(const struct sample *s, size_t n, const double *weights, const double *sums,
                    double tolerance, double *level, size_t levels)
{
    size_t cut[CODEBOOK_MAX + 1] = {0}, changed = n;
    cut[levels] = n;
    for (bool first = true; first || (double)changed > tolerance * (double)n; first = false) {
        changed = 0;
        for (size_t j = 1; j < levels; j++) {
            size_t at = samples_upto(s, n, (level[j - 1] + level[j]) / 2);
            changed += at > cut[j] ? at - cut[j] : cut[j] - at;
            cut[j] = at;
        }
        for (size_t j = 0; j < levels; j++) {
            if (cut[j + 1] > cut[j])
                level[j] =
                    (sums[cut[j + 1]] - sums[cut[j]]) / (weights[cut[j + 1]] - weights[cut[j]]);
            if (j && level[j] < level[j - 1])
                level[j] = level[j - 1];
        }
    }
}

enum status lloyd_max_fit(const struct lloyd_max_samples *samples, size_t levels, struct rng *rng,
                          struct codebook *out, struct err *err)
{
    size_t n = samples->n;
    if (!n || levels < 2 || levels > CODEBOOK_MAX)
        return status_fail(err, E_USAGE, "Lloyd-Max: %zu samples and %zu levels", n, levels);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(samples->x[i]))
            return status_fail(err, E_USAGE, "Lloyd-Max: sample %zu is not finite", i);
    enum status status = E_NOMEM;
    double level[CODEBOOK_MAX];
    struct sample *s = calloc(n, sizeof *s);
    double *weights = calloc(n + 1, sizeof *weights), *sums = calloc(n + 1, sizeof *sums);
    if (!s || !weights || !sums) {
        status_fail(err, status, "Lloyd-Max: no memory for %zu samples", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        s[i] = (struct sample){samples->x[i], samples->weight ? samples->weight[i] : 1};
    qsort(s, n, sizeof *s, by_value);
    if (samples->start == LLOYD_MAX_PLUS_PLUS)
        start_plus_plus(s, n, weights, rng, level, levels); /* room that is written next */
    else if (samples->start == LLOYD_MAX_GIVEN)
        memcpy(level, samples->given, levels * sizeof *level);
    else
        for (size_t j = 0; j < levels; j++)
            level[j] = s[0].x + ((double)s[n - 1].x - s[0].x) * (double)j / (double)(levels - 1);
    weights[0] = 0;
    for (size_t i = 0; i < n; i++) {
        weights[i + 1] = weights[i] + s[i].weight;
        sums[i + 1] = sums[i] + (double)s[i].weight * s[i].x;
    }
    iterate(s, n, weights, sums, samples->tolerance, level, levels);
    status = codebook_from_levels(level, levels, CODEBOOK_TIES_LOWER, 0, out, err);
out:
    free(s);
    free(weights);
    free(sums);
    return status;
}
