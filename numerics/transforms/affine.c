#include "numerics/transforms/affine.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/transforms/hadamard.h"

enum { SLAB = 256 }; /* rows that are transformed and coded at a time */

static enum status no_memory(size_t d, struct err *err)
{
    return status_fail(err, E_NOMEM, "affine map: out of memory at d = %zu", d);
}

/* c [m][n] = a [m][k] b [k][n], b transposed when it is given as [n][k]. */
static void multiply(const double *a, const double *b, CBLAS_TRANSPOSE b_as, size_t m, size_t n,
                     size_t k, double *c)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, b_as, (int)m, (int)n, (int)k, 1, a, (int)k, b,
                b_as == CblasTrans ? (int)k : (int)n, 0, c, (int)n);
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* ---- The map ---- */

/* The ratio of the largest singular value to the smallest; 0 when LAPACK did not converge. */
static enum status condition_number(size_t d, const double *a, double *out, struct err *err)
{
    int n = (int)d;
    double *copy = malloc(d * d * sizeof *copy), *values = malloc(2 * d * sizeof *values);
    enum status s = OK;
    if (!copy || !values) {
        s = no_memory(d, err);
        goto out;
    }
    memcpy(copy, a, d * d * sizeof *copy);
    /* neither side's vectors: row-major or column-major is one to the values */
    int info = LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', n, n, copy, n, values, NULL, 1, NULL, 1,
                              values + d);
    if (info == LAPACK_WORK_MEMORY_ERROR)
        s = no_memory(d, err);
    else if (info || !(values[d - 1] > 0))
        s = status_fail(err, E_USAGE, "affine map: the matrix is singular");
    else
        *out = values[0] / values[d - 1];
out:
    free(copy);
    free(values);
    return s;
}

enum status affine_invert(size_t d, const double *a, double *inverse, double *log_det,
                          struct err *err)
{
    int n = (int)d, *pivots = malloc(d * sizeof *pivots);
    if (!pivots)
        return no_memory(d, err);
    memcpy(inverse, a, d * d * sizeof *a);
    /* the inverse of the transpose is the transpose of the inverse */
    int info = LAPACKE_dgetrf(LAPACK_COL_MAJOR, n, n, inverse, n, pivots);
    *log_det = 0;
    for (size_t i = 0; i < d && !info; i++)
        *log_det += log(fabs(inverse[i * d + i]));
    if (!info)
        info = LAPACKE_dgetri(LAPACK_COL_MAJOR, n, inverse, n, pivots);
    free(pivots);
    if (info < 0)
        return no_memory(d, err);
    return info ? status_fail(err, E_USAGE, "affine map: the matrix is singular") : OK;
}

enum status affine_init(struct affine *out, size_t d, const double *a, const double *v,
                        struct err *err)
{
    struct affine t = {.d = d};
    enum status s = OK;
    if (d < 1 || d > AFFINE_MAX_D)
        return status_fail(err, E_USAGE, "affine map: d is %zu: must be 1 .. %d", d, AFFINE_MAX_D);
    t.a = malloc(d * d * sizeof *t.a);
    t.inverse = malloc(d * d * sizeof *t.inverse);
    t.v = calloc(d, sizeof *t.v);
    if (!t.a || !t.inverse || !t.v) {
        s = no_memory(d, err);
        goto out;
    }
    memcpy(t.a, a, d * d * sizeof *a);
    if (v)
        memcpy(t.v, v, d * sizeof *v);
    if (!all_finite(t.a, d * d) || !all_finite(t.v, d)) {
        s = status_fail(err, E_USAGE, "affine map: an entry is not finite");
        goto out;
    }
    s = condition_number(d, a, &t.condition, err);
    if (!s && t.condition > AFFINE_MAX_CONDITION)
        s = status_fail(err, E_USAGE, "affine map: condition number %.3g: its inverse is noise",
                        t.condition);
    if (!s)
        s = affine_invert(d, a, t.inverse, &t.log_det, err);
out:
    if (s)
        affine_free(&t);
    else
        *out = t;
    return s;
}

void affine_free(struct affine *t)
{
    free(t->a);
    free(t->inverse);
    free(t->v);
    *t = (struct affine){0};
}

void affine_apply(const struct affine *t, const double *x, size_t n, double *y)
{
    multiply(x, t->a, CblasTrans, n, t->d, t->d, y);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < t->d; i++)
            y[r * t->d + i] += t->v[i];
}

void affine_undo(const struct affine *t, const double *y, size_t n, double *x)
{
    multiply(y, t->inverse, CblasTrans, n, t->d, t->d, x);
    for (size_t i = 0; i < t->d; i++) {
        double shift = cblas_ddot((int)t->d, t->inverse + i * t->d, 1, t->v, 1);
        for (size_t r = 0; r < n; r++)
            x[r * t->d + i] -= shift;
    }
}

void affine_fold(const struct affine *t, const double *w, const double *b, size_t rows, double *w2,
                 double *b2)
{
    multiply(w, t->inverse, CblasNoTrans, rows, t->d, t->d, w2);
    for (size_t r = 0; r < rows; r++)
        b2[r] = (b ? b[r] : 0) - cblas_ddot((int)t->d, w2 + r * t->d, 1, t->v, 1);
}

/* ---- The error of quantising behind it ---- */

struct slab {
    double *y, *off; /* [SLAB][d] */
    float *narrow;   /* [SLAB][d] */
    uint8_t *codes;  /* [SLAB][d] */
    float *scales;
};

/* The sum of squares of A^-1 (Q(y) - y) over n <= SLAB rows. */
static double slab_error(const struct affine *t, const double *x, size_t n,
                         const struct block_format *format, const struct block_kernels *kernels,
                         const struct slab *slab)
{
    size_t all = n * t->d;
    affine_apply(t, x, n, slab->y);
    for (size_t i = 0; i < all; i++)
        slab->narrow[i] = (float)slab->y[i];
    block_format_encode(format, kernels, slab->narrow, n, t->d, slab->codes, slab->scales);
    block_format_decode(format, slab->codes, slab->scales, n, t->d, slab->narrow);
    for (size_t i = 0; i < all; i++)
        slab->y[i] = slab->narrow[i] - slab->y[i];
    multiply(slab->y, t->inverse, CblasTrans, n, t->d, t->d, slab->off);
    double sum = 0;
    for (size_t i = 0; i < all; i++)
        sum += slab->off[i] * slab->off[i];
    return sum;
}

enum status affine_error(const struct affine *t, const double *x, size_t n,
                         const struct block_format *format, const struct block_kernels *kernels,
                         double *error, struct err *err)
{
    size_t all = SLAB * t->d, scales = block_format_scales(format, SLAB, t->d);
    struct slab slab = {malloc(all * sizeof(double)), malloc(all * sizeof(double)),
                        malloc(all * sizeof(float)), malloc(all), malloc(scales * sizeof(float))};
    enum status s = OK;
    double sum = 0;
    if (!slab.y || !slab.off || !slab.narrow || !slab.codes || !slab.scales) {
        s = no_memory(t->d, err);
        goto out;
    }
    for (size_t r = 0; r < n; r += SLAB)
        sum += slab_error(t, x + r * t->d, n - r < SLAB ? n - r : SLAB, format, kernels, &slab);
    *error = sum / (double)n / (double)t->d;
out:
    free(slab.y);
    free(slab.off);
    free(slab.narrow);
    free(slab.codes);
    free(slab.scales);
    return s;
}

/* ---- Matrices from parameters ---- */

static double norm_1(size_t d, const double *m)
{
    double largest = 0;
    for (size_t j = 0; j < d; j++) {
        double sum = 0;
        for (size_t i = 0; i < d; i++)
            sum += fabs(m[i * d + j]);
        largest = fmax(largest, sum);
    }
    return largest;
}

/* out = c6 m6 + c4 m4 + c2 m2 + c0 I */
static void even_powers(size_t d, const double *const m[3], double c6, double c4, double c2,
                        double c0, double *out)
{
    for (size_t i = 0; i < d * d; i++)
        out[i] = c6 * m[2][i] + c4 * m[1][i] + c2 * m[0][i];
    for (size_t i = 0; i < d; i++)
        out[i * d + i] += c0;
}

enum status affine_expm(size_t d, const double *m, double *out, struct err *err)
{
    /* numerator of the approximant, by power of m; and the norm up to which it is good */
    static const double b[] = {64764752532480000,
                               32382376266240000,
                               7771770303897600,
                               1187353796428800,
                               129060195264000,
                               10559470521600,
                               670442572800,
                               33522128640,
                               1323241920,
                               40840800,
                               960960,
                               16380,
                               182,
                               1};
    const double theta = 5.371920351148152;
    size_t nn = d * d;
    double norm = norm_1(d, m);
    if (!isfinite(norm))
        return status_fail(err, E_USAGE, "matrix exponential: an entry is not finite");
    int squarings = norm > theta ? (int)ceil(log2(norm / theta)) : 0;
    double *work = calloc(7 * nn, sizeof *work);
    int *pivots = malloc(d * sizeof *pivots);
    enum status s = OK;
    if (!work || !pivots) {
        s = no_memory(d, err);
        goto out;
    }
    double *m1 = work, *m2 = m1 + nn, *m4 = m2 + nn, *m6 = m4 + nn, *u = m6 + nn, *v = u + nn;
    double *t = v + nn;
    const double *powers[] = {m2, m4, m6};
    for (size_t i = 0; i < nn; i++)
        m1[i] = ldexp(m[i], -squarings);
    multiply(m1, m1, CblasNoTrans, d, d, d, m2);
    multiply(m2, m2, CblasNoTrans, d, d, d, m4);
    multiply(m4, m2, CblasNoTrans, d, d, d, m6);
    even_powers(d, powers, b[13], b[11], b[9], 0, t);
    multiply(m6, t, CblasNoTrans, d, d, d, v);
    even_powers(d, powers, b[7], b[5], b[3], b[1], t);
    cblas_daxpy((int)nn, 1, v, 1, t, 1);
    multiply(m1, t, CblasNoTrans, d, d, d, u);
    even_powers(d, powers, b[12], b[10], b[8], 0, t);
    multiply(m6, t, CblasNoTrans, d, d, d, v);
    even_powers(d, powers, b[6], b[4], b[2], b[0], t);
    cblas_daxpy((int)nn, 1, t, 1, v, 1);
    for (size_t i = 0; i < nn; i++) {
        out[i] = v[i] + u[i];
        v[i] -= u[i];
    }
    int info = LAPACKE_dgesv(LAPACK_ROW_MAJOR, (int)d, (int)d, v, (int)d, pivots, out, (int)d);
    if (info) { /* the denominator is well conditioned by the choice of theta */
        s = info < 0 ? no_memory(d, err)
                     : status_fail(err, E_INTERNAL, "matrix exponential: singular denominator");
        goto out;
    }
    for (; squarings; squarings--) {
        multiply(out, out, CblasNoTrans, d, d, d, t);
        memcpy(out, t, nn * sizeof *out);
    }
out:
    free(work);
    free(pivots);
    return s;
}

/* What is above the diagonal, and s on it. */
static void upper_with_diagonal(size_t d, const double *upper, const double *log_s,
                                const double *sign, double *out)
{
    memset(out, 0, d * d * sizeof *out);
    for (size_t i = 0; i < d; i++) {
        out[i * d + i] = sign[i] * exp(log_s[i]);
        for (size_t j = i + 1; j < d; j++)
            out[i * d + j] = upper[i * d + j];
    }
}

enum status affine_qr_matrix(const struct affine_qr *p, double *q, double *a, struct err *err)
{
    size_t d = p->d;
    double *r = calloc(d * d, sizeof *r);
    if (!r)
        return no_memory(d, err);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            r[i * d + j] = (p->g[i * d + j] - p->g[j * d + i]) / 2;
    enum status s = affine_expm(d, r, q, err);
    if (!s) {
        upper_with_diagonal(d, p->upper, p->log_s, p->sign, r);
        multiply(q, r, CblasNoTrans, d, d, d, a);
    }
    free(r);
    return s;
}

enum status affine_lu_alloc(struct affine_lu *p, size_t d, struct err *err)
{
    struct affine_lu lu = {.d = d};
    lu.lower = calloc(d * d, sizeof *lu.lower);
    lu.upper = calloc(d * d, sizeof *lu.upper);
    lu.log_s = calloc(d, sizeof *lu.log_s);
    lu.sign = calloc(d, sizeof *lu.sign);
    lu.perm = calloc(d, sizeof *lu.perm);
    if (!lu.lower || !lu.upper || !lu.log_s || !lu.sign || !lu.perm) {
        affine_lu_free(&lu);
        return no_memory(d, err);
    }
    *p = lu;
    return OK;
}

void affine_lu_free(struct affine_lu *p)
{
    free(p->lower);
    free(p->upper);
    free(p->log_s);
    free(p->sign);
    free(p->perm);
    *p = (struct affine_lu){0};
}

enum status affine_lu_matrix(const struct affine_lu *p, double *a, struct err *err)
{
    size_t d = p->d;
    double *product = malloc(d * d * sizeof *product);
    if (!product)
        return no_memory(d, err);
    upper_with_diagonal(d, p->upper, p->log_s, p->sign, product);
    cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasUnit, (int)d, (int)d, 1,
                p->lower, (int)d, product, (int)d);
    for (size_t i = 0; i < d; i++)
        memcpy(a + i * d, product + p->perm[i] * d, d * sizeof *a);
    free(product);
    return OK;
}

enum status affine_lu_factor(const double *a, struct affine_lu *p, struct err *err)
{
    size_t d = p->d;
    enum status s = OK;
    double *lu = malloc(d * d * sizeof *lu);
    int *pivots = malloc(d * sizeof *pivots);
    size_t *order = malloc(d * sizeof *order); /* row i of L U is row order[i] of A */
    if (!lu || !pivots || !order) {
        s = no_memory(d, err);
        goto out;
    }
    memcpy(lu, a, d * d * sizeof *lu);
    int info = LAPACKE_dgetrf(LAPACK_ROW_MAJOR, (int)d, (int)d, lu, (int)d, pivots);
    if (info) {
        s = info < 0 ? no_memory(d, err)
                     : status_fail(err, E_USAGE, "affine map: the matrix is singular");
        goto out;
    }
    for (size_t i = 0; i < d; i++)
        order[i] = i;
    for (size_t i = 0; i < d; i++) {
        size_t with = (size_t)pivots[i] - 1, row = order[i];
        order[i] = order[with];
        order[with] = row;
    }
    for (size_t i = 0; i < d; i++) {
        double diagonal = lu[i * d + i];
        p->perm[order[i]] = i;
        p->log_s[i] = log(fabs(diagonal));
        p->sign[i] = diagonal < 0 ? -1 : 1;
        for (size_t j = 0; j < d; j++) {
            p->lower[i * d + j] = j < i ? lu[i * d + j] : 0;
            p->upper[i * d + j] = j > i ? lu[i * d + j] : 0;
        }
    }
out:
    free(lu);
    free(pivots);
    free(order);
    return s;
}

enum status affine_hadamard(size_t d, size_t block, double *a, struct err *err)
{
    struct hadamard plan;
    if (!block || d % block)
        return status_fail(err, E_USAGE, "Hadamard matrix: blocks of %zu do not fill %zu", block,
                           d);
    enum status s = hadamard_init(&plan, block, false, err);
    if (s)
        return s;
    memset(a, 0, d * d * sizeof *a);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < block; j++)
            a[i * d + i / block * block + j] =
                hadamard_entry(&plan, i % block, j) / sqrt((double)block);
    hadamard_free(&plan);
    return OK;
}
