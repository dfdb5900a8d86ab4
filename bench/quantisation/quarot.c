/* bench/quantisation/quarot.c: rotate activations and weights by Hadamard matrices, so that no
 * channel stands out and four bits are enough.  The rotation itself costs log2(n) additions for
 * each element, and k - 1 more where n = k * 2^m: task `fwht` measures it. Source: Ashkboos et al.,
 * QuaRot, arXiv 2404.00456, sec. 3 and 4. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/rotation.h"
#include "numerics/buffer.h"
#include "numerics/cpu.h"
#include "numerics/kernels/gamma.h"
#include "numerics/kernels/gemv_dense.h"
#include "numerics/transforms/hadamard.h"

enum { OUTLIER_CHANNELS = 8, MAX_DENSE = 1024 };

/* Tokens as a transformer's residual stream has them: standard normal, but a few channels 30 to 80
 * times larger in every token. */
static void fill_tokens(struct rng *rng, float *x, size_t rows, size_t n)
{
    size_t channel[OUTLIER_CHANNELS];
    float gain[OUTLIER_CHANNELS];
    for (size_t c = 0; c < OUTLIER_CHANNELS; c++) {
        channel[c] = rng_below(rng, (uint32_t)n);
        gain[c] = 30 + 50 * (float)rng_uniform(rng);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i++)
            x[r * n + i] = (float)rng_normal(rng);
        for (size_t c = 0; c < OUTLIER_CHANNELS; c++)
            x[r * n + channel[c]] *= gain[c];
    }
}

static void fill_signs(struct rng *rng, float *signs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        signs[i] = rng_u64(rng) >> 63 ? -1.0f : 1.0f;
}

/* The mean over rows of max|x| / rms(x). */
static double mean_crest(const float *x, size_t rows, size_t n)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++) {
        double largest = 0, squares = 0;
        for (size_t i = 0; i < n; i++) {
            double v = fabs(x[r * n + i]);
            largest = v > largest ? v : largest;
            squares += v * v;
        }
        sum += squares > 0 ? largest / sqrt(squares / (double)n) : 0;
    }
    return sum / (double)rows;
}

/* ---- Task fwht: the transform of rows in place ---- */

struct fwht {
    struct hadamard plan;
    hadamard_fn *transform;
    gemv_f32_fn *gemv;
    float *matrix;  /* [n][n], H / sqrt(n), which gemv multiplies by; NULL: transform instead */
    float *product; /* [threads][n] */
    float *signs;   /* [n]; NULL: not randomised */
    float *x;       /* [copies][rows][n] */
    float *input;   /* [rows][n]: what copy 0 held before the first run */
    size_t rows, n;
    struct rotation rotation;
};

static size_t row_bytes(const struct fwht *f)
{
    return f->rows * f->n * sizeof *f->x;
}

/* The matrix of the plan and the kernel that multiplies by it. */
static enum status prepare_dense(struct fwht *f, struct trial *t, struct err *err)
{
    size_t n = f->n;
    f->matrix = buffer_alloc(n * n * sizeof *f->matrix);
    f->product = buffer_alloc((size_t)f->rotation.threads * n * sizeof *f->product);
    if (!f->matrix || !f->product)
        return status_fail(err, E_NOMEM, "no memory for a matrix of order %zu", n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            f->matrix[i * n + j] = (float)hadamard_entry(&f->plan, i, j) * f->plan.scale;
    const struct kernel_variant *kernel = kernel_pick(gemv_f32_variants, t->features);
    f->gemv = (gemv_f32_fn *)kernel->fn;
    t->isa = kernel->isa;
    t->footprint_bytes += n * n * sizeof *f->matrix;
    return OK;
}

static enum status fwht_prepare(struct trial *t, struct err *err)
{
    struct fwht *f = calloc(1, sizeof *f);
    t->state = f;
    if (!f)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    f->n = (size_t)param(t, "n");
    f->rows = (size_t)param(t, "rows");
    f->rotation.threads = (size_t)t->threads < f->rows ? t->threads : (int)f->rows;
    enum status s = hadamard_init(&f->plan, f->n, false, err);
    if (s)
        return s;
    size_t bytes = row_bytes(f);
    f->rotation.copies = rotation_copies(t, bytes);
    f->rotation.parts = f->rows;
    f->x = buffer_alloc(bytes * f->rotation.copies);
    f->input = malloc(bytes);
    f->signs = param(t, "signs") ? malloc(f->n * sizeof *f->signs) : NULL;
    if (!f->x || !f->input || (param(t, "signs") && !f->signs))
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu bytes",
                           f->rotation.copies, bytes);
    fill_tokens(t->rng, f->input, f->rows, f->n);
    if (f->signs)
        fill_signs(t->rng, f->signs, f->n);
    for (size_t c = 0; c < f->rotation.copies; c++)
        memcpy(f->x + c * f->rows * f->n, f->input, bytes);
    t->footprint_bytes = bytes * f->rotation.copies;
    if (param(t, "dense"))
        return prepare_dense(f, t, err);
    const struct kernel_variant *kernels =
        param(t, "radix2") ? hadamard_radix2_variants : hadamard_variants;
    const struct kernel_variant *kernel = kernel_pick(kernels, t->features);
    f->transform = (hadamard_fn *)kernel->fn;
    t->isa = kernel->isa;
    return OK;
}

static void fwht_release(struct trial *t)
{
    struct fwht *f = t->state;
    if (!f)
        return;
    buffer_free(f->x, row_bytes(f) * f->rotation.copies);
    free(f->input);
    free(f->signs);
    buffer_free(f->matrix, f->n * f->n * sizeof *f->matrix);
    buffer_free(f->product, (size_t)f->rotation.threads * f->n * sizeof *f->product);
    hadamard_free(&f->plan);
    free(f);
    t->state = NULL;
}

static void multiply_rows(const struct fwht *f, float *x, size_t rows, float *product)
{
    for (size_t r = 0; r < rows; r++, x += f->n) {
        f->gemv(f->matrix, f->n, x, product, 0, f->n);
        memcpy(x, product, f->n * sizeof *x);
    }
}

static void fwht_rows(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct fwht *f = user;
    float *x = f->x + (copy * f->rows + first) * f->n;
    if (f->matrix)
        multiply_rows(f, x, end - first, f->product + thread * f->n);
    else
        f->transform(&f->plan, f->signs, x, end - first);
}

static void fwht_run(struct trial *t, size_t n)
{
    struct fwht *f = t->state;
    rotation_run(&f->rotation, n, fwht_rows, f);
}

static struct work fwht_work(const struct trial *t)
{
    const struct fwht *f = t->state;
    double elements = (double)f->rows * (double)f->n, n = (double)f->n;
    if (f->matrix)
        return (struct work){.flops = elements * 2 * n,
                             .bytes_read = 4 * elements + 4 * n * n,
                             .bytes_written = 4 * elements,
                             .items = elements,
                             .unit = "element",
                             .roof = ROOF_FMA_F32,
                             .roof_ops = elements * 2 * n};
    double additions = log2((double)f->plan.p) + (double)(f->plan.k - 1);
    return (struct work){.flops = elements * additions,
                         .bytes_read = 4 * elements + (f->signs ? 4 * n : 0),
                         .bytes_written = 4 * elements,
                         .items = elements,
                         .unit = "element",
                         .roof = ROOF_DRAM_COPY};
}

/* The largest error of the outputs against the reference's, as a share of what both may be off. */
static double share_of_bound(const struct fwht *f, const float *reference)
{
    double worst = 0;
    for (size_t r = 0; r < f->rows; r++) {
        const float *in = f->input + r * f->n, *y = f->x + r * f->n, *y_ref = reference + r * f->n;
        double sum = 0;
        for (size_t i = 0; i < f->n; i++)
            sum += fabs(in[i]);
        /* the product's entries are rounded, like its n products and n - 1 additions */
        double own = f->matrix ? gamma_f32(f->n + 1) : hadamard_bound(&f->plan);
        double bound = (hadamard_bound(&f->plan) + own) * sum / sqrt((double)f->n);
        for (size_t i = 0; i < f->n; i++) {
            double share = fabs(y[i] - y_ref[i]) / bound;
            if (!(share <= worst))
                worst = share; /* NaN too, and it stays */
        }
    }
    return worst;
}

/* max |y - y64| / max |y64| over a sample of the outputs of the first row, summed exactly by the
 * definition in f64. */
static double relative_error(const struct fwht *f)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < f->n; i += f->n / 128 + 1) {
        double exact = 0;
        for (size_t j = 0; j < f->n; j++)
            exact += hadamard_entry(&f->plan, i, j) * (f->signs ? f->signs[j] : 1.0) * f->input[j];
        exact /= sqrt((double)f->n);
        worst = fmax(worst, fabs(f->x[i] - exact));
        largest = fmax(largest, fabs(exact));
    }
    return worst / largest;
}

static void fwht_fidelity(struct trial *t)
{
    struct fwht *f = t->state;
    float *reference = malloc(row_bytes(f));
    if (!reference)
        return; /* a cell without correctness is invalid */
    memcpy(reference, f->input, row_bytes(f));
    hadamard_ref(&f->plan, f->signs, reference, f->rows);
    trial_correctness(t, "error_over_bound", share_of_bound(f, reference), 1);
    free(reference);
    double before = 0, after = 0;
    for (size_t i = 0; i < f->n; i++) {
        before += (double)f->input[i] * f->input[i];
        after += (double)f->x[i] * f->x[i];
    }
    trial_fidelity(t, NULL, "max_relative_error", relative_error(f), "fp64-exact", 0);
    trial_fidelity(t, NULL, "norm_ratio", sqrt(after / before), "fp64-exact", 0);
    trial_fidelity(t, "before", "crest", mean_crest(f->input, f->rows, f->n), "input", 0);
    trial_fidelity(t, "after", "crest", mean_crest(f->x, f->rows, f->n), "input", 0);
}

static const struct variant fwht_variants[] = {
    {"radix2", "one pass over the row for each stride, AVX2", fwht_run, HEADLINE, {{"radix2", 1}}},
    {"fwht",
     "few passes, butterflies in registers, sums of four shared",
     fwht_run,
     HEADLINE,
     {{0}}},
    {"fwht_randomised",
     "the same after a random sign for each channel",
     fwht_run,
     HEADLINE,
     {{"signs", 1}}},
    {"had_dense", "a product with the whole matrix, FMA", fwht_run, 0, {{"dense", 1}}},
    {0}};

static const char *fwht_skip(const struct variant *v, const struct matrix_case *c)
{
    struct trial t = {.v = v, .c = c};
    return param(&t, "dense") && param(&t, "n") > MAX_DENSE
               ? "the whole matrix is multiplied only up to n = 1024"
               : NULL;
}

static const struct matrix_case fwht_cases[] = {
    {"llama2-7b.head", CACHE | SMOKE, {{"n", 128}, {"rows", 32}}},
    {"bert-large.hidden", CACHE, {{"n", 1024}, {"rows", 1}}},
    {"llama2-7b.hidden", CACHE | QUICK, {{"n", 4096}, {"rows", 1}}},
    {"llama2-70b.hidden", CACHE, {{"n", 8192}, {"rows", 1}}},
    {"llama2-13b.hidden", CACHE, {{"n", 5120}, {"rows", 1}}},
    {"llama2-7b.ffn", CACHE, {{"n", 11008}, {"rows", 1}}},
    {"llama3-8b.ffn", CACHE, {{"n", 14336}, {"rows", 1}}},
    {"llama2-7b.hidden.b256", DRAM | QUICK, {{"n", 4096}, {"rows", 256}}},
    {"llama2-7b.ffn.b256", DRAM, {{"n", 11008}, {"rows", 256}}},
    {"llama3-8b.ffn.b256", DRAM, {{"n", 14336}, {"rows", 256}}},
    {0}};

static const struct task tasks[] = {{.name = "fwht",
                                     .variants = fwht_variants,
                                     .cases = fwht_cases,
                                     .prepare = fwht_prepare,
                                     .work = fwht_work,
                                     .fidelity = fwht_fidelity,
                                     .release = fwht_release,
                                     .skip = fwht_skip},
                                    {0}};

static const struct expect expect[] = {
    {"fwht", "fwht", "norm_ratio", 1, 1e-6, "an orthogonal matrix keeps the norm", NULL},
    {"fwht", "fwht_randomised", "norm_ratio", 1, 1e-6, "an orthogonal matrix keeps the norm", NULL},
    {0}};

/* ---- Claim check ---- */

enum { TOKENS = 128, OUTPUTS = 32 };

/* |X W^T - (X Q)(W Q)^T| / |X W^T|, Q the randomised Hadamard matrix of order n: rotating both
 * factors must not change a layer.  x [TOKENS][n], w [OUTPUTS][n]; both are rotated.  NaN: out of
 * memory. */
static double invariance_error(const struct hadamard *plan, hadamard_fn *transform,
                               const float *signs, float *x, float *w)
{
    size_t n = plan->n;
    double *y = malloc(TOKENS * OUTPUTS * sizeof *y), error = 0, norm = 0;
    if (!y)
        return NAN;
    for (int rotated = 0; rotated < 2; rotated++) {
        for (size_t r = 0; r < TOKENS; r++)
            for (size_t o = 0; o < OUTPUTS; o++) {
                double sum = 0;
                for (size_t i = 0; i < n; i++)
                    sum += (double)x[r * n + i] * w[o * n + i];
                double *exact = &y[r * OUTPUTS + o];
                if (rotated)
                    error += (sum - *exact) * (sum - *exact);
                else
                    norm += sum * sum;
                *exact = rotated ? *exact : sum;
            }
        if (!rotated) {
            transform(plan, signs, x, TOKENS);
            transform(plan, signs, w, OUTPUTS);
        }
    }
    free(y);
    return sqrt(error / norm);
}

/* The rows of the check for vectors of length n, as they are called in the row names. */
static void check_length(struct check *check, size_t n, const char *crest_before,
                         const char *crest_after, const char *invariance)
{
    struct hadamard plan = {0};
    hadamard_fn *transform =
        (hadamard_fn *)kernel_pick(hadamard_variants, check_features(check))->fn;
    float *x = malloc(TOKENS * n * sizeof *x), *w = malloc(OUTPUTS * n * sizeof *w);
    float *signs = malloc(n * sizeof *signs);
    double before = NAN, after = NAN, error = NAN;
    if (x && w && signs && !hadamard_init(&plan, n, false, NULL)) {
        fill_tokens(check_rng(check), x, TOKENS, n);
        for (size_t i = 0; i < OUTPUTS * n; i++)
            w[i] = (float)(rng_normal(check_rng(check)) / sqrt((double)n));
        fill_signs(check_rng(check), signs, n);
        before = mean_crest(x, TOKENS, n);
        error = invariance_error(&plan, transform, signs, x, w);
        after = mean_crest(x, TOKENS, n);
    }
    check_row(check, &(struct claim){.row = crest_before,
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "a few channels of an activation dwarf the others",
                                     .paper = {NAN, NULL, "sec. 1"},
                                     .measured = before,
                                     .unit = "max/rms",
                                     .low = 20,
                                     .high = INFINITY,
                                     .no_effect = NAN});
    check_row(check,
              &(struct claim){.row = crest_after,
                              .kind = CLAIM_STATISTICAL,
                              .text = "a randomised Hadamard rotation leaves no outliers",
                              .paper = {sqrt(2 * log((double)n)), "max/rms", "Gaussian maximum"},
                              .measured = after,
                              .unit = "max/rms",
                              .low = 0,
                              .high = 5,
                              .no_effect = before});
    check_row(check,
              &(struct claim){.row = invariance,
                              .kind = CLAIM_EXACT,
                              .text = "rotating activations and weights keeps the layer's output",
                              .paper = {0, "relative", "sec. 3.1"},
                              .measured = error,
                              .unit = "relative",
                              .low = 0,
                              .high = 1e-5,
                              .no_effect = NAN});
    free(x);
    free(w);
    free(signs);
    hadamard_free(&plan);
}

static void check(struct check *check)
{
    check_length(check, 4096, "4096.crest-before", "4096.crest-after", "4096.invariance");
    /* B_20 and B_172 are not symmetric: H in place of H^T would show here. */
    check_length(check, 5120, "5120.crest-before", "5120.crest-after", "5120.invariance");
    check_length(check, 11008, "11008.crest-before", "11008.crest-after", "11008.invariance");
}

const struct technique quarot = {.id = "quarot",
                                 .title = "Outlier-free inference by Hadamard rotation",
                                 .source = "arXiv 2404.00456",
                                 .claim = "Rotating activations and weights by Hadamard matrices "
                                          "removes outliers without changing the function, for at "
                                          "most about 7 % of the time",
                                 .tasks = tasks,
                                 .check = check,
                                 .check_seconds = 1,
                                 .expect = expect};
