/* Every instruction set of the block kernels gives the bits of the reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "numerics/kernels/quantise.h"
#include "tests/parity.h"

enum { LONGEST = 200, SEED = 21 };

/* Codebooks of every kind of kernel: 2 to 256 levels, integers, floats, directed rounding. */
static size_t codebooks(struct codebook *out)
{
    struct err err;
    size_t n = 0;
    for (int bits = 2; bits <= 8; bits++)
        for (int c = CODEBOOK_INT_TWOS; c <= CODEBOOK_INT_HALF; c++)
            assert_int_equal(codebook_integer(bits, (enum codebook_int)c, &out[n++], &err), OK);
    static const size_t levels[] = {2, 3, 5, 15, 16, 17, 31, 32, 33, 64, 100, 255, 256};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct cube_root spec = {DISTRIBUTION_T, 5, SCALE_ABSMAX, CODEBOOK_SYMMETRIC, 1.0 / 3,
                                 levels[i],      64};
        assert_int_equal(codebook_cube_root(&spec, &out[n++], &err), OK);
    }
    codebook_nf4(&out[n++]);
    for (const struct float_format *f = float_formats; f->name; f++)
        if (f->bits <= 8)
            assert_int_equal(codebook_float(f, &out[n++], &err), OK);
    assert_int_equal(codebook_float_grid(3, 1, CODEBOOK_AWAY, &out[n++], &err), OK);
    return n;
}
enum { MAX_BOOKS = 64 };

/* Normal draws, among them every boundary times the scale, its neighbours, and what is not finite;
 * before an unmapped page. */
static float *adversarial(const struct codebook *c, float scale, struct rng *rng, size_t n)
{
    static const float special[] = {0,        -0.0f,     FLT_MAX, -FLT_MAX, FLT_MIN,      1e-45f,
                                    INFINITY, -INFINITY, NAN,     1e-30f,   -FLT_TRUE_MIN};
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i++) {
        float b = c->boundary[rng_below(rng, (uint32_t)c->n - 1)] * scale;
        switch (rng_below(rng, 8)) {
        case 0:
            x[i] = b;
            break;
        case 1:
            x[i] = nextafterf(b, INFINITY);
            break;
        case 2:
            x[i] = nextafterf(b, -INFINITY);
            break;
        case 3:
            x[i] = special[rng_below(rng, sizeof special / sizeof special[0])];
            break;
        default:
            x[i] *= c->level[c->n - 1] * scale / 2;
        }
    }
    return x;
}

static int same_bits(const void *a, const void *b, size_t n)
{
    return !memcmp(a, b, n);
}

static void stats_are_the_reference(const float *x, size_t n, unsigned features)
{
    struct quantise_stats want, got;
    quantise_stats_ref(x, n, &want);
    for (const struct kernel_variant *v = quantise_stats_variants; v->isa; v++) {
        if (v->needs & ~features)
            continue;
        ((quantise_stats_fn *)v->fn)(x, n, &got);
        if (got.low != want.low || got.high != want.high || got.nonfinite != want.nonfinite ||
            !same_bits(&got.squares, &want.squares, sizeof want.squares))
            fail_msg("stats_%s, n = %zu, seed %d: %g..%g %.17g %zu, not %g..%g %.17g %zu", v->isa,
                     n, SEED, got.low, got.high, got.squares, got.nonfinite, want.low, want.high,
                     want.squares, want.nonfinite);
    }
}

static void codes_are_the_reference(const struct codebook *c, const float *x, size_t n, float scale,
                                    unsigned features)
{
    uint8_t want[LONGEST], *got = parity_alloc(n);
    quantise_codes_ref(c, x, n, scale, want);
    for (const struct kernel_variant *v = quantise_codes_variants; v->isa; v++) {
        if (v->needs & ~features)
            continue;
        memset(got, 255, n);
        ((quantise_codes_fn *)v->fn)(c, x, n, scale, got);
        for (size_t i = 0; i < n; i++)
            if (got[i] != want[i])
                fail_msg("codes_%s, %zu levels, n = %zu, seed %d: x[%zu] = %.9g is %u, not %u",
                         v->isa, c->n, n, SEED, i, x[i], got[i], want[i]);
    }
    parity_free(got, n);
}

static void errors_are_the_reference(const struct codebook *c, const float *x, size_t n,
                                     float scale, unsigned features)
{
    struct quantise_sums want = {.error = {1, 2, 3}, .max_error = 1e-3, .clipped = 5, .flushed = 6};
    const struct quantise_sums start = want;
    quantise_error_ref(c, x, n, scale, &want);
    for (const struct kernel_variant *v = quantise_error_variants; v->isa; v++) {
        struct quantise_sums got = start;
        if (v->needs & ~features)
            continue;
        ((quantise_error_fn *)v->fn)(c, x, n, scale, &got);
        if (!same_bits(&got.error, &want.error, sizeof got.error) ||
            got.max_error != want.max_error || got.clipped != want.clipped ||
            got.flushed != want.flushed)
            fail_msg("error_%s, %zu levels, n = %zu, seed %d: lane 0 %.17g, max %g, %zu, %zu; not "
                     "%.17g, %g, %zu, %zu",
                     v->isa, c->n, n, SEED, got.error[0], got.max_error, got.clipped, got.flushed,
                     want.error[0], want.max_error, want.clipped, want.flushed);
    }
}

static void every_path_gives_the_bits_of_the_reference(void **unused)
{
    (void)unused;
    static struct codebook books[MAX_BOOKS];
    static const float scales[] = {1, 0.37f, -2.5f, 0x1p-126f, 1e30f};
    struct rng rng = {SEED};
    unsigned features = cpu_features();
    size_t n_books = codebooks(books);
    assert_true(n_books <= MAX_BOOKS);
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t b = 0; b < n_books; b++) {
            float scale = scales[(n + b) % 5];
            float *x = adversarial(&books[b], scale, &rng, n);
            stats_are_the_reference(x, n, features);
            codes_are_the_reference(&books[b], x, n, scale, features);
            errors_are_the_reference(&books[b], x, n, scale, features);
            parity_free(x, n * sizeof *x);
        }
}

static void a_value_that_is_not_finite_counts_and_does_nothing_else(void **unused)
{
    (void)unused;
    const float x[] = {1, NAN, -2, INFINITY, 0.5f, -INFINITY};
    struct quantise_stats s;
    struct quantise_sums sums = {0};
    struct codebook c;
    uint8_t codes[6];
    codebook_nf4(&c);
    quantise_stats_ref(x, 6, &s);
    assert_int_equal(s.nonfinite, 3);
    assert_true(s.low == -2 && s.high == 1 && s.squares == 5.25);
    quantise_codes_ref(&c, x, 6, 2, codes);
    assert_int_equal(c.level[codes[1]] == 0 && c.level[codes[3]] == 0, 1);
    quantise_error_ref(&c, x, 6, 2, &sums);
    assert_int_equal(sums.clipped, 0);
    assert_true(isfinite(quantise_total(sums.error)) && sums.max_error < 1);
}

static void clipped_and_flushed_are_counted(void **unused)
{
    (void)unused;
    /* INT4 with scale 1: 7.5 rounds to 8 and is cut, 7.49 is not; 0.4 vanishes, 0 was 0 */
    const float x[] = {7.49f, 7.51f, -8.4f, -8.6f, 0.4f, 0, -0.0f, -0.3f};
    struct codebook c;
    struct err err;
    struct quantise_sums sums = {0};
    assert_int_equal(codebook_integer(4, CODEBOOK_INT_TWOS, &c, &err), OK);
    quantise_error_ref(&c, x, 8, 1, &sums);
    assert_int_equal(sums.clipped, 2);
    assert_int_equal(sums.flushed, 2);
    assert_true(fabs(sums.max_error - 0.6) < 1e-6);
}

static void encoders_give_the_bytes_of_the_reference(void **unused)
{
    (void)unused;
    enum { MAX_BLOCKS = 9 };
    static struct codebook books[MAX_BOOKS];
    struct rng rng = {SEED};
    size_t n_books = codebooks(books);
    for (size_t b = 0; b < n_books; b++) {
        const struct codebook *c = &books[b];
        if (c->n > 16)
            continue;
        for (size_t blocks = 0; blocks <= MAX_BLOCKS; blocks++) {
            float *x = adversarial(c, 1, &rng, ENCODE4_BLOCK * blocks);
            if (blocks > 1)
                memset(x, 0, ENCODE4_BLOCK * sizeof *x);
            uint8_t *codes = parity_alloc(32 * blocks), want[32 * MAX_BLOCKS + 1];
            uint16_t *scales = parity_alloc(2 * blocks), want_scales[MAX_BLOCKS + 1];
            for (int integer = 0; integer <= c->integer; integer++) {
                const struct kernel_variant *v =
                    integer ? encode_int4_variants : encode_lut4_variants;
                ((encode4_fn *)v->fn)(c, x, blocks, want, want_scales);
                for (v++; v->isa; v++) {
                    if (v->needs & ~cpu_features())
                        continue;
                    memset(codes, 0xa5, 32 * blocks);
                    memset(scales, 0xa5, 2 * blocks);
                    ((encode4_fn *)v->fn)(c, x, blocks, codes, scales);
                    if (memcmp(codes, want, 32 * blocks) || memcmp(scales, want_scales, 2 * blocks))
                        fail_msg("encode4_%s, integer %d, %zu levels, %zu blocks, seed %d: differs",
                                 v->isa, integer, c->n, blocks, SEED);
                }
            }
            parity_free(x, ENCODE4_BLOCK * blocks * sizeof *x);
            parity_free(codes, 32 * blocks);
            parity_free(scales, 2 * blocks);
        }
    }
}

static void the_encoders_pack_low_nibbles_first(void **unused)
{
    (void)unused;
    float x[ENCODE4_BLOCK] = {7, -7, 1, 0, -1};
    uint8_t codes[ENCODE4_BLOCK / 2];
    uint16_t scale;
    struct codebook c;
    struct err err;
    assert_int_equal(codebook_integer(4, CODEBOOK_INT_TWOS, &c, &err), OK);
    encode_int4_ref(&c, x, 1, codes, &scale);
    assert_int_equal(scale, 0x3f80); /* 1 */
    assert_int_equal(codes[0], 0x97);
    assert_int_equal(codes[1], 0x01);
    assert_int_equal(codes[2], 0x0f);
    encode_lut4_ref(&c, x, 1, codes, &scale);
    assert_int_equal(codes[0], 0x1f); /* levels 15 and 1 of -8 .. 7 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_gives_the_bits_of_the_reference),
        cmocka_unit_test(a_value_that_is_not_finite_counts_and_does_nothing_else),
        cmocka_unit_test(clipped_and_flushed_are_counted),
        cmocka_unit_test(encoders_give_the_bytes_of_the_reference),
        cmocka_unit_test(the_encoders_pack_low_nibbles_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
