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

/* Bits of x that order as integers as x does: of a negative number all are flipped. */
static uint32_t key_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

enum { DIGIT = 11, DIGITS = 3, CELLS = 1 << DIGIT };

/* Sorts by value, a digit of the key in a pass, from the last to the first.  Each pass goes from
 * one array to the other; returns the one that the last pass went to.  Comparing would take four
 * times as long for 2^20 samples. */
static struct sample *sort_samples(struct sample *from, struct sample *to, size_t n)
{
    for (int shift = 0; shift < DIGITS * DIGIT; shift += DIGIT) {
        size_t begin[CELLS] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            begin[key_of(from[i].x) >> shift & (CELLS - 1)]++;
        for (size_t cell = 0; cell < CELLS; cell++) {
            size_t count = begin[cell];
            begin[cell] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[begin[key_of(from[i].x) >> shift & (CELLS - 1)]++] = from[i];
        struct sample *other = from;
        from = to;
        to = other;
    }
    return from;
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

enum { PART = 1024 }; /* samples whose weighted distances are kept as one sum */

/* Sets the distances of samples first .. end-1 from the level, where it is the nearest so far, and
 * the sums of the parts that they lie in. */
static void approach(const struct sample *s, size_t n, size_t first, size_t end, double level,
                     double *nearest, double *part)
{
    for (size_t i = first; i < end; i++) {
        double d = s[i].x - level;
        nearest[i] = fmin(nearest[i], d * d);
    }
    for (size_t p = first / PART; p * PART < end; p++) {
        part[p] = 0;
        for (size_t i = p * PART; i < n && i < (p + 1) * PART; i++)
            part[p] += s[i].weight * nearest[i];
    }
}

/* The sample at which the running sum of weight times distance passes the target. */
static size_t sample_at(const struct sample *s, size_t n, const double *nearest, const double *part,
                        double target)
{
    size_t p = 0;
    for (; (p + 1) * PART < n && part[p] <= target; p++)
        target -= part[p];
    size_t i = p * PART;
    while (i + 1 < n && (target -= s[i].weight * nearest[i]) >= 0)
        i++;
    return i;
}

/* k-means++: each further level is a sample drawn with probability proportional to its weight times
 * its squared distance from the nearest level so far; the first by weight alone.  A new level is
 * nearest to none beyond its neighbours.  nearest is room for n, part for n / PART + 1. */
static void start_plus_plus(const struct sample *s, size_t n, double *nearest, double *part,
                            struct rng *rng, double *level, size_t levels)
{
    size_t parts = (n + PART - 1) / PART;
    for (size_t i = 0; i < n; i++)
        nearest[i] = 1;
    approach(s, n, 0, n, INFINITY, nearest, part);
    for (size_t j = 0; j < levels; j++) {
        double total = 0;
        for (size_t p = 0; p < parts; p++)
            total += part[p];
        double fresh = s[sample_at(s, n, nearest, part, rng_uniform(rng) * total)].x;
        size_t at = j; /* of it among the levels, which ascend */
        for (; at && level[at - 1] > fresh; at--)
            level[at] = level[at - 1];
        level[at] = fresh;
        for (size_t i = 0; i < n && !j; i++)
            nearest[i] = INFINITY;
        approach(s, n, at ? samples_upto(s, n, level[at - 1]) : 0,
                 at < j ? samples_upto(s, n, level[at + 1]) : n, fresh, nearest, part);
    }
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
    struct sample *raw = calloc(n, sizeof *raw), *room = calloc(n, sizeof *room), *s;
    double *part = calloc(n / PART + 1, sizeof *part);
    double *weights = calloc(n + 1, sizeof *weights), *sums = calloc(n + 1, sizeof *sums);
    if (!raw || !room || !part || !weights || !sums) {
        status_fail(err, status, "Lloyd-Max: no memory for %zu samples", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        raw[i] = (struct sample){samples->x[i], samples->weight ? samples->weight[i] : 1};
    s = sort_samples(raw, room, n);
    if (samples->start == LLOYD_MAX_PLUS_PLUS)
        start_plus_plus(s, n, weights, part, rng, level, levels); /* weights: written next */
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
    free(raw);
    free(room);
    free(part);
    free(weights);
    free(sums);
    return status;
}
