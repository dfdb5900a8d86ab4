#include "bench/workloads/gemv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/synthetic.h"
#include "numerics/buffer.h"

enum { PATTERN_VALUES = 1 << 20 };

static void draw_pattern(const struct trial *t, struct gemv *g)
{
    struct synthetic_params params = {.df = 5};
#pragma omp parallel for num_threads(g->threads) schedule(static)
    for (size_t r = 0; r < g->pattern_rows; r++) {
        struct rng rng = rng_split(t->rng, r + 1); /* 0 is that of x */
        float *row = g->pattern + r * g->cols;
        synthetic_fill(SYNTHETIC_STUDENT_T, &params, &rng, row, g->cols);
        for (size_t c = 0; c < g->cols; c++)
            row[c] *= 0.02f;
    }
}

static enum status copy_pattern(const struct tensor *from, struct gemv *g, struct err *err)
{
    size_t n = g->pattern_rows * g->cols, first = from->count < n ? from->count : n;
    if (!from->count)
        return status_fail(err, E_SKIP, "%s: has no values", from->name);
    tensor_to_f32(from, 0, first, g->pattern);
    for (size_t i = first; i < n; i++)
        g->pattern[i] = g->pattern[i - first];
    for (size_t i = 0; i < first; i++)
        if (!isfinite(g->pattern[i]))
            return status_fail(err, E_SKIP, "%s: value %zu is not finite", from->name, i);
    return OK;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Of all groups of a copy, up to where the tail begins. */
static size_t groups_bytes(const struct gemv *g)
{
    return round_up(g->groups * g->group_bytes, 64);
}

const void *gemv_tail(const struct gemv *g, const void *w)
{
    return (const char *)w + groups_bytes(g);
}

/* Every group of every copy is a group of the pattern, which was packed into the first; their tails
 * are alike. */
static void repeat(struct gemv *g)
{
    size_t pattern_groups = g->format->kernel->opaque ? 1 : g->pattern_rows / g->row_group;
#pragma omp parallel for num_threads(g->threads) schedule(static)
    for (size_t i = pattern_groups; i < g->rotation.copies * g->groups; i++) {
        size_t group = i % g->groups;
        memcpy(g->weights + i / g->groups * g->copy_bytes + group * g->group_bytes,
               g->weights + group % pattern_groups * g->group_bytes, g->group_bytes);
    }
    char *tail = g->weights + groups_bytes(g);
    if (g->tail_bytes)
        g->format->kernel->tail(g, tail);
    for (size_t i = 1; i < g->rotation.copies && g->tail_bytes; i++)
        memcpy(tail + i * g->copy_bytes, tail, g->tail_bytes);
}

static const struct gemv_format *format_of(const struct gemv_format *formats, const char *variant)
{
    while (formats->variant && strcmp(formats->variant, variant))
        formats++;
    return formats->variant ? formats : NULL;
}

/* The rows of the pattern. */
static void lay_out_pattern(struct gemv *g)
{
    size_t group_values = g->cols * g->row_group;
    size_t groups = (g->rows + g->row_group - 1) / g->row_group;
    size_t pattern_groups = (PATTERN_VALUES + group_values - 1) / group_values;
    g->pattern_rows = (pattern_groups < groups ? pattern_groups : groups) * g->row_group;
    g->groups = g->format->kernel->opaque ? 1 : groups;
}

/* How much of everything else there is. */
static void lay_out_copies(struct trial *t, struct gemv *g)
{
    const struct gemv_kernel *kernel = g->format->kernel;
    g->group_bytes = kernel->group_bytes(g);
    g->tail_bytes = kernel->tail_bytes ? kernel->tail_bytes(g) : 0;
    size_t bytes = g->groups * g->group_bytes + g->tail_bytes;
    g->copy_bytes = groups_bytes(g) + round_up(g->tail_bytes, 64);
    g->rotation =
        (struct rotation){rotation_copies(t, bytes), 0, g->groups, kernel->whole ? 1 : t->threads};
    t->footprint_bytes =
        g->rotation.copies * bytes + g->tokens * (g->rows + g->cols) * sizeof(float);
}

/* The user's weights, or drawn ones. */
static enum status fill_pattern(struct trial *t, struct gemv *g, struct err *err)
{
    const struct tensor *users = trial_weights(t);
    g->pattern = buffer_alloc(g->pattern_rows * g->cols * sizeof *g->pattern);
    if (!g->pattern)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    if (users)
        return copy_pattern(users, g, err);
    draw_pattern(t, g);
    return OK;
}

enum status gemv_prepare(struct trial *t, const struct gemv_format *formats, struct err *err)
{
    struct gemv *g = t->state = calloc(1, sizeof *g);
    if (!g)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    g->format = format_of(formats, t->v->name);
    if (!g->format)
        return status_fail(err, E_INTERNAL, "%s: no GEMV format has this name", t->v->name);
    const struct gemv_kernel *kernel = g->format->kernel;
    g->features = t->features;
    g->threads = t->threads;
    g->rows = (size_t)param(t, "rows");
    g->cols = (size_t)param(t, "cols");
    g->tokens = param(t, "tokens") > 1 ? (size_t)param(t, "tokens") : 1;
    g->block = (size_t)param(t, "block");
    g->row_group = 1;
    if (g->tokens > (kernel->max_tokens ? kernel->max_tokens : 1))
        return status_fail(err, E_SKIP, "%s: has no form for %zu tokens at once", t->v->name,
                           g->tokens);
    if (kernel->variants)
        g->variant = kernel_pick(kernel->variants, t->features);
    enum status s = kernel->open ? kernel->open(g, err) : OK;
    if (s)
        return s;
    t->isa = g->variant ? g->variant->isa : kernel->library_isa();
    lay_out_pattern(g);
    s = fill_pattern(t, g, err);
    if (!s && kernel->fit)
        s = kernel->fit(g, err);
    if (s)
        return s;
    lay_out_copies(t, g);
    g->x = buffer_alloc(g->tokens * g->cols * sizeof *g->x);
    g->y = buffer_alloc(g->tokens * g->rows * sizeof *g->y);
    g->weights = buffer_alloc(g->rotation.copies * g->copy_bytes);
    if (!g->x || !g->y || !g->weights)
        return status_fail(err, E_NOMEM, "%s: %zu copies of %zu bytes do not fit into memory",
                           t->v->name, g->rotation.copies, g->copy_bytes);
    struct rng rng = rng_split(t->rng, 0);
    synthetic_fill(SYNTHETIC_NORMAL, NULL, &rng, g->x, g->tokens * g->cols);
    s = kernel->pack(g, g->weights, err);
    if (!s)
        repeat(g);
    return s;
}

static void rows_of_copy(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct gemv *g = user;
    const struct gemv_kernel *kernel = g->format->kernel;
    size_t row0 = first * g->row_group, row1 = end * g->row_group;
    if (kernel->activate)
        kernel->activate(g, thread);
    kernel->rows(g, g->weights + copy * g->copy_bytes, g->y, row0, row1 < g->rows ? row1 : g->rows,
                 thread);
}

/* The library shares its threads out itself, within each call. */
static void whole_copy(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct gemv *g = user;
    (void)first;
    (void)end;
    (void)thread;
    g->format->kernel->whole(g, g->weights + copy * g->copy_bytes, g->y);
}

void gemv_run(struct trial *t, size_t n)
{
    struct gemv *g = t->state;
    rotation_run(&g->rotation, n, g->format->kernel->whole ? whole_copy : rows_of_copy, g);
}

struct work gemv_work(const struct trial *t)
{
    const struct gemv *g = t->state;
    double weights = (double)g->rows * (double)g->cols, tokens = (double)g->tokens;
    bool many = g->tokens > 1;
    return (struct work){.flops = 2 * weights * tokens,
                         .bytes_read = (double)g->groups * (double)g->group_bytes +
                                       (double)g->tail_bytes + 4 * tokens * (double)g->cols,
                         .bytes_written = 4 * tokens * (double)g->rows,
                         .items = weights,
                         .unit = "weight",
                         .roof = many ? g->format->kernel->roof : ROOF_DRAM_READ,
                         .roof_ops = many ? 2 * weights * tokens : 0};
}

/* max over the rows of one token of |y - reference| / bound; NaN when one is, or when no bound
 * holds for a row.  reference: scratch [pattern_rows] */
static double worst_error(const struct gemv *g, size_t token, float *reference)
{
    const struct gemv_kernel *kernel = g->format->kernel;
    const float *y = g->y + token * g->rows;
    size_t n = g->pattern_rows < g->rows ? g->pattern_rows : g->rows;
    double worst = 0;
    kernel->reference(g, g->weights, token, reference, 0, n);
    for (size_t p = 0; p < n; p++) {
        double bound = kernel->bound(g, g->weights, token, p);
        for (size_t r = p; r < g->rows; r += g->pattern_rows) {
            double error = fabs((double)y[r] - reference[p]);
            /* an exact kernel's bound is 0, and so is its error */
            if (isnan(error) || !isfinite(bound))
                return NAN;
            worst = fmax(worst, error > 0 ? error / bound : 0);
        }
    }
    return worst;
}

static double relative_error(const struct gemv *g)
{
    double off = 0, all = 0;
    size_t n = g->pattern_rows < g->rows ? g->pattern_rows : g->rows;
#pragma omp parallel for num_threads(g->threads) reduction(+ : off, all) schedule(static)
    for (size_t r = 0; r < n; r++)
        for (size_t token = 0; token < g->tokens; token++) {
            double exact = 0;
            for (size_t c = 0; c < g->cols; c++)
                exact += (double)g->pattern[r * g->cols + c] * g->x[token * g->cols + c];
            double error = g->y[token * g->rows + r] - exact;
            off += error * error;
            all += exact * exact;
        }
    return sqrt(off / all);
}

void gemv_fidelity(struct trial *t)
{
    struct gemv *g = t->state;
    double worst = 0;
#pragma omp parallel num_threads(g->threads) reduction(max : worst)
    {
        float *reference = calloc(g->pattern_rows, sizeof *reference);
#pragma omp for schedule(dynamic)
        for (size_t token = 0; token < g->tokens; token++) {
            /* without memory for the reference the cell is not known to be right */
            double error = reference ? worst_error(g, token, reference) : NAN;
            worst = fmax(worst, isnan(error) ? INFINITY : error); /* a NaN would not last */
        }
        free(reference);
    }
    trial_correctness(t, "y_error_over_bound", worst, 1);
    trial_fidelity(t, NULL, "y_relative_error", relative_error(g), "fp64-exact", 0);
}

void gemv_release(struct trial *t)
{
    struct gemv *g = t->state;
    if (!g)
        return;
    if (g->format && g->format->kernel->close)
        g->format->kernel->close(g);
    buffer_free(g->pattern, g->pattern_rows * g->cols * sizeof *g->pattern);
    buffer_free(g->x, g->tokens * g->cols * sizeof *g->x);
    buffer_free(g->y, g->tokens * g->rows * sizeof *g->y);
    buffer_free(g->weights, g->rotation.copies * g->copy_bytes);
    free(g);
    t->state = NULL;
}
