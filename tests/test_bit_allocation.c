/* Bits shared out among tensors: the published optimum, and no other shares are better. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "datasets/json.h"
#include "numerics/formats/bit_allocation.h"
#include "numerics/rng.h"

enum { MAX_TENSORS = 32, SEED = 7 };

static void the_golden_allocation_is_found(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *g = json_get(root, "bit_alloc");
    const struct json *rms = json_first(json_get(g, "rms")),
                      *fisher = json_first(json_get(g, "fisher_mean")),
                      *elements = json_first(json_get(g, "nelem"));
    struct bit_share shares[MAX_TENSORS];
    size_t n = 0;
    for (; rms; rms = json_next(rms), fisher = json_next(fisher), elements = json_next(elements))
        shares[n++] = (struct bit_share){.elements = json_number(elements, NAN),
                                         .rms = json_number(rms, NAN),
                                         .fisher = json_number(fisher, NAN)};
    assert_int_equal(n, 6);
    struct bit_allocation a = bit_allocate(shares, n, json_get_number(g, "b_avg", NAN), 2, 8);
    const struct json *bits = json_first(json_get(g, "bits")),
                      *whole = json_first(json_get(g, "bits_rounded"));
    for (size_t i = 0; i < n; i++, bits = json_next(bits), whole = json_next(whole)) {
        /* a few operations in double of numbers below 30, which may cancel to 2 */
        if (!(fabs(shares[i].bits - json_number(bits, NAN)) <= 1e-13))
            fail_msg("tensor %zu: %.17g bits, not %.17g", i, shares[i].bits,
                     json_number(bits, NAN));
        assert_int_equal(shares[i].whole, (int)json_number(whole, NAN));
    }
    assert_true(fabs(a.flat / json_get_number(g, "kl_flat", NAN) - 1) <= 1e-12);
    assert_true(fabs(a.optimal / json_get_number(g, "kl_opt", NAN) - 1) <= 1e-12);
    assert_true(fabs(a.saved_bits - json_get_number(g, "equivalent_bits_saved", NAN)) <= 1e-12);
    assert_true(a.flat > a.optimal);
    json_free(root);
}

static double divergence(const struct bit_share *s, const double *bits, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += 0.5 * s[i].elements * s[i].fisher * s[i].rms * s[i].rms * pow(4, -bits[i]);
    return sum;
}

static void no_other_shares_of_the_same_average_are_better(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int trial = 0; trial < 200; trial++) {
        struct bit_share s[MAX_TENSORS];
        double bits[MAX_TENSORS], sum = 0, all = 0;
        size_t n = 2 + (size_t)(rng_uniform(&rng) * (MAX_TENSORS - 2));
        for (size_t i = 0; i < n; i++)
            s[i] = (struct bit_share){.elements = 1 + floor(1e6 * rng_uniform(&rng)),
                                      .rms = exp2(-10 * rng_uniform(&rng)),
                                      .fisher = exp2(-30 * rng_uniform(&rng))};
        struct bit_allocation a = bit_allocate(s, n, 4, 2, 8);
        for (size_t i = 0; i < n; i++) {
            sum += s[i].elements * s[i].bits;
            all += s[i].elements;
        }
        assert_true(fabs(sum / all - 4) <= 1e-12);
        /* Moves some bits from one tensor to another. */
        for (size_t i = 0; i < n; i++)
            bits[i] = s[i].bits;
        size_t from = trial % n, to = (from + 1) % n;
        double moved = 0.01 + rng_uniform(&rng);
        bits[from] -= moved / s[from].elements * all / n;
        bits[to] += moved / s[to].elements * all / n;
        if (!(divergence(s, bits, n) > a.optimal))
            fail_msg("seed %d, trial %d: %g is not above %g", SEED, trial, divergence(s, bits, n),
                     a.optimal);
    }
}

static void whole_bits_keep_to_the_limits_and_their_average_is_told(void **unused)
{
    (void)unused;
    struct bit_share s[] = {{.elements = 100, .rms = 1e6, .fisher = 1},
                            {.elements = 100, .rms = 1, .fisher = 1},
                            {.elements = 200, .rms = 1e-6, .fisher = 1}};
    struct bit_allocation a = bit_allocate(s, 3, 4, 3, 6);
    assert_int_equal(s[0].whole, 6);
    assert_int_equal(s[2].whole, 3);
    assert_true(a.whole_bits == (100.0 * s[0].whole + 100 * s[1].whole + 200 * s[2].whole) / 400);
}

static void tensors_that_do_not_matter_get_the_least(void **unused)
{
    (void)unused;
    struct bit_share s[] = {{.elements = 10, .rms = 0, .fisher = 1},
                            {.elements = 10, .rms = 1, .fisher = 0},
                            {.elements = 10, .rms = 2, .fisher = 1},
                            {.elements = 10, .rms = 0.5, .fisher = 1}};
    struct bit_allocation a = bit_allocate(s, 4, 4, 2, 8);
    assert_int_equal(s[0].whole, 2);
    assert_int_equal(s[1].whole, 2);
    assert_int_equal(s[2].whole, 5);
    assert_int_equal(s[3].whole, 3);
    assert_true(isfinite(a.saved_bits));
    a = bit_allocate(s, 1, 4, 2, 8);
    assert_true(a.saved_bits == 0 && a.flat == 0);
    a = bit_allocate(s, 0, 4, 2, 8);
    assert_true(a.whole_bits == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_allocation_is_found),
        cmocka_unit_test(no_other_shares_of_the_same_average_are_better),
        cmocka_unit_test(whole_bits_keep_to_the_limits_and_their_average_is_told),
        cmocka_unit_test(tensors_that_do_not_matter_get_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
