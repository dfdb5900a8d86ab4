#include "numerics/fits/scaling_bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include "numerics/fits/scaling_objective.h"
#include "numerics/rng.h"
#include "numerics/statistics/distribution.h"

enum { STARTS = SCALING_REFIT_STARTS, BATCH = 256, DRAWS = 100 };

/* What all refits share. */
struct refits {
    const struct scaling_table *table;
    const struct scaling_fit_options *options;
    double starts[STARTS * SCALING_PARAMS];
    uint64_t seed;
    bool jackknife;
};

void scaling_refit_starts(const struct scaling_table *t, const struct scaling_law *point,
                          double *starts)
{
    static const double factor[STARTS][2] = {{1, 1}, {0.7, 1.4}, {1.4, 0.7}};
    const struct scaling_problem p = scaling_problem_of(t, &point->form, 1, 0);
    size_t n = scaling_param_count(&point->form);
    for (size_t s = 0; s < STARTS; s++) {
        double centred[SCALING_PARAMS];
        scaling_to_centred(&p, point->p, centred);
        centred[3] *= factor[s][0];
        if (!point->form.shared)
            centred[4] *= factor[s][1];
        scaling_to_plain(&p, centred, starts + s * n);
    }
}

/* How often each row counts in refit i; returns how many count at all. */
static size_t draw_counts(const struct refits *r, size_t i, struct rng *rng, unsigned *count)
{
    size_t n = r->table->n, kept = 0;
    for (size_t row = 0; row < n; row++)
        count[row] = r->jackknife && row != i;
    for (size_t row = 0; row < n && !r->jackknife; row++)
        count[rng_below(rng, (uint32_t)n)]++;
    for (size_t row = 0; row < n; row++)
        kept += count[row] > 0;
    return kept;
}

/* The rows that count, with their weights. */
static enum status thin(const struct scaling_table *t, const unsigned *count, bool *keep,
                        struct scaling_table *out, struct err *err)
{
    for (size_t i = 0; i < t->n; i++)
        keep[i] = count[i] > 0;
    enum status s = scaling_table_select(t, keep, out, err);
    for (size_t i = 0, to = 0; i < t->n && !s; i++)
        if (keep[i])
            out->weight[to++] *= count[i];
    return s;
}

static enum status refit(const struct refits *r, size_t i, unsigned *count, bool *keep,
                         struct scaling_law *law, struct err *err)
{
    struct rng seed = {r->seed}, rng = rng_split(&seed, i);
    struct scaling_fit_options o = *r->options;
    size_t parameters = scaling_param_count(&o.form);
    enum status s = E_FAILED;
    o.starts = r->starts;
    o.n_starts = STARTS;
    o.threads = 1; /* refits are shared out among the threads */
    o.progress = NULL;
    for (int draw = 0; draw < DRAWS && s == E_FAILED; draw++) {
        struct scaling_table t;
        struct scaling_fit fit;
        if (draw_counts(r, i, &rng, count) < parameters) {
            s = status_fail(err, E_FAILED, "refit %zu has fewer distinct rows than parameters", i);
            continue;
        }
        s = thin(r->table, count, keep, &t, err);
        if (s)
            break;
        s = scaling_fit(&t, &o, &fit, err);
        scaling_table_free(&t);
        if (!s)
            *law = fit.law;
        if (r->jackknife)
            break; /* another draw would be the same */
    }
    return s;
}

/* Refits first .. end - 1, shared out among the threads; the failure of the lowest index. */
static enum status refit_batch(const struct refits *r, size_t first, size_t end,
                               struct scaling_law *laws, struct err *err)
{
    enum status status = OK;
    size_t failed = end, rows = r->table->n;
#pragma omp parallel num_threads(r->options->threads)
    {
        unsigned *count = malloc(rows * sizeof *count);
        bool *keep = malloc(rows * sizeof *keep);
#pragma omp for schedule(dynamic)
        for (size_t i = first; i < end; i++) {
            struct err own = {{0}};
            enum status s = count && keep ? refit(r, i, count, keep, &laws[i], &own)
                                          : status_fail(&own, E_NOMEM, "no memory for a refit");
            if (s) {
#pragma omp critical(scaling_refit)
                if (i < failed) {
                    failed = i;
                    status = status_fail(err, s, "%s", own.text);
                }
            }
        }
        free(count);
        free(keep);
    }
    return status;
}

static enum status refit_all(struct refits *r, const struct scaling_law *point, size_t n,
                             struct scaling_law *laws, struct err *err)
{
    enum status s = OK;
    scaling_refit_starts(r->table, point, r->starts);
    for (size_t first = 0; first < n && !s; first += BATCH) {
        if (!progress_report(r->options->progress, (double)first / (double)n, "refits"))
            return status_fail(err, E_INTERRUPTED, "interrupted after %zu of %zu refits", first, n);
        s = refit_batch(r, first, n - first < BATCH ? n : first + BATCH, laws, err);
    }
    return s;
}

enum status scaling_bootstrap(const struct scaling_table *t,
                              const struct scaling_fit_options *options,
                              const struct scaling_law *point, size_t replicates, uint64_t seed,
                              struct scaling_law *laws, struct err *err)
{
    struct refits r = {.table = t, .options = options, .seed = seed};
    return refit_all(&r, point, replicates, laws, err);
}

enum status scaling_jackknife(const struct scaling_table *t,
                              const struct scaling_fit_options *options,
                              const struct scaling_law *point, struct scaling_law *laws,
                              struct err *err)
{
    struct refits r = {.table = t, .options = options, .jackknife = true};
    return refit_all(&r, point, t->n, laws, err);
}

/* ---- Quantities ---- */

double scaling_quantity_param(const struct scaling_law *law, const void *user)
{
    return law->p[*(const size_t *)user];
}

double scaling_quantity_A(const struct scaling_law *law, const void *user)
{
    (void)user;
    return exp(law->p[0]);
}

double scaling_quantity_B(const struct scaling_law *law, const void *user)
{
    (void)user;
    return exp(law->p[1]);
}

double scaling_quantity_E(const struct scaling_law *law, const void *user)
{
    (void)user;
    return exp(law->p[2]);
}

double scaling_quantity_alpha(const struct scaling_law *law, const void *user)
{
    (void)user;
    return law->p[3];
}

double scaling_quantity_beta(const struct scaling_law *law, const void *user)
{
    (void)user;
    return law->p[law->form.shared ? 3 : 4];
}

double scaling_quantity_exponent(const struct scaling_law *law, const void *user)
{
    double alpha = law->p[3], beta = scaling_quantity_beta(law, user);
    return beta / (alpha + beta);
}

/* ---- Intervals ---- */

static const struct distribution normal = {DISTRIBUTION_NORMAL, 1, 0};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between order statistics: quantile q at place (n - 1) q. */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = (double)(n - 1) * fmin(1, fmax(0, q));
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* The standard normal quantile of the share of replicates below the estimate. */
static double median_bias(const double *sorted, size_t n, double estimate)
{
    double below = 0;
    for (size_t i = 0; i < n; i++)
        below += sorted[i] < estimate ? 1 : sorted[i] == estimate ? 0.5 : 0;
    double end = 0.5 / (double)n; /* all on one side say no more than this */
    return distribution_quantile(&normal, fmin(1 - end, fmax(end, below / (double)n)));
}

/* Efron's acceleration from the jackknife values. */
static double acceleration(const double *values, size_t n)
{
    double mean = 0, squares = 0, cubes = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = mean - values[i];
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* The share that stands for q when the estimate is biased by z0 (in standard normal deviations) and
 * its deviation changes with its value at the rate a (Efron, Tibshirani, eq. 14.10). */
static double corrected(double q, double z0, double a)
{
    double z = z0 + distribution_quantile(&normal, q);
    return distribution_cdf(&normal, z0 + z / (1 - a * z));
}

static void fill(const struct scaling_law *laws, size_t n, scaling_quantity_fn *quantity,
                 const void *user, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = quantity(&laws[i], user);
}

static double deviation(const double *values, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

enum status scaling_bootstrap_interval(const struct scaling_law *point,
                                       const struct scaling_law *laws, size_t replicates,
                                       const struct scaling_law *jackknife, size_t n_jackknife,
                                       double level, scaling_quantity_fn *quantity,
                                       const void *user, struct scaling_interval *out,
                                       struct err *err)
{
    size_t most = replicates > n_jackknife ? replicates : n_jackknife;
    double low = (1 - level) / 2, high = 1 - low;
    if (!replicates || !(level > 0 && level < 1))
        return status_fail(err, E_USAGE, "an interval of level %g from %zu replicates", level,
                           replicates);
    double *values = malloc(most * sizeof *values);
    if (!values)
        return status_fail(err, E_NOMEM, "no memory for %zu replicates", replicates);
    struct scaling_interval i = {.estimate = quantity(point, user), .level = level};
    double a = 0;
    if (jackknife) {
        fill(jackknife, n_jackknife, quantity, user, values);
        a = acceleration(values, n_jackknife);
    }
    fill(laws, replicates, quantity, user, values);
    qsort(values, replicates, sizeof *values, compare);
    if (jackknife) {
        double z0 = median_bias(values, replicates, i.estimate);
        low = corrected(low, z0, a);
        high = corrected(high, z0, a);
    }
    i.low = quantile(values, replicates, low);
    i.high = quantile(values, replicates, high);
    i.deviation = deviation(values, replicates);
    *out = i;
    free(values);
    return OK;
}
