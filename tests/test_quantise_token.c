/* Per-token int8 activations: every instruction set gives the bits of the reference, and the
 * reference those of the definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/kernels/quantise_token.h"
#include "tests/parity.h"

enum { LONGEST = 300, SEED = 41, MOST_BLOCKS = LONGEST / 16 + 16 };

static size_t padded_to(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static void same(const float *x, size_t n, size_t unit, size_t block, unsigned features)
{
    size_t padded = padded_to(n, unit);
    int32_t want_sums[MOST_BLOCKS], got_sums[MOST_BLOCKS], want_sum, got_sum = 1;
    int8_t *want = parity_alloc(padded), *got = parity_alloc(padded);
    float s = quantise_token_ref(x, n, padded, block, want, want_sums, &want_sum);
    for (const struct kernel_variant *v = quantise_token_variants; v->isa; v++) {
        if (v->needs & ~features)
            continue;
        memset(got, 77, padded);
        float t = ((quantise_token_fn *)v->fn)(x, n, padded, block, got, got_sums, &got_sum);
        size_t blocks = block ? padded / block : 0;
        if (!(s == t || (isnan(s) && isnan(t))) || memcmp(want, got, padded) ||
            want_sum != got_sum || memcmp(want_sums, got_sums, blocks * sizeof *got_sums))
            fail_msg("quantise_token_%s, n = %zu, block %zu: s %a, not %a; sum %d, not %d", v->isa,
                     n, block, (double)t, (double)s, got_sum, want_sum);
    }
    parity_free(want, padded);
    parity_free(got, padded);
}

static void every_variant_gives_the_bits_of_the_reference(void **unused)
{
    (void)unused;
    static const float special[] = {0,       -0.0f,    1e-5f,     1e-6f, FLT_MAX,
                                    FLT_MIN, INFINITY, -INFINITY, NAN,   -FLT_TRUE_MIN};
    static const size_t blocks[] = {0, 16, 32, 64, 128, 256};
    struct rng rng = {SEED};
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
            float *x = parity_normal(&rng, n);
            same(x, n, blocks[b] ? blocks[b] : 16, blocks[b], cpu_features());
            if (n) {
                x[rng_below(&rng, (uint32_t)n)] = special[(n + b) % 10];
                same(x, n, 5 * (blocks[b] ? blocks[b] : 16), blocks[b], cpu_features());
            }
            parity_free(x, n * sizeof *x);
        }
}

static void ties_go_to_even_and_the_largest_magnitude_to_127(void **unused)
{
    (void)unused;
    float x[16] = {127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, 125.5f};
    static const int8_t want[16] = {127, -127, 0, 2, 2, 0, -2, -2, 126, 126};
    int8_t q[16];
    int32_t sum;
    assert_true(quantise_token_ref(x, 16, 16, 0, q, NULL, &sum) == 1);
    assert_memory_equal(q, want, 16);
    assert_int_equal(sum, 252);
}

static void a_token_that_is_not_finite_has_no_scale(void **unused)
{
    (void)unused;
    float x[3] = {1, NAN, 2};
    int8_t q[16];
    int32_t sum, block_sum;
    assert_true(isnan(quantise_token_ref(x, 3, 16, 16, q, &block_sum, &sum)));
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(q[i], 0);
    assert_int_equal(sum, 0);
    assert_int_equal(block_sum, 0);
}

static void small_tokens_are_not_blown_up(void **unused)
{
    (void)unused;
    float x[2] = {1e-6f, -5e-6f};
    int8_t q[16];
    int32_t sum;
    float s = quantise_token_ref(x, 2, 16, 0, q, NULL, &sum);
    assert_true(s == 127 / 1e-5f);
    assert_int_equal(q[0], 13);  /* 12.7 */
    assert_int_equal(q[1], -64); /* -63.5000023: 1e-5f is a little low */
}

/* The golden file's s is of binary64; no x * s of it is near a tie. */
static void golden_tokens_come_out(void **unused)
{
    (void)unused;
    struct json *root = NULL;
    struct err err;
    if (json_read("tests/golden/bitnet-b158.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    size_t cols = (size_t)json_get_number(root, "K", 0);
    size_t tokens = (size_t)json_get_number(root, "M", 0);
    const struct json *x = json_first(json_get(root, "x")), *q = json_first(json_get(root, "q"));
    const struct json *s = json_first(json_get(root, "s"));
    const struct json *sums = json_first(json_get(root, "act_sum"));
    assert_true(cols == 256 && tokens == 2);
    for (size_t t = 0; t < tokens; t++, s = json_next(s), sums = json_next(sums)) {
        float token[256];
        int8_t codes[256];
        int32_t sum;
        for (size_t c = 0; c < cols; c++, x = json_next(x))
            token[c] = (float)json_number(x, NAN);
        float got = quantise_token_ref(token, cols, cols, 0, codes, NULL, &sum);
        assert_true(got == (float)json_number(s, NAN));
        assert_int_equal(sum, (int)json_number(sums, NAN));
        for (size_t c = 0; c < cols; c++, q = json_next(q))
            assert_int_equal(codes[c], (int)json_number(q, NAN));
    }
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_tokens_come_out),
        cmocka_unit_test(every_variant_gives_the_bits_of_the_reference),
        cmocka_unit_test(ties_go_to_even_and_the_largest_magnitude_to_127),
        cmocka_unit_test(a_token_that_is_not_finite_has_no_scale),
        cmocka_unit_test(small_tokens_are_not_blown_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
