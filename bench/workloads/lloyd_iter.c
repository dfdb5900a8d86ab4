#include "bench/workloads/lloyd_iter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/encode4.h"
#include "bench/workloads/rotation.h"
#include "numerics/buffer.h"
#include "numerics/formats/block_format.h"
#include "numerics/kernels/lloyd_pass.h"

enum { PATTERN = 1 << 20, LEVELS = 16, LINE = 64 };

/* A thread's sums, on cache lines of their own. */
struct sums {
    _Alignas(LINE) struct lloyd_above above[LEVELS];
};

struct lloyd_iter {
    lloyd_pass_fn *pass;
    struct codebook start;
    float level[LEVELS]; /* updated */
    size_t n, pattern;   /* weights of a copy, and different ones */
    struct rotation rotation;
    float *x; /* [copies][n] */
    struct sums *sums;
};

/* To rms 1. */
static enum status normalise(float *x, size_t n, struct err *err)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * x[i];
    double rms = sqrt(squares / (double)n);
    if (!(rms > 0))
        return status_fail(err, E_SKIP, "the weights are all 0");
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / rms);
    return OK;
}

enum status lloyd_iter_prepare(struct trial *t, const struct codebook *start, struct err *err)
{
    struct lloyd_iter *l = t->state = calloc(1, sizeof *l);
    if (!l)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    const struct kernel_variant *kernel = kernel_pick(lloyd_pass_variants, t->features);
    l->pass = (lloyd_pass_fn *)kernel->fn;
    l->start = *start;
    l->n = (size_t)(param(t, "rows") * param(t, "cols"));
    l->pattern = l->n < PATTERN ? l->n : PATTERN;
    size_t bytes = l->n * sizeof *l->x;
    l->rotation = (struct rotation){rotation_copies(t, bytes), 0, l->n, t->threads};
    l->x = buffer_alloc(l->rotation.copies * bytes);
    l->sums = buffer_alloc((size_t)t->threads * sizeof *l->sums);
    if (!l->x || !l->sums)
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu bytes",
                           l->rotation.copies, bytes);
    enum status s = encode4_fill(t, l->x, l->pattern, err);
    if (!s)
        s = normalise(l->x, l->pattern, err);
    if (s)
        return s;
    for (size_t done = l->pattern, all = l->rotation.copies * l->n, part; done < all;
         done += part) {
        part = all - done < l->pattern ? all - done : l->pattern;
        memcpy(l->x + done, l->x, part * sizeof *l->x);
    }
    t->isa = kernel->isa;
    t->footprint_bytes = bytes * l->rotation.copies;
    return OK;
}

void lloyd_iter_release(struct trial *t)
{
    struct lloyd_iter *l = t->state;
    if (!l)
        return;
    buffer_free(l->x, l->rotation.copies * l->n * sizeof *l->x);
    buffer_free(l->sums, (size_t)l->rotation.threads * sizeof *l->sums);
    free(l);
    t->state = NULL;
}

static void update(struct lloyd_iter *l, size_t team)
{
    struct lloyd_above all[LEVELS] = {{0, 0}};
    for (size_t i = 0; i < team; i++)
        for (size_t j = 0; j < l->start.n; j++) {
            all[j].count += l->sums[i].above[j].count;
            all[j].sum += l->sums[i].above[j].sum;
        }
    memcpy(l->level, l->start.level, sizeof l->level);
    lloyd_pass_update(all, l->start.n, l->level);
}

/* rotation_run() has no place for what one thread does for all before the next copy begins. */
void lloyd_iter_run(struct trial *t, size_t n)
{
    struct lloyd_iter *l = t->state;
    struct rotation *r = &l->rotation;
#pragma omp parallel num_threads(r->threads) if (r->threads > 1)
    {
        size_t team = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
        size_t first = r->parts * me / team, end = r->parts * (me + 1) / team, copy = r->next;
        for (size_t i = 0; i < n; i++) {
            struct lloyd_above *above = l->sums[me].above;
            memset(above, 0, sizeof l->sums[me].above);
            l->pass(l->x + copy * l->n + first, end - first, l->start.boundary, l->start.n, above);
            copy = copy + 1 < r->copies ? copy + 1 : 0;
#pragma omp barrier
#pragma omp single
            update(l, team);
        }
    }
    r->next = (r->next + n) % r->copies;
}

/* The roof is the reading, which many levels do not reach: a comparison and an addition for each.
 */
struct work lloyd_iter_work(const struct trial *t)
{
    const struct lloyd_iter *l = t->state;
    double weights = (double)l->n;
    return (struct work){.flops = 2 * weights * (double)l->start.n,
                         .bytes_read = 4 * weights,
                         .bytes_written = sizeof l->level,
                         .items = weights,
                         .unit = "weight",
                         .roof = ROOF_DRAM_READ};
}

/* max over levels of the distance from the reference's over its bound.  Each sum is within
 * (n / 16 + 5 + threads) 2^-53 of A = sum |x|, a cell's is the difference of two and so within
 * twice that, the reference's likewise; then both means are rounded to f32. */
static double worst_level(const struct lloyd_iter *l)
{
    struct lloyd_above all[LEVELS] = {{0, 0}}, rest[LEVELS] = {{0, 0}};
    float level[LEVELS];
    double absolute = 0, worst = 0;
    size_t times = l->n / l->pattern, left = l->n % l->pattern;
    for (size_t i = 0; i < l->pattern; i++)
        absolute += fabsf(l->x[i]);
    lloyd_pass_ref(l->x, l->pattern, l->start.boundary, l->start.n, all);
    lloyd_pass_ref(l->x, left, l->start.boundary, l->start.n, rest);
    for (size_t j = 0; j < l->start.n; j++) {
        all[j].count = all[j].count * times + rest[j].count;
        all[j].sum = all[j].sum * (double)times + rest[j].sum;
    }
    memcpy(level, l->start.level, sizeof level);
    lloyd_pass_update(all, l->start.n, level);
    absolute *= (double)times + 1;
    for (size_t j = 0; j < l->start.n; j++) {
        uint64_t count = all[j].count - (j + 1 < l->start.n ? all[j + 1].count : 0);
        double sums = 4 * ((double)l->n / 16 + 5 + l->rotation.threads) * 0x1p-53 * absolute;
        double bound = (count ? sums / (double)count : 0) + 0x1p-23 * fabsf(level[j]);
        double off = fabs((double)l->level[j] - level[j]);
        worst = off > 0 || isnan(off) ? fmax(worst, isnan(off) ? INFINITY : off / bound) : worst;
    }
    return worst;
}

static void ratio_fidelity(struct trial *t, const char *subject, const struct codebook *c)
{
    const struct lloyd_iter *l = t->state;
    struct block_kernels kernels = block_kernels_pick(t->features);
    struct block_format f = {.codebook = c,
                             .rule = SCALE_RMS,
                             .scale_format = SCALE_F32,
                             .block = BLOCK_TENSOR,
                             .multiplier = 1};
    struct block_error error = block_format_error(&f, &kernels, l->x, 1, l->pattern, NULL);
    trial_fidelity(t, subject, "weight_R", block_error_ratio(&error), "fp64-exact", 0);
}

void lloyd_iter_fidelity(struct trial *t)
{
    const struct lloyd_iter *l = t->state;
    struct codebook updated;
    double level[LEVELS];
    trial_correctness(t, "level_error_over_bound", worst_level(l), 1);
    for (size_t j = 0; j < l->start.n; j++)
        level[j] = l->level[j];
    if (!codebook_from_levels(level, l->start.n, CODEBOOK_TIES_LOWER, 0, &updated, NULL))
        ratio_fidelity(t, NULL, &updated);
    ratio_fidelity(t, "start", &l->start);
}
