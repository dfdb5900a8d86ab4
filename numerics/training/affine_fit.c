#include "numerics/training/affine_fit.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/blas_threads.h"

static enum status no_memory(struct err *err)
{
    return status_fail(err, E_NOMEM, "affine fit: out of memory");
}

static enum status check_shape(size_t d, size_t block, size_t n, struct err *err)
{
    if (!d || d > AFFINE_MAX_D || !block || d % block || !n)
        return status_fail(err, E_USAGE, "affine fit: %zu rows of %zu in blocks of %zu", n, d,
                           block);
    return OK;
}

static void multiply(CBLAS_TRANSPOSE a_as, CBLAS_TRANSPOSE b_as, const double *a, const double *b,
                     size_t d, double *c)
{
    int n = (int)d;
    cblas_dgemm(CblasRowMajor, a_as, b_as, n, n, n, 1, a, n, b, n, 0, c, n);
}

/* ---- The model ---- */

/* The output of largest magnitude in a block. */
static size_t largest_of(const double *y, size_t block)
{
    size_t at = 0;
    for (size_t i = 1; i < block; i++)
        if (fabs(y[i]) > fabs(y[at]))
            at = i;
    return at;
}

/* by_a += the term of c_b, -2/d A^-T A^-1 W A^-T. w [d]; work [2][d][d]. */
static void add_inverse_term(size_t d, const double *inverse, const double *w, double *work,
                             double *by_a)
{
    double *scaled = work, *product = work + d * d;
    int n = (int)d;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            scaled[i * d + j] = inverse[i * d + j] * w[j];
    multiply(CblasTrans, CblasNoTrans, inverse, scaled, d, product);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, -2 / (double)d, product, n,
                inverse, n, 1, by_a, n);
}

enum status affine_fit_model(size_t d, size_t block, const double *a, const double *inverse,
                             const double *v, const double *x, size_t n, double *j, double *by_a,
                             double *by_v, struct err *err)
{
    enum status s = check_shape(d, block, n, err);
    if (s)
        return s;
    double *y = malloc(n * d * sizeof *y), *work = malloc(2 * d * d * sizeof *work);
    double *c = calloc(d, sizeof *c), *w = calloc(d, sizeof *w); /* of the block of each output */
    if (!y || !work || !c || !w) {
        s = no_memory(err);
        goto out;
    }
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++)
            c[k / block] += inverse[i * d + k] * inverse[i * d + k];
    for (size_t r = 0; r < n; r++)
        memcpy(y + r * d, v, d * sizeof *y);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)d, (int)d, 1, x, (int)d, a,
                (int)d, 1, y, (int)d);
    if (by_a) {
        memset(by_a, 0, d * d * sizeof *by_a);
        memset(by_v, 0, d * sizeof *by_v);
    }
    *j = 0;
    for (size_t r = 0; r < n; r++)
        for (size_t first = 0; first < d; first += block) {
            size_t at = first + largest_of(y + r * d + first, block);
            double largest = y[r * d + at], weight = c[first / block] / (double)(n * d);
            *j += weight * largest * largest;
            for (size_t i = first; i < first + block; i++)
                w[i] += largest * largest / (double)n;
            if (by_a) {
                by_v[at] += 2 * weight * largest;
                cblas_daxpy((int)d, 2 * weight * largest, x + r * d, 1, by_a + at * d, 1);
            }
        }
    if (by_a)
        add_inverse_term(d, inverse, w, work, by_a);
out:
    free(y);
    free(work);
    free(c);
    free(w);
    return s;
}

/* ---- Descent ---- */

/* Turns gradients [n] into what Adam takes the rate times of. */
struct adam {
    double *mean, *square; /* of the gradient; [n] */
    double mean_left, square_left;
};

static bool adam_alloc(struct adam *o, size_t n)
{
    *o = (struct adam){calloc(n, sizeof *o->mean), calloc(n, sizeof *o->square), 1, 1};
    return o->mean && o->square;
}

static void adam_free(struct adam *o)
{
    free(o->mean);
    free(o->square);
}

static void adam_direction(struct adam *o, double *gradient, size_t n)
{
    static const double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
    o->mean_left *= beta_1;
    o->square_left *= beta_2;
    for (size_t i = 0; i < n; i++) {
        o->mean[i] += (1 - beta_1) * (gradient[i] - o->mean[i]);
        o->square[i] += (1 - beta_2) * (gradient[i] * gradient[i] - o->square[i]);
        gradient[i] =
            o->mean[i] / (1 - o->mean_left) / (sqrt(o->square[i] / (1 - o->square_left)) + epsilon);
    }
}

static double rate_of(const struct affine_fit *fit, size_t step)
{
    return fit->rate * (1 - (double)step / (double)fit->steps);
}

static void draw_batch(struct rng *rng, const double *x, size_t n, size_t d, size_t batch,
                       double *out)
{
    for (size_t r = 0; r < batch; r++)
        memcpy(out + r * d, x + rng_below(rng, (uint32_t)n) * d, d * sizeof *out);
}

/* What a step works with. */
struct descent {
    const struct affine_fit *fit;
    size_t d, n;
    const double *x;
    struct rng *rng;
    double *memory; /* of all below */
    double *a, *inverse, *by_a, *work, *more;
    double *v, *by_v;
    double *batch, *parameters; /* parameters: their gradients, then directions */
    struct adam adam;
};

static enum status descent_open(struct descent *s, size_t parameters, struct err *err)
{
    size_t d = s->d, nn = d * d;
    enum status status = check_shape(d, s->fit->block, s->n, err);
    if (status)
        return status;
    if (s->n > UINT32_MAX || !s->fit->batch)
        return status_fail(err, E_USAGE, "affine fit: batches of %zu from %zu rows", s->fit->batch,
                           s->n);
    s->memory = calloc(5 * nn + 2 * d + s->fit->batch * d + parameters, sizeof *s->memory);
    if (!adam_alloc(&s->adam, parameters) || !s->memory)
        return no_memory(err);
    double *at = s->memory;
    double **const parts[] = {&s->a, &s->inverse, &s->by_a, &s->work, &s->more};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++, at += nn)
        *parts[i] = at;
    s->v = at;
    s->by_v = at + d;
    s->batch = at + 2 * d;
    s->parameters = s->batch + s->fit->batch * d;
    return OK;
}

static void descent_close(struct descent *s)
{
    adam_free(&s->adam);
    free(s->memory);
}

/* The gradient of J at A and v on a fresh batch. */
static enum status descent_gradient(struct descent *s, struct err *err)
{
    double j, log_det;
    enum status status = affine_invert(s->d, s->a, s->inverse, &log_det, err);
    if (status)
        return status;
    draw_batch(s->rng, s->x, s->n, s->d, s->fit->batch, s->batch);
    return affine_fit_model(s->d, s->fit->block, s->a, s->inverse, s->v, s->batch, s->fit->batch,
                            &j, s->by_a, s->by_v, err);
}

/* The gradient by L, U and log s, from S = P^T dJ/dA: by L it is what is below the diagonal of
 * S (U + diag s)^T, by U + diag s what is on and above it of L^T S, and by log s_i the diagonal's
 * times s_i.  L and U share a matrix, as their parameters do; the diagonal is log s. */
static void lu_gradient(struct descent *s, const struct affine_lu *p)
{
    size_t d = s->d;
    double *moved = s->work, *by_upper = s->more, *packed = s->parameters;
    for (size_t i = 0; i < d; i++)
        memcpy(moved + p->perm[i] * d, s->by_a + i * d, d * sizeof *moved);
    memcpy(by_upper, moved, d * d * sizeof *moved);
    cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasUnit, (int)d, (int)d, 1,
                p->lower, (int)d, by_upper, (int)d);
    double *upper = s->by_a; /* no longer needed */
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            upper[i * d + j] = i == j ? p->sign[i] * exp(p->log_s[i]) : p->upper[i * d + j];
    multiply(CblasNoTrans, CblasTrans, moved, upper, d, packed);
    for (size_t i = 0; i < d; i++) {
        for (size_t j = i; j < d; j++)
            packed[i * d + j] = by_upper[i * d + j];
        packed[i * d + i] *= upper[i * d + i];
    }
    memcpy(packed + d * d, s->by_v, d * sizeof *packed);
}

static void lu_move(const struct descent *s, double rate, struct affine_lu *p)
{
    size_t d = s->d;
    const double *direction = s->parameters;
    for (size_t i = 0; i < d; i++) {
        p->log_s[i] -= rate * direction[i * d + i];
        for (size_t j = 0; j < i; j++)
            p->lower[i * d + j] -= rate * direction[i * d + j];
        for (size_t j = i + 1; j < d; j++)
            p->upper[i * d + j] -= rate * direction[i * d + j];
        if (s->fit->shift)
            s->v[i] -= rate * direction[d * d + i];
    }
}

enum status affine_fit_lu(const struct affine_fit *fit, size_t d, const double *start,
                          const double *x, size_t n, struct rng *rng, struct affine *out,
                          struct err *err)
{
    struct blas_threads before = blas_one_thread();
    struct descent s = {.fit = fit, .d = d, .n = n, .x = x, .rng = rng};
    struct affine_lu p = {0};
    enum status status = descent_open(&s, d * d + d, err);
    if (!status)
        status = affine_lu_alloc(&p, d, err);
    if (!status)
        status = affine_lu_factor(start, &p, err);
    if (!status)
        status = affine_lu_matrix(&p, s.a, err);
    for (size_t step = 0; step < fit->steps && !status; step++) {
        status = descent_gradient(&s, err);
        if (status)
            break;
        lu_gradient(&s, &p);
        adam_direction(&s.adam, s.parameters, d * d + d);
        lu_move(&s, rate_of(fit, step), &p);
        status = affine_lu_matrix(&p, s.a, err);
    }
    if (!status)
        status = affine_init(out, d, s.a, s.v, err);
    affine_lu_free(&p);
    descent_close(&s);
    blas_restore(before);
    return status;
}

enum status affine_fit_rotation(const struct affine_fit *fit, size_t d, const double *start,
                                const double *x, size_t n, struct rng *rng, struct affine *out,
                                struct err *err)
{
    struct blas_threads before = blas_one_thread();
    struct descent s = {.fit = fit, .d = d, .n = n, .x = x, .rng = rng};
    enum status status = descent_open(&s, d * d, err);
    if (!status)
        memcpy(s.a, start, d * d * sizeof *start);
    for (size_t step = 0; step < fit->steps && !status; step++) {
        status = descent_gradient(&s, err);
        if (status)
            break;
        multiply(CblasNoTrans, CblasTrans, s.by_a, s.a, d, s.work);
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++)
                s.parameters[i * d + j] = s.work[i * d + j] - s.work[j * d + i];
        adam_direction(&s.adam, s.parameters, d * d);
        cblas_dscal((int)(d * d), -rate_of(fit, step), s.parameters, 1);
        status = affine_expm(d, s.parameters, s.more, err);
        multiply(CblasNoTrans, CblasNoTrans, s.more, s.a, d, s.work);
        memcpy(s.a, s.work, d * d * sizeof *s.a);
    }
    if (!status)
        status = affine_init(out, d, s.a, NULL, err);
    descent_close(&s);
    blas_restore(before);
    return status;
}

/* ---- The closed form ---- */

/* Columns of v [d][d] (one behind the other) with their entry of largest magnitude positive. */
static void fix_signs(double *v, size_t d)
{
    for (size_t c = 0; c < d; c++)
        if (v[c * d + largest_of(v + c * d, d)] < 0)
            cblas_dscal((int)d, -1, v + c * d, 1);
}

/* mean [d]: as given, or of the rows when centred; covariance [d][d] about it. */
static void covariance_of(size_t d, const double *x, size_t n, bool centred, double *mean,
                          double *covariance)
{
    for (size_t r = 0; r < n && centred; r++)
        cblas_daxpy((int)d, 1 / (double)n, x + r * d, 1, mean, 1);
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)d, (int)n, 1 / (double)n, x, (int)d, 0,
                covariance, (int)d);
    cblas_dsyr(CblasRowMajor, CblasUpper, (int)d, -1, mean, 1, covariance, (int)d);
}

enum status affine_fit_closed_form(size_t d, const double *x, size_t n, bool centred,
                                   struct affine *out, double *ratio, struct err *err)
{
    enum status s = check_shape(d, d, n, err);
    if (s)
        return s;
    struct blas_threads before = blas_one_thread();
    double *v = calloc(d * d, sizeof *v), *lambda = calloc(d, sizeof *lambda);
    double *h = malloc(d * d * sizeof *h), *a = malloc(d * d * sizeof *a);
    double *mean = calloc(d, sizeof *mean), *shift = calloc(d, sizeof *shift);
    double roots = 0, all = 0;
    if (!v || !lambda || !h || !a || !mean || !shift) {
        s = no_memory(err);
        goto out;
    }
    covariance_of(d, x, n, centred, mean, v);
    /* the upper triangle of rows is the lower one of columns; row c of v is then eigenvector c */
    int info = LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', (int)d, v, (int)d, lambda);
    if (info == LAPACK_WORK_MEMORY_ERROR) {
        s = no_memory(err);
        goto out;
    }
    if (info || !(lambda[0] > 0)) {
        s = status_fail(err, E_USAGE, "affine fit: the covariance of %zu rows of %zu is singular",
                        n, d);
        goto out;
    }
    s = affine_hadamard(d, d, h, err);
    if (s)
        goto out;
    fix_signs(v, d);
    for (size_t c = 0; c < d; c++) {
        roots += sqrt(lambda[c]) / (double)d;
        all += lambda[c] / (double)d;
        cblas_dscal((int)d, pow(lambda[c], -0.25), v + c * d, 1);
    }
    multiply(CblasNoTrans, CblasNoTrans, h, v, d, a);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)d, (int)d, -1, a, (int)d, mean, 1, 0, shift, 1);
    s = affine_init(out, d, a, shift, err);
    if (!s && ratio)
        *ratio = roots * roots / all;
out:
    free(v);
    free(lambda);
    free(h);
    free(a);
    free(mean);
    free(shift);
    blas_restore(before);
    return s;
}
