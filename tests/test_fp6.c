/* FP6-LLM: its formats, quantiser, packings and kernels are those of the golden file, and every
 * kernel meets its bound at every shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/formats/float_row.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/gemm_fp6.h"
#include "tests/parity.h"
#include "tests/golden.h"

enum { SEED = 61, MAX_N = 256, MAX_COLS = 260 };

static const char *const formats[] = {"e3m2", "e2m3", "e2m2"};
enum { FORMATS = sizeof formats / sizeof *formats };

struct family {
    const char *name;
    const struct kernel_variant *variants;
    bool lanes; /* takes that layout alone; else any other */
};
static const struct family families[] = {{"gemm_fp6_cvt", gemm_fp6_cvt_variants, false},
                                         {"gemm_fp6_lut", gemm_fp6_lut_variants, false},
                                         {"gemm_fp6_lanes", gemm_fp6_lanes_variants, true}};
enum { FAMILIES = sizeof families / sizeof *families };

static const struct float_format *format_of(const struct json *row)
{
    const struct float_format *f = float_format_find(json_string(json_get(row, "format"), ""));
    assert_non_null(f);
    return f;
}

static float half(uint32_t bits)
{
    return float_row_scale((uint16_t)bits);
}

static void every_code_is_the_shifted_binary16(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/fp6-llm.json");
    for (size_t i = 0; i < FORMATS; i++) {
        const struct float_format *f = float_format_find(formats[i]);
        double table[MAX_N], field[MAX_N];
        size_t n = golden_numbers(json_get(json_get(root, "tables"), formats[i]), table, MAX_N);
        assert_int_equal(
            golden_numbers(json_get(json_get(root, "fp16_field"), formats[i]), field, MAX_N), n);
        int shift = (int)json_number(json_get(json_get(root, "shift_exp"), formats[i]), 0);
        assert_int_equal(n, 1u << f->bits);
        assert_int_equal(shift, 15 - f->bias);
        for (uint32_t code = 0; code < n; code++) {
            uint32_t sign = code >> (f->bits - 1), magnitude = code & ((1u << (f->bits - 1)) - 1);
            assert_int_equal((uint32_t)field[code],
                             sign << 15 | magnitude << (10 - f->mantissa_bits));
            float value = float_format_decode(f, code);
            assert_true(value == (float)table[code]);
            assert_true(ldexpf(half((uint32_t)field[code]), shift) == value);
            assert_true(!signbit(value) == !sign);
        }
    }
    json_free(root);
}

/* The two masks of the paper's figure 6, on four codes in a register. */
static void the_paper_s_register_form_is_the_shift(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/fp6-llm.json");
    const struct float_format *f = float_format_find("e3m2");
    size_t rows = 0;
    for (const struct json *s = json_first(json_get(root, "swar")); s; s = json_next(s), rows++) {
        double codes[MAX_N];
        assert_int_equal(golden_numbers(json_get(s, "codes"), codes, MAX_N), 4);
        uint32_t word = 0, out[2];
        for (int i = 0; i < 4; i++)
            word |= (uint32_t)codes[i] << 2 << (24 - 8 * i);
        assert_int_equal(word, json_u64(json_get(s, "word"), 0));
        for (int i = 0; i < 2; i++)
            out[i] = (word << 8 * i & 0x80008000) | (word << 8 * i & 0x7C007C00) >> 2;
        assert_int_equal(out[0], json_u64(json_get(s, "out1"), 0));
        assert_int_equal(out[1], json_u64(json_get(s, "out2"), 0));
        static const int place[4][2] = {{0, 16}, {1, 16}, {0, 0}, {1, 0}};
        for (int i = 0; i < 4; i++)
            assert_true(ldexpf(half(out[place[i][0]] >> place[i][1] & 0xFFFF), 12) ==
                        float_format_decode(f, (uint32_t)codes[i]));
    }
    assert_true(rows > 0);
    json_free(root);
}

static void must_be(const char *what, const char *format, const struct json *array,
                    const uint8_t *bytes, size_t n)
{
    double right[MAX_N];
    assert_int_equal(golden_numbers(array, right, MAX_N), n);
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != right[i])
            fail_msg("%s, %s: byte %zu is %u, not %g", format, what, i, bytes[i], right[i]);
}

/* The canonical arrays of the golden file from a packed matrix whose rows need no padding. */
static void packings_are_golden(const struct json *c, const struct float_format *f,
                                const uint8_t *codes, const uint16_t *scales, size_t rows,
                                size_t cols)
{
    uint8_t first[MAX_N], second[MAX_N];
    for (int layout = FP6_CONTIGUOUS; layout <= FP6_PLANES; layout++) {
        if (!fp6_has_layout(f, (enum fp6_layout)layout))
            continue;
        size_t row_bytes = fp6_row_bytes(f, (enum fp6_layout)layout, cols);
        uint8_t *tile = parity_alloc(fp6_tile_bytes(f, (enum fp6_layout)layout, cols));
        struct fp6_matrix w = fp6_matrix_of(f, (enum fp6_layout)layout, tile, rows, cols);
        fp6_pack(&w, codes, scales, 0, 1, tile);
        size_t split = layout == FP6_PLANES ? cols / 2 : row_bytes, rest = row_bytes - split;
        for (size_t r = 0; r < rows; r++) {
            memcpy(first + r * split, tile + r * row_bytes, split);
            memcpy(second + r * rest, tile + r * row_bytes + split, rest);
        }
        must_be("first plane", f->name, json_get(c, layout == FP6_PLANES ? "plane4" : "contiguous"),
                first, rows * split);
        if (layout == FP6_PLANES)
            must_be("second plane", f->name, json_get(c, f->bits == 6 ? "plane2" : "plane1"),
                    second, rows * rest);
        parity_free(tile, fp6_tile_bytes(f, (enum fp6_layout)layout, cols));
    }
}

static void products_are_golden(const struct json *c, const struct float_format *f,
                                const uint8_t *codes, const uint16_t *scales, size_t rows,
                                size_t cols)
{
    double wide[MAX_N], y[MAX_N], dequantised[MAX_N];
    float x[MAX_N], ours[MAX_N];
    assert_int_equal(golden_numbers(json_get(c, "x"), wide, MAX_N), cols);
    for (size_t i = 0; i < cols; i++)
        x[i] = (float)wide[i];
    assert_int_equal(golden_numbers(json_get(c, "y"), y, MAX_N), rows);
    assert_int_equal(golden_numbers(json_get(c, "dequant"), dequantised, MAX_N), rows * cols);
    for (int layout = FP6_CONTIGUOUS; layout <= FP6_LANES; layout++) {
        if (!fp6_has_layout(f, (enum fp6_layout)layout))
            continue;
        size_t bytes = fp6_tile_bytes(f, (enum fp6_layout)layout, cols);
        uint8_t *tile = parity_alloc(bytes);
        struct fp6_matrix w = fp6_matrix_of(f, (enum fp6_layout)layout, tile, rows, cols);
        fp6_pack(&w, codes, scales, 0, 1, tile);
        for (size_t r = 0; r < rows; r++) {
            fp6_dequantise_row(&w, r, ours);
            for (size_t i = 0; i < cols; i++)
                assert_true(ours[i] == dequantised[r * cols + i]);
        }
        for (size_t k = 0; k < FAMILIES; k++)
            for (const struct kernel_variant *v = families[k].variants; v->isa; v++) {
                if (v->needs & ~cpu_features() || families[k].lanes != (layout == FP6_LANES))
                    continue;
                ((gemm_fp6_fn *)v->fn)(&w, x, 1, ours, 0, rows);
                for (size_t r = 0; r < rows; r++) /* x of the file may not be of binary32 */
                    if (!(fabs(ours[r] - y[r]) <= gemm_fp6_bound(&w, x, r) * 2))
                        fail_msg("%s_%s, %s, layout %d: y[%zu] is %.9g, not %.9g", families[k].name,
                                 v->isa, f->name, layout, r, ours[r], y[r]);
            }
        parity_free(tile, bytes);
    }
}

static void cases_are_golden(void **unused)
{
    (void)unused;
    struct json *root = golden_read("tests/golden/fp6-llm.json");
    size_t cases = 0;
    for (const struct json *c = json_first(json_get(root, "cases")); c; c = json_next(c), cases++) {
        const struct float_format *f = format_of(c);
        size_t rows = (size_t)json_number(json_get(c, "N"), 0);
        size_t cols = (size_t)json_number(json_get(c, "K"), 0);
        double wide[MAX_N], right[MAX_N];
        float w[MAX_N];
        uint8_t codes[MAX_N];
        uint16_t scales[MAX_N];
        assert_int_equal(golden_numbers(json_get(c, "w"), wide, MAX_N), rows * cols);
        for (size_t i = 0; i < rows * cols; i++)
            w[i] = (float)wide[i];
        assert_int_equal(golden_numbers(json_get(c, "scale_f16"), right, MAX_N), rows);
        double off = 0, all = 0;
        for (size_t r = 0; r < rows; r++) {
            scales[r] = float_row_quantise(f, w + r * cols, cols, codes + r * cols);
            assert_int_equal(scales[r], (uint16_t)right[r]);
            for (size_t i = 0; i < cols; i++) {
                double back = (double)float_format_decode(f, codes[r * cols + i]) * half(scales[r]);
                off += (back - w[r * cols + i]) * (back - w[r * cols + i]);
                all += (double)w[r * cols + i] * w[r * cols + i];
            }
        }
        must_be("codes", f->name, json_get(c, "codes"), codes, rows * cols);
        assert_true(fabs(sqrt(off / all) - json_number(json_get(c, "R"), 0)) < 1e-6);
        packings_are_golden(c, f, codes, scales, rows, cols);
        products_are_golden(c, f, codes, scales, rows, cols);
    }
    assert_int_equal(cases, 3);
    json_free(root);
}

static void rows_without_a_scale_are_zeros_with_signs(void **unused)
{
    (void)unused;
    const struct float_format *f = float_format_find("e3m2");
    static const float none[] = {0, -0.0f, 1e-7f, -1e-7f}; /* 1e-7 / 28 is below binary16 */
    uint8_t codes[4];
    assert_int_equal(float_row_quantise(f, none, 4, codes), 0x3C00);
    static const uint8_t zeros[] = {0, 0x20, 0, 0x20};
    assert_memory_equal(codes, zeros, 4);
    static const float some[] = {28, -28, -0.0f, 27};
    assert_int_equal(float_row_quantise(f, some, 4, codes), 0x3C00);
    static const uint8_t right[] = {0x1F, 0x3F, 0x20, 0x1F}; /* 27 is not above the last tie, 26 */
    assert_memory_equal(codes, right, 4);
    static const float huge[] = {INFINITY, 1, NAN, 3e38f};
    assert_int_equal(float_row_quantise(f, huge, 4, codes), 0x7BFF);
    static const uint8_t clipped[] = {0x1F, 0, 0x20, 0x1F};
    assert_memory_equal(codes, clipped, 4);
    assert_int_equal(float_row_quantise(f, NULL, 0, NULL), 0x3C00);
}

/* A random matrix, packed to end before an unmapped page; its codes in *codes. */
static struct fp6_matrix random_matrix(struct rng *rng, const struct float_format *f,
                                       enum fp6_layout layout, size_t rows, size_t cols,
                                       uint8_t **codes)
{
    size_t tiles = (rows + FP6_TILE - 1) / FP6_TILE;
    size_t bytes = tiles * fp6_tile_bytes(f, layout, cols);
    uint8_t *packed = parity_alloc(bytes);
    uint16_t *scales = parity_alloc(rows * sizeof *scales);
    *codes = parity_alloc(rows * cols);
    for (size_t i = 0; i < rows * cols; i++)
        (*codes)[i] = (uint8_t)rng_below(rng, 1u << f->bits);
    for (size_t r = 0; r < rows; r++)
        scales[r] = (uint16_t)(0x2000 + rng_below(rng, 0x1000));
    memset(packed, 0xFF, bytes);
    struct fp6_matrix w = fp6_matrix_of(f, layout, packed, rows, cols);
    fp6_pack(&w, *codes, scales, 0, tiles, packed);
    for (size_t r = 0; r < rows; r++)
        assert_int_equal(fp6_scale_bits(&w, r), scales[r]);
    parity_free(scales, rows * sizeof *scales);
    return w;
}

static void free_matrix(struct fp6_matrix *w, uint8_t *codes)
{
    size_t tiles = (w->rows + FP6_TILE - 1) / FP6_TILE;
    parity_free((void *)w->tiles, tiles * fp6_tile_bytes(w->format, w->layout, w->cols));
    parity_free(codes, w->rows * w->cols);
}

static void every_packing_gives_its_codes_back(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t i = 0; i < FORMATS; i++)
        for (int layout = FP6_CONTIGUOUS; layout <= FP6_LANES; layout++)
            for (size_t cols = 0; cols <= MAX_COLS; cols++) {
                const struct float_format *f = float_format_find(formats[i]);
                uint8_t *codes;
                size_t rows = 1 + cols % 35;
                if (!fp6_has_layout(f, (enum fp6_layout)layout))
                    continue;
                struct fp6_matrix w =
                    random_matrix(&rng, f, (enum fp6_layout)layout, rows, cols, &codes);
                for (size_t r = 0; r < rows; r++)
                    for (size_t c = 0; c < cols; c++)
                        if (fp6_code(&w, r, c) != codes[r * cols + c])
                            fail_msg("%s, layout %d, %zu x %zu, seed %d: (%zu, %zu)", f->name,
                                     layout, rows, cols, SEED, r, c);
                free_matrix(&w, codes);
            }
}

enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, TWO_INFS, VALUE_KINDS };

static float *activations(struct rng *rng, size_t n, enum values kind)
{
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i++) {
        if (kind == HUGE_VALUES)
            x[i] *= 0x1p118f;
        if (kind == TINY_VALUES)
            x[i] *= 0x1p-135f;
    }
    if (n && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)n)] = kind == ONE_NAN ? NAN : INFINITY;
    if (n && kind == TWO_INFS)
        x[rng_below(rng, (uint32_t)n)] = -INFINITY;
    return x;
}

/* Where nothing is claimed (an overflow may have happened) the bound is infinite, and of an x that
 * is not finite the results are compared that overflow cannot explain. */
static void compare(const struct fp6_matrix *w, const struct family *family, const char *isa,
                    const float *x, size_t m, enum values kind, size_t row0, const float *y,
                    const float *right)
{
    for (size_t t = 0; t < m; t++)
        for (size_t r = 0; r < w->rows; r++) {
            float a = y[t * w->rows + r], b = right[t * w->rows + r];
            double bound = r < row0 ? 0 : gemm_fp6_bound(w, x + t * w->cols, r);
            bool same = r >= row0 && kind >= ONE_NAN ? (isnan(b)   ? isnan(a)
                                                        : isinf(b) ? a == b
                                                                   : 1)
                                                     : isinf(bound) || fabs((double)a - b) <= bound;
            if (!same)
                fail_msg("%s_%s, %s, layout %d, %zu x %zu, %zu tokens, x of kind %d, seed %d: "
                         "y[%zu][%zu] is %.9g, reference %.9g, bound %g",
                         family->name, isa, w->format->name, (int)w->layout, w->rows, w->cols, m,
                         (int)kind, SEED, t, r, a, b, bound);
        }
}

static void kernels_case(struct rng *rng, const struct float_format *f, enum fp6_layout layout,
                         size_t rows, size_t cols, size_t m, enum values kind)
{
    uint8_t *codes;
    size_t n = m * rows, row0 = rows > FP6_TILE ? FP6_TILE : 0;
    struct fp6_matrix w = random_matrix(rng, f, layout, rows, cols, &codes);
    float *x = activations(rng, m * cols, kind), *y = parity_alloc(n * sizeof *y);
    float *right = parity_alloc(n * sizeof *right);
    for (size_t i = 0; i < n; i++)
        right[i] = -77; /* what a row outside the range must still be */
    gemm_fp6_ref(&w, x, m, right, row0, rows);
    for (size_t k = 0; k < FAMILIES; k++)
        for (const struct kernel_variant *v = families[k].variants; v->isa; v++) {
            if (v->needs & ~cpu_features() || families[k].lanes != (layout == FP6_LANES))
                continue;
            for (size_t i = 0; i < n; i++)
                y[i] = -77;
            ((gemm_fp6_fn *)v->fn)(&w, x, m, y, row0, rows);
            compare(&w, families + k, v->isa, x, m, kind, row0, y, right);
        }
    parity_free(x, m * cols * sizeof *x);
    parity_free(y, n * sizeof *y);
    parity_free(right, n * sizeof *right);
    free_matrix(&w, codes);
}

static void every_kernel_meets_its_bound(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (size_t i = 0; i < FORMATS; i++)
        for (int layout = FP6_CONTIGUOUS; layout <= FP6_LANES; layout++) {
            const struct float_format *f = float_format_find(formats[i]);
            enum fp6_layout l = (enum fp6_layout)layout;
            if (!fp6_has_layout(f, l))
                continue;
            for (size_t cols = 0; cols <= MAX_COLS; cols++)
                kernels_case(&rng, f, l, 1 + cols % 19, cols, 1 + cols % 3 * (cols % 5), NORMAL);
            for (size_t rows = 1; rows <= 35; rows++)
                for (int kind = 0; kind < VALUE_KINDS; kind++)
                    kernels_case(&rng, f, l, rows, 3 + 7 * rows, 1 + 8 * (rows % 2),
                                 (enum values)kind);
            for (size_t m = 1; m <= 41; m += 4)
                kernels_case(&rng, f, l, 18, 200, m, NORMAL);
            kernels_case(&rng, f, l, 17, 40000, 1, NORMAL); /* more than a panel */
            kernels_case(&rng, f, l, 18, 5000, 9, NORMAL);
            kernels_case(&rng, f, l, 600, 2304, 1, NORMAL); /* more than L2: read ahead */
        }
}

/* x picks one column out: every code of every column, exactly. */
static void every_code_comes_through_every_kernel(void **unused)
{
    (void)unused;
    enum { COLS = 192, ROWS = 64 };
    static uint8_t codes[ROWS * COLS];
    uint16_t scales[ROWS];
    for (size_t i = 0; i < FORMATS; i++)
        for (int layout = FP6_CONTIGUOUS; layout <= FP6_LANES; layout++) {
            const struct float_format *f = float_format_find(formats[i]);
            enum fp6_layout l = (enum fp6_layout)layout;
            if (!fp6_has_layout(f, l))
                continue;
            for (size_t r = 0; r < ROWS; r++) {
                scales[r] = 0x3C00;
                for (size_t c = 0; c < COLS; c++)
                    codes[r * COLS + c] = (uint8_t)((r + c) % (1u << f->bits));
            }
            size_t bytes = ROWS / FP6_TILE * fp6_tile_bytes(f, l, COLS);
            uint8_t *packed = parity_alloc(bytes);
            struct fp6_matrix w = fp6_matrix_of(f, l, packed, ROWS, COLS);
            fp6_pack(&w, codes, scales, 0, ROWS / FP6_TILE, packed);
            for (size_t k = 0; k < FAMILIES; k++)
                for (const struct kernel_variant *v = families[k].variants; v->isa; v++)
                    for (size_t c = 0; c < COLS; c++) {
                        float x[2 * COLS] = {0}, y[3 * ROWS];
                        if (v->needs & ~cpu_features() || families[k].lanes != (l == FP6_LANES))
                            continue;
                        x[c] = 1;
                        x[COLS + c] = -2;
                        for (size_t m = 1; m <= 2; m++)
                            ((gemm_fp6_fn *)v->fn)(&w, x, m, m == 1 ? y + 2 * ROWS : y, 0, ROWS);
                        for (size_t r = 0; r < ROWS; r++) {
                            float value = float_format_decode(f, codes[r * COLS + c]);
                            if (y[r] != value || y[ROWS + r] != -2 * value ||
                                y[2 * ROWS + r] != value)
                                fail_msg("%s_%s, %s, layout %d: code %u is %g", families[k].name,
                                         v->isa, f->name, layout, codes[r * COLS + c], y[r]);
                        }
                    }
            parity_free(packed, bytes);
        }
}

/* A bound that nothing could exceed would prove nothing. */
static void a_wrong_bit_exceeds_the_bound(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    const struct float_format *f = float_format_find("e3m2");
    uint8_t *codes;
    struct fp6_matrix w = random_matrix(&rng, f, FP6_PLANES, 1, 512, &codes);
    float *x = parity_normal(&rng, 512), right, wrong;
    for (int i = 0; i < 512; i++)
        x[i] = 1 + fabsf(x[i]);
    gemm_fp6_ref(&w, x, 1, &right, 0, 1);
    double bound = gemm_fp6_bound(&w, x, 0);
    uint8_t *packed = (uint8_t *)w.tiles;
    packed[17] ^= 8;
    gemm_fp6_ref(&w, x, 1, &wrong, 0, 1);
    assert_true(fabs((double)wrong - right) > bound);
    packed[17] ^= 8;
    packed[FP6_TILE * fp6_row_bytes(f, FP6_PLANES, 512)] ^= 1; /* the scale's last bit */
    gemm_fp6_ref(&w, x, 1, &wrong, 0, 1);
    assert_true(fabs((double)wrong - right) > bound);
    parity_free(x, 512 * sizeof *x);
    free_matrix(&w, codes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_the_shifted_binary16),
        cmocka_unit_test(the_paper_s_register_form_is_the_shift),
        cmocka_unit_test(cases_are_golden),
        cmocka_unit_test(rows_without_a_scale_are_zeros_with_signs),
        cmocka_unit_test(every_packing_gives_its_codes_back),
        cmocka_unit_test(every_kernel_meets_its_bound),
        cmocka_unit_test(every_code_comes_through_every_kernel),
        cmocka_unit_test(a_wrong_bit_exceeds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
