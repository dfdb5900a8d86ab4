/* The Huber loss of a scaling law over a table of runs, as a task. */
#include "bench/workloads/law_objective.h"

#include <math.h>
#include <stdlib.h>

#include "bench/workloads/rotation.h"
#include "datasets/synthetic_runs.h"
#include "numerics/buffer.h"
#include "numerics/fits/scaling_fit.h"
#include "numerics/fits/scaling_objective.h"

enum { DRAWN = 9 * 1024, PIECE = 8, SUMS_STRIDE = 16 /* doubles: two cache lines apart */ };

struct law_objective {
    size_t n, copy_bytes;
    double *columns; /* copies of u [n], v [n], y [n] */
    double *sums;    /* [threads][SUMS_STRIDE] of the last run */
    struct law_point point;
    law_sums_fn *kernel;
    struct rotation rotation;
    size_t last;
};

static struct law_rows rows_of(const struct law_objective *o, size_t copy)
{
    const double *u = o->columns + copy * 3 * o->n;
    return (struct law_rows){.u = u, .v = u + o->n, .y = u + 2 * o->n, .n = o->n};
}

static void sum_part(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct law_objective *o = user;
    const struct law_rows all = rows_of(o, copy);
    size_t last = end * PIECE < o->n ? end * PIECE : o->n;
    struct law_rows part = law_rows_part(&all, first * PIECE, last - first * PIECE);
    o->kernel(&part, &o->point, SCALING_DELTA, o->sums + thread * SUMS_STRIDE);
}

static const double step = 1e-6; /* near the cube root of 2^-53, where both errors are alike */

/* Ten values at points on either side along each parameter. */
static void differences_part(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct law_objective *o = user;
    struct law_objective moved = *o;
    double sums[SUMS_STRIDE], *out = o->sums + thread * SUMS_STRIDE;
    double *const at[LAW_PARAMETERS] = {&moved.point.a, &moved.point.b, &moved.point.e,
                                        &moved.point.alpha, &moved.point.beta};
    moved.sums = sums - thread * SUMS_STRIDE;
    out[0] = 0;
    for (int j = 0; j < LAW_PARAMETERS; j++) {
        double here = *at[j], value[2];
        for (int side = 0; side < 2; side++) {
            *at[j] = here + (side ? step : -step);
            sum_part(&moved, copy, first, end, thread);
            value[side] = sums[0];
        }
        *at[j] = here;
        out[1 + j] = (value[1] - value[0]) / (2 * step);
        out[0] += (value[0] + value[1]) / (2 * LAW_PARAMETERS);
    }
}

static void passes(struct trial *t, size_t n, rotation_fn *part)
{
    struct law_objective *o = t->state;
    o->last = (o->rotation.next + n - 1) % o->rotation.copies;
    rotation_run(&o->rotation, n, part, o);
}

void law_objective_run(struct trial *t, size_t n)
{
    passes(t, n, sum_part);
}

void law_objective_run_differences(struct trial *t, size_t n)
{
    passes(t, n, differences_part);
}

enum status law_objective_prepare(struct trial *t, struct err *err)
{
    struct law_objective *o = calloc(1, sizeof *o);
    struct scaling_table drawn = {0};
    const struct scaling_law law = synthetic_runs_law();
    t->state = o;
    if (!o)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    o->n = (size_t)param(t, "rows");
    o->copy_bytes = 3 * o->n * sizeof *o->columns;
    o->rotation = (struct rotation){rotation_copies(t, o->copy_bytes), 0,
                                    (o->n + PIECE - 1) / PIECE, t->threads};
    t->footprint_bytes = o->copy_bytes * o->rotation.copies;
    const struct kernel_variant *kernel =
        kernel_pick(law_sums_variants, param(t, "simd") ? t->features : 0);
    o->kernel = (law_sums_fn *)kernel->fn;
    t->isa = kernel->isa;
    o->point = scaling_point(&law.form, law.p);
    enum status s = synthetic_runs_table(DRAWN / SYNTHETIC_BUDGETS, t->rng, &drawn, err);
    if (s)
        return s;
    o->columns = buffer_alloc(t->footprint_bytes);
    o->sums = buffer_alloc((size_t)t->threads * SUMS_STRIDE * sizeof *o->sums);
    if (!o->columns || !o->sums)
        s = status_fail(err, E_NOMEM, "no memory for %zu tables of %zu runs", o->rotation.copies,
                        o->n);
#pragma omp parallel for num_threads(t->threads)
    for (size_t c = 0; c < (s ? 0 : 3 * o->rotation.copies); c++) {
        const double *from[] = {drawn.ln_n, drawn.ln_d, drawn.ln_loss};
        /* an odd stride meets every budget also in a short table */
        for (size_t i = 0; i < o->n; i++)
            o->columns[c * o->n + i] = from[c % 3][i * 1031 % DRAWN];
    }
    scaling_table_free(&drawn);
    return s;
}

void law_objective_release(struct trial *t)
{
    struct law_objective *o = t->state;
    if (!o)
        return;
    buffer_free(o->columns, t->footprint_bytes);
    buffer_free(o->sums, (size_t)t->threads * SUMS_STRIDE * sizeof *o->sums);
    free(o);
    t->state = NULL;
}

/* A double takes the place of two floats of the FMA units, so a flop counts twice in roof_ops. */
struct work law_objective_work(const struct trial *t)
{
    double rows = param(t, "rows"), values = t->v->run == law_objective_run_differences ? 10 : 1;
    return (struct work){.flops = values * LAW_FLOPS_PER_ROW * rows,
                         .bytes_read = 24 * rows,
                         .bytes_written = LAW_PARAMETERS * 8 + 8,
                         .items = rows,
                         .unit = "row",
                         .roof = ROOF_FMA_F32,
                         .roof_ops = 2 * values * LAW_FLOPS_PER_ROW * rows};
}

/* What central differences may add to the error of a derivative.  ln N and ln D are below 30, so f'
 * is, f'' < 30^2 / 4 and f''' < 30^3 / 10.  A row whose residual crosses the edge of the band
 * within the step: rho is quadratic on one side only, step f'^2 / 2.  Any other: step^2 / 6 times
 * delta f''' + 3 f' f'' < 2.1e4. */
static double difference_error(const struct law_rows *rows, const struct law_point *point)
{
    double error = 0;
    for (size_t i = 0; i < rows->n; i++) {
        double r = fabs(law_term(rows, point, i).f - rows->y[i]);
        error += fabs(r - SCALING_DELTA) <= 30 * step ? step * 450 : step * step * 3500;
    }
    return error;
}

/* The largest |got - reference| / bound over value and gradient.  A difference also divides the
 * bound of the value by the step, and its own value is a mean of ten beside the point. */
void law_objective_fidelity(struct trial *t)
{
    const struct law_objective *o = t->state;
    const struct law_rows rows = rows_of(o, o->last);
    double right[LAW_SUMS], bound[LAW_SUMS], sums[1 + LAW_PARAMETERS] = {0}, worst = 0,
                                                      gradient = 0;
    law_sums_ref(&rows, &o->point, SCALING_DELTA, right);
    law_sums_bound(&rows, &o->point, SCALING_DELTA, bound);
    for (int thread = 0; thread < t->threads; thread++)
        for (int j = 0; j <= LAW_PARAMETERS; j++)
            sums[j] += o->sums[thread * SUMS_STRIDE + j];
    for (int j = 0; j <= LAW_PARAMETERS; j++) {
        double most = bound[j];
        if (t->v->run == law_objective_run_differences)
            most += bound[0] / step + difference_error(&rows, &o->point);
        worst = fmax(worst, fabs(sums[j] - right[j]) / most);
        if (j)
            gradient = fmax(gradient, fabs(sums[j] - right[j]) / fabs(right[j]));
        if (!isfinite(sums[j]))
            worst = NAN;
    }
    trial_correctness(t, "difference_over_bound", worst, 1);
    trial_fidelity(t, NULL, "objective_relative_error", fabs(sums[0] / right[0] - 1), "fp64-libm",
                   0);
    trial_fidelity(t, NULL, "gradient_relative_error", gradient, "fp64-libm", 0);
}
