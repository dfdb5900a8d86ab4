/* Packed weights times 8-bit tokens: packing loses nothing, sums are exact, and every instruction
 * set meets the bound that the header derives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/float_format.h"
#include "numerics/kernels/gemm_i8.h"
#include "numerics/kernels/quantise_token.h"
#include "tests/parity.h"

enum { SEED = 51, MOST_TOKENS = 32 };

/* A packed matrix and tokens, each before an unmapped page. */
struct problem {
    struct gemm_i8_matrix w;
    struct gemm_i8_tokens x;
    size_t padded, packed_bytes;
    uint8_t *codes, *packed, *scales;
    int8_t *q;
    float *s;
    int32_t *sum, *block_sums;
};

static size_t scale_size(const struct gemm_i8_format *f)
{
    static const size_t size[] = {0, sizeof(float), sizeof(uint16_t), 1, 1};
    return size[f->scale];
}

static size_t scales_of_row(const struct gemm_i8_format *f, size_t cols, size_t block)
{
    return f->scale == GEMM_I8_TENSOR ? 0 : block ? (cols + block - 1) / block : 1;
}

static void draw_scale(const struct gemm_i8_format *f, struct rng *rng, uint8_t *out)
{
    float scale = (float)(rng_normal(rng) * exp2(rng_uniform(rng) * 8 - 4));
    uint16_t bits = bf16_from_f32(scale);
    switch (f->scale) {
    case GEMM_I8_TENSOR:
        break;
    case GEMM_I8_ROW:
        memcpy(out, &scale, sizeof scale);
        break;
    case GEMM_I8_BF16:
        memcpy(out, &bits, sizeof bits);
        break;
    case GEMM_I8_E8M0:
        *out = (uint8_t)(110 + rng_below(rng, 30));
        break;
    case GEMM_I8_E4M3: /* subnormal and negative ones too */
        do
            *out = (uint8_t)rng_below(rng, 256);
        while ((*out & 127) == 127);
        break;
    }
}

static void pack(struct problem *p)
{
    gemm_i8_pack(p->w.format, p->codes, p->scales, p->w.rows, p->w.cols, p->w.block, p->packed);
}

static void sum_tokens(struct problem *p)
{
    size_t blocks = p->w.block ? p->padded / p->w.block : 0;
    for (size_t t = 0; t < p->x.m; t++) {
        p->sum[t] = 0;
        for (size_t c = 0; c < p->padded; c++)
            p->sum[t] += p->q[t * p->padded + c];
        for (size_t b = 0; b < blocks; b++) {
            int32_t *sum = p->block_sums + t * blocks + b;
            *sum = 0;
            for (size_t c = b * p->w.block; c < (b + 1) * p->w.block; c++)
                *sum += p->q[t * p->padded + c];
        }
    }
}

static struct problem problem_open(const struct gemm_i8_format *f, size_t rows, size_t cols,
                                   size_t block, size_t m, struct rng *rng)
{
    struct problem p = {.w = {.format = f,
                              .rows = rows,
                              .cols = cols,
                              .block = block,
                              .scale = 0.37f,
                              .low = -0.91f,
                              .high = 1.11f}};
    p.padded = gemm_i8_padded_cols(f, cols, block);
    p.packed_bytes = gemm_i8_bytes(f, rows, cols, block);
    p.codes = parity_alloc(rows * cols);
    p.packed = parity_alloc(p.packed_bytes);
    size_t scales = rows * scales_of_row(f, cols, block), size = scale_size(f);
    p.scales = parity_alloc(scales * size);
    for (size_t i = 0; i < rows * cols; i++)
        p.codes[i] = (uint8_t)rng_below(rng, f->codes);
    for (size_t i = 0; i < scales; i++)
        draw_scale(f, rng, p.scales + i * size);
    p.q = parity_alloc(m * p.padded);
    p.s = parity_alloc(m * sizeof *p.s);
    p.sum = parity_alloc(m * sizeof *p.sum);
    p.block_sums = parity_alloc(block ? m * p.padded / block * sizeof *p.block_sums : 0);
    for (size_t t = 0; t < m; t++) {
        p.s[t] = (float)exp2(rng_normal(rng));
        for (size_t c = 0; c < p.padded; c++)
            p.q[t * p.padded + c] = (int8_t)(c < cols ? (int)rng_below(rng, 256) - 128 : 0);
    }
    p.x = (struct gemm_i8_tokens){p.q, p.s, p.sum, p.block_sums, p.padded, m};
    p.w.tiles = p.packed;
    pack(&p);
    sum_tokens(&p);
    return p;
}

static void problem_close(struct problem *p)
{
    const struct gemm_i8_format *f = p->w.format;
    size_t rows = p->w.rows, m = p->x.m, block = p->w.block;
    parity_free(p->codes, rows * p->w.cols);
    parity_free(p->packed, p->packed_bytes);
    parity_free(p->scales, rows * scales_of_row(f, p->w.cols, block) * scale_size(f));
    parity_free(p->q, m * p->padded);
    parity_free(p->s, m * sizeof *p->s);
    parity_free(p->sum, m * sizeof *p->sum);
    parity_free(p->block_sums, block ? m * p->padded / block * sizeof *p->block_sums : 0);
}

/* Every variant within its bound of the reference, in rows row0 .. row1-1 alone. */
static void variants_agree(const struct problem *p, size_t row0, size_t row1)
{
    size_t rows = p->w.rows, m = p->x.m, bytes = m * rows * sizeof(float);
    float *want = parity_alloc(bytes), *got = parity_alloc(bytes);
    gemm_i8_ref(&p->w, &p->x, want, row0, row1);
    for (const struct kernel_variant *v = gemm_i8_variants + 1; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        for (size_t i = 0; i < m * rows; i++)
            got[i] = 12345;
        ((gemm_i8_fn *)v->fn)(&p->w, &p->x, got, row0, row1);
        for (size_t t = 0; t < m; t++)
            for (size_t r = 0; r < rows; r++) {
                float y = got[t * rows + r], reference = want[t * rows + r];
                if (r < row0 || r >= row1) {
                    if (y != 12345)
                        fail_msg("%s: row %zu is not asked for and written", v->isa, r);
                    continue;
                }
                if (y == reference || (isnan(y) && isnan(reference)))
                    continue;
                double bound = gemm_i8_bound(&p->w, &p->x, t, r);
                if (!(fabs((double)y - reference) <= bound) && !(isnan(y) && isnan(reference)) &&
                    y != reference)
                    fail_msg("%s_%s, seed %d: %zu x %zu, block %zu, token %zu of %zu, row %zu: "
                             "%.9g, not %.9g +- %.3g",
                             p->w.format->name, v->isa, SEED, rows, p->w.cols, p->w.block, t, m, r,
                             (double)y, (double)reference, bound);
            }
    }
    parity_free(want, bytes);
    parity_free(got, bytes);
}

static void every_variant_meets_its_bound_at_every_length(void **unused)
{
    (void)unused;
    static const size_t tokens[] = {1, 2, 3, 8, 17, 32};
    struct rng rng = {SEED};
    for (const struct gemm_i8_format *f = gemm_i8_formats; f->name; f++)
        for (size_t cols = 0; cols <= 260; cols++)
            for (size_t block = f->min_block; block <= f->max_block; block = 2 * block + !block) {
                size_t m = tokens[rng_below(&rng, cols % 16 ? 3 : 6)];
                size_t rows = 1 + rng_below(&rng, 35);
                struct problem p = problem_open(f, rows, cols, block, m, &rng);
                variants_agree(&p, 0, rows);
                if (rows > GEMM_I8_TILE)
                    variants_agree(&p, GEMM_I8_TILE, rows);
                problem_close(&p);
            }
}

static void every_number_of_tokens_is_served(void **unused)
{
    (void)unused;
    struct rng rng = {SEED + 1};
    for (const struct gemm_i8_format *f = gemm_i8_formats; f->name; f++)
        for (size_t m = 1; m <= MOST_TOKENS; m++) {
            struct problem p = problem_open(f, 19, 331, f->max_block, m, &rng);
            variants_agree(&p, 0, 16);
            variants_agree(&p, 0, 19);
            problem_close(&p);
        }
}

static void packing_loses_no_code(void **unused)
{
    (void)unused;
    struct rng rng = {SEED + 2};
    for (const struct gemm_i8_format *f = gemm_i8_formats; f->name; f++)
        for (size_t cols = 1; cols <= 260; cols += 7) {
            struct problem p = problem_open(f, 21, cols, f->min_block, 1, &rng);
            uint8_t *back = parity_alloc(21 * cols);
            gemm_i8_unpack(&p.w, back);
            if (memcmp(back, p.codes, 21 * cols))
                fail_msg("%s, %zu columns: a code changed", f->name, cols);
            parity_free(back, 21 * cols);
            problem_close(&p);
        }
}

/* The sum in integers from the codes, by the definition. */
static int64_t exact(const struct problem *p, size_t token, size_t row)
{
    int64_t sum = 0;
    for (size_t c = 0; c < p->w.cols; c++)
        sum += p->w.format->value(p->codes[row * p->w.cols + c]) * p->q[token * p->padded + c];
    return sum;
}

/* All weights and activations at an end, or random: with scales of one, the sum itself comes out,
 * up to the one conversion to f32. */
static void sums_are_exact_at_the_extremes(void **unused)
{
    (void)unused;
    static const int ends[] = {-128, -127, 127};
    static const float one = 1;
    enum { COLS = 16384, ROWS = GEMM_I8_TILE };
    struct rng rng = {SEED + 3};
    for (const struct gemm_i8_format *f = gemm_i8_formats; f->name; f++)
        for (size_t m = 1; m <= 2; m++)
            for (unsigned end = 0; end < 10; end += m == 1 ? 1 : 3) {
                struct problem p = problem_open(f, ROWS, COLS, f->max_block, m, &rng);
                unsigned least = 0, most = 0;
                for (unsigned c = 0; c < f->codes; c++) {
                    least = f->value(c) < f->value(least) ? c : least;
                    most = f->value(c) > f->value(most) ? c : most;
                }
                for (size_t i = 0; end < 9 && i < ROWS * COLS; i++)
                    p.codes[i] = (uint8_t)(end % 3 == 0   ? least
                                           : end % 3 == 1 ? most
                                           : i % 2        ? least
                                                          : most);
                for (size_t i = 0; end < 9 && i < m * COLS; i++)
                    p.q[i / COLS * p.padded + i % COLS] = (int8_t)ends[end / 3];
                for (size_t i = 0; i < ROWS * scales_of_row(f, COLS, p.w.block); i++) {
                    uint16_t bits = bf16_from_f32(1);
                    if (f->scale == GEMM_I8_ROW)
                        memcpy(p.scales + i * sizeof one, &one, sizeof one);
                    else if (f->scale == GEMM_I8_BF16)
                        memcpy(p.scales + i * sizeof bits, &bits, sizeof bits);
                    else
                        p.scales[i] = f->scale == GEMM_I8_E8M0 ? 127 : 0x38;
                }
                p.w.scale = 1 / f->unit;
                p.w.low = 0;
                p.w.high = 1;
                p.s[0] = p.s[m - 1] = 1;
                pack(&p);
                sum_tokens(&p);
                float y[2 * ROWS];
                for (const struct kernel_variant *v = gemm_i8_variants; v->isa; v++) {
                    if (v->needs & ~cpu_features())
                        continue;
                    ((gemm_i8_fn *)v->fn)(&p.w, &p.x, y, 0, ROWS);
                    for (size_t t = 0; t < m; t++)
                        for (size_t r = 0; r < ROWS; r++) {
                            /* without blocks one rounding; with them a sum below 2^24 has none, and
                             * a larger one is a multiple of what all blocks have in common */
                            double want = (double)exact(&p, t, r), got = y[t * ROWS + r];
                            double bound = fabs(want) < 0x1p24 && end < 9
                                               ? 0
                                               : gemm_i8_bound(&p.w, &p.x, t, r);
                            if (!f->max_block)
                                bound = fabs((float)want - want);
                            if (!(fabs(got - want) <= bound))
                                fail_msg("%s_%s, case %u, m = %zu: %.1f, not %.1f +- %.1f", f->name,
                                         v->isa, end, m, got, want, bound);
                        }
                }
                problem_close(&p);
            }
}

/* Scales that are no numbers, and the least of their formats. */
static void special_scales_propagate(void **unused)
{
    (void)unused;
    struct rng rng = {SEED + 4};
    static const struct {
        const char *format;
        uint8_t scale;
    } special[] = {{"mxfp4", 0},    {"mxfp4", 1},   {"mxfp4", 254},  {"mxfp4", 255},
                   {"nvfp4", 1},    {"nvfp4", 7},   {"nvfp4", 0x7e}, {"nvfp4", 0x7f},
                   {"nvfp4", 0xff}, {"nvfp4", 0x80}};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        const struct gemm_i8_format *f = gemm_i8_format_find(special[i].format);
        struct problem p = problem_open(f, 16, f->max_block, f->max_block, 1, &rng);
        p.w.scale = special[i].scale < 128 ? 1 : 0x1p-20f;
        memset(p.scales, special[i].scale, 16);
        pack(&p);
        variants_agree(&p, 0, 16);
        float y[16];
        gemm_i8_ref(&p.w, &p.x, y, 0, 16);
        bool nan = special[i].scale == 255 || (f->max_block == 16 && special[i].scale == 127);
        assert_true(!isnan(y[0]) == !nan);
        problem_close(&p);
    }
    struct problem p = problem_open(gemm_i8_format_find("int8"), 16, 40, 0, 2, &rng);
    p.s[1] = NAN;
    variants_agree(&p, 0, 16);
    problem_close(&p);
}

static void golden_ternary_layer_comes_out(void **unused)
{
    (void)unused;
    struct json *root = NULL;
    struct err err;
    if (json_read("tests/golden/bitnet-b158.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    enum { N = 4, K = 256, M = 2 };
    uint8_t codes[N * K], packed[4 * N * K + 512 * 4];
    int8_t q[M * 320] = {0};
    float s[M], y[M * N];
    int32_t sum[M];
    const struct json *t = json_first(json_get(root, "t")), *x = json_first(json_get(root, "q"));
    const struct json *scale = json_first(json_get(root, "s"));
    const struct json *act_sum = json_first(json_get(root, "act_sum"));
    for (size_t i = 0; i < N * K; i++, t = json_next(t))
        codes[i] = (uint8_t)(json_number(t, NAN) + 1);
    for (size_t i = 0; i < M * K; i++, x = json_next(x))
        q[i / K * 320 + i % K] = (int8_t)json_number(x, NAN);
    for (size_t m = 0; m < M; m++, scale = json_next(scale), act_sum = json_next(act_sum)) {
        s[m] = (float)json_number(scale, NAN);
        sum[m] = (int32_t)json_number(act_sum, NAN);
    }
    static const char *const formats[] = {"ternary", "ternary-base3"};
    for (size_t i = 0; i < 2; i++) {
        struct gemm_i8_matrix w = {gemm_i8_format_find(formats[i]),
                                   packed,
                                   N,
                                   K,
                                   0,
                                   (float)json_get_number(root, "gamma", NAN),
                                   0,
                                   0};
        assert_true(gemm_i8_bytes(w.format, N, K, 0) <= sizeof packed);
        gemm_i8_pack(w.format, codes, NULL, N, K, 0, packed);
        for (const struct kernel_variant *v = gemm_i8_variants; v->isa; v++) {
            if (v->needs & ~cpu_features())
                continue;
            const struct json *want = json_first(json_get(root, "y"));
            const struct json *dot = json_first(json_get(root, "dot"));
            float ones[M] = {1, 1};
            struct gemm_i8_tokens tokens = {q, s, sum, NULL, 320, M};
            ((gemm_i8_fn *)v->fn)(&w, &tokens, y, 0, N);
            for (size_t k = 0; k < M * N; k++, want = json_next(want)) {
                /* gamma and s rounded to f32, their quotient, the product: four roundings */
                double value = json_number(want, NAN);
                assert_true(fabs(y[k] - value) <= 5 * 0x1p-24 * fabs(value));
            }
            struct gemm_i8_matrix plain = w;
            plain.scale = 1;
            tokens.s = ones;
            ((gemm_i8_fn *)v->fn)(&plain, &tokens, y, 0, N);
            for (size_t k = 0; k < M * N; k++, dot = json_next(dot))
                assert_true(y[k] == json_number(dot, NAN));
        }
    }
    json_free(root);
}

static void digit_bytes_are_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = NULL;
    struct err err;
    if (json_read("tests/golden/bitnet-b158.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    const struct json *byte = json_first(json_get(root, "trit"));
    for (unsigned n = 0; n < 243; n++, byte = json_next(byte)) {
        uint8_t got = gemm_i8_digit_byte(n);
        assert_int_equal(got, (int)json_number(byte, NAN));
        unsigned back = 0;
        for (unsigned d = 0; d < 5; d++)
            back = 3 * back + gemm_i8_digit(got, d);
        assert_int_equal(back, n);
    }
    json_free(root);
    assert_int_equal(gemm_i8_digit_byte(2 * 81 + 0 * 27 + 1 * 9 + 2 * 3 + 1), 188);
}

/* Codes count up: two's complement, and OCP's sign and magnitude. */
static void codes_mean_what_their_formats_say(void **unused)
{
    (void)unused;
    static const char *const floats[][2] = {
        {"mxfp4", "e2m1"}, {"nvfp4", "e2m1"}, {"fp6-e2m3", "e2m3"}};
    for (size_t i = 0; i < 3; i++) {
        const struct gemm_i8_format *f = gemm_i8_format_find(floats[i][0]);
        for (unsigned c = 0; c < f->codes; c++)
            assert_true(f->value(c) * f->unit ==
                        float_format_decode(float_format_find(floats[i][1]), c));
    }
    for (int v = -8; v < 8; v++)
        assert_int_equal(gemm_i8_code(gemm_i8_format_find("int4"), v), v & 15);
    for (int v = -128; v < 128; v++)
        assert_int_equal(gemm_i8_code(gemm_i8_format_find("int8"), v), v & 255);
    assert_int_equal(gemm_i8_code(gemm_i8_format_find("ternary"), 5), 3);
    assert_null(gemm_i8_format_find("int5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_mean_what_their_formats_say),
        cmocka_unit_test(digit_bytes_are_the_golden_ones),
        cmocka_unit_test(packing_loses_no_code),
        cmocka_unit_test(golden_ternary_layer_comes_out),
        cmocka_unit_test(every_variant_meets_its_bound_at_every_length),
        cmocka_unit_test(every_number_of_tokens_is_served),
        cmocka_unit_test(sums_are_exact_at_the_extremes),
        cmocka_unit_test(special_scales_propagate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
