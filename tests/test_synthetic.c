/* Draws follow their distribution functions, and the sample checkpoint follows from its seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/checkpoint.h"
#include "datasets/document.h"
#include "datasets/synthetic.h"

static const char sample_path[] = "datasets/sample.safetensors";

enum { N = 1 << 17 };

/* The distribution function that a kind promises. */
static double cdf(enum synthetic_kind kind, const struct synthetic_params *p, double x)
{
    switch (kind) {
    case SYNTHETIC_NORMAL:
        return gsl_cdf_ugaussian_P(x);
    case SYNTHETIC_LAPLACE:
        return gsl_cdf_laplace_P(x, M_SQRT1_2);
    case SYNTHETIC_STUDENT_T:
        return gsl_cdf_tdist_P(p->df > 2 ? x * sqrt(p->df / (p->df - 2)) : x, p->df);
    case SYNTHETIC_UNIFORM:
        return gsl_cdf_flat_P(x, -sqrt(3), sqrt(3));
    case SYNTHETIC_OUTLIERS: {
        double share = p->outlier_share, wide = p->outlier_scale;
        double narrow = 1 / sqrt(1 - share + share * wide * wide);
        return (1 - share) * gsl_cdf_gaussian_P(x, narrow) +
               share * gsl_cdf_gaussian_P(x, wide * narrow);
    }
    }
    return NAN;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: sqrt(n) sup |F_n - F| exceeds 1.95 with probability 0.001. */
static void draws_follow_their_distribution(void **unused)
{
    (void)unused;
    static const struct {
        enum synthetic_kind kind;
        struct synthetic_params params;
    } rows[] = {
        {SYNTHETIC_NORMAL, {.df = 0}},
        {SYNTHETIC_LAPLACE, {.df = 0}},
        {SYNTHETIC_STUDENT_T, {.df = 1}},
        {SYNTHETIC_STUDENT_T, {.df = 2}},
        {SYNTHETIC_STUDENT_T, {.df = 3}},
        {SYNTHETIC_STUDENT_T, {.df = 5}},
        {SYNTHETIC_STUDENT_T, {.df = 30}},
        {SYNTHETIC_UNIFORM, {.df = 0}},
        {SYNTHETIC_OUTLIERS, {.outlier_share = 0.05, .outlier_scale = 8}},
    };
    static float x[N];
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct rng rng = {100 + r};
        double far = 0;
        synthetic_fill(rows[r].kind, &rows[r].params, &rng, x, N);
        qsort(x, N, sizeof *x, compare_floats);
        for (size_t i = 0; i < N; i++) {
            double f = cdf(rows[r].kind, &rows[r].params, x[i]);
            far = fmax(far, fmax(fabs(f - (double)i / N), fabs(f - (double)(i + 1) / N)));
        }
        if (!(far * sqrt(N) < 1.95))
            fail_msg("row %zu, seed %zu: sqrt(n) D = %g", r, 100 + r, far * sqrt(N));
    }
}

/* Within five standard errors sqrt((kurtosis - 1) / n) of the mean square. */
static void draws_have_rms_one(void **unused)
{
    (void)unused;
    static const struct {
        enum synthetic_kind kind;
        struct synthetic_params params;
        double kurtosis;
    } rows[] = {
        {SYNTHETIC_NORMAL, {.df = 0}, 3},
        {SYNTHETIC_LAPLACE, {.df = 0}, 6},
        {SYNTHETIC_STUDENT_T, {.df = 10}, 4}, /* 3 + 6 / (df - 4) */
        {SYNTHETIC_UNIFORM, {.df = 0}, 1.8},
        {SYNTHETIC_OUTLIERS,
         {.outlier_share = 0.05, .outlier_scale = 8},
         3 * (0.95 + 0.05 * 4096) / ((0.95 + 0.05 * 64) * (0.95 + 0.05 * 64))},
    };
    static float x[N];
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct rng rng = {200 + r};
        double squares = 0;
        synthetic_fill(rows[r].kind, &rows[r].params, &rng, x, N);
        for (size_t i = 0; i < N; i++)
            squares += (double)x[i] * x[i];
        if (!(fabs(squares / N - 1) < 5 * sqrt((rows[r].kurtosis - 1) / N)))
            fail_msg("row %zu, seed %zu: mean square %g", r, 200 + r, squares / N);
    }
}

static void the_sample_follows_from_its_seed(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    void *bytes;
    size_t n;
    assert_int_equal(synthetic_sample(SYNTHETIC_SAMPLE_SEED, &bytes, &n, &err), OK);
    assert_in_range(n, 300000, 400000);
    unsigned char *file = malloc(n + 1);
    FILE *f = fopen(sample_path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(file, 1, n + 1, f), n);
    fclose(f);
    assert_memory_equal(file, bytes, n);
    free(file);
    free(bytes);
}

static void the_sample_is_what_its_names_say(void **unused)
{
    (void)unused;
    static float x[1 << 16];
    struct checkpoint c;
    struct err err;
    if (checkpoint_open(sample_path, &c, &err))
        fail_msg("%s", err.text);
    static const char *const names[] = {"normal.weight", "laplace.weight", "student_t5.weight",
                                        "student_t3.weight", "uniform.weight"};
    double kurtosis[sizeof names / sizeof names[0]];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct tensor *t = checkpoint_find(&c, names[i]);
        double m2 = 0, m4 = 0;
        assert_non_null(t);
        tensor_to_f32(t, 0, t->count, x);
        for (size_t j = 0; j < t->count; j++) {
            double square = (double)x[j] * x[j];
            m2 += square / (double)t->count;
            m4 += square * square / (double)t->count;
        }
        kurtosis[i] = m4 / (m2 * m2);
    }
    /* uniform 1.8 < normal 3 < Laplace 6 < t5 9; that of t3 has no limit */
    assert_true(kurtosis[4] < 2 && kurtosis[4] < kurtosis[0] && kurtosis[0] < kurtosis[1]);
    assert_true(kurtosis[1] < kurtosis[3] && kurtosis[0] < kurtosis[2]);
    const struct tensor *ragged = checkpoint_find(&c, "laplace_ragged_100x70.weight");
    assert_non_null(ragged);
    assert_int_equal(ragged->shape[0], 100);
    assert_int_equal(ragged->shape[1], 70);
    checkpoint_close(&c);
}

/* `test_synthetic --write FILE` makes the sample anew. */
static int write_sample(const char *path)
{
    struct err err;
    void *bytes = NULL;
    size_t n;
    enum status s = synthetic_sample(SYNTHETIC_SAMPLE_SEED, &bytes, &n, &err);
    if (!s)
        s = document_write_bytes(path, bytes, n, &err);
    if (s)
        fprintf(stderr, "%s\n", err.text);
    free(bytes);
    return s != OK;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_follow_their_distribution),
        cmocka_unit_test(draws_have_rms_one),
        cmocka_unit_test(the_sample_follows_from_its_seed),
        cmocka_unit_test(the_sample_is_what_its_names_say),
    };
    if (argc == 3 && !strcmp(argv[1], "--write"))
        return write_sample(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
