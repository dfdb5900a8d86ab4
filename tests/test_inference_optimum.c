/* The model of least cost over training and use, against golden solutions and its own definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "datasets/json.h"
#include "numerics/fits/inference_optimum.h"

static int open_golden(void **state)
{
    struct err err;
    struct json *root;
    if (json_read("tests/golden/beyond-chinchilla.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    *state = root;
    return 0;
}

static int close_golden(void **state)
{
    json_free(*state);
    return 0;
}

static struct scaling_constants constants(const struct json *g)
{
    return (struct scaling_constants){.A = json_get_number(g, "A", NAN),
                                      .B = json_get_number(g, "B", NAN),
                                      .E = json_get_number(g, "E", NAN),
                                      .alpha = json_get_number(g, "alpha", NAN),
                                      .beta = json_get_number(g, "beta", NAN)};
}

static void near(double got, double want, double relative, const char *what, double loss, double T)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%s at loss %g, T %g: %.17g, wanted %.17g", what, loss, T, got, want);
}

static void golden_optima_are_met(void **state)
{
    static const char *const laws[][2] = {{"constants", "table"}, {"constants2", "table2"}};
    size_t rows = 0;
    for (size_t i = 0; i < 2; i++) {
        struct scaling_constants law = constants(json_get(*state, laws[i][0]));
        const struct json *row = json_first(json_get(*state, laws[i][1]));
        for (; row; row = json_next(row), rows++) {
            double loss = json_get_number(row, "loss", NAN), T = json_get_number(row, "T", NAN);
            struct inference_optimum o;
            struct err err;
            if (inference_optimise(&law, loss, T, &o, &err))
                fail_msg("%s", err.text);
            near(o.N, json_get_number(row, "N", NAN), 1e-9, "N", loss, T);
            near(o.D, json_get_number(row, "D", NAN), 1e-9, "D", loss, T);
            near(o.flops, json_get_number(row, "flops", NAN), 1e-9, "flops", loss, T);
            near(o.flops_compute, json_get_number(row, "flops_chin", NAN), 1e-9, "flops", loss, T);
            near(o.N / o.N_compute, json_get_number(row, "N_ratio", NAN), 1e-9, "ratio", loss, T);
            near(o.D / o.D_compute, json_get_number(row, "D_ratio", NAN), 1e-9, "ratio", loss, T);
        }
    }
    assert_int_equal(rows, 56);
}

static void golden_costs_are_met(void **state)
{
    struct scaling_constants law = constants(json_get(*state, "constants"));
    size_t rows = 0;
    for (const struct json *c = json_first(json_get(*state, "cost_cases")); c; c = json_next(c)) {
        struct inference_prices p = {json_get_number(c, "train_price_hour", NAN),
                                     json_get_number(c, "train_ops", NAN),
                                     json_get_number(c, "mfu_train", NAN),
                                     json_get_number(c, "infer_price_hour", NAN),
                                     json_get_number(c, "infer_ops", NAN),
                                     json_get_number(c, "mfu_prefill", NAN),
                                     json_get_number(c, "mfu_decode", NAN)};
        double requests = json_get_number(c, "requests", NAN), loss = json_get_number(c, "loss", 0);
        double in = requests * json_get_number(c, "tokens_in", NAN),
               out = requests * json_get_number(c, "tokens_out", NAN);
        double T = inference_effective_tokens(&p, in, out);
        struct inference_optimum o;
        near(T, json_get_number(c, "T_eff", NAN), 1e-12, "T_eff", loss, T);
        assert_int_equal(inference_optimise(&law, loss, T, &o, NULL), OK);
        near(o.N, json_get_number(c, "N", NAN), 1e-9, "N", loss, T);
        near(o.D, json_get_number(c, "D", NAN), 1e-9, "D", loss, T);
        near(inference_dollars(&p, o.N, o.D, in, out), json_get_number(c, "cost", NAN), 1e-9,
             "cost", loss, T);
        near(inference_dollars(&p, o.N_compute, o.D_compute, in, out),
             json_get_number(c, "cost_chin", NAN), 1e-9, "cost", loss, T);
        rows++;
    }
    assert_int_equal(rows, 2);
}

/* From 1.0001 E up to where one token would do, and from no use to a thousand times the world's. */
static void all_solvers_agree_and_none_is_below_the_search(void **state)
{
    struct scaling_constants law = constants(json_get(*state, "constants"));
    for (double loss = 1.0001 * law.E; loss < 30; loss *= 1.07)
        for (double T = 0; T<1e19; T = T> 0 ? 30 * T : 1e3) {
            double u = inference_ln_d_newton(&law, loss, T);
            near(inference_ln_d_bisect(&law, loss, T), u, 1e-13, "bisect", loss, T);
            /* 1e-12 of loss - E over the slope of its logarithm, at least beta */
            near(inference_ln_d_linear(&law, loss, T), u, 2e-12 / law.beta, "linear", loss, T);
            near(inference_ln_d_search(&law, loss, T), u, 1e-6, "search", loss, T);
            double l = loss - law.E;
            /* u is rounded to 2^-53 of 64 or less, which moves the left side by 1.3 times that */
            if (!(fabs(inference_residual(&law, loss, T, u)) <= 1e-13 * l))
                fail_msg("loss %g, T %g: residual %g", loss, T,
                         inference_residual(&law, loss, T, u));
            double D = exp(u), N = inference_n_at(&law, loss, D);
            double reached = law.E + law.A * pow(N, -law.alpha) + law.B * pow(D, -law.beta);
            near(reached, loss, 1e-12, "loss", loss, T);
        }
}

static void limits_are_those_of_the_text(void **state)
{
    struct scaling_constants law = constants(json_get(*state, "constants"));
    struct inference_optimum o, before = {0};
    assert_int_equal(inference_optimise(&law, 2, 0, &o, NULL), OK);
    near(o.N, o.N_compute, 1e-12, "N", 2, 0);
    near(o.D, o.D_compute, 1e-12, "D", 2, 0);
    for (double T = 1e6; T < 1e16; T *= 10, before = o) {
        assert_int_equal(inference_optimise(&law, 2, T, &o, NULL), OK);
        assert_true(o.N < o.N_compute && o.D > o.D_compute && o.flops < o.flops_compute);
        assert_true(!before.N || (o.N < before.N && o.D > before.D));
        /* alpha A N^-alpha = beta B D^-beta (1 + T / 3D) */
        near(law.alpha * law.A * pow(o.N, -law.alpha),
             law.beta * law.B * pow(o.D, -law.beta) * (1 + T / (3 * o.D)), 1e-11, "balance", 2, T);
    }
    double u = inference_ln_d_newton(&law, 2, 1e40), v = inference_ln_d_newton(&law, 2, 1e42);
    near((v - u) / log(100), 1 / (1 + law.beta), 1e-6, "growth of D", 2, 1e40);
    near(inference_n_at(&law, 2, exp(v)), pow(law.A / (2 - law.E), 1 / law.alpha), 1e-6, "least N",
         2, 1e42);
}

static void what_cannot_be_reached_is_refused(void **state)
{
    struct scaling_constants law = constants(json_get(*state, "constants"));
    struct inference_optimum o;
    struct err err;
    assert_int_equal(inference_optimise(&law, law.E, 0, &o, &err), E_USAGE);
    assert_int_equal(inference_optimise(&law, NAN, 0, &o, &err), E_USAGE);
    assert_int_equal(inference_optimise(&law, 2, -1, &o, &err), E_USAGE);
    assert_int_equal(inference_optimise(&law, 2, INFINITY, &o, &err), E_USAGE);
    static inference_solver_fn *const solvers[] = {inference_ln_d_newton, inference_ln_d_bisect,
                                                   inference_ln_d_linear, inference_ln_d_search};
    for (size_t i = 0; i < 4; i++)
        assert_true(isnan(solvers[i](&law, 1, 1e9)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_optima_are_met),
        cmocka_unit_test(golden_costs_are_met),
        cmocka_unit_test(all_solvers_agree_and_none_is_below_the_search),
        cmocka_unit_test(limits_are_those_of_the_text),
        cmocka_unit_test(what_cannot_be_reached_is_refused),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
