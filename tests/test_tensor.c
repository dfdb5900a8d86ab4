/* Every code of the narrow formats decodes to the value its definition gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "numerics/tensor.h"
#include "tests/parity.h"

/* Converts a copy that begins at an odd address and ends before an unmapped page. */
static void convert(enum dtype dtype, const void *data, size_t n, float *out)
{
    size_t bytes = n * dtype_bytes(dtype);
    size_t odd = bytes % 2 ? 0 : 1; /* an even size before a page is aligned: shift by one */
    unsigned char *copy = parity_alloc(bytes + odd);
    memcpy(copy, data, bytes);
    struct tensor t = {.dtype = dtype, .rank = 1, .shape = {n}, .count = n, .data = copy};
    tensor_to_f32(&t, 0, n, out);
    float last;
    tensor_to_f32(&t, n - 1, 1, &last);
    assert_memory_equal(&last, out + n - 1, sizeof last);
    parity_free(copy, bytes + odd);
}

/* (-1)^s 2^(e - bias) 1.f, or 2^(1 - bias) 0.f when e is 0: Higham, sec. 2.1. */
static double value_of(unsigned code, int exponent_bits, int fraction_bits, int bias)
{
    unsigned fraction = code & ((1u << fraction_bits) - 1);
    int e = (int)(code >> fraction_bits & ((1u << exponent_bits) - 1));
    double magnitude =
        ldexp(fraction + (e ? 1u << fraction_bits : 0), (e ? e : 1) - bias - fraction_bits);
    return code >> (exponent_bits + fraction_bits) & 1 ? -magnitude : magnitude;
}

static void decodes(enum dtype dtype, int exponent_bits, int fraction_bits, int bias)
{
    static float out[1 << 16];
    static uint16_t wide[1 << 16];
    static uint8_t narrow[1 << 8];
    size_t n = dtype_bytes(dtype) == 2 ? 1 << 16 : 1 << 8;
    for (size_t i = 0; i < n; i++) {
        wide[i] = (uint16_t)i;
        narrow[i & 255] = (uint8_t)i;
    }
    convert(dtype, n == 1 << 16 ? (void *)wide : (void *)narrow, n, out);
    unsigned fractions = (1u << fraction_bits) - 1, top = (1u << exponent_bits) - 1;
    for (unsigned i = 0; i < n; i++) {
        unsigned magnitude = i & (unsigned)(n / 2 - 1), e = magnitude >> fraction_bits;
        double wanted = value_of(i, exponent_bits, fraction_bits, bias);
        if (dtype == DTYPE_F8_E4M3 ? magnitude == 0x7F : e == top && (magnitude & fractions))
            wanted = NAN;
        else if (dtype != DTYPE_F8_E4M3 && e == top)
            wanted = i & (unsigned)(n / 2) ? -INFINITY : INFINITY;
        if (isnan(wanted) ? !isnan(out[i])
                          : out[i] != wanted || !signbit(out[i]) != !signbit(wanted))
            fail_msg("%s: code %#x is %a, not %a", dtype_name(dtype), i, out[i], wanted);
    }
}

static void every_code_of_a_narrow_float_is_right(void **unused)
{
    (void)unused;
    decodes(DTYPE_F16, 5, 10, 15);
    decodes(DTYPE_BF16, 8, 7, 127);
    decodes(DTYPE_F8_E4M3, 4, 3, 7);
    decodes(DTYPE_F8_E5M2, 5, 2, 15);
}

static void wide_values_round_once_to_nearest_even(void **unused)
{
    (void)unused;
    static const double f64[] = {1 + 0x1p-24, 1 + 0x3p-24, 1 + 0x1p-24 + 0x1p-52,
                                 1e300,       -1e-60,      0x1p-150,
                                 0x1.8p-149,  NAN,         -INFINITY};
    static const float wanted64[] = {1, 1 + 0x1p-22f, 1 + 0x1p-23f, INFINITY, -0.0f,
                                     0, 0x1p-148f,    NAN,          -INFINITY};
    static const int64_t i64[] = {(1 << 24) + 1,
                                  (1 << 24) + 3,
                                  INT64_MAX,
                                  INT64_MIN,
                                  -1,
                                  (INT64_C(1) << 54) + (INT64_C(1) << 30) + 1};
    static const float wanted_i64[] = {0x1p24f,  0x1p24f + 4, 0x1p63f,
                                       -0x1p63f, -1,          0x1p54f + 0x1p31f};
    static const int32_t i32[] = {INT32_MIN, INT32_MAX, 0, 16777217};
    static const float wanted_i32[] = {-0x1p31f, 0x1p31f, 0, 16777216};
    static const int16_t i16[] = {INT16_MIN, INT16_MAX, -1};
    static const float wanted_i16[] = {-32768, 32767, -1};
    static const int8_t i8[] = {-128, 127, -1};
    static const float wanted_i8[] = {-128, 127, -1};
    static const uint8_t u8[] = {0, 1, 128, 255};
    static const float wanted_u8[] = {0, 1, 128, 255}, wanted_bool[] = {0, 1, 1, 1};
    static const float f32[] = {0.1f, -0.0f, 0x1p-149f};
#define ROW(dtype, in, wanted)                                                                     \
    {                                                                                              \
        dtype, in, wanted, sizeof in / sizeof in[0]                                                \
    }
    static const struct {
        enum dtype dtype;
        const void *in;
        const float *wanted;
        size_t n;
    } rows[] = {
        ROW(DTYPE_F64, f64, wanted64),    ROW(DTYPE_I64, i64, wanted_i64),
        ROW(DTYPE_I32, i32, wanted_i32),  ROW(DTYPE_I16, i16, wanted_i16),
        ROW(DTYPE_I8, i8, wanted_i8),     ROW(DTYPE_U8, u8, wanted_u8),
        ROW(DTYPE_BOOL, u8, wanted_bool), ROW(DTYPE_F32, f32, f32),
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        float out[16];
        convert(rows[r].dtype, rows[r].in, rows[r].n, out);
        for (size_t i = 0; i < rows[r].n; i++) {
            float w = rows[r].wanted[i];
            if (isnan(w) ? !isnan(out[i]) : out[i] != w || !signbit(out[i]) != !signbit(w))
                fail_msg("%s[%zu] is %a, not %a", dtype_name(rows[r].dtype), i, out[i], w);
        }
    }
}

static void nothing_is_read_of_an_empty_tensor(void **unused)
{
    (void)unused;
    struct tensor t = {.dtype = DTYPE_F32, .rank = 1, .data = NULL};
    float out = 7;
    tensor_to_f32(&t, 0, 0, &out);
    assert_true(out == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_a_narrow_float_is_right),
        cmocka_unit_test(wide_values_round_once_to_nearest_even),
        cmocka_unit_test(nothing_is_read_of_an_empty_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
