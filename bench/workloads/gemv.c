#include "bench/workloads/gemv.h"

#include <math.h>
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

/* Every row of every copy is a row of the pattern, which was packed into the first rows. */
static void repeat_rows(struct gemv *g)
{
#pragma omp parallel for num_threads(g->threads) schedule(static)
    for (size_t i = g->pattern_rows; i < g->rotation.copies * g->rows; i++) {
        size_t row = i % g->rows;
        memcpy(g->weights + i / g->rows * g->copy_bytes + row * g->row_bytes,
               g->weights + row % g->pattern_rows * g->row_bytes, g->row_bytes);
    }
}

static const struct gemv_format *format_of(const struct gemv_format *formats, const char *variant)
{
    while (formats->variant && strcmp(formats->variant, variant))
        formats++;
    return formats->variant ? formats : NULL;
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
    if (kernel->variants)
        g->variant = kernel_pick(kernel->variants, t->features);
    t->isa = g->variant ? g->variant->isa : kernel->library_isa();
    g->features = t->features;
    g->threads = t->threads;
    g->rows = (size_t)param(t, "rows");
    g->cols = (size_t)param(t, "cols");
    g->nibbles =
        (struct nibble_matrix){.cols = g->cols, .block = (size_t)param(t, "block"), .scale = 1};
    g->pattern_rows = (PATTERN_VALUES + g->cols - 1) / g->cols;
    if (g->pattern_rows > g->rows)
        g->pattern_rows = g->rows;
    g->row_bytes = kernel->row_bytes(g);
    g->copy_bytes = (g->rows * g->row_bytes + 63) / 64 * 64;
    g->rotation = (struct rotation){rotation_copies(t, g->rows * g->row_bytes), 0, g->rows,
                                    kernel->whole ? 1 : t->threads};
    t->footprint_bytes =
        g->rotation.copies * g->rows * g->row_bytes + (g->rows + g->cols) * sizeof(float);
    g->pattern = buffer_alloc(g->pattern_rows * g->cols * sizeof *g->pattern);
    g->x = buffer_alloc(g->cols * sizeof *g->x);
    g->y = buffer_alloc(g->rows * sizeof *g->y);
    g->weights = buffer_alloc(g->rotation.copies * g->copy_bytes);
    if (!g->pattern || !g->x || !g->y || !g->weights)
        return status_fail(err, E_NOMEM, "%s: %zu copies of %zu bytes do not fit into memory",
                           t->v->name, g->rotation.copies, g->copy_bytes);
    struct rng rng = rng_split(t->rng, 0);
    synthetic_fill(SYNTHETIC_NORMAL, NULL, &rng, g->x, g->cols);
    enum status s = OK;
    const struct tensor *users = trial_weights(t);
    if (users)
        s = copy_pattern(users, g, err);
    else
        draw_pattern(t, g);
    if (!s)
        s = kernel->pack(g, g->weights, err);
    if (!s)
        repeat_rows(g);
    return s;
}

static void rows_of_copy(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct gemv *g = user;
    (void)thread;
    g->format->kernel->rows(g, g->weights + copy * g->copy_bytes, g->y, first, end);
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
    double weights = (double)g->rows * (double)g->cols;
    return (struct work){.flops = 2 * weights,
                         .bytes_read =
                             (double)g->rows * (double)g->row_bytes + 4.0 * (double)g->cols,
                         .bytes_written = 4.0 * (double)g->rows,
                         .items = weights,
                         .unit = "weight",
                         .roof = ROOF_DRAM_READ};
}

/* max over y of |y - reference| / bound; NaN when one is, or when no bound holds for a row */
static double worst_error(const struct gemv *g, const float *reference)
{
    double worst = 0;
    for (size_t p = 0; p < g->pattern_rows; p++) {
        double bound = g->format->kernel->bound(g, g->weights, p);
        for (size_t r = p; r < g->rows; r += g->pattern_rows) {
            double error = fabs((double)g->y[r] - reference[p]) / bound;
            if (isnan(error) || isinf(bound))
                return NAN;
            worst = fmax(worst, error);
        }
    }
    return worst;
}

static double relative_error(const struct gemv *g)
{
    double off = 0, all = 0;
    for (size_t r = 0; r < g->pattern_rows; r++) {
        double exact = 0;
        for (size_t c = 0; c < g->cols; c++)
            exact += (double)g->pattern[r * g->cols + c] * g->x[c];
        off += (g->y[r] - exact) * (g->y[r] - exact);
        all += exact * exact;
    }
    return sqrt(off / all);
}

void gemv_fidelity(struct trial *t)
{
    struct gemv *g = t->state;
    float *reference = calloc(g->pattern_rows, sizeof *reference);
    double worst = NAN; /* without memory for the reference the cell is not known to be right */
    if (reference) {
        g->format->kernel->reference(g, g->weights, reference, 0, g->pattern_rows);
        worst = worst_error(g, reference);
    }
    free(reference);
    trial_correctness(t, "y_error_over_bound", worst, 1);
    trial_fidelity(t, NULL, "y_relative_error", relative_error(g), "fp64-exact", 0);
}

void gemv_release(struct trial *t)
{
    struct gemv *g = t->state;
    if (!g)
        return;
    buffer_free(g->pattern, g->pattern_rows * g->cols * sizeof *g->pattern);
    buffer_free(g->x, g->cols * sizeof *g->x);
    buffer_free(g->y, g->rows * sizeof *g->y);
    buffer_free(g->weights, g->rotation.copies * g->copy_bytes);
    free(g);
    t->state = NULL;
}
