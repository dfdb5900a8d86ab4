/* Affine maps against golden values and their own laws; the model's gradient against differences;
 * what fitting gains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/training/affine_fit.h"
#include "numerics/transforms/affine.h"
#include "tests/golden.h"

enum { SEED = 17, D = 32, MAX_N = 3200 };

static void close_to(const char *what, const double *got, const double *want, size_t n,
                     double relative)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= relative * largest))
            fail_msg("%s: %zu is %.17g, not %.17g", what, i, got[i], want[i]);
}

static void ok(enum status s, const struct err *err)
{
    if (s)
        fail_msg("%s", err->text);
}

static struct block_format mxfp4(struct codebook *codebook, size_t block)
{
    struct err err;
    ok(codebook_float(float_format_find("e2m1"), codebook, &err), &err);
    return (struct block_format){.codebook = codebook,
                                 .rule = SCALE_FLOOR,
                                 .scale_format = SCALE_E8M0,
                                 .block = block,
                                 .multiplier = 1};
}

/* Golden values of matrices of order 6 were computed in f64: a few roundings of each are granted */
static const double rounding = 1e-13;

static void the_hadamard_matrix_is_the_golden_one(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    double want[64], got[64];
    struct err err;
    golden_numbers(json_get(root, "hadamard8"), want, MAX_N);
    ok(affine_hadamard(8, 8, got, &err), &err);
    close_to("hadamard8", got, want, 64, 0x1p-52);
    json_free(root);
}

static void qr_parameters_make_the_golden_matrix(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *e = json_get(root, "qr");
    double g[36], r[36], log_s[6], sign[6], q[36], a[36], want[36];
    struct affine t = {0};
    struct err err;
    golden_numbers(json_get(e, "G"), g, MAX_N);
    golden_numbers(json_get(e, "R"), r, MAX_N);
    golden_numbers(json_get(e, "log_s"), log_s, MAX_N);
    golden_numbers(json_get(e, "sign_s"), sign, MAX_N);
    struct affine_qr p = {.d = 6, .g = g, .upper = r, .log_s = log_s, .sign = sign};
    ok(affine_qr_matrix(&p, q, a, &err), &err);
    golden_numbers(json_get(e, "Q"), want, MAX_N);
    close_to("Q", q, want, 36, rounding);
    golden_numbers(json_get(e, "A"), want, MAX_N);
    close_to("A", a, want, 36, rounding);
    ok(affine_init(&t, 6, a, NULL, &err), &err);
    golden_numbers(json_get(e, "Ainv"), want, MAX_N);
    close_to("A^-1", t.inverse, want, 36, rounding * t.condition);
    double sum = 0;
    for (size_t i = 0; i < 6; i++)
        sum += log_s[i];
    assert_true(fabs(t.log_det - sum) <= rounding * t.condition);
    assert_true(fabs(fabs(t.log_det) - fabs(json_get_number(e, "logabsdet", NAN))) <=
                rounding * t.condition);
    affine_free(&t);
    json_free(root);
}

static void lu_parameters_make_the_golden_matrix_and_are_found_again(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *e = json_get(root, "lu");
    double want[36], a[36], again[36], perm[6], sum = 0;
    struct affine_lu p, found;
    struct affine t = {0};
    struct err err;
    ok(affine_lu_alloc(&p, 6, &err), &err);
    ok(affine_lu_alloc(&found, 6, &err), &err);
    golden_numbers(json_get(e, "Lm"), p.lower, MAX_N);
    golden_numbers(json_get(e, "U"), p.upper, MAX_N);
    golden_numbers(json_get(e, "log_s"), p.log_s, MAX_N);
    golden_numbers(json_get(e, "sign_s"), p.sign, MAX_N);
    golden_numbers(json_get(e, "perm"), perm, MAX_N);
    for (size_t i = 0; i < 6; i++)
        p.perm[i] = (size_t)perm[i];
    ok(affine_lu_matrix(&p, a, &err), &err);
    golden_numbers(json_get(e, "A"), want, MAX_N);
    close_to("A", a, want, 36, rounding);
    ok(affine_init(&t, 6, a, NULL, &err), &err);
    golden_numbers(json_get(e, "Ainv"), want, MAX_N);
    close_to("A^-1", t.inverse, want, 36, rounding * t.condition);
    for (size_t i = 0; i < 6; i++)
        sum += p.log_s[i];
    assert_true(fabs(t.log_det - sum) <= rounding * t.condition);
    ok(affine_lu_factor(a, &found, &err), &err);
    ok(affine_lu_matrix(&found, again, &err), &err);
    close_to("A from its factors", again, a, 36, rounding);
    affine_free(&t);
    affine_lu_free(&p);
    affine_lu_free(&found);
    json_free(root);
}

static void the_map_and_its_folding_are_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *e = json_get(root, "affine"), *fold = json_get(root, "fold");
    double a[36], v[6], x[6], y[6], back[6], want[36], w[18], b[3], w2[18], b2[3], out[3];
    struct affine t = {0};
    struct err err;
    golden_numbers(json_get(json_get(root, "qr"), "A"), a, MAX_N);
    golden_numbers(json_get(e, "x"), x, MAX_N);
    golden_numbers(json_get(e, "v"), v, MAX_N);
    ok(affine_init(&t, 6, a, v, &err), &err);
    affine_apply(&t, x, 1, y);
    golden_numbers(json_get(e, "y"), want, MAX_N);
    close_to("y", y, want, 6, rounding);
    affine_undo(&t, y, 1, back);
    golden_numbers(json_get(e, "back"), want, MAX_N);
    close_to("back", back, want, 6, rounding * t.condition);
    golden_numbers(json_get(fold, "W"), w, MAX_N);
    golden_numbers(json_get(fold, "b"), b, MAX_N);
    affine_fold(&t, w, b, 3, w2, b2);
    golden_numbers(json_get(fold, "W2"), want, MAX_N);
    close_to("W2", w2, want, 18, rounding * t.condition);
    golden_numbers(json_get(fold, "b2"), want, MAX_N);
    close_to("b2", b2, want, 3, rounding * t.condition);
    for (size_t r = 0; r < 3; r++) {
        out[r] = b2[r];
        for (size_t i = 0; i < 6; i++)
            out[r] += w2[r * 6 + i] * y[i];
    }
    golden_numbers(json_get(fold, "y"), want, MAX_N);
    close_to("W x + b", out, want, 3, rounding * t.condition);
    affine_free(&t);
    json_free(root);
}

static double error_of(const double *a, const double *x, size_t n, const struct block_format *f)
{
    struct block_kernels k = block_kernels_pick(cpu_features());
    struct affine t = {0};
    struct err err;
    double error = NAN;
    ok(affine_init(&t, D, a, NULL, &err), &err);
    ok(affine_error(&t, x, n, f, &k, &error, &err), &err);
    affine_free(&t);
    return error;
}

static void errors_are_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *e = json_get(root, "transform_error");
    static double x[MAX_N], a[D * D];
    struct codebook codebook;
    struct err err;
    size_t n = golden_numbers(json_get(e, "X"), x, MAX_N) / D, block = 16;
    assert_int_equal(json_get_number(e, "d", 0), D);
    assert_int_equal(json_get_number(e, "B", 0), block);
    struct block_format f = mxfp4(&codebook, block);
    static const struct {
        const char *name;
        size_t block;
    } rotations[] = {{"identity", 1}, {"hadamard", D}, {"block_hadamard", 16}};
    for (size_t i = 0; i < 3; i++) {
        double want = json_get_number(e, rotations[i].name, NAN);
        ok(affine_hadamard(D, rotations[i].block, a, &err), &err);
        double got = error_of(a, x, n, &f);
        if (!(fabs(got - want) <= 1e-9 * want)) /* as the golden file says */
            fail_msg("%s: %.17g, not %.17g", rotations[i].name, got, want);
    }
    struct affine quarter = {0};
    double ratio = NAN, want = json_get_number(e, "quarter", NAN);
    ok(affine_fit_closed_form(D, x, n, false, &quarter, &ratio, &err), &err);
    double got = error_of(quarter.a, x, n, &f);
    if (!(fabs(got - want) <= 1e-3 * want))
        fail_msg("quarter power: %.17g, not %.17g", got, want);
    assert_true(fabs(ratio - json_get_number(e, "predicted_ratio", NAN)) <= 1e-12);
    /* scales are powers of two, so the size of A does not matter when it is one too */
    for (size_t i = 0; i < D * D; i++)
        quarter.a[i] *= 8;
    assert_true(fabs(error_of(quarter.a, x, n, &f) - got) <= 1e-12 * got);
    affine_free(&quarter);
    json_free(root);
}

static void random_matrix(struct rng *rng, double *a)
{
    for (size_t i = 0; i < D * D; i++)
        a[i] = rng_normal(rng) / sqrt(D) + (i % (D + 1) == 0);
}

static void a_map_is_undone(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    static double a[D * D], x[4 * D], y[4 * D], back[4 * D], v[D];
    struct affine t = {0};
    struct err err;
    random_matrix(&rng, a);
    for (size_t i = 0; i < D; i++)
        v[i] = rng_normal(&rng);
    for (size_t i = 0; i < 4 * D; i++)
        x[i] = rng_normal(&rng);
    ok(affine_init(&t, D, a, v, &err), &err);
    affine_apply(&t, x, 4, y);
    affine_undo(&t, y, 4, back);
    /* d products forth and back, amplified at most by the condition number */
    close_to("T^-1(T(x))", back, x, 4 * D, 4 * D * 0x1p-53 * t.condition);
    affine_free(&t);
}

static void maps_that_cannot_be_undone_are_refused(void **unused)
{
    (void)unused;
    double a[4] = {1, 2, 2, 4}, v[2] = {0, NAN};
    struct affine t = {0};
    struct err err;
    assert_int_equal(affine_init(&t, 2, a, NULL, &err), E_USAGE);
    a[3] = 4 + 1e-9; /* condition number of about 2.5e10 */
    assert_int_equal(affine_init(&t, 2, a, NULL, &err), E_USAGE);
    assert_non_null(strstr(err.text, "condition number"));
    a[3] = 5;
    assert_int_equal(affine_init(&t, 2, a, v, &err), E_USAGE);
    assert_int_equal(affine_init(&t, 0, a, NULL, &err), E_USAGE);
    assert_null(t.a);
    assert_int_equal(affine_hadamard(64, 24, a, &err), E_USAGE);
}

static void the_exponential_of_a_skew_matrix_is_a_rotation(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    static double m[D * D], q[D * D];
    struct err err;
    for (double size = 1e-3; size < 100; size *= 10) { /* with and without squaring */
        for (size_t i = 0; i < D; i++)
            for (size_t j = 0; j <= i; j++) {
                m[i * D + j] = i == j ? 0 : size * rng_normal(&rng);
                m[j * D + i] = -m[i * D + j];
            }
        ok(affine_expm(D, m, q, &err), &err);
        /* a backward error of a few 2^-53 |m|_1, |m|_1 about size D */
        double allowed = 0x1p-53 * D * fmax(1, size * D);
        for (size_t i = 0; i < D; i++)
            for (size_t j = 0; j < D; j++) {
                double dot = 0;
                for (size_t k = 0; k < D; k++)
                    dot += q[i * D + k] * q[j * D + k];
                if (!(fabs(dot - (i == j)) <= allowed))
                    fail_msg("size %g, seed %d: (Q Q^T)[%zu][%zu] is off by %g", size, SEED, i, j,
                             dot - (i == j));
            }
    }
    double turn[] = {0, -1, 1, 0};
    double want[] = {cos(1), -sin(1), sin(1), cos(1)};
    ok(affine_expm(2, turn, q, &err), &err);
    close_to("a turn by 1", q, want, 4, 0x1p-50);
    turn[0] = INFINITY;
    assert_int_equal(affine_expm(2, turn, q, &err), E_USAGE);
}

static double model_at(const double *a, const double *v, const double *x, size_t n, double *by_a,
                       double *by_v)
{
    static double inverse[D * D];
    struct err err;
    double j, log_det;
    ok(affine_invert(D, a, inverse, &log_det, &err), &err);
    ok(affine_fit_model(D, 8, a, inverse, v, x, n, &j, by_a, by_v, &err), &err);
    return j;
}

static void the_gradient_of_the_model_is_its_differences(void **unused)
{
    (void)unused;
    enum { N = 5 };
    struct rng rng = {SEED};
    static double a[D * D], v[D], x[N * D], by_a[D * D], by_v[D];
    random_matrix(&rng, a);
    for (size_t i = 0; i < D; i++)
        v[i] = rng_normal(&rng);
    for (size_t i = 0; i < N * D; i++)
        x[i] = rng_normal(&rng);
    double j = model_at(a, v, x, N, by_a, by_v), largest = 0;
    for (size_t i = 0; i < D * D; i++)
        largest = fmax(largest, fabs(by_a[i]));
    /* central differences: h^2 of truncation, 2^-53 / h of rounding, each amplified by about 1e3 */
    const double h = 1e-5, allowed = 1e-6;
    for (size_t i = 0; i < D * D + D; i += 7) {
        double *at = i < D * D ? &a[i] : &v[i - D * D], kept = *at;
        double gradient = i < D * D ? by_a[i] : by_v[i - D * D];
        *at = kept + h;
        double up = model_at(a, v, x, N, NULL, NULL);
        *at = kept - h;
        double down = model_at(a, v, x, N, NULL, NULL);
        *at = kept;
        if (!(fabs((up - down) / (2 * h) - gradient) <= allowed * fmax(1, largest)))
            fail_msg("seed %d: derivative %zu is %g, differences say %g", SEED, i, gradient,
                     (up - down) / (2 * h));
    }
    for (size_t i = 0; i < D * D; i++)
        a[i] *= 3;
    for (size_t i = 0; i < D; i++)
        v[i] *= 3;
    assert_true(fabs(model_at(a, v, x, N, NULL, NULL) - j) <= 1e-12 * j);
}

static void fitting_lowers_the_model_and_stays_what_it_is(void **unused)
{
    (void)unused;
    enum { N = 512 };
    static double x[N * D], start[D * D];
    double zero[D] = {0};
    struct rng rng = {SEED};
    struct err err;
    struct affine lu = {0}, rotation = {0};
    for (size_t r = 0; r < N; r++)
        for (size_t i = 0; i < D; i++)
            x[r * D + i] = rng_normal(&rng) / sqrt(1.0 + (double)i);
    ok(affine_hadamard(D, D, start, &err), &err);
    double before = model_at(start, zero, x, N, NULL, NULL);
    struct affine_fit fit = {.block = 8, .steps = 200, .batch = 128, .rate = 5e-3, .shift = true};
    ok(affine_fit_lu(&fit, D, start, x, N, &rng, &lu, &err), &err);
    ok(affine_fit_rotation(&fit, D, start, x, N, &rng, &rotation, &err), &err);
    double by_lu = model_at(lu.a, lu.v, x, N, NULL, NULL);
    double by_rotation = model_at(rotation.a, rotation.v, x, N, NULL, NULL);
    if (!(by_lu < 0.95 * before) || !(by_rotation <= before))
        fail_msg("seed %d: J is %g, then %g (LU) and %g (rotation)", SEED, before, by_lu,
                 by_rotation);
    assert_true(fabs(rotation.condition - 1) <= 200 * D * 0x1p-50); /* 200 products of rotations */
    affine_free(&lu);
    affine_free(&rotation);
}

static void fits_that_cannot_be_are_refused(void **unused)
{
    (void)unused;
    static double x[4 * D], start[D * D];
    struct rng rng = {SEED};
    struct err err;
    struct affine t = {0};
    struct affine_fit fit = {.block = 5, .steps = 1, .batch = 4, .rate = 1e-3};
    ok(affine_hadamard(D, D, start, &err), &err);
    assert_int_equal(affine_fit_lu(&fit, D, start, x, 4, &rng, &t, &err), E_USAGE);
    fit = (struct affine_fit){.block = 8, .steps = 1, .rate = 1e-3};
    assert_int_equal(affine_fit_rotation(&fit, D, start, x, 4, &rng, &t, &err), E_USAGE);
    memset(start, 0, sizeof start);
    fit.batch = 4;
    assert_int_equal(affine_fit_lu(&fit, D, start, x, 4, &rng, &t, &err), E_USAGE);
    assert_int_equal(affine_fit_closed_form(D, x, 4, true, &t, NULL, &err), E_USAGE);
    assert_null(t.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hadamard_matrix_is_the_golden_one),
        cmocka_unit_test(qr_parameters_make_the_golden_matrix),
        cmocka_unit_test(lu_parameters_make_the_golden_matrix_and_are_found_again),
        cmocka_unit_test(the_map_and_its_folding_are_the_golden_ones),
        cmocka_unit_test(errors_are_the_golden_ones),
        cmocka_unit_test(a_map_is_undone),
        cmocka_unit_test(maps_that_cannot_be_undone_are_refused),
        cmocka_unit_test(the_exponential_of_a_skew_matrix_is_a_rotation),
        cmocka_unit_test(the_gradient_of_the_model_is_its_differences),
        cmocka_unit_test(fitting_lowers_the_model_and_stays_what_it_is),
        cmocka_unit_test(fits_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
