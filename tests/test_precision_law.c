/* The closed forms of the precision law, against golden values and their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "datasets/json.h"
#include "numerics/fits/precision_law.h"

static struct json *root;
static double gammas[3];
static struct scaling_constants law;
static struct post_training post;

static double of(const struct json *o, const char *key)
{
    return json_get_number(o, key, NAN);
}

static int open_golden(void **state)
{
    (void)state;
    struct err err;
    if (json_read("tests/golden/skill-scaling.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *k = json_get(root, "kumar_constants");
    law = (struct scaling_constants){.A = of(k, "A"),
                                     .B = of(k, "B"),
                                     .E = of(k, "E"),
                                     .alpha = of(k, "alpha"),
                                     .beta = of(k, "beta")};
    post = (struct post_training){of(k, "C_T"), of(k, "gamma_D"), of(k, "gamma_N"),
                                  of(k, "gamma_post")};
    static const char *const names[] = {"gamma_w", "gamma_a", "gamma_kv"};
    for (size_t i = 0; i < 3; i++)
        gammas[i] = of(k, names[i]);
    return 0;
}

static int close_golden(void **state)
{
    (void)state;
    json_free(root);
    return 0;
}

static void near(double got, double want, double relative, const char *what)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%s: %.17g, wanted %.17g", what, got, want);
}

static void golden_evaluations_are_met(void **unused)
{
    (void)unused;
    size_t rows = 0;
    for (const struct json *e = json_first(json_get(root, "kumar_eval")); e; e = json_next(e)) {
        double N = of(e, "N"), D = of(e, "D"), p = of(e, "P_post");
        double bits[] = {of(e, "P_w"), of(e, "P_a"), of(e, "P_kv")};
        near(N * precision_factor(gammas, bits, 1), of(e, "N_eff_w"), 1e-12, "N_eff, weights");
        near(N * precision_factor(gammas, bits, 3), of(e, "N_eff"), 1e-12, "N_eff");
        near(post_training_loss(&post, N, D, p), of(e, "delta_PTQ"), 1e-12, "delta");
        near(post_training_critical_d(&law, &post, N, p), of(e, "D_crit_PTQ"), 1e-12, "D_crit");
        rows++;
    }
    assert_int_equal(rows, 4);
    near(precision_factor(gammas, NULL, 0), 1, 0, "no tensor");
}

static void optimal_bits_are_golden_and_one_tensor_has_none(void **unused)
{
    (void)unused;
    size_t rows = 0;
    for (const struct json *p = json_first(json_get(root, "p_star")); p; p = json_next(p), rows++) {
        double g[3];
        size_t n = 0;
        for (const struct json *v = json_first(json_get(p, "gammas")); v && n < 3; v = json_next(v))
            g[n++] = json_number(v, NAN);
        near(precision_optimal_bits(g, n), of(p, "P_star"), 1e-10, "P*");
    }
    assert_int_equal(rows, 4);
    assert_true(isnan(precision_optimal_bits(gammas, 1)));
}

/* At equal loss N_eff and D do not depend on P, so that N D P is least where P / factor is. */
static void optimal_bits_minimise_the_cost(void **unused)
{
    (void)unused;
    double best = INFINITY, best_bits = 0, star = precision_optimal_bits(gammas, 3);
    for (double bits = 2; bits < 6; bits += 1e-3) {
        double all[] = {bits, bits, bits}, factor = precision_factor(gammas, all, 3);
        double cost = bits / factor;
        if (cost < best) {
            best = cost;
            best_bits = bits;
        }
    }
    near(best_bits, star, 1e-3, "least cost");
}

static void contours_of_equal_loss_are_golden(void **unused)
{
    (void)unused;
    const struct json *iso = json_get(root, "isoloss");
    const struct json *truth =
        json_get(json_get(json_get(json_get(root, "precision_fit"), "laws"), "uniform"), "truth");
    struct scaling_constants c = {.A = of(truth, "A"),
                                  .B = of(truth, "B"),
                                  .E = of(truth, "E"),
                                  .alpha = of(truth, "alpha"),
                                  .beta = of(truth, "beta")};
    const struct json *n = json_first(json_get(iso, "N"));
    for (const struct json *p = json_first(json_get(iso, "P")); p;
         p = json_next(p), n = json_next(n))
        near(precision_n_at(&c, of(truth, "gamma"), of(iso, "loss"), of(iso, "D"),
                            json_number(p, NAN)),
             json_number(n, NAN), 1e-12, "N on the contour");
    assert_null(n);
    assert_true(isinf(precision_n_at(&c, 3, c.E, 1e10, 4)));
}

static void memory_budgets_are_golden(void **unused)
{
    (void)unused;
    static const double bits[] = {1, 2, 4, 8, 16};
    const double gamma = 3.71;
    double last = INFINITY;
    size_t rows = 0;
    for (const struct json *m = json_first(json_get(root, "memory_budget")); m; m = json_next(m)) {
        double bytes = 1e9 * of(m, "GB");
        const struct json *v = json_first(json_get(m, "N_eff"));
        for (size_t i = 0; i < 5; i++, v = json_next(v)) {
            struct memory_model f = precision_fill_memory(gamma, bytes, bits[i]);
            near((f.body * bits[i] + f.embeddings * 16) / 8, bytes, 1e-14, "bytes");
            near(f.effective, json_number(v, NAN), 1e-12, "N_eff");
        }
        double best = precision_best_bits(gamma, bytes, 0.5, 16, 0.25);
        near(best, of(m, "P_best"), 0, "best bits");
        assert_true(best <= last);
        last = best;
        rows++;
    }
    assert_int_equal(rows, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_evaluations_are_met),
        cmocka_unit_test(optimal_bits_are_golden_and_one_tensor_has_none),
        cmocka_unit_test(optimal_bits_minimise_the_cost),
        cmocka_unit_test(contours_of_equal_loss_are_golden),
        cmocka_unit_test(memory_budgets_are_golden),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
