/* MX and NVFP4 blocks: golden codes, the rules of the scale byte, and the bits of the reference on
 * every instruction set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/kernels/mx_encode.h"
#include "tests/parity.h"
#include "tests/golden.h"

enum { SEED = 31, LONGEST = 260, MAX_N = 2100 };

static struct mx_format format_named(const char *name)
{
    struct mx_format f;
    struct err err;
    if (mx_format_find(name, &f, &err))
        fail_msg("%s", err.text);
    return f;
}

/* The golden names have the element behind '_': mxfp8_e4m3; that of a format: mxfp8-e4m3. */
static struct mx_format golden_format(const char *name)
{
    char own[32] = "";
    strncpy(own, strcmp(name, "mxfp4_e2m1") ? name : "mxfp4", sizeof own - 1);
    for (char *c = own; *c; c++)
        *c = *c == '_' ? '-' : *c;
    return format_named(own);
}

/* The code of element i in packed ones, found bit by bit. */
static unsigned code_at(const uint8_t *codes, size_t i, int bits)
{
    unsigned code = 0;
    for (int b = 0; b < bits; b++) {
        size_t at = i * (size_t)bits + (size_t)b;
        code |= (codes[at / 8] >> at % 8 & 1u) << b;
    }
    return code;
}

static void same_value(const char *what, const char *isa, size_t i, double got, double want)
{
    if (isnan(want) ? !isnan(got) : got != want || signbit(got) != signbit(want))
        fail_msg("%s_%s: element %zu is %.17g, not %.17g", what, isa, i, got, want);
}

static void golden_block(const struct json *entry, const struct kernel_variant *encode,
                         const struct kernel_variant *decode)
{
    const char *name = json_get_string(entry, "format", "");
    struct mx_format f = golden_format(name);
    enum mx_rule rule = strcmp(json_get_string(entry, "rule", ""), "ceil") ? MX_FLOOR : MX_CEIL;
    double wide[MAX_N], scale[MAX_N], code[MAX_N], value[MAX_N];
    float x[MAX_N], back[MAX_N];
    uint8_t codes[MAX_N], scales[MAX_N];
    size_t n = golden_numbers(json_get(entry, "x"), wide, MAX_N);
    size_t blocks = golden_numbers(json_get(entry, "scale"), scale, MAX_N);
    golden_numbers(json_get(entry, "codes"), code, MAX_N);
    golden_numbers(json_get(entry, "dequant"), value, MAX_N);
    /* Inf is no JSON number: it is written as a string */
    for (size_t i = 0; i < n; i++)
        x[i] = isnan(wide[i]) ? INFINITY : (float)wide[i];
    ((mx_encode_fn *)encode->fn)(&f, rule, x, n, codes, scales);
    for (size_t b = 0; b < blocks; b++)
        if (scales[b] != scale[b])
            fail_msg("%s, %s, %s: scale %zu is %u, not %g", name, encode->isa,
                     rule == MX_CEIL ? "ceil" : "floor", b, scales[b], scale[b]);
    for (size_t i = 0; i < n; i++) {
        unsigned want = (unsigned)(int)code[i] & ((1u << f.bits) - 1);
        if (code_at(codes, i, f.bits) != want)
            fail_msg("%s, %s, %s: x[%zu] = %.9g has code %u, not %u", name, encode->isa,
                     rule == MX_CEIL ? "ceil" : "floor", i, x[i], code_at(codes, i, f.bits), want);
    }
    ((mx_decode_fn *)decode->fn)(&f, codes, scales, n, back);
    for (size_t i = 0; i < n; i++)
        if (f.element)
            same_value(name, decode->isa, i, back[i], value[i]);
        else /* integers have one zero */
            same_value(name, decode->isa, i, back[i], value[i] == 0 ? 0 : value[i]);
}

static void mx_blocks_are_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    size_t entries = 0;
    for (const struct json *e = json_first(json_get(root, "mx")); e; e = json_next(e), entries++)
        for (size_t i = 0; mx_encode_variants[i].isa; i++)
            if (!(mx_encode_variants[i].needs & ~cpu_features()))
                golden_block(e, &mx_encode_variants[i], &mx_decode_variants[i]);
    assert_int_equal(entries, 14);
    json_free(root);
}

static void nvfp4_blocks_are_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/latmix.json");
    const struct json *entry = json_get(root, "nvfp4");
    double wide[MAX_N], scale[MAX_N], code[MAX_N], value[MAX_N];
    float x[MAX_N], back[MAX_N];
    uint8_t codes[MAX_N], scales[MAX_N];
    size_t n = golden_numbers(json_get(entry, "x"), wide, MAX_N);
    size_t blocks = golden_numbers(json_get(entry, "block_scale"), scale, MAX_N);
    golden_numbers(json_get(entry, "codes"), code, MAX_N);
    golden_numbers(json_get(entry, "dequant"), value, MAX_N);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)wide[i];
    float g = nvfp4_tensor_scale((float)json_get_number(entry, "tensor_amax", NAN));
    assert_true((double)g == json_get_number(entry, "g", NAN));
    for (size_t v = 0; nvfp4_encode_variants[v].isa; v++) {
        if (nvfp4_encode_variants[v].needs & ~cpu_features())
            continue;
        ((nvfp4_encode_fn *)nvfp4_encode_variants[v].fn)(x, n, g, codes, scales);
        ((nvfp4_decode_fn *)nvfp4_decode_variants[v].fn)(codes, scales, n, g, back);
        for (size_t b = 0; b < blocks; b++)
            assert_int_equal(scales[b], (int)scale[b]);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(code_at(codes, i, 4), (int)code[i]);
            /* two products rounded to f32 against none: 2 * 2^-24 */
            if (!(fabs(back[i] - value[i]) <= 0x1p-23 * fabs(value[i])))
                fail_msg("nvfp4_decode_%s: %zu is %.9g, not %.17g", nvfp4_decode_variants[v].isa, i,
                         back[i], value[i]);
        }
    }
    json_free(root);
}

/* Byte for every largest magnitude of interest by the definition, in f64 and without bit tricks. */
static int scale_by_definition(const struct mx_format *f, enum mx_rule rule, double largest)
{
    int k = -127;
    if (rule == MX_FLOOR) {
        while (k < 127 && largest >= ldexp(1, k + 1 + f->emax))
            k++;
    } else {
        while (k < 127 && largest > ldexp(f->max, k))
            k++;
    }
    return k + 127;
}

static void scale_bytes_follow_the_definition_next_to_every_power_of_two(void **unused)
{
    (void)unused;
    for (const struct mx_format *f = mx_formats; f->name; f++)
        for (int rule = MX_FLOOR; rule <= MX_CEIL; rule++)
            for (int e = -149; e <= 127; e++) {
                float around[] = {ldexpf(1, e), ldexpf(f->max, e - f->emax)};
                for (size_t i = 0; i < 2; i++)
                    for (int step = -2; step <= 2; step++) {
                        float largest = around[i];
                        for (int s = 0; s < abs(step); s++)
                            largest = nextafterf(largest, step < 0 ? 0 : FLT_MAX);
                        uint32_t bits;
                        memcpy(&bits, &largest, sizeof bits);
                        int want = scale_by_definition(f, (enum mx_rule)rule, largest);
                        if (mx_scale(f, (enum mx_rule)rule, bits) != want)
                            fail_msg("%s, rule %d: largest %a has byte %u, not %d", f->name, rule,
                                     largest, mx_scale(f, (enum mx_rule)rule, bits), want);
                    }
            }
}

static void a_block_that_is_not_finite_is_nan_as_a_whole(void **unused)
{
    (void)unused;
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    for (const struct mx_format *row = mx_formats; row->name; row++)
        for (size_t i = 0; i < 3; i++) {
            struct mx_format f = format_named(row->name);
            float x[3 * MX_BLOCK], back[3 * MX_BLOCK];
            uint8_t codes[3 * MX_BLOCK], scales[3];
            for (size_t j = 0; j < 3 * MX_BLOCK; j++)
                x[j] = 1;
            x[MX_BLOCK + 7] = bad[i];
            mx_encode_ref(&f, MX_FLOOR, x, 3 * MX_BLOCK, codes, scales);
            mx_decode_ref(&f, codes, scales, 3 * MX_BLOCK, back);
            assert_int_equal(scales[1], E8M0_NAN);
            for (size_t j = 0; j < MX_BLOCK; j++)
                assert_true(back[j] == 1 && isnan(back[MX_BLOCK + j]) &&
                            back[2 * MX_BLOCK + j] == 1);
        }
}

static void the_worked_examples_hold(void **unused)
{
    (void)unused;
    struct mx_format f = format_named("mxfp4");
    float seven[1] = {7}, quarter[1] = {0.75f}, back[1];
    uint8_t codes[1], scales[1];
    mx_encode_ref(&f, MX_FLOOR, seven, 1, codes, scales);
    mx_decode_ref(&f, codes, scales, 1, back);
    assert_true(scales[0] == 127 && back[0] == 6);
    mx_encode_ref(&f, MX_CEIL, seven, 1, codes, scales);
    mx_decode_ref(&f, codes, scales, 1, back);
    assert_true(scales[0] == 128 && back[0] == 8);
    mx_encode_ref(&f, MX_FLOOR, quarter, 1, codes, scales);
    mx_decode_ref(&f, codes, scales, 1, back);
    assert_true(scales[0] == 124 && back[0] == 0.75f);
}

/* Normal draws by powers of two of all sizes, among them ties, zeros and what is not finite. */
static float *adversarial(struct rng *rng, size_t n)
{
    static const float special[] = {0,        -0.0f,     FLT_MAX, -FLT_MAX, FLT_MIN,  1e-45f,
                                    INFINITY, -INFINITY, NAN,     0x1p-127, 0x3p-148f};
    float *x = parity_normal(rng, n);
    int exponent = 0, wild = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 16 == 0) {
            exponent = (int)rng_below(rng, 280) - 150;
            wild = rng_below(rng, 4) == 0;
        }
        if (rng_below(rng, 4) == 0)
            x[i] = (float)((int)rng_below(rng, 65) - 32) / 8; /* ties of every element format */
        x[i] = ldexpf(x[i], exponent - (int)rng_below(rng, 3));
        if (wild && rng_below(rng, 8) == 0)
            x[i] = special[rng_below(rng, sizeof special / sizeof special[0])];
        else if (!isfinite(x[i]))
            x[i] = FLT_MAX;
    }
    return x;
}

/* Lengths 0 .. LONGEST, and one around each chunk that a kernel may work in. */
static size_t length(size_t i)
{
    static const size_t more[] = {1023, 1024, 1025, 1055, 1056, 1057, 2048, 2079};
    return i <= LONGEST ? i : more[i - LONGEST - 1];
}
enum { LENGTHS = LONGEST + 9 };

/* NaN of any kind equals NaN. */
static void same_floats(const char *what, const char *isa, size_t n, const float *got,
                        const float *want)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s_%s, n = %zu, seed %d: %zu is %a, not %a", what, isa, n, SEED, i, got[i],
                     want[i]);
}

static void same_bytes(const char *what, const char *isa, size_t n, const uint8_t *got,
                       const uint8_t *want, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (got[i] != want[i])
            fail_msg("%s_%s, n = %zu, seed %d: byte %zu is %u, not %u", what, isa, n, SEED, i,
                     got[i], want[i]);
}

static void mx_parity(const struct mx_format *f, enum mx_rule rule, const float *x, size_t n)
{
    size_t bytes = mx_code_bytes(f, n), blocks = mx_blocks(n, MX_BLOCK);
    uint8_t *codes = parity_alloc(bytes), *scales = parity_alloc(blocks);
    uint8_t want[MAX_N], want_scales[MAX_N];
    float *out = parity_alloc(n * sizeof *out), want_out[MAX_N];
    mx_encode_ref(f, rule, x, n, want, want_scales);
    mx_decode_ref(f, want, want_scales, n, want_out);
    for (size_t v = 1; mx_encode_variants[v].isa; v++) {
        const char *isa = mx_encode_variants[v].isa;
        if (mx_encode_variants[v].needs & ~cpu_features())
            continue;
        memset(codes, 0xa5, bytes);
        memset(scales, 0xa5, blocks);
        ((mx_encode_fn *)mx_encode_variants[v].fn)(f, rule, x, n, codes, scales);
        same_bytes(f->name, isa, n, scales, want_scales, blocks);
        same_bytes(f->name, isa, n, codes, want, bytes);
        ((mx_decode_fn *)mx_decode_variants[v].fn)(f, codes, scales, n, out);
        same_floats(f->name, isa, n, out, want_out);
    }
    parity_free(codes, bytes);
    parity_free(scales, blocks);
    parity_free(out, n * sizeof *out);
}

static void every_path_gives_the_bits_of_the_reference(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t i = 0; i < LENGTHS; i++) {
        size_t n = length(i);
        float *x = adversarial(&rng, n);
        for (const struct mx_format *row = mx_formats; row->name; row++)
            for (int rule = MX_FLOOR; rule <= MX_CEIL; rule++) {
                struct mx_format f = format_named(row->name);
                mx_parity(&f, (enum mx_rule)rule, x, n);
            }
        parity_free(x, n * sizeof *x);
    }
}

static void every_code_and_scale_decodes_alike(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    enum { N = 512 };
    for (const struct mx_format *row = mx_formats; row->name; row++) {
        struct mx_format f = format_named(row->name);
        uint8_t codes[N], scales[N / MX_BLOCK];
        float want[N], out[N];
        for (int round = 0; round < 64; round++) {
            for (size_t i = 0; i < N; i++)
                codes[i] = (uint8_t)rng_below(&rng, 256);
            for (size_t i = 0; i < N / MX_BLOCK; i++)
                scales[i] = (uint8_t)rng_below(&rng, 256);
            mx_decode_ref(&f, codes, scales, N, want);
            for (const struct kernel_variant *v = mx_decode_variants + 1; v->isa; v++)
                if (!(v->needs & ~cpu_features())) {
                    ((mx_decode_fn *)v->fn)(&f, codes, scales, N, out);
                    same_floats(f.name, v->isa, N, out, want);
                }
        }
    }
}

static void every_path_of_nvfp4_gives_the_bits_of_the_reference(void **unused)
{
    (void)unused;
    static const float tensor_scales[] = {0, 1, 0x1p-149, 1e-3f, 1e30f};
    struct rng rng = {SEED};
    for (size_t i = 0; i < LENGTHS; i++) {
        size_t n = length(i), bytes = (n + 1) / 2, blocks = mx_blocks(n, NVFP4_BLOCK);
        float *x = adversarial(&rng, n), g = tensor_scales[i % 5];
        uint8_t *codes = parity_alloc(bytes), *scales = parity_alloc(blocks);
        uint8_t want[MAX_N], want_scales[MAX_N];
        float *out = parity_alloc(n * sizeof *out), want_out[MAX_N];
        nvfp4_encode_ref(x, n, g, want, want_scales);
        nvfp4_decode_ref(want, want_scales, n, g, want_out);
        for (size_t v = 1; nvfp4_encode_variants[v].isa; v++) {
            const char *isa = nvfp4_encode_variants[v].isa;
            if (nvfp4_encode_variants[v].needs & ~cpu_features())
                continue;
            memset(codes, 0xa5, bytes);
            memset(scales, 0xa5, blocks);
            ((nvfp4_encode_fn *)nvfp4_encode_variants[v].fn)(x, n, g, codes, scales);
            same_bytes("nvfp4 scales", isa, n, scales, want_scales, blocks);
            same_bytes("nvfp4", isa, n, codes, want, bytes);
            ((nvfp4_decode_fn *)nvfp4_decode_variants[v].fn)(codes, scales, n, g, out);
            same_floats("nvfp4", isa, n, out, want_out);
        }
        parity_free(x, n * sizeof *x);
        parity_free(codes, bytes);
        parity_free(scales, blocks);
        parity_free(out, n * sizeof *out);
    }
}

static void integers_never_take_the_lowest_code(void **unused)
{
    (void)unused;
    static const char *const names[] = {"mxint4", "mxint8"};
    for (size_t i = 0; i < 2; i++) {
        struct mx_format f = format_named(names[i]);
        float x[MX_BLOCK];
        uint8_t codes[MX_BLOCK], scale;
        for (size_t j = 0; j < MX_BLOCK; j++)
            x[j] = -1.99999988f; /* the largest below 2: clipped by the rule floor */
        mx_encode_ref(&f, MX_FLOOR, x, MX_BLOCK, codes, &scale);
        for (size_t j = 0; j < MX_BLOCK; j++)
            assert_int_equal(code_at(codes, j, f.bits),
                             (1u << f.bits) - (unsigned)f.largest_integer);
    }
}

static void an_unknown_format_is_refused(void **unused)
{
    (void)unused;
    struct mx_format f;
    struct err err;
    assert_int_equal(mx_format_find("mxfp5", &f, &err), E_USAGE);
    assert_string_equal(err.text, "mxfp5: no MX format has this name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mx_blocks_are_the_golden_ones),
        cmocka_unit_test(nvfp4_blocks_are_the_golden_ones),
        cmocka_unit_test(scale_bytes_follow_the_definition_next_to_every_power_of_two),
        cmocka_unit_test(a_block_that_is_not_finite_is_nan_as_a_whole),
        cmocka_unit_test(the_worked_examples_hold),
        cmocka_unit_test(every_path_gives_the_bits_of_the_reference),
        cmocka_unit_test(every_code_and_scale_decodes_alike),
        cmocka_unit_test(every_path_of_nvfp4_gives_the_bits_of_the_reference),
        cmocka_unit_test(integers_never_take_the_lowest_code),
        cmocka_unit_test(an_unknown_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
