/* Vectorised conversions equal the scalar definition bit for bit, whatever the length, the
 * alignment, the value and the state of the floating-point unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "numerics/kernels/convert.h"
#include "tests/parity.h"

enum { SEED = 11, LONGEST = 200 };

static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static size_t code_count(const struct float_format *f)
{
    return (size_t)1 << f->bits;
}

/* Halfway between the values of a code and the next; exact in double, and in f32 for all formats.
 */
static float midpoint(const struct float_format *f, uint32_t code)
{
    return (float)((0.5 * float_format_decode(f, code)) + 0.5 * float_format_decode(f, code + 1));
}

/* Zeros, subnormals, infinities, NaNs, ties and their neighbours among values of every size. */
static float adversarial(const struct float_format *f, struct rng *rng)
{
    static const uint32_t special[] = {0,          0x80000000, 1,          0x80000001, 0x007FFFFF,
                                       0x00800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7F800001,
                                       0xFFFFFFFF, 0x7FC00000, 0x00008000, 0x00018000};
    uint32_t r = (uint32_t)(rng_u64(rng) >> 32), sign = r & 0x80000000;
    switch (rng_below(rng, 4)) {
    case 0:
        return from_bits(special[r % (sizeof special / sizeof special[0])]);
    case 1: /* a tie, or next to one */
        return from_bits(sign | (bits_of(midpoint(f, r % f->max_code)) + rng_below(rng, 3) - 1));
    case 2:
        return (float)rng_normal(rng) * float_format_decode(f, f->max_code) / 2;
    default:
        return from_bits(r);
    }
}

#define FOR_EACH_FORMAT(f) for (const struct float_format *f = float_formats; f->name; f++)
#define FOR_EACH_KERNEL(v, variants)                                                               \
    for (const struct kernel_variant *v = (variants); v->isa; v++)                                 \
        if (!(v->needs & ~cpu_features()))

static int same_value(float a, float b)
{
    return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

static void must_equal(const struct float_format *f, const char *what, const char *isa, size_t n,
                       const uint8_t *ours, const uint8_t *reference)
{
    for (size_t i = 0; i < convert_bytes(f, n); i++)
        if (ours[i] != reference[i])
            fail_msg("%s_%s, %s, n = %zu, seed %d: byte %zu is %02x, not %02x", what, isa, f->name,
                     n, SEED, i, ours[i], reference[i]);
}

static void every_length_equals_the_reference_and_stays_inside(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    FOR_EACH_FORMAT(f)
    for (size_t n = 0; n <= LONGEST; n++) {
        size_t bytes = convert_bytes(f, n);
        float *x = parity_alloc(n * sizeof *x), *out = parity_alloc(n * sizeof *out);
        uint8_t *codes = parity_alloc(bytes), reference[LONGEST * 2];
        float decoded[LONGEST];
        for (size_t i = 0; i < n; i++)
            x[i] = adversarial(f, &rng);
        convert_rne_ref(f, x, n, reference);
        FOR_EACH_KERNEL(v, convert_rne_variants)
        {
            memset(codes, 0xA5, bytes);
            ((convert_rne_fn *)v->fn)(f, x, n, codes);
            must_equal(f, "convert_rne", v->isa, n, codes, reference);
        }
        convert_sr_ref(f, x, n, SEED, reference);
        FOR_EACH_KERNEL(v, convert_sr_variants)
        {
            memset(codes, 0xA5, bytes);
            ((convert_sr_fn *)v->fn)(f, x, n, SEED, codes);
            must_equal(f, "convert_sr", v->isa, n, codes, reference);
        }
        for (size_t i = 0; i < bytes; i++)
            codes[i] = (uint8_t)rng_u64(&rng);
        convert_decode_ref(f, codes, n, decoded);
        FOR_EACH_KERNEL(v, convert_decode_variants)
        {
            ((convert_decode_fn *)v->fn)(f, codes, n, out);
            for (size_t i = 0; i < n; i++)
                if (!same_value(out[i], decoded[i]))
                    fail_msg("convert_decode_%s, %s, n = %zu, seed %d: [%zu] is %a, not %a", v->isa,
                             f->name, n, SEED, i, out[i], decoded[i]);
        }
        parity_free(x, n * sizeof *x);
        parity_free(out, n * sizeof *out);
        parity_free(codes, bytes);
    }
}

/* Both signs of every code's value, every midpoint and their neighbours in f32; every exponent of
 * f32; and patterns that stride over all 2^32.  Returns how many, at most `room`. */
static size_t dense_sample(const struct float_format *f, float *x, size_t room)
{
    size_t n = 0;
    for (uint32_t code = 0; code <= f->max_code; code++) {
        float around[] = {float_format_decode(f, code),
                          code < f->max_code ? midpoint(f, code) : float_format_decode(f, code)};
        for (int i = 0; i < 2; i++)
            for (uint32_t u = bits_of(around[i]) - 1, end = u + 3; u != end; u++) {
                x[n++] = from_bits(u);
                x[n++] = from_bits(u ^ 0x80000000);
            }
    }
    /* A prime near 2^32 / 2^17 visits every exponent and sign with about 256 mantissas each. */
    for (uint64_t u = 0; u <= UINT32_MAX && n < room; u += 32771)
        x[n++] = from_bits((uint32_t)u);
    return n;
}
enum { DENSE_ROOM = 0x7F80 * 12 + (1 << 17) + 1 };

/* Rounding directions, with and without flushing of subnormals, inputs and outputs: MXCSR. */
#if defined(__x86_64__)
static const unsigned states[] = {0x1F80, 0x1F80 | _MM_ROUND_UP, 0x9FC0 | _MM_ROUND_DOWN,
                                  0x9FC0 | _MM_ROUND_TOWARD_ZERO};
static void enter(unsigned state)
{
    _mm_setcsr(state);
}
#else
static const unsigned states[] = {0};
static void enter(unsigned state)
{
    (void)state;
}
#endif
enum { N_STATES = sizeof states / sizeof states[0] };

static void every_boundary_is_right_in_every_state_of_the_unit(void **unused)
{
    (void)unused;
    float *x = malloc(DENSE_ROOM * sizeof *x);
    uint8_t *rne = malloc(DENSE_ROOM * 2), *sr = malloc(DENSE_ROOM * 2);
    uint8_t *ours = malloc(DENSE_ROOM * 2);
    assert_true(x && rne && sr && ours);
    FOR_EACH_FORMAT(f)
    {
        size_t n = dense_sample(f, x, DENSE_ROOM);
        convert_rne_ref(f, x, n, rne);
        convert_sr_ref(f, x, n, SEED, sr);
        for (size_t s = 0; s < N_STATES; s++) {
            FOR_EACH_KERNEL(v, convert_rne_variants)
            {
                enter(states[s]);
                ((convert_rne_fn *)v->fn)(f, x, n, ours);
                enter(states[0]);
                must_equal(f, "dense: convert_rne", v->isa, n, ours, rne);
            }
            FOR_EACH_KERNEL(v, convert_sr_variants)
            {
                enter(states[s]);
                ((convert_sr_fn *)v->fn)(f, x, n, SEED, ours);
                enter(states[0]);
                must_equal(f, "dense: convert_sr", v->isa, n, ours, sr);
            }
        }
    }
    free(x);
    free(rne);
    free(sr);
    free(ours);
}

static void every_code_decodes_alike_in_every_state_of_the_unit(void **unused)
{
    (void)unused;
    enum { ALL = 1 << 16 };
    uint8_t *codes = malloc(ALL * 2);
    float *right = malloc(ALL * sizeof *right), *out = malloc(ALL * sizeof *out);
    assert_true(codes && right && out);
    for (uint32_t i = 0; i < ALL; i++) {
        codes[2 * i] = (uint8_t)i;
        codes[2 * i + 1] = (uint8_t)(i >> 8);
    }
    FOR_EACH_FORMAT(f)
    {
        convert_decode_ref(f, codes, ALL, right);
        for (size_t s = 0; s < N_STATES; s++)
            FOR_EACH_KERNEL(v, convert_decode_variants)
            {
                enter(states[s]);
                ((convert_decode_fn *)v->fn)(f, codes, ALL, out);
                enter(states[0]);
                for (size_t i = 0; i < ALL; i++)
                    if (!same_value(out[i], right[i]))
                        fail_msg("convert_decode_%s, %s, state %x: [%zu] is %a, not %a", v->isa,
                                 f->name, states[s], i, out[i], right[i]);
            }
    }
    free(codes);
    free(right);
    free(out);
}

/* Codes packed by the scalar definition's rule, so that packing itself is not taken on trust. */
static void every_code_survives_decoding_and_encoding(void **unused)
{
    (void)unused;
    enum { ALL = 1 << 16 };
    uint8_t *codes = malloc(ALL * 2), *again = malloc(ALL * 2);
    float *x = malloc(ALL * sizeof *x);
    assert_true(codes && again && x);
    FOR_EACH_FORMAT(f)
    {
        size_t n = 0;
        memset(codes, 0, ALL * 2);
        for (uint32_t code = 0; code < code_count(f); code++) {
            float value = float_format_decode(f, code);
            if (isnan(value) || isinf(value))
                continue;
            for (int b = 0; b < f->bits; b++) {
                size_t at = n * (size_t)f->bits + (size_t)b;
                codes[at / 8] |= (uint8_t)((code >> b & 1) << at % 8);
            }
            n++;
        }
        for (size_t i = 0; convert_decode_variants[i].isa; i++) {
            if (convert_decode_variants[i].needs & ~cpu_features())
                continue;
            ((convert_decode_fn *)convert_decode_variants[i].fn)(f, codes, n, x);
            ((convert_rne_fn *)convert_rne_variants[i].fn)(f, x, n, again);
            must_equal(f, "decode and rne", convert_rne_variants[i].isa, n, again, codes);
            /* an exact value never moves, whatever the random bits */
            ((convert_sr_fn *)convert_sr_variants[i].fn)(f, x, n, SEED, again);
            must_equal(f, "decode and sr", convert_sr_variants[i].isa, n, again, codes);
        }
    }
    free(codes);
    free(again);
    free(x);
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static void convert_by_hardware(const float *x, uint16_t *half)
{
    _mm_storeu_si128((void *)half, _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT));
}

/* The scalar definition beside an implementation that is not ours. */
static void binary16_equals_the_processors_own_conversion(void **unused)
{
    (void)unused;
    if (!(cpu_features() & CPU_AVX2)) {
        print_message("no F16C here\n");
        return;
    }
    const struct float_format *f = float_format_find("fp16");
    struct rng rng = {SEED};
    for (int i = 0; i < 1 << 18; i++) {
        float x[8];
        uint16_t half[8];
        for (int j = 0; j < 8; j++) { /* from under its least subnormal to over its largest value */
            uint32_t r = (uint32_t)(rng_u64(&rng) >> 32);
            x[j] = from_bits((r & 0x807FFFFF) | (127 - 27 + rng_below(&rng, 27 + 18)) << 23);
        }
        convert_by_hardware(x, half);
        for (int j = 0; j < 8; j++) {
            uint32_t code = float_format_encode(f, x[j], FLOAT_RNE, false, 0);
            if (code != half[j])
                fail_msg("seed %d: fp16 of %a is %04x, vcvtps2ph says %04x", SEED, x[j], code,
                         half[j]);
        }
    }
}
#endif

/* The formula of the textbooks, and order, on every 61st of the 2^31 patterns from 0 up. */
static void bfloat16_is_monotone_and_equals_the_integer_formula(void **unused)
{
    (void)unused;
    const struct float_format *f = float_format_find("bf16");
    convert_rne_fn *rne = (convert_rne_fn *)kernel_pick(convert_rne_variants, cpu_features())->fn;
    enum { CHUNK = 4096, STRIDE = 61 };
    uint32_t u[CHUNK], last = 0;
    float x[CHUNK];
    uint16_t codes[CHUNK];
    for (uint64_t first = 0; first + CHUNK * STRIDE < 0x7F7F8000; first += CHUNK * STRIDE) {
        for (uint32_t i = 0; i < CHUNK; i++)
            u[i] = (uint32_t)first + i * STRIDE;
        memcpy(x, u, sizeof u);
        rne(f, x, CHUNK, codes);
        for (uint32_t i = 0; i < CHUNK; i++) {
            uint32_t right = (u[i] + 0x7FFF + (u[i] >> 16 & 1)) >> 16;
            if (codes[i] != right || codes[i] < last)
                fail_msg("bf16 of %08x is %04x, not %04x (the one before: %04x)", u[i], codes[i],
                         right, last);
            last = codes[i];
        }
    }
}

static void a_random_stream_continues_where_it_is_cut(void **unused)
{
    (void)unused;
    const struct float_format *f = float_format_find("e4m3");
    enum { N = 300 };
    float x[N];
    uint8_t whole[N], parts[N];
    for (int i = 0; i < N; i++)
        x[i] = 1.05f; /* between two values of the format */
    convert_sr_ref(f, x, N, SEED, whole);
    struct rng rng = {SEED};
    for (int i = 0; i < N; i++) {
        uint32_t r = (uint32_t)(rng_u64(&rng) >> 32);
        assert_int_equal(whole[i], float_format_encode(f, x[i], FLOAT_SR, true, r));
    }
    for (size_t cut = 0; cut <= N; cut++) {
        convert_sr_fn *sr = (convert_sr_fn *)kernel_pick(convert_sr_variants, cpu_features())->fn;
        sr(f, x, cut, SEED, parts);
        sr(f, x + cut, N - cut, convert_sr_seed(SEED, cut), parts + cut);
        assert_memory_equal(parts, whole, N);
    }
}

static void copies_are_copies_and_stay_inside(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t n = 0; n <= LONGEST; n++) {
        float *x = parity_normal(&rng, n), *out = parity_alloc(n * sizeof *out);
        FOR_EACH_KERNEL(v, convert_copy_variants)
        {
            memset(out, 0, n * sizeof *out);
            ((convert_copy_fn *)v->fn)(x, n, out);
            assert_memory_equal(out, x, n * sizeof *x);
        }
        parity_free(x, n * sizeof *x);
        parity_free(out, n * sizeof *out);
    }
}

static void small_codes_are_really_packed(void **unused)
{
    (void)unused;
    const float fours[] = {0.5f, -6, 4, 1, 3};             /* codes 1 F 6 2 5 */
    const float sixes[] = {0.125f, -7.5f, 1, 0.25f, 7.5f}; /* E2M3: 01 3F 08 02 1F */
    static const uint8_t packed_4[] = {0xF1, 0x26, 0x05};
    /* 02 08 3F 01 from the top: 000010 001000 111111 000001, then 011111 */
    static const uint8_t packed_6[] = {0xC1, 0x8F, 0x08, 0x1F};
    uint8_t codes[4];
    FOR_EACH_KERNEL(v, convert_rne_variants)
    {
        const struct float_format *e2m1 = float_format_find("e2m1");
        const struct float_format *e2m3 = float_format_find("e2m3");
        assert_int_equal(convert_bytes(e2m1, 5), sizeof packed_4);
        assert_int_equal(convert_bytes(e2m3, 5), sizeof packed_6);
        ((convert_rne_fn *)v->fn)(e2m1, fours, 5, codes);
        assert_memory_equal(codes, packed_4, sizeof packed_4);
        ((convert_rne_fn *)v->fn)(e2m3, sixes, 5, codes);
        assert_memory_equal(codes, packed_6, sizeof packed_6);
    }
    assert_true(convert_bytes(float_format_find("bf16"), SIZE_MAX / 4) == SIZE_MAX / 4 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_equals_the_reference_and_stays_inside),
        cmocka_unit_test(every_boundary_is_right_in_every_state_of_the_unit),
        cmocka_unit_test(every_code_decodes_alike_in_every_state_of_the_unit),
        cmocka_unit_test(every_code_survives_decoding_and_encoding),
#if defined(__x86_64__)
        cmocka_unit_test(binary16_equals_the_processors_own_conversion),
#endif
        cmocka_unit_test(bfloat16_is_monotone_and_equals_the_integer_formula),
        cmocka_unit_test(a_random_stream_continues_where_it_is_cut),
        cmocka_unit_test(copies_are_copies_and_stay_inside),
        cmocka_unit_test(small_codes_are_really_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
