/* Huffman codes and entropy-coded grids: golden costs, exact round trips, costs that meet a target,
 * and streams that are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "datasets/synthetic.h"
#include "numerics/formats/entropy_grid.h"
#include "tests/parity.h"

enum { N = 1 << 20, SEED = 4 };

static struct json *golden(void)
{
    struct json *root;
    struct err err;
    if (json_read("tests/golden/cube-root-formats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    return root;
}

static float *draws(enum synthetic_kind kind, double df, size_t n)
{
    struct rng rng = {SEED};
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    synthetic_fill(kind, &(struct synthetic_params){.df = df}, &rng, x, n);
    return x;
}

/* Weights of 2^36 p, at least 1: symbols so rare that they are raised to it add less than 2^-36
 * times 54 bits each, and rounding a weight as much. */
static void golden_grid(const struct json *row)
{
    size_t half = (size_t)json_get_number(row, "half_n", 0), levels = 2 * half + 1, i = 0;
    uint64_t weight[256];
    double p[256], entropy = 0, mean = 0;
    struct huffman_code code;
    struct err err;
    assert_true(levels <= 256);
    for (const struct json *v = json_first(json_get(row, "probs")); v; v = json_next(v), i++)
        p[i] = p[levels - 1 - i] = json_number(v, NAN);
    assert_int_equal(i, half + 1);
    for (i = 0; i < levels; i++) {
        weight[i] = (uint64_t)fmax(1, p[i] * 0x1p36);
        entropy -= p[i] * log2(p[i]);
    }
    assert_int_equal(huffman_make(weight, levels, &code, &err), OK);
    for (i = 0; i < levels; i++)
        mean += p[i] * code.length[i];
    double want = json_get_number(row, "huffman_mean", NAN);
    if (!(fabs(mean - want) <= (double)levels * 54 * 0x1p-35))
        fail_msg("%zu levels: %.12g bits by Huffman, not %.12g", levels, mean, want);
    assert_true(fabs(entropy - json_get_number(row, "H", NAN)) < 1e-9);
    assert_true(mean >= entropy && mean < entropy + 1);
    huffman_free(&code);
}

static void golden_grids_cost_what_they_should(void **unused)
{
    (void)unused;
    struct json *root = golden();
    size_t rows = 0;
    for (const struct json *r = json_first(json_get(root, "grid")); r; r = json_next(r), rows++)
        golden_grid(r);
    assert_int_equal(rows, 9);
    json_free(root);
}

/* Five standard errors of 2^20 draws: 1.5 bits is the deviation of a symbol's cost, and R^2's
 * relative deviation is that of x^2 for t(10), 1.8. */
static void the_demo_of_t10_comes_out(void **unused)
{
    (void)unused;
    struct json *root = golden();
    const struct json *demo = json_get(root, "t10_demo");
    float *x = draws(SYNTHETIC_STUDENT_T, 10, N);
    struct entropy_grid g = {(size_t)json_get_number(demo, "half_n", 0), 0};
    g.delta = (float)(json_get_number(demo, "delta_unscaled", NAN) / sqrt(10.0 / 8));
    uint64_t count[256] = {0}, total = 0;
    double squares = 0, error = 0;
    uint16_t *codes = malloc(N * sizeof *codes);
    assert_non_null(codes);
    entropy_grid_count(&g, x, N, count);
    entropy_grid_encode(&g, x, N, codes);
    for (size_t i = 0; i < N; i++) {
        double off = entropy_grid_level(&g, codes[i]) - (double)x[i];
        error += off * off;
        squares += (double)x[i] * x[i];
    }
    for (size_t i = 0; i < entropy_grid_levels(&g); i++)
        total += count[i];
    assert_int_equal(total, N);
    double bits = entropy_bits(count, entropy_grid_levels(&g)), r = sqrt(error / squares);
    double want_bits = json_get_number(demo, "H", NAN), want_r = json_get_number(demo, "R", NAN);
    if (!(fabs(bits - want_bits) <= 5 * 1.5 / 1024) ||
        !(fabs(r - want_r) <= 5 * 1.8 / 2 / 1024 * want_r))
        fail_msg("seed %d: %.6g bits and R %.6g, not %.6g and %.6g", SEED, bits, r, want_bits,
                 want_r);
    free(x);
    free(codes);
    json_free(root);
}

static void streams_give_their_symbols_back(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t n = 0; n <= 260; n++)
        for (int skew = 0; skew < 3; skew++) {
            /* Fibonacci weights have the longest words that there are */
            uint64_t weight[50] = {1, 1};
            size_t symbols = skew == 2 ? 50 : 1 + rng_below(&rng, 50);
            for (size_t i = 2; i < 50; i++)
                weight[i] = weight[i - 1] + weight[i - 2];
            for (size_t i = 0; i < symbols && skew < 2; i++)
                weight[i] = skew ? 1 + rng_below(&rng, 1000) : 1;
            struct huffman_code code;
            struct err err;
            assert_int_equal(huffman_make(weight, symbols, &code, &err), OK);
            uint16_t in[260], out[260];
            for (size_t i = 0; i < n; i++)
                in[i] = (uint16_t)rng_below(&rng, (uint32_t)symbols);
            uint64_t bits = huffman_bits(&code, in, n);
            size_t bytes = huffman_bytes(bits);
            uint8_t *stream = parity_alloc(bytes);
            memset(stream, 0xff, bytes);
            assert_int_equal(huffman_encode(&code, in, n, stream), bits);
            for (size_t i = 0; i < HUFFMAN_PADDING; i++)
                assert_int_equal(stream[bytes - 1 - i], 0);
            assert_int_equal(huffman_decode(&code, stream, bytes, n, out, &err), OK);
            if (memcmp(in, out, n * sizeof *in))
                fail_msg("seed %d, n = %zu, skew %d: other symbols", SEED, n, skew);
            /* a symbol more than there is: the words of up to 7 bits of filling are none of ours */
            enum status s = OK;
            for (size_t i = 0; i < 8 && !s; i++)
                s = huffman_decode(&code, stream, bytes, n < 252 ? n + i + 1 : 260, out, &err);
            assert_int_equal(n < 252 ? s : E_FORMAT, E_FORMAT);
            parity_free(stream, bytes);
            huffman_free(&code);
        }
}

static void damaged_streams_are_refused_or_decoded_within_bounds(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    uint64_t weight[7] = {1, 1, 2, 3, 5, 8, 13};
    struct huffman_code code;
    struct err err;
    assert_int_equal(huffman_make(weight, 7, &code, &err), OK);
    for (int round = 0; round < 2000; round++) {
        size_t bytes = rng_below(&rng, 40);
        uint16_t out[260];
        uint8_t *stream = parity_alloc(bytes);
        for (size_t i = 0; i < bytes; i++)
            stream[i] = (uint8_t)rng_u64(&rng);
        enum status s = huffman_decode(&code, stream, bytes, 260, out, &err);
        assert_true(s == OK || s == E_FORMAT);
        assert_true(s == E_FORMAT || bytes >= 260 / 8);
        parity_free(stream, bytes);
    }
    huffman_free(&code);
}

static void weights_that_make_no_code_are_refused(void **unused)
{
    (void)unused;
    struct huffman_code code;
    struct err err;
    uint64_t zero[2] = {1, 0}, huge[2] = {HUFFMAN_MAX_TOTAL - 1, 1};
    assert_int_equal(huffman_make(zero, 2, &code, &err), E_USAGE);
    assert_int_equal(huffman_make(huge, 2, &code, &err), E_USAGE);
    assert_int_equal(huffman_make(huge, 0, &code, &err), E_USAGE);
}

static void words_are_prefix_free_and_complete(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int round = 0; round < 200; round++) {
        uint64_t weight[300];
        size_t n = 2 + rng_below(&rng, 299);
        for (size_t i = 0; i < n; i++)
            weight[i] = 1 + (uint64_t)exp2(30 * rng_uniform(&rng));
        struct huffman_code code;
        assert_int_equal(huffman_make(weight, n, &code, NULL), OK);
        double kraft = 0;
        for (size_t i = 0; i < n; i++) {
            int length;
            kraft += exp2(-code.length[i]);
            uint64_t window = code.word[i] << (64 - code.length[i]);
            assert_int_equal(huffman_first(&code, window, &length), i);
            assert_int_equal(length, code.length[i]);
            window |= UINT64_MAX >> code.length[i];
            assert_int_equal(huffman_first(&code, window, &length), i);
        }
        assert_true(kraft == 1);
        huffman_free(&code);
    }
}

/* The finest grid within a budget, whose next finer one is above it. */
static void the_fitted_grid_meets_its_budget(void **unused)
{
    (void)unused;
    enum { SOME = 1 << 16 };
    float *x = draws(SYNTHETIC_STUDENT_T, 5, SOME);
    for (int coder = ENTROPY_IDEAL; coder <= ENTROPY_HUFFMAN; coder++)
        for (double bits = 1.5; bits < 7; bits += 0.75) {
            struct entropy_grid g;
            struct block_error error = {0};
            double cost, true_bits;
            struct err err;
            assert_int_equal(
                entropy_grid_fit(x, SOME, bits, (enum entropy_coder)coder, &g, &cost, &err), OK);
            if (!(cost <= bits && cost > bits - 0.25))
                fail_msg("seed %d, coder %d: %g bits for %g", SEED, coder, cost, bits);
            assert_int_equal(entropy_grid_code(x, SOME, bits, (enum entropy_coder)coder, &error,
                                               &true_bits, &err),
                             OK);
            assert_true(fabs(true_bits - cost - (8 * (double)entropy_grid_levels(&g) + 32) / SOME) <
                        1e-12);
            assert_int_equal(error.n, SOME);
            /* no element is off by more than half a step, and a uniform error has a third of that
             * squared: the steps are narrow against the density but at the fewest bits */
            assert_true(error.max_error <= g.delta * 0.50001);
            double uniform = sqrt(SOME / 12.0) * g.delta;
            if (bits > 2.9 && !(fabs(sqrt(error.error) / uniform - 1) < 0.05))
                fail_msg("seed %d, %g bits: error %g, a uniform one is %g", SEED, bits,
                         sqrt(error.error), uniform);
        }
    free(x);
}

static void edges_have_a_meaning(void **unused)
{
    (void)unused;
    float special[6] = {NAN, INFINITY, -INFINITY, 0, 1, -1}, zeros[5] = {0}, tiny[2] = {1e-45f, 0};
    struct entropy_grid g;
    double cost, bits;
    struct block_error error = {0};
    assert_int_equal(entropy_grid_fit(NULL, 0, 3, ENTROPY_HUFFMAN, &g, &cost, NULL), OK);
    assert_int_equal(entropy_grid_fit(zeros, 5, 3, ENTROPY_HUFFMAN, &g, &cost, NULL), OK);
    assert_int_equal(entropy_grid_code(tiny, 2, 3, ENTROPY_IDEAL, &error, &bits, NULL), OK);
    assert_int_equal(error.flushed, 1);
    error = (struct block_error){0};
    assert_int_equal(entropy_grid_code(special, 6, 3, ENTROPY_HUFFMAN, &error, &bits, NULL), OK);
    assert_int_equal(error.nonfinite, 3);
    assert_true(error.error == 0 && error.squares == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_grids_cost_what_they_should),
        cmocka_unit_test(the_demo_of_t10_comes_out),
        cmocka_unit_test(streams_give_their_symbols_back),
        cmocka_unit_test(damaged_streams_are_refused_or_decoded_within_bounds),
        cmocka_unit_test(weights_that_make_no_code_are_refused),
        cmocka_unit_test(words_are_prefix_free_and_complete),
        cmocka_unit_test(the_fitted_grid_meets_its_budget),
        cmocka_unit_test(edges_have_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
