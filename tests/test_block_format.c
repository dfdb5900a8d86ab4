/* Block quantisation against golden blocks, and its bits, scales and sums against their meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/block_format.h"
#include "numerics/rng.h"
#include "tests/golden.h"

enum { MAX_N = 512 };

static enum scale_rule rule_of(const char *name)
{
    return !strcmp(name, "absmax") ? SCALE_ABSMAX
           : !strcmp(name, "rms")  ? SCALE_RMS
                                   : SCALE_SIGNMAX;
}

static int all_zero(const float *x, size_t n)
{
    size_t zeros = 0;
    while (zeros < n && x[zeros] == 0)
        zeros++;
    return zeros == n;
}

static void golden_block(const struct json *row)
{
    double level[MAX_N], xs[MAX_N], want[MAX_N];
    float x[MAX_N], back[MAX_N], scales[MAX_N];
    uint8_t codes[MAX_N];
    const char *name = json_get_string(row, "name", "");
    struct codebook c;
    struct err err;
    size_t n_levels = golden_numbers(json_get(row, "levels"), level, MAX_N),
           n = golden_numbers(json_get(row, "x"), xs, MAX_N);
    size_t block = (size_t)json_get_number(row, "B", 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)xs[i];
    if (!strncmp(name, "int4", 4))
        assert_int_equal(codebook_integer(4, CODEBOOK_INT_TWOS, &c, &err), OK);
    else
        assert_int_equal(codebook_from_levels(level, n_levels, CODEBOOK_TIES_LOWER, 0, &c, &err),
                         OK);
    struct block_format f = {&c,
                             rule_of(json_get_string(row, "scaling", "")),
                             strcmp(json_get_string(row, "scale_format", ""), "bf16") ? SCALE_E8M0
                                                                                      : SCALE_BF16,
                             block,
                             1,
                             0,
                             0,
                             0};
    struct block_kernels k = block_kernels_pick(cpu_features());
    /* as rows of one block, and as one row */
    for (int shape = 0; shape < 2; shape++) {
        size_t rows = shape ? 1 : n / block, cols = n / rows;
        assert_int_equal(block_format_encode(&f, &k, x, rows, cols, codes, scales), 0);
        block_format_decode(&f, codes, scales, rows, cols, back);
        golden_numbers(json_get(row, "scales"), want, MAX_N);
        /* The file gives a block of zeros the scale 1; here it has the smallest one, so that a
         * codebook without 0 gives back (almost) 0 too. */
        for (size_t i = 0; i < n / block; i++)
            if (scales[i] != want[i] && !(scales[i] == FLT_MIN && all_zero(x + i * block, block)))
                fail_msg("%s: scale %zu is %.9g, not %.9g", name, i, scales[i], want[i]);
        golden_numbers(json_get(row, "codes"), want, MAX_N);
        for (size_t i = 0; i < n; i++)
            if (codes[i] != want[i])
                fail_msg("%s: code %zu is %u, not %g", name, i, codes[i], want[i]);
        golden_numbers(json_get(row, "dequant"), want, MAX_N);
        for (size_t i = 0; i < n; i++) /* an f32 level, then an f32 product: 2^-24 twice */
            if (!(fabs(back[i] - want[i]) <= fabs(want[i]) * 0x1.01p-23))
                fail_msg("%s: value %zu is %.9g, not %.9g", name, i, back[i], want[i]);
        struct block_error e = block_format_error(&f, &k, x, rows, cols, NULL);
        double r = block_error_ratio(&e), golden_r = json_get_number(row, "R", NAN);
        /* values off by 2^-23 of x at most: R off by that much */
        if (!(fabs(r - golden_r) <= 0x1p-22))
            fail_msg("%s: R is %.9g, not %.9g", name, r, golden_r);
        assert_int_equal(e.n, n);
    }
}

static void golden_blocks_come_out(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/cube-root-formats.json");
    size_t rows = 0;
    for (const struct json *r = json_first(json_get(root, "blocks")); r; r = json_next(r), rows++)
        golden_block(r);
    assert_int_equal(rows, 7);
    json_free(root);
}

static void the_scale_search_finds_the_golden_multiplier(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/cube-root-formats.json");
    const struct json *s = json_get(root, "scale_search");
    double xs[MAX_N], level[MAX_N], want[17];
    float x[MAX_N];
    struct codebook c;
    struct err err;
    size_t n = golden_numbers(json_get(s, "x"), xs, MAX_N),
           n_levels = golden_numbers(json_get(s, "levels"), level, MAX_N);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)xs[i];
    assert_int_equal(golden_numbers(json_get(s, "R"), want, MAX_N), 17);
    assert_int_equal(codebook_from_levels(level, n_levels, CODEBOOK_TIES_LOWER, 0, &c, &err), OK);
    struct block_format f = {&c, SCALE_RMS, SCALE_F32, BLOCK_TENSOR, 1, 32, 0, 0};
    struct block_kernels k = block_kernels_pick(cpu_features());
    for (int i = 0; i <= 16; i++) {
        f.multiplier = exp2(-2 + i / 4.0);
        struct block_error e = block_format_error(&f, &k, x, 1, n, NULL);
        if (!(fabs(block_error_ratio(&e) - want[i]) < 1e-6))
            fail_msg("multiplier %d: R is %.9g, not %.9g", i, block_error_ratio(&e), want[i]);
    }
    struct block_error best = block_format_search(&f, &k, x, 1, n);
    assert_true(f.multiplier == exp2(-2 + json_get_number(s, "best_k", NAN) / 4));
    assert_true(fabs(block_error_ratio(&best) - want[12]) < 1e-6);
    json_free(root);
}

static void bits_count_every_scale(void **unused)
{
    (void)unused;
    struct codebook c;
    codebook_nf4(&c);
    struct block_format f = {&c, SCALE_ABSMAX, SCALE_BF16, 64, 1, 0, 0, 0};
    assert_true(block_format_bits(&f, 4096, 4096) == 4.25);
    assert_true(block_format_bits(&f, 10, 65) == 4 + 10 * 2 * 16 / 650.0); /* a tail of 1 a row */
    assert_true(block_format_bits(&f, 10, 63) == 4 + 10 * 16 / 630.0);
    f.scale_format = SCALE_E8M0;
    f.block = 32;
    assert_true(block_format_bits(&f, 128, 128) == 4.25);
    f.block = BLOCK_CHANNEL;
    f.scale_format = SCALE_F16;
    assert_true(block_format_bits(&f, 4096, 4096) == 4.00390625);
    f.block = BLOCK_TENSOR;
    f.scale_format = SCALE_F32;
    f.extra_bits = 16 * 32;
    assert_true(block_format_bits(&f, 64, 32) == 4 + (32 + 512) / 2048.0);
    assert_true(block_format_bits(&f, 0, 32) == 0);
    assert_int_equal(block_format_scales(&f, 0, 32), 0);
}

static void ragged_tails_have_a_scale_of_their_own(void **unused)
{
    (void)unused;
    enum { ROWS = 3, COLS = 70 };
    float x[ROWS * COLS], back[ROWS * COLS], scales[6];
    uint8_t codes[ROWS * COLS];
    struct codebook c;
    codebook_nf4(&c);
    for (int i = 0; i < ROWS * COLS; i++) /* tails a hundred times smaller */
        x[i] = (float)(i % COLS < 64 ? 100 : 1) * (float)(i % 5 - 2);
    struct block_format f = {&c, SCALE_ABSMAX, SCALE_BF16, 64, 1, 0, 0, 0};
    struct block_kernels k = block_kernels_pick(0);
    assert_int_equal(block_format_scales(&f, ROWS, COLS), 6);
    block_format_encode(&f, &k, x, ROWS, COLS, codes, scales);
    for (int r = 0; r < ROWS; r++)
        assert_true(scales[2 * r] == 200 && scales[2 * r + 1] == 2);
    block_format_decode(&f, codes, scales, ROWS, COLS, back);
    struct block_error e = block_format_error(&f, &k, x, ROWS, COLS, NULL);
    double sum = 0, most = 0;
    for (int i = 0; i < ROWS * COLS; i++) {
        double d = (double)back[i] - x[i];
        sum += d * d;
        most = fmax(most, fabs(d));
    }
    assert_true(fabs(sum - e.error) <= 1e-12 * sum && most == e.max_error);
}

static void scales_round_within_their_format(void **unused)
{
    (void)unused;
    assert_true(scale_format_round(SCALE_E8M0, 1.0) == 1);
    assert_true(scale_format_round(SCALE_E8M0, 1.0 + 1e-12) == 2); /* f32 would drop the excess */
    assert_true(scale_format_round(SCALE_E8M0, 1.01) == 2);
    assert_true(scale_format_round(SCALE_E8M0, 1e300) == 0x1p127f);
    assert_true(scale_format_round(SCALE_BF16, 1.0 + 0x1p-8) == 1); /* a tie goes to even */
    assert_true(scale_format_round(SCALE_BF16, -(1.0 + 0x1.8p-7)) == -(1 + 0x1p-6f));
    assert_true(scale_format_round(SCALE_BF16, FLT_MAX) == 0x1.fep127f);
    assert_true(scale_format_round(SCALE_F16, 1e9) == 65504);
    assert_true(scale_format_round(SCALE_F16, 1e-9) == 0x1p-14f);
    for (int f = 0; f < SCALE_FORMATS; f++) {
        float least = scale_format_round((enum scale_format)f, 0);
        /* but for E4M3, whose scales are relative to another and may vanish */
        assert_true(f == SCALE_E4M3 ? least == 0 : least >= 0x1p-127f && isfinite(1 / least));
        assert_true(isfinite(scale_format_round((enum scale_format)f, INFINITY)));
        assert_non_null(scale_format_name((enum scale_format)f));
    }
}

static void zeros_cost_nothing_and_specials_are_counted(void **unused)
{
    (void)unused;
    float x[128] = {0};
    uint8_t codes[128];
    float scales[2], back[128];
    struct codebook c;
    codebook_nf4(&c);
    struct block_kernels k = block_kernels_pick(cpu_features());
    for (int rule = SCALE_RMS; rule <= SCALE_SIGNMAX; rule++) {
        struct block_format f = {&c, (enum scale_rule)rule, SCALE_BF16, 64, 1, 0, 0, 0};
        memset(x, 0, sizeof x);
        struct block_error e = block_format_error(&f, &k, x, 2, 64, NULL);
        assert_true(e.error == 0 && block_error_ratio(&e) == 0 && !e.flushed && !e.clipped);
        x[3] = NAN;
        x[70] = INFINITY;
        x[71] = 1;
        assert_int_equal(block_format_encode(&f, &k, x, 2, 64, codes, scales), 2);
        block_format_decode(&f, codes, scales, 2, 64, back);
        assert_true(back[3] == 0 && back[70] == 0 && back[71] > 0);
        e = block_format_error(&f, &k, x, 2, 64, NULL);
        assert_int_equal(e.nonfinite, 2);
        assert_true(isfinite(e.error) && e.squares == 1);
    }
}

/* R is one ratio of two sums over the tensor, also when the tensor comes in parts. */
static void parts_of_a_tensor_add_up(void **unused)
{
    (void)unused;
    enum { ROWS = 40, COLS = 96, PART = 10 };
    static float x[ROWS * COLS];
    struct rng rng = {5};
    for (int i = 0; i < ROWS * COLS; i++)
        x[i] = (float)(rng_normal(&rng) * (1 + i / COLS));
    struct codebook c;
    struct err err;
    assert_int_equal(codebook_named("crd-normal", 0, &c, &err), OK);
    struct block_kernels k = block_kernels_pick(cpu_features());
    static const size_t blocks[] = {32, 64, BLOCK_CHANNEL, BLOCK_TENSOR};
    for (size_t b = 0; b < 4; b++) {
        struct block_format f = {&c, SCALE_RMS, SCALE_BF16, blocks[b], 1, 0, 0, 0};
        struct block_error whole = block_format_error(&f, &k, x, ROWS, COLS, NULL), sum = {0};
        struct quantise_stats all = {0};
        for (int r = 0; r < ROWS; r += PART) {
            struct quantise_stats part;
            k.stats(x + r * COLS, PART * COLS, &part);
            quantise_stats_add(&all, &part);
        }
        float scale = block_format_scale(&f, &all, ROWS * COLS);
        for (int r = 0; r < ROWS; r += PART) {
            struct block_error part = block_format_error(&f, &k, x + r * COLS, PART, COLS,
                                                         blocks[b] == BLOCK_TENSOR ? &scale : NULL);
            block_error_add(&sum, &part);
        }
        assert_int_equal(sum.n, whole.n);
        assert_int_equal(sum.clipped, whole.clipped);
        assert_int_equal(sum.flushed, whole.flushed);
        assert_true(sum.max_error == whole.max_error);
        assert_true(fabs(sum.error / whole.error - 1) < 1e-13);
        assert_true(fabs(sum.squares / whole.squares - 1) < 1e-13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_blocks_come_out),
        cmocka_unit_test(the_scale_search_finds_the_golden_multiplier),
        cmocka_unit_test(bits_count_every_scale),
        cmocka_unit_test(ragged_tails_have_a_scale_of_their_own),
        cmocka_unit_test(scales_round_within_their_format),
        cmocka_unit_test(zeros_cost_nothing_and_specials_are_counted),
        cmocka_unit_test(parts_of_a_tensor_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
