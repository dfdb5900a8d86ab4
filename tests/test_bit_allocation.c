/* Bits for each tensor: the golden allocation, and that no other is better. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "datasets/json.h"
#include "numerics/formats/bit_allocation.h"
#include "numerics/rng.h"

enum { MAX_TENSORS = 16, SEED = 6 };

static size_t numbers(const struct json *object, const char *key, double *out)
{
    size_t n = 0;
    for (const struct json *v = json_first(json_get(object, key)); v && n < MAX_TENSORS;
         v = json_next(v))
        out[n++] = json_number(v, NAN);
    return n;
}

static void the_golden_allocation_comes_out(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *g = json_get(root, "bit_alloc");
    double rms[MAX_TENSORS], fisher[MAX_TENSORS], count[MAX_TENSORS], want[MAX_TENSORS];
    double rounded[MAX_TENSORS], bits[MAX_TENSORS], mean = json_get_number(g, "b_avg", NAN);
    struct bit_tensor t[MAX_TENSORS];
    size_t n = numbers(g, "rms", rms);
    assert_int_equal(n, 6);
    numbers(g, "fisher_mean", fisher);
    numbers(g, "nelem", count);
    numbers(g, "bits", want);
    numbers(g, "bits_rounded", rounded);
    for (size_t i = 0; i < n; i++)
        t[i] = (struct bit_tensor){count[i], rms[i], fisher[i]};
    assert_int_equal(bit_allocation(t, n, mean, bits, &err), OK);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(bits[i] - want[i]) < 1e-12);
    assert_true(fabs(bit_allocation_mean(t, n, bits) - mean) < 1e-12);
    double flat = bit_allocation_divergence(t, n, NULL, mean, 1);
    double least = bit_allocation_divergence(t, n, bits, mean, 1);
    assert_true(fabs(flat / json_get_number(g, "kl_flat", NAN) - 1) < 1e-12);
    assert_true(fabs(least / json_get_number(g, "kl_opt", NAN) - 1) < 1e-12);
    assert_true(fabs(log2(flat / least) / 2 - json_get_number(g, "equivalent_bits_saved", NAN)) <
                1e-12);
    /* any other allocation of the same mean has more divergence */
    struct rng rng = {SEED};
    for (int round = 0; round < 1000; round++) {
        double other[MAX_TENSORS];
        for (size_t i = 0; i < n; i++)
            other[i] = bits[i] + rng_normal(&rng);
        double off = bit_allocation_mean(t, n, other) - mean;
        for (size_t i = 0; i < n; i++)
            other[i] -= off;
        if (!(bit_allocation_divergence(t, n, other, mean, 1) > least))
            fail_msg("seed %d, round %d: a better allocation", SEED, round);
    }
    bit_allocation_round(bits, n, 2);
    for (size_t i = 0; i < n; i++)
        assert_true(bits[i] == rounded[i]);
    json_free(root);
}

static void rounding_is_to_even_and_clamped(void **unused)
{
    (void)unused;
    double bits[] = {2.5, 3.5, -4, 4.6};
    bit_allocation_round(bits, 4, 3);
    assert_true(bits[0] == 3 && bits[1] == 4 && bits[2] == 3 && bits[3] == 5);
}

static void tensors_without_a_worth_are_refused(void **unused)
{
    (void)unused;
    double bits[1];
    struct bit_tensor bad[] = {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {1, NAN, 1}, {1, 1, INFINITY}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(bit_allocation(bad + i, 1, 4, bits, NULL), E_USAGE);
    assert_int_equal(bit_allocation(bad, 0, 4, bits, NULL), E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_allocation_comes_out),
        cmocka_unit_test(rounding_is_to_even_and_clamped),
        cmocka_unit_test(tensors_without_a_worth_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
