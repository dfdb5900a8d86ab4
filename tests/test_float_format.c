/* The scalar definition of the narrow float formats against golden values and its own laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/float_format.h"
#include "numerics/rng.h"

enum { SEED = 3, MAX_BYTES = 1 << 20 };

static struct json *golden;

static int read_golden(void **unused)
{
    (void)unused;
    struct err err;
    if (json_read("tests/golden/low-precision-floats.json", MAX_BYTES, &golden, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int free_golden(void **unused)
{
    (void)unused;
    json_free(golden);
    return 0;
}

static float from_bits(uint64_t u)
{
    uint32_t low = (uint32_t)u;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* The golden file's names say the width before the layout. */
static const struct float_format *format_of(const char *name)
{
    const char *layout = strchr(name, '_') ? strchr(name, '_') + 1 : name;
    const struct float_format *f = float_format_find(strcmp(layout, "e4m3fn") ? layout : "e4m3");
    if (!f)
        fail_msg("no format %s", name);
    return f;
}

static bool same_code(const struct float_format *f, uint32_t a, uint32_t b)
{
    return a == b || (isnan(float_format_decode(f, a)) && isnan(float_format_decode(f, b)));
}

#define FOR_EACH(child, node)                                                                      \
    for (const struct json *child = json_first(node); child; child = json_next(child))

static void parameters_are_the_published_ones(const struct float_format *f, const struct json *row)
{
    assert_int_equal(f->bits, json_u64(json_get(row, "bits"), 0));
    assert_int_equal(f->exponent_bits, json_u64(json_get(row, "exp_bits"), 0));
    assert_int_equal(f->mantissa_bits, json_u64(json_get(row, "man_bits"), 0));
    assert_int_equal(f->bias, json_u64(json_get(row, "bias"), 0));
    assert_int_equal(f->has_inf, json_u64(json_get(row, "has_inf"), 9));
    assert_int_equal(f->max_code, json_u64(json_get(row, "max_code"), 0));
    assert_int_equal(f->nan_code, json_u64(json_get(row, "nan_code"), 0));
    static const char *const nan_kinds[] = {"none", "ieee", "top", "nz"};
    assert_string_equal(nan_kinds[f->nan], json_get_string(row, "nan_kind", ""));
    assert_true(float_format_decode(f, f->max_code) == json_get_number(row, "max", NAN));
    assert_true(float_format_decode(f, 1u << f->mantissa_bits) ==
                json_get_number(row, "min_normal", NAN));
    assert_true(float_format_decode(f, 1) == json_get_number(row, "min_subnormal", NAN));
}

static void formats_decode_as_published(void **unused)
{
    (void)unused;
    const struct json *encode = json_get(golden, "encode");
    FOR_EACH(row, json_get(golden, "formats"))
    {
        const struct float_format *f = format_of(json_get_string(row, "name", ""));
        parameters_are_the_published_ones(f, row);
        uint32_t code = 0;
        FOR_EACH(value, json_get(row, "decode_f32_bits"))
        {
            float ours = float_format_decode(f, code++), right = from_bits(json_u64(value, 0));
            if (bits_of(ours) != bits_of(right) && !(isnan(ours) && isnan(right)))
                fail_msg("%s: code %u is %a, not %a", f->name, code - 1, ours, right);
        }
        assert_int_equal(code, 1u << f->bits);
    }
    assert_int_equal(json_size(json_get(golden, "formats")), 7);
    parameters_are_the_published_ones(format_of("fp16"), json_get(encode, "fp16"));
    parameters_are_the_published_ones(format_of("bf16"), json_get(encode, "bf16"));
}

static void every_mode_encodes_as_published(void **unused)
{
    (void)unused;
    static const struct {
        const char *key;
        enum float_rounding rounding;
        bool saturate;
    } modes[] = {{"rne_sat", FLOAT_RNE, true},
                 {"rne_nosat", FLOAT_RNE, false},
                 {"rtz", FLOAT_RTZ, false},
                 {"sr_sat", FLOAT_SR, true}};
    size_t formats = 0;
    FOR_EACH(row, json_get(golden, "encode"))
    {
        const struct float_format *f = format_of(json_key(row));
        formats++;
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            const struct json *r = json_first(json_get(row, "sr_r32"));
            const struct json *right = json_first(json_get(row, modes[i].key));
            assert_int_equal(json_size(json_get(row, "x_f32_bits")),
                             json_size(json_get(row, modes[i].key)));
            FOR_EACH(bits, json_get(row, "x_f32_bits"))
            {
                float x = from_bits(json_u64(bits, 0));
                uint32_t ours = float_format_encode(f, x, modes[i].rounding, modes[i].saturate,
                                                    (uint32_t)json_u64(r, 0));
                if (!same_code(f, ours, (uint32_t)json_u64(right, ~0u)))
                    fail_msg("%s, %s: %a became %x, not %x", f->name, modes[i].key, x, ours,
                             (unsigned)json_u64(right, ~0u));
                r = json_next(r);
                right = json_next(right);
            }
        }
    }
    assert_int_equal(formats, 9);
}

static void every_tie_goes_to_the_even_code(void **unused)
{
    (void)unused;
    for (const struct float_format *f = float_formats; f->name; f++)
        for (uint32_t code = 0; code < f->max_code; code++) {
            double low = float_format_decode(f, code), high = float_format_decode(f, code + 1);
            float middle = (float)((low + high) / 2); /* exact: one bit more than the format */
            uint32_t even = code + (code & 1), sign = 1u << (f->bits - 1);
            float above = nextafterf(middle, INFINITY), below = nextafterf(middle, 0);
            if (float_format_encode(f, middle, FLOAT_RNE, false, 0) != even ||
                float_format_encode(f, above, FLOAT_RNE, false, 0) != code + 1 ||
                float_format_encode(f, below, FLOAT_RNE, false, 0) != code)
                fail_msg("%s: around %a, between codes %x and %x", f->name, middle, code, code + 1);
            uint32_t negative = float_format_encode(f, -middle, FLOAT_RNE, false, 0);
            if (negative != (even || f->nan != FLOAT_NAN_NEGATIVE_ZERO ? sign | even : 0))
                fail_msg("%s: %a became %x", f->name, -middle, negative);
        }
}

/* Overflow is decided on the rounded value: the thresholds lie half a quantum over the maximum. */
static void overflow_is_decided_after_rounding(void **unused)
{
    (void)unused;
    static const struct {
        const char *format;
        float x;
        uint32_t code;
    } rows[] = {
        {"e4m3", 464, 0x7E},         {"e4m3", 464.00003f, 0x7F}, {"e4m3", 449, 0x7E},
        {"e5m2", 61439.996f, 0x7B},  {"e5m2", 61440, 0x7C},      {"e5m2", -61440, 0xFC},
        {"e4m3fnuz", 247.99f, 0x7F}, {"e4m3fnuz", 248, 0x80},    {"e2m1", 7, 0x7},
        {"e2m1", -INFINITY, 0xF},    {"e3m2", 1e30f, 0x1F},      {"fp16", 65519.996f, 0x7BFF},
        {"fp16", 65520, 0x7C00}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct float_format *f = float_format_find(rows[i].format);
        uint32_t code = float_format_encode(f, rows[i].x, FLOAT_RNE, false, 0);
        if (!same_code(f, code, rows[i].code))
            fail_msg("%s of %a is %x, not %x", f->name, rows[i].x, code, rows[i].code);
        uint32_t sign = rows[i].x < 0 ? 1u << (f->bits - 1) : 0;
        assert_int_equal(float_format_encode(f, rows[i].x, FLOAT_RNE, true, 0), sign | f->max_code);
        if (isfinite(rows[i].x))
            assert_int_equal(float_format_encode(f, rows[i].x, FLOAT_RTZ, false, 0),
                             sign | f->max_code);
    }
}

/* P(up) is the discarded fraction: exactly as many of the 2^32 values of r go up. */
static void stochastic_rounding_goes_up_from_its_threshold(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (const struct float_format *f = float_formats; f->name; f++)
        for (int i = 0; i < 2000; i++) {
            uint32_t code = rng_below(&rng, f->max_code);
            double low = float_format_decode(f, code), high = float_format_decode(f, code + 1);
            float x = (float)(low + (high - low) * rng_uniform(&rng));
            uint32_t fraction = x < high ? (uint32_t)(((x - low) / (high - low)) * 0x1p32) : 0;
            uint32_t from = x < high ? code : code + 1;
            if (float_format_encode(f, x, FLOAT_SR, true, ~fraction) != from)
                fail_msg("%s, seed %d: %a went up too early", f->name, SEED, x);
            if (fraction && float_format_encode(f, x, FLOAT_SR, true, -fraction) != from + 1)
                fail_msg("%s, seed %d: %a did not go up", f->name, SEED, x);
        }
}

static void scales_and_mxint8_encode_as_published(void **unused)
{
    (void)unused;
    static const char *const modes[] = {"floor", "ceil", "rne"};
    const struct json *e8m0 = json_get(golden, "e8m0"), *mxint8 = json_get(golden, "mxint8");
    for (int mode = E8M0_FLOOR; mode <= E8M0_RNE; mode++) {
        const struct json *right = json_first(json_get(e8m0, modes[mode]));
        FOR_EACH(bits, json_get(e8m0, "x_f32_bits"))
        {
            float x = from_bits(json_u64(bits, 0));
            if (e8m0_encode(x, (enum e8m0_rounding)mode) != json_u64(right, 999))
                fail_msg("e8m0 %s of %a is %d", modes[mode], x,
                         e8m0_encode(x, (enum e8m0_rounding)mode));
            right = json_next(right);
        }
    }
    for (int code = 0; code < E8M0_NAN; code++)
        assert_true(e8m0_decode((uint8_t)code) == ldexp(1, code - 127));
    assert_true(isnan(e8m0_decode(E8M0_NAN)));
    const struct json *symmetric = json_first(json_get(mxint8, "sym"));
    const struct json *full = json_first(json_get(mxint8, "full"));
    assert_true(json_size(json_get(mxint8, "x_f32_bits")) > 0);
    FOR_EACH(bits, json_get(mxint8, "x_f32_bits"))
    {
        float x = from_bits(json_u64(bits, 0));
        if (mxint8_encode(x, true) != json_number(symmetric, NAN) ||
            mxint8_encode(x, false) != json_number(full, NAN))
            fail_msg("mxint8 of %a: %d, %d", x, mxint8_encode(x, true), mxint8_encode(x, false));
        symmetric = json_next(symmetric);
        full = json_next(full);
    }
    assert_int_equal(mxint8_encode(NAN, true), 0);
    assert_int_equal(mxint8_encode(-INFINITY, false), -128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_decode_as_published),
        cmocka_unit_test(every_mode_encodes_as_published),
        cmocka_unit_test(every_tie_goes_to_the_even_code),
        cmocka_unit_test(overflow_is_decided_after_rounding),
        cmocka_unit_test(stochastic_rounding_goes_up_from_its_threshold),
        cmocka_unit_test(scales_and_mxint8_encode_as_published),
    };
    return cmocka_run_group_tests(tests, read_golden, free_golden);
}
