/* GEMV of 8- and 16-bit weights: every code is worth what its format says, and every kernel equals
 * the reference within the bound of its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/kernels/gemv_narrow.h"
#include "tests/parity.h"

enum { SEED = 42, MAX_COLS = 260, MAX_ROWS = 9, FORMATS = NARROW_MXINT8 + 1 };
enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, TWO_INFS, VALUE_KINDS };
enum scales { NO_SCALES, ROW_SCALES, EXPONENTS, BOTH_SCALES, SCALE_KINDS };

static float *activations(struct rng *rng, size_t n, enum values kind)
{
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i++)
        x[i] *= kind == HUGE_VALUES ? 0x1p118f : kind == TINY_VALUES ? 0x1p-140f : 1;
    if (n && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)n)] = kind == ONE_NAN ? NAN : INFINITY;
    if (n && kind == TWO_INFS)
        x[rng_below(rng, (uint32_t)n)] = -INFINITY;
    return x;
}

/* Whether a random code is a number. */
static bool finite_code(enum narrow_format format, unsigned code)
{
    switch (format) {
    case NARROW_F16:
        return (code & 0x7c00) != 0x7c00;
    case NARROW_E4M3:
        return (code & 0x7f) != 0x7f;
    case NARROW_E5M2:
        return (code & 0x7c) != 0x7c;
    default:
        return true;
    }
}

static void *random_codes(struct rng *rng, enum narrow_format format, size_t n)
{
    void *codes = parity_alloc(n * narrow_bytes(format));
    for (size_t i = 0; i < n; i++) {
        unsigned code;
        do
            code = rng_below(rng, format == NARROW_F16 ? 1u << 16 : 1u << 8);
        while (!finite_code(format, code));
        if (format == NARROW_F16)
            ((uint16_t *)codes)[i] = (uint16_t)code;
        else
            ((uint8_t *)codes)[i] = (uint8_t)code;
    }
    return codes;
}

static float *outputs(size_t n)
{
    float *y = parity_alloc(n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = -77; /* what a row outside the range must still be */
    return y;
}

/* Where nothing is claimed (an overflow may have happened) the bound is infinite, and only results
 * that overflow cannot explain are compared: those of a NaN or an infinity in x. */
static void compare(const struct narrow_matrix *w, const char *isa, size_t rows, const float *x,
                    enum values kind, const float *y, const float *reference, size_t row0)
{
    for (size_t r = 0; r < rows; r++) {
        double bound = r < row0 ? 0 : gemv_narrow_bound(w, x, r);
        bool right = r >= row0 && kind >= ONE_NAN && !isfinite(reference[r])
                         ? (isnan(reference[r]) ? isnan(y[r]) : y[r] == reference[r])
                         : isinf(bound) || fabs((double)y[r] - reference[r]) <= bound;
        if (!right)
            fail_msg("gemv_narrow_%s, format %d, %zu x %zu, scales %d%d, x of kind %d, row %zu, "
                     "seed %d: %.9g, reference %.9g, bound %g",
                     isa, w->format, rows, w->cols, w->row_scales != NULL, w->exponents != NULL,
                     kind, r, SEED, y[r], reference[r], bound);
    }
}

static void one_case(struct rng *rng, enum narrow_format format, size_t rows, size_t cols,
                     enum scales scales, enum values kind)
{
    size_t row0 = rows > 2 ? 1 : 0, n_exponents = rows * ((cols + NARROW_BLOCK - 1) / NARROW_BLOCK);
    void *codes = random_codes(rng, format, rows * cols);
    float *row_scales = parity_normal(rng, rows), *x = activations(rng, cols, kind),
          *reference = outputs(rows);
    uint8_t *exponents = parity_alloc(n_exponents);
    for (size_t i = 0; i < n_exponents; i++) /* mostly near 1, and now and then the smallest */
        exponents[i] = (uint8_t)(rng_below(rng, 16) ? 117 + rng_below(rng, 20) : 0);
    struct narrow_matrix w = {codes, format, cols, scales & ROW_SCALES ? row_scales : NULL,
                              scales & EXPONENTS ? exponents : NULL};
    gemv_narrow_ref(&w, x, reference, row0, rows);
    for (const struct kernel_variant *v = gemv_narrow_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        float *y = outputs(rows);
        ((gemv_narrow_fn *)v->fn)(&w, x, y, row0, rows);
        compare(&w, v->isa, rows, x, kind, y, reference, row0);
        parity_free(y, rows * sizeof *y);
    }
    parity_free(codes, rows * cols * narrow_bytes(format));
    parity_free(row_scales, rows * sizeof *row_scales);
    parity_free(x, cols * sizeof *x);
    parity_free(reference, rows * sizeof *reference);
    parity_free(exponents, n_exponents);
}

static void kernels_meet_their_bound_at_every_length(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int format = 0; format < FORMATS; format++)
        for (size_t cols = 0; cols <= MAX_COLS; cols++)
            for (int scales = 0; scales < SCALE_KINDS; scales++)
                one_case(&rng, (enum narrow_format)format, cols % (MAX_ROWS + 1), cols,
                         (enum scales)scales, NORMAL);
}

static void kernels_meet_their_bound_on_extreme_values(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int format = 0; format < FORMATS; format++) {
        for (size_t rows = 0; rows <= MAX_ROWS; rows++)
            for (int kind = 0; kind < VALUE_KINDS; kind++)
                for (int scales = 0; scales < SCALE_KINDS; scales++)
                    one_case(&rng, (enum narrow_format)format, rows, 37 * (rows + 1),
                             (enum scales)scales, (enum values)kind);
        one_case(&rng, (enum narrow_format)format, 300, 4096, BOTH_SCALES, NORMAL); /* over L2 */
    }
}

/* y of a matrix of one column is the weight: every code, through every kernel. */
static void every_code(enum narrow_format format, const uint32_t *bits, size_t codes)
{
    uint16_t wide[1 << 16];
    uint8_t narrow[1 << 8];
    static float y[1 << 16];
    const float one = 1;
    for (size_t i = 0; i < codes; i++) {
        wide[i] = (uint16_t)i;
        narrow[i & 255] = (uint8_t)i;
    }
    struct narrow_matrix w = {
        .codes = format == NARROW_F16 ? (void *)wide : narrow, .format = format, .cols = 1};
    for (const struct kernel_variant *v = gemv_narrow_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        ((gemv_narrow_fn *)v->fn)(&w, &one, y, 0, codes);
        for (size_t i = 0; i < codes; i++) {
            float want;
            memcpy(&want, bits + i, sizeof want);
            if (!(isnan(want) ? isnan(y[i]) : y[i] == want))
                fail_msg("gemv_narrow_%s, format %d, code %zu: %.9g, not %.9g", v->isa, format, i,
                         y[i], want);
        }
    }
}

/* Decoding by the machine's own rules, as no golden table has them: binary16 and the integers. */
static void every_code_of_16_bits_and_of_integers_is_exact(void **unused)
{
    (void)unused;
    static uint32_t bits[1 << 16];
    for (uint32_t i = 0; i < 1 << 16; i++) {
        int e = (int)(i >> 10 & 31), m = (int)(i & 1023);
        float magnitude = e == 31  ? (m ? NAN : INFINITY)
                          : e == 0 ? ldexpf((float)m, -24)
                                   : ldexpf((float)(1024 + m), e - 25);
        float value = i >> 15 ? -magnitude : magnitude;
        memcpy(bits + i, &value, sizeof value);
    }
    every_code(NARROW_F16, bits, 1 << 16);
    for (int unit = 1; unit <= 64; unit *= 64) {
        for (int i = 0; i < 256; i++) {
            float value = (float)(i < 128 ? i : i - 256) / (float)unit;
            memcpy(bits + i, &value, sizeof value);
        }
        every_code(unit == 1 ? NARROW_INT8 : NARROW_MXINT8, bits, 256);
    }
}

static void every_code_of_8_bits_is_the_golden_one(void **unused)
{
    (void)unused;
    struct json *root;
    struct err err;
    int seen = 0;
    if (json_read("tests/golden/low-precision-floats.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    for (const struct json *row = json_first(json_get(root, "formats")); row;
         row = json_next(row)) {
        const char *name = json_get_string(row, "name", "");
        bool e4m3 = !strcmp(name, "fp8_e4m3fn");
        uint32_t bits[256], n = 0;
        if (!e4m3 && strcmp(name, "fp8_e5m2"))
            continue;
        for (const struct json *v = json_first(json_get(row, "decode_f32_bits")); v && n < 256;
             v = json_next(v))
            bits[n++] = (uint32_t)json_u64(v, 0);
        assert_int_equal(n, 256);
        every_code(e4m3 ? NARROW_E4M3 : NARROW_E5M2, bits, 256);
        seen++;
    }
    assert_int_equal(seen, 2);
    json_free(root);
}

/* Every exponent, and a NaN that only a code, or only an exponent, brings. */
static void exponents_scale_their_block_and_nan_propagates(void **unused)
{
    (void)unused;
    enum { COLS = 100 };
    uint8_t codes[COLS] = {0}, exponents[4] = {127, 127, 127, 127};
    float x[COLS], y;
    for (int i = 0; i < COLS; i++)
        x[i] = 1;
    struct narrow_matrix w = {codes, NARROW_E4M3, COLS, NULL, exponents};
    for (const struct kernel_variant *v = gemv_narrow_variants; v->isa; v++) {
        gemv_narrow_fn *gemv = (gemv_narrow_fn *)v->fn;
        if (v->needs & ~cpu_features())
            continue;
        codes[98] = 0x38; /* 1 */
        for (int e = 0; e < 255; e++) {
            exponents[3] = (uint8_t)e;
            gemv(&w, x, &y, 0, 1);
            assert_true(y == ldexpf(1, e - 127));
        }
        exponents[3] = 255;
        gemv(&w, x, &y, 0, 1);
        assert_true(isnan(y));
        exponents[3] = 127;
        for (size_t i = 0; i < COLS; i += 33)
            for (int sign = 0; sign < 2; sign++) {
                codes[i] = (uint8_t)(sign << 7 | 0x7f);
                gemv(&w, x, &y, 0, 1);
                assert_true(isnan(y));
                codes[i] = i == 98 ? 0x38 : 0;
            }
        gemv(&w, x, &y, 0, 1);
        assert_true(y == 1);
    }
}

/* A bound that nothing could exceed would prove nothing. */
static void a_wrong_code_exceeds_the_bound(void **unused)
{
    (void)unused;
    int8_t codes[64];
    float x[64], right, wrong;
    for (int i = 0; i < 64; i++) {
        codes[i] = (int8_t)(2 * i - 63);
        x[i] = 1;
    }
    struct narrow_matrix w = {.codes = codes, .format = NARROW_INT8, .cols = 64};
    gemv_narrow_ref(&w, x, &right, 0, 1);
    codes[10]++;
    gemv_narrow_ref(&w, x, &wrong, 0, 1);
    codes[10]--;
    assert_true(fabs((double)wrong - right) > gemv_narrow_bound(&w, x, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_8_bits_is_the_golden_one),
        cmocka_unit_test(every_code_of_16_bits_and_of_integers_is_exact),
        cmocka_unit_test(exponents_scale_their_block_and_nan_propagates),
        cmocka_unit_test(kernels_meet_their_bound_at_every_length),
        cmocka_unit_test(kernels_meet_their_bound_on_extreme_values),
        cmocka_unit_test(a_wrong_code_exceeds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
