/* Scaling-law fits against golden values: of the replication's table when it is here, of synthetic
 * tables always. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/csv.h"
#include "datasets/json.h"
#include "numerics/cpu.h"
#include "numerics/fits/isoflop.h"
#include "numerics/fits/scaling_fit.h"
#include "numerics/rng.h"

enum { MOST = 512 };

static struct json *golden, *golden_precision;

/* The replication's table: all rows, and those that are kept. */
static struct {
    bool here;
    size_t n;
    double N[MOST], C[MOST], D[MOST], loss[MOST];
    bool keep[MOST];
    size_t kept;
    struct scaling_table all, kept_rows;
} runs;

static void numbers(const struct json *array, double *out, size_t n)
{
    assert_int_equal(json_size(array), n);
    for (const struct json *v = json_first(array); v; v = json_next(v))
        *out++ = json_number(v, NAN);
}

static void near_to(const char *what, double got, double right, double tolerance)
{
    if (!(fabs(got - right) <= tolerance))
        fail_msg("%s: %.17g, not %.17g +- %g", what, got, right, tolerance);
}

static void near_relative(const char *what, double got, double right, double tolerance)
{
    near_to(what, got, right, tolerance * fabs(right));
}

static int set_up(void **unused)
{
    (void)unused;
    const char *folder = getenv("ASSAY_DATA");
    char path[4096];
    struct err err = {{0}};
    struct csv t;
    assert_int_equal(json_read("tests/golden/chinchilla.json", 1 << 20, &golden, &err), OK);
    assert_int_equal(json_read("tests/golden/skill-scaling.json", 1 << 20, &golden_precision, &err),
                     OK);
    snprintf(path, sizeof path, "%s/chinchilla-besiroglu.csv", folder ? folder : "../shared/data");
    enum status s = csv_read(path, &t, &err);
    if (s == E_NOINPUT) {
        print_message("%s: skipped what needs it: set ASSAY_DATA to its folder\n", err.text);
        return 0;
    }
    if (s)
        fail_msg("%s", err.text);
    runs.n = t.rows;
    assert_int_equal(t.rows, (int)json_get_number(golden, "rows", 0));
    assert_int_equal(csv_numbers(&t, "Model Size", path, runs.N, &err), OK);
    assert_int_equal(csv_numbers(&t, "Training FLOP", path, runs.C, &err), OK);
    assert_int_equal(csv_numbers(&t, "loss", path, runs.loss, &err), OK);
    csv_free(&t);
    for (size_t i = 0; i < runs.n; i++)
        runs.D[i] = runs.C[i] / (6 * runs.N[i]);
    assert_int_equal(scaling_exclude_largest(runs.loss, runs.n, 5, runs.keep, &runs.kept, &err),
                     OK);
    assert_int_equal(
        scaling_table_make(runs.N, runs.D, runs.loss, NULL, 0, runs.n, &runs.all, &err), OK);
    assert_int_equal(scaling_table_select(&runs.all, runs.keep, &runs.kept_rows, &err), OK);
    runs.here = true;
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    json_free(golden);
    json_free(golden_precision);
    if (runs.here) {
        scaling_table_free(&runs.all);
        scaling_table_free(&runs.kept_rows);
    }
    return 0;
}

#define NEED_RUNS()                                                                                \
    if (!runs.here)                                                                                \
    skip()

static struct scaling_fit_options options(enum scaling_loss_kind kind)
{
    return (struct scaling_fit_options){
        .kind = kind, .delta = SCALING_DELTA, .threads = 2, .features = cpu_features()};
}

/* First: a wrong objective makes every fit wrong. */
static void objective_and_gradient_are_the_golden_ones(void **unused)
{
    (void)unused;
    NEED_RUNS();
    assert_int_equal(runs.kept, (int)json_get_number(golden, "kept", 0));
    const struct json *rows = json_get(golden, "objective_eval");
    for (const struct json *row = json_first(rows); row; row = json_next(row)) {
        struct scaling_law law = {.form = {.shared = false}};
        double right[5], got[5];
        numbers(json_get(row, "p"), law.p, 5);
        numbers(json_get(row, "grad"), right, 5);
        near_relative("objective",
                      scaling_objective(&law, &runs.kept_rows, SCALING_DELTA, got, NULL),
                      json_get_number(row, "huber_sum", NAN), 1e-12);
        for (int j = 0; j < 5; j++) /* relative to the sum of magnitudes, 0.24 ln N or less */
            near_to("gradient", got[j], right[j], 1e-12 * (j < 3 ? 0.24 : 6));
    }
}

static void fit_is(const struct scaling_table *t, enum scaling_loss_kind kind, const char *name,
                   double objective_tolerance, double p_tolerance, double exponent_tolerance)
{
    const struct json *right = json_get(golden, name);
    struct scaling_fit_options o = options(kind);
    struct scaling_fit fit;
    struct err err;
    double p[5];
    if (scaling_fit(t, &o, &fit, &err))
        fail_msg("%s: %s", name, err.text);
    numbers(json_get(right, "p"), p, 5);
    assert_true(fit.converged);
    assert_int_equal(fit.starts, 4500);
    near_relative(name, fit.objective,
                  json_get_number(right, kind == SCALING_LAD ? "sum_abs" : "objective", NAN),
                  objective_tolerance);
    for (int j = 0; j < 5; j++)
        near_to(name, fit.law.p[j], p[j], j < 3 ? p_tolerance : exponent_tolerance);
    near_to(name, scaling_allocate(&fit.law, 1e20, NULL).exponent, json_get_number(right, "a", NAN),
            exponent_tolerance);
}

static void the_grid_finds_both_huber_optima(void **unused)
{
    (void)unused;
    NEED_RUNS();
    fit_is(&runs.kept_rows, SCALING_HUBER, "fit_huber_240", 1e-9, 1e-4, 1e-5);
    fit_is(&runs.all, SCALING_HUBER, "fit_huber_245", 1e-9, 1e-4, 1e-5);
}

static void least_absolute_deviations_are_exact(void **unused)
{
    (void)unused;
    NEED_RUNS();
    fit_is(&runs.kept_rows, SCALING_LAD, "fit_lad_240", 1e-7, 1e-5, 1e-5);
}

/* From the point estimate: the basin must be the right one also where it is far. */
static void given_resamples_are_refitted(void **unused)
{
    (void)unused;
    NEED_RUNS();
    const struct json *list = json_get(golden, "bootstrap_fixed");
    double start[5];
    numbers(json_get(json_get(golden, "fit_huber_240"), "p"), start, 5);
    for (const struct json *row = json_first(list); row; row = json_next(row)) {
        struct scaling_fit_options o = options(SCALING_HUBER);
        struct scaling_fit fit;
        struct err err;
        double index[MOST], N[MOST], D[MOST], loss[MOST], p[5];
        size_t kept[MOST], n = 0;
        for (size_t i = 0; i < runs.n; i++)
            if (runs.keep[i])
                kept[n++] = i;
        numbers(json_get(row, "idx"), index, n);
        numbers(json_get(row, "p"), p, 5);
        for (size_t i = 0; i < n; i++) {
            size_t from = kept[(size_t)index[i]];
            N[i] = runs.N[from];
            D[i] = runs.D[from];
            loss[i] = runs.loss[from];
        }
        struct scaling_table t;
        assert_int_equal(scaling_table_make(N, D, loss, NULL, 0, n, &t, &err), OK);
        o.starts = start;
        o.n_starts = 1;
        assert_int_equal(scaling_fit(&t, &o, &fit, &err), OK);
        near_relative("objective of a resample", fit.objective,
                      json_get_number(row, "objective", NAN), 1e-9);
        for (int j = 0; j < 5; j++)
            near_to("resample", fit.law.p[j], p[j], j < 3 ? 1e-4 : 1e-5);
        scaling_table_free(&t);
    }
}

static void allocations_are_the_golden_ones(void **unused)
{
    (void)unused;
    static const struct scaling_form form = {.shared = false};
    const struct json *all = json_get(golden, "allocation");
    struct scaling_law laws[4] = {
        scaling_law_of(&form, &(struct scaling_constants){406.4, 410.7, 1.69, 0.34, 0.28, {0}}),
        {form, {6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083}}};
    numbers(json_get(json_get(golden, "fit_lad_240"), "p"), laws[2].p, 5);
    numbers(json_get(json_get(golden, "fit_huber_240"), "p"), laws[3].p, 5);
    size_t i = 0;
    for (const struct json *list = json_first(all); list; list = json_next(list), i++)
        for (const struct json *row = json_first(list); row; row = json_next(row)) {
            struct scaling_allocation a =
                scaling_allocate(&laws[i], json_get_number(row, "C", NAN), NULL);
            /* powers with exponents near 7 of C/6, itself to 2^-53: 1e-12 is many roundings */
            near_relative("N", a.N, json_get_number(row, "N", NAN), 1e-12);
            near_relative("D", a.D, json_get_number(row, "D", NAN), 1e-12);
            near_relative("L", a.loss, json_get_number(row, "L", NAN), 1e-12);
        }
    assert_int_equal(i, 4);
}

/* ---- The other approaches ---- */

static void check_line(const char *what, const struct json *right, const double *C, const double *N,
                       size_t n)
{
    struct isoflop_line line, tokens;
    double D[1500];
    for (size_t i = 0; i < n; i++)
        D[i] = C[i] / (6 * N[i]);
    assert_int_equal(isoflop_line(C, N, n, &line, NULL), OK);
    assert_int_equal(isoflop_line(C, D, n, &tokens, NULL), OK);
    near_to(what, line.a, json_get_number(right, "a", NAN), 1e-9);
    near_to(what, line.log10_k, json_get_number(right, "log10_k", NAN), 1e-7);
    near_to(what, tokens.a, json_get_number(right, "b", NAN), 1e-9);
    near_to(what, tokens.log10_k, json_get_number(right, "log10_kb", NAN), 1e-7);
}

static void check_parabola(const struct isoflop_parabola *p, double vertex, double curvature)
{
    near_relative("vertex", p->vertex, vertex, 1e-9);
    near_relative("curvature", p->curvature, curvature, 1e-9);
    assert_true(p->minimum);
}

static void parabolas_of_the_table_are_the_golden_ones(void **unused)
{
    (void)unused;
    NEED_RUNS();
    const struct json *right = json_get(golden, "approach2_real");
    double C[9], vertex[9], curvature[9], counts[9], best[9], kept_C[MOST];
    numbers(json_get(right, "C"), C, 9);
    numbers(json_get(right, "N_opt"), vertex, 9);
    numbers(json_get(right, "curvature"), curvature, 9);
    numbers(json_get(right, "counts"), counts, 9);
    for (size_t i = 0; i < runs.n; i++)
        kept_C[i] = runs.keep[i] ? runs.C[i] : 0;
    for (int b = 0; b < 9; b++) {
        struct isoflop_parabola p;
        double N[MOST], loss[MOST];
        size_t rows[MOST], n = isoflop_rows(kept_C, runs.n, C[b], 0.15, rows);
        assert_int_equal(n, (int)counts[b]);
        for (size_t i = 0; i < n; i++) {
            N[i] = runs.N[rows[i]];
            loss[i] = runs.loss[rows[i]];
        }
        assert_int_equal(isoflop_parabola(N, loss, n, &p, NULL), OK);
        check_parabola(&p, vertex[b], curvature[b]);
        best[b] = p.vertex;
    }
    check_line("approach 2", right, C, best, 9);
}

static struct scaling_law truth_of(const struct json *entry)
{
    double c[5];
    numbers(json_get(entry, "truth"), c, 5);
    return scaling_law_of(&(struct scaling_form){.shared = false},
                          &(struct scaling_constants){c[0], c[1], c[2], c[3], c[4], {0}});
}

static void parabolas_of_a_known_law_are_the_golden_ones(void **unused)
{
    (void)unused;
    const struct json *right = json_get(golden, "approach2_synth");
    struct scaling_law law = truth_of(right);
    double C[9], vertex[9], curvature[9], best[9];
    numbers(json_get(right, "C"), C, 9);
    numbers(json_get(right, "N_opt"), vertex, 9);
    numbers(json_get(right, "curvature"), curvature, 9);
    for (int b = 0; b < 9; b++) {
        struct isoflop_parabola p;
        double N[9], loss[9], centre = scaling_allocate(&law, C[b], NULL).N;
        for (int i = 0; i < 9; i++) {
            N[i] = centre * pow(10, -0.6 + 0.15 * i);
            loss[i] = scaling_loss(&law, N[i], C[b] / (6 * N[i]), NULL);
        }
        assert_int_equal(isoflop_parabola(N, loss, 9, &p, NULL), OK);
        check_parabola(&p, vertex[b], curvature[b]);
        assert_true(p.inside);
        best[b] = p.vertex;
    }
    check_line("approach 2, known law", right, C, best, 9);
}

struct curves {
    struct scaling_law law;
    double N[60];
};

static double curve(const void *user, size_t candidate, double C)
{
    const struct curves *c = user;
    double N = c->N[candidate];
    return scaling_loss(&c->law, N, C / (6 * N), NULL);
}

static void the_envelope_of_a_known_law_is_the_golden_one(void **unused)
{
    (void)unused;
    const struct json *right = json_get(golden, "approach1_synth");
    struct curves c = {.law = truth_of(right)};
    static double C[1500], N[1500];
    static size_t best[1500];
    for (int j = 0; j < 60; j++)
        c.N[j] = 5e7 * pow(2e10 / 5e7, j / 59.0);
    for (int i = 0; i < 1500; i++)
        C[i] = 6e18 * pow(3e21 / 6e18, i / 1499.0);
    isoflop_envelope(curve, &c, 60, C, 1500, best);
    for (int i = 0; i < 1500; i++)
        N[i] = c.N[best[i]];
    near_relative("first", N[0], json_get_number(right, "N_first", NAN), 1e-9);
    near_relative("last", N[1499], json_get_number(right, "N_last", NAN), 1e-9);
    check_line("approach 1", right, C, N, 1500);
}

static void what_is_no_minimum_is_flagged(void **unused)
{
    (void)unused;
    static const double N[] = {1e8, 1e9, 1e10, 1e11}, rising[] = {2, 2.1, 2.3, 2.6},
                        hill[] = {2, 2.5, 2.5, 2};
    struct isoflop_parabola p;
    struct err err;
    assert_int_equal(isoflop_parabola(N, rising, 4, &p, &err), OK);
    assert_true(p.minimum && !p.inside);
    assert_int_equal(isoflop_parabola(N, hill, 4, &p, &err), OK);
    assert_true(!p.minimum);
    assert_int_equal(isoflop_parabola(N, hill, 2, &p, &err), E_USAGE);
    static const double same[] = {1e8, 1e8, 1e9};
    assert_int_equal(isoflop_parabola(same, hill, 3, &p, &err), E_USAGE);
    assert_int_equal(isoflop_line(same, hill, 2, &(struct isoflop_line){0}, &err), E_USAGE);
}

static void the_synthetic_table_is_fitted(void **unused)
{
    (void)unused;
    const struct json *right = json_get(golden, "approach3_synth");
    struct scaling_fit_options o = options(SCALING_HUBER);
    struct scaling_fit fit;
    struct scaling_table t;
    struct err err;
    double N[60], D[60], loss[60], p[5];
    numbers(json_get(right, "N"), N, 60);
    numbers(json_get(right, "D"), D, 60);
    numbers(json_get(right, "L"), loss, 60);
    numbers(json_get(right, "p"), p, 5);
    assert_int_equal(scaling_table_make(N, D, loss, NULL, 0, 60, &t, &err), OK);
    assert_int_equal(scaling_fit(&t, &o, &fit, &err), OK);
    near_relative("objective", fit.objective, json_get_number(right, "objective", NAN), 1e-9);
    for (int j = 0; j < 5; j++)
        near_to("parameter", fit.law.p[j], p[j], j < 3 ? 1e-4 : 1e-5);
    scaling_table_free(&t);
}

/* ---- Precision ---- */

static void precision_tables_are_fitted(void **unused)
{
    (void)unused;
    const struct json *tables = json_get(golden_precision, "precision_fit");
    double n[5], d[4], b[6], N[120], D[120], P[120], loss[120];
    const double *bits[] = {P};
    numbers(json_get(tables, "N"), n, 5);
    numbers(json_get(tables, "D"), d, 4);
    numbers(json_get(tables, "P"), b, 6);
    for (int i = 0; i < 120; i++) {
        N[i] = n[i / 24];
        D[i] = d[i / 6 % 4];
        P[i] = b[i % 6];
    }
    const struct json *laws = json_get(tables, "laws");
    for (const struct json *law = json_first(laws); law; law = json_next(law))
        for (int noisy = 0; noisy < 2; noisy++) {
            const struct json *entry = json_get(law, noisy ? "noise_0.002" : "noise_0");
            const struct json *right = json_get(entry, "fit");
            struct scaling_fit_options o = options(SCALING_HUBER);
            struct scaling_fit fit;
            struct scaling_table t;
            struct err err = {{0}};
            o.form.precisions = 1;
            numbers(json_get(entry, "L"), loss, 120);
            assert_int_equal(scaling_table_make(N, D, loss, bits, 1, 120, &t, &err), OK);
            if (scaling_fit(&t, &o, &fit, &err))
                fail_msg("%s: %s", json_key(law), err.text);
            struct scaling_constants c = scaling_constants(&fit.law);
            assert_int_equal(fit.starts, 16);
            if (noisy)
                near_relative("objective", fit.objective, json_get_number(right, "objective", NAN),
                              1e-6);
            near_to("alpha", c.alpha, json_get_number(right, "alpha", NAN), noisy ? 1e-4 : 1e-6);
            near_to("beta", c.beta, json_get_number(right, "beta", NAN), noisy ? 1e-4 : 1e-6);
            near_to("gamma", c.gamma[0], json_get_number(right, "gamma", NAN), noisy ? 1e-3 : 1e-6);
            scaling_table_free(&t);
        }
}

/* ---- Derivatives ---- */

/* Of every form, gradient and Hessian against differences of the one below.  With h = 1e-5 the
 * cubic term is of order 1e-10 and rounding 1e-16 / h = 1e-11 of the size; the band is so wide that
 * no residual leaves it. */
static void derivatives_are_those_of_the_value(void **unused)
{
    (void)unused;
    enum { SEED = 3, ROWS = 40 };
    const double h = 1e-5;
    struct rng rng = {SEED};
    double N[ROWS], D[ROWS], loss[ROWS], P[3][ROWS];
    const double *bits[] = {P[0], P[1], P[2]};
    for (int i = 0; i < ROWS; i++) {
        N[i] = 1e8 * exp(4 * rng_uniform(&rng));
        D[i] = 1e9 * exp(5 * rng_uniform(&rng));
        loss[i] = 2 + rng_uniform(&rng);
        for (int k = 0; k < 3; k++)
            P[k][i] = 1 + 7 * rng_uniform(&rng);
    }
    struct scaling_table t;
    assert_int_equal(scaling_table_make(N, D, loss, bits, 3, ROWS, &t, NULL), OK);
    for (int shared = 0; shared < 2; shared++)
        for (size_t k = 0; k <= 3; k++) {
            struct scaling_law law = {{shared, k}, {6, 7, 0.6, 0.33}};
            size_t n = scaling_param_count(&law.form);
            for (size_t j = 4; j < n; j++)
                law.p[j] = !shared && j == 4 ? 0.36 : 0.5 + 0.2 * (double)j;
            double g[SCALING_PARAMS], hessian[SCALING_PARAMS * SCALING_PARAMS];
            scaling_objective(&law, &t, 1e3, g, hessian);
            for (size_t j = 0; j < n; j++) {
                struct scaling_law up = law, down = law;
                double g_up[SCALING_PARAMS], g_down[SCALING_PARAMS];
                up.p[j] += h;
                down.p[j] -= h;
                double slope = (scaling_objective(&up, &t, 1e3, g_up, NULL) -
                                scaling_objective(&down, &t, 1e3, g_down, NULL)) /
                               (2 * h);
                near_to(scaling_param_name(&law.form, j), slope, g[j], 1e-6 * (1 + fabs(g[j])));
                for (size_t m = 0; m < n; m++)
                    near_to("second derivative", (g_up[m] - g_down[m]) / (2 * h),
                            hessian[j * n + m], 1e-6 * (10 + fabs(hessian[j * n + m])));
            }
        }
    scaling_table_free(&t);
}

static void bad_input_is_refused_in_words(void **unused)
{
    (void)unused;
    static const double N[] = {1e8, 1e9, -1, 1e10}, good[] = {1, 2, 3, 4};
    struct scaling_table t;
    struct scaling_fit fit;
    struct scaling_fit_options o = options(SCALING_HUBER);
    struct err err;
    assert_int_equal(scaling_table_make(N, good, good, NULL, 0, 4, &t, &err), E_USAGE);
    assert_string_equal(err.text, "row 2: N is -1: it must be a number above 0");
    assert_int_equal(scaling_table_make(good, good, good, NULL, 0, 4, &t, &err), OK);
    assert_int_equal(scaling_fit(&t, &o, &fit, &err), E_USAGE);
    o.form.precisions = 1;
    assert_int_equal(scaling_fit(&t, &o, &fit, &err), E_USAGE);
    scaling_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objective_and_gradient_are_the_golden_ones),
        cmocka_unit_test(the_grid_finds_both_huber_optima),
        cmocka_unit_test(least_absolute_deviations_are_exact),
        cmocka_unit_test(given_resamples_are_refitted),
        cmocka_unit_test(allocations_are_the_golden_ones),
        cmocka_unit_test(parabolas_of_the_table_are_the_golden_ones),
        cmocka_unit_test(parabolas_of_a_known_law_are_the_golden_ones),
        cmocka_unit_test(the_envelope_of_a_known_law_is_the_golden_one),
        cmocka_unit_test(what_is_no_minimum_is_flagged),
        cmocka_unit_test(the_synthetic_table_is_fitted),
        cmocka_unit_test(precision_tables_are_fitted),
        cmocka_unit_test(derivatives_are_those_of_the_value),
        cmocka_unit_test(bad_input_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
