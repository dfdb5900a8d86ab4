/* Ternary kernels: packings are those of the golden file, and every path of every scheme gives the
 * exact integer, at all lengths, for the most extreme tokens. */
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
#include "numerics/kernels/gemm_i8.h"
#include "numerics/kernels/ternary.h"
#include "tests/parity.h"

enum { SEED = 158, N = 4, K = 256, M = 2 };

/* ---- The golden file ---- */

struct golden {
    struct json *root;
    int8_t t[N * K], q[M * K];
    float x[M * K], gamma;
};

static size_t numbers(const struct json *array, double *out, size_t most)
{
    size_t n = 0;
    for (const struct json *j = json_first(array); j; j = json_next(j), n++)
        if (n < most)
            out[n] = json_number(j, NAN);
    return n;
}

static void open_golden(struct golden *g)
{
    struct err err;
    double values[N * K];
    if (json_read("tests/golden/bitnet-b158.json", 1 << 20, &g->root, &err))
        fail_msg("%s", err.text);
    g->gamma = (float)json_get_number(g->root, "gamma", NAN);
    assert_int_equal(numbers(json_get(g->root, "t"), values, N * K), N * K);
    for (size_t i = 0; i < N * K; i++)
        g->t[i] = (int8_t)values[i];
    assert_int_equal(numbers(json_get(g->root, "q"), values, M * K), M * K);
    for (size_t i = 0; i < M * K; i++)
        g->q[i] = (int8_t)values[i];
    assert_int_equal(numbers(json_get(g->root, "x"), values, M * K), M * K);
    for (size_t i = 0; i < M * K; i++)
        g->x[i] = (float)values[i];
}

static void same_bytes(const struct json *want, const uint8_t *got, size_t n, const char *what)
{
    size_t i = 0;
    for (const struct json *j = json_first(want); j; j = json_next(j), i++)
        if (i >= n || got[i] != (int)json_number(j, -1))
            fail_msg("%s: byte %zu of %zu is not that of the golden file", what, i, n);
    assert_int_equal(i, n);
}

/* Units without their scale. */
static void same_units(const struct golden *g, const struct ternary_packing *p, const char *key,
                       size_t from, size_t bytes)
{
    uint8_t packed[2 * N * K], codes[2 * N * K];
    size_t units = N * K / p->cols;
    ternary_pack(p, g->t, N, K, g->gamma, packed);
    for (size_t u = 0; u < units; u++)
        memcpy(codes + u * bytes, packed + u * p->bytes + from, bytes);
    same_bytes(json_get(g->root, key), codes, units * bytes, key);
}

static void packings_are_those_of_the_golden_file(void **unused)
{
    (void)unused;
    struct golden g;
    uint8_t *group = malloc(K * TERNARY_LANES), index[N * K / 2], sign[K / 3];
    assert_non_null(group);
    open_golden(&g);
    same_units(&g, &ternary_i2s, "i2s", 0, 32);
    same_units(&g, &ternary_tq2, "tq2", 0, 64);
    same_units(&g, &ternary_tq1, "tq1_qs", 0, 48);
    same_units(&g, &ternary_tq1, "tq1_qh", 48, 4);

    ternary_pack(&ternary_tl1, g.t, N, K, g.gamma, group);
    for (size_t pair = 0; pair < N * K / 2; pair++) {
        size_t in_row = pair % (K / 2);
        uint8_t byte = group[in_row / 2 * TERNARY_LANES + pair / (K / 2)];
        index[pair] = byte >> 4 * (in_row % 2) & 15;
    }
    same_bytes(json_get(g.root, "tl1"), index, N * K / 2, "tl1");

    /* 255 columns, the golden ones, are 10 whole units of 24, and 5 triples of the next, which
     * packing 264 columns completes */
    int8_t row[264] = {0};
    memcpy(row, g.t, 255);
    ternary_pack(&ternary_tl2, row, 1, 264, g.gamma, group);
    for (size_t triple = 0; triple < 85; triple++) {
        const uint8_t *unit = group + triple / 8 * 5 * TERNARY_LANES;
        index[triple] = unit[triple % 8 / 2 * TERNARY_LANES] >> 4 * (triple % 2) & 15;
        sign[triple] = unit[4 * TERNARY_LANES] >> triple % 8 & 1;
    }
    same_bytes(json_get(g.root, "tl2_idx"), index, 85, "tl2_idx");
    same_bytes(json_get(g.root, "tl2_sign"), sign, 85, "tl2_sign");
    free(group);
    json_free(g.root);
}

static void digit_bytes_are_those_of_the_golden_file_and_decode(void **unused)
{
    (void)unused;
    struct golden g;
    uint8_t bytes[243];
    open_golden(&g);
    for (unsigned v = 0; v < 243; v++) {
        bytes[v] = gemm_i8_digit_byte(v);
        unsigned number = 0;
        for (unsigned n = 0; n < 5; n++)
            number = 3 * number + gemm_i8_digit(bytes[v], n);
        assert_int_equal(number, v);
    }
    same_bytes(json_get(g.root, "trit"), bytes, 243, "trit");
    /* the worked digits 2, 0, 1, 2, 1 */
    static const unsigned digits[5] = {2, 0, 1, 2, 1};
    assert_int_equal(gemm_i8_digit_byte(178), 188);
    for (unsigned n = 0; n < 5; n++)
        assert_int_equal(gemm_i8_digit(188, n), digits[n]);
    json_free(g.root);
}

static void bits_for_a_weight_are_those_of_the_golden_file(void **unused)
{
    (void)unused;
    static const struct {
        const char *key;
        const struct ternary_packing *packing;
    } rows[] = {{"i2s", &ternary_i2s},
                {"tq2", &ternary_tq2},
                {"tq1", &ternary_tq1},
                {"tl1", &ternary_tl1},
                {"tl2", &ternary_tl2}};
    struct golden g;
    open_golden(&g);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t cols = 256 * 24, rows_of = rows[i].packing->row_group;
        double bits =
            8.0 * (double)ternary_group_bytes(rows[i].packing, cols) / (double)(cols * rows_of);
        double want = json_get_number(json_get(g.root, "bpw"), rows[i].key, NAN);
        if (!(bits == want))
            fail_msg("%s: %g bits, not %g", rows[i].key, bits, want);
    }
    json_free(g.root);
}

static void unpacking_gives_back_what_was_packed(void **unused)
{
    (void)unused;
    static const struct ternary_packing *const all[] = {
        &ternary_i2s, &ternary_tq2, &ternary_tq1, &ternary_tl1, &ternary_tl2, &ternary_planes};
    struct rng rng = {SEED};
    enum { ROWS = 3, MOST = 530 };
    for (size_t p = 0; p < sizeof all / sizeof all[0]; p++)
        for (size_t cols = 0; cols <= MOST; cols++) {
            int8_t t[ROWS * MOST], row[MOST];
            size_t groups = (ROWS + all[p]->row_group - 1) / all[p]->row_group;
            size_t bytes = groups * ternary_group_bytes(all[p], cols);
            uint8_t *packed = parity_alloc(bytes);
            for (size_t i = 0; i < ROWS * cols; i++)
                t[i] = (int8_t)((int)rng_below(&rng, 3) - 1);
            ternary_pack(all[p], t, ROWS, cols, 1, packed);
            for (size_t r = 0; r < ROWS; r++) {
                ternary_unpack_row(all[p], packed, r, cols, row);
                if (memcmp(row, t + r * cols, cols))
                    fail_msg("seed %d: %s, %zu columns, row %zu", SEED, all[p]->name, cols, r);
            }
            parity_free(packed, bytes);
        }
}

/* ---- Kernels ---- */

/* A matrix, and tokens that hold given 8-bit activations with s = gamma, so that y is the dot. */
struct problem {
    const struct ternary_scheme *scheme;
    size_t rows, cols, m, bytes;
    int8_t *t;
    uint8_t *packed;
    struct ternary_matrix w;
    struct ternary_tokens x;
};

static void problem_make(struct problem *p, const int8_t *t, const int8_t *q)
{
    const struct ternary_packing *packing = p->scheme->packing;
    struct err err;
    p->bytes = (p->rows + packing->row_group - 1) / packing->row_group *
               ternary_group_bytes(packing, p->cols);
    p->packed = parity_alloc(p->bytes);
    ternary_pack(packing, t, p->rows, p->cols, 0.5f, p->packed);
    p->w = (struct ternary_matrix){packing, p->packed, p->rows, p->cols, 0.5f};
    if (ternary_tokens_alloc(p->scheme, p->cols, p->m, &p->x, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < p->m; i++) {
        p->x.s[i] = 0.5f;
        memcpy(p->x.q + i * p->x.stride, q + i * p->cols, p->cols);
        for (size_t c = 0; c < p->cols; c++)
            p->x.sum[i] += q[i * p->cols + c];
    }
}

static void problem_free(struct problem *p)
{
    ternary_tokens_free(&p->x);
    parity_free(p->packed, p->bytes);
}

/* Every path that the processor has, from every start that is allowed, against plain sums. */
static void exact(struct problem *p, const int8_t *t, const int8_t *q, const char *what)
{
    float *y = parity_alloc(p->m * p->rows * sizeof *y);
    for (const struct kernel_variant *v = p->scheme->kernels; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        const struct kernel_variant *a = kernel_pick(p->scheme->arrange, v->needs);
        size_t cut = p->scheme->packing->row_group == 1
                         ? p->rows / 3
                         : p->rows / 2 / TERNARY_LANES * TERNARY_LANES;
        for (size_t i = 0; i < p->m; i++)
            ((ternary_arrange_fn *)a->fn)(NULL, &p->x, i);
        for (size_t i = 0; i < p->m * p->rows; i++)
            y[i] = NAN;
        ((ternary_fn *)v->fn)(&p->w, &p->x, y, 0, cut);
        ((ternary_fn *)v->fn)(&p->w, &p->x, y, cut, p->rows);
        for (size_t i = 0; i < p->m * p->rows; i++) {
            int32_t dot = 0;
            for (size_t c = 0; c < p->cols; c++)
                dot += t[i % p->rows * p->cols + c] * q[i / p->rows * p->cols + c];
            if (!(y[i] == (float)dot))
                fail_msg("seed %d: %s/%s, %s, %zu x %zu: row %zu of token %zu is %g, not %d", SEED,
                         p->scheme->name, v->isa, what, p->rows, p->cols, i % p->rows, i / p->rows,
                         (double)y[i], dot);
        }
    }
    parity_free(y, p->m * p->rows * sizeof *y);
}

static void random_problem(const struct ternary_scheme *s, struct rng *rng, size_t rows,
                           size_t cols, size_t m)
{
    int8_t *t = malloc(rows * cols + 1), *q = malloc(m * cols + 1);
    struct problem p = {.scheme = s, .rows = rows, .cols = cols, .m = m};
    assert_true(t && q);
    for (size_t i = 0; i < rows * cols; i++)
        t[i] = (int8_t)((int)rng_below(rng, 3) - 1);
    for (size_t i = 0; i < m * cols; i++)
        q[i] = (int8_t)((int)rng_below(rng, 256) - 128);
    problem_make(&p, t, q);
    exact(&p, t, q, "random");
    problem_free(&p);
    free(t);
    free(q);
}

static void every_path_is_exact_at_all_lengths_and_odd_rows(void **unused)
{
    (void)unused;
    static const size_t rows[] = {1, 5, 64, 67, 131, 3};
    struct rng rng = {SEED};
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++) {
        for (size_t cols = 0; s->exact && cols <= 260; cols++)
            random_problem(s, &rng, rows[cols % 6], cols, 1);
        for (size_t m = 2; s->exact && m <= 9; m++)
            random_problem(s, &rng, 5 + m, 700 + m, m);
    }
}

/* All that 16-bit sums could overflow on: every product of one sign and the largest magnitude. */
static void no_sum_overflows_for_extreme_tokens(void **unused)
{
    (void)unused;
    static const int8_t extremes[] = {127, -128};
    enum { COLS = 4096, ROWS = 65 };
    int8_t *t = malloc(ROWS * COLS), *q = malloc(COLS);
    assert_true(t && q);
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++)
        for (int i = 0; s->exact && i < 4; i++) {
            struct problem p = {.scheme = s, .rows = ROWS, .cols = COLS, .m = 1};
            memset(t, i / 2 ? 1 : -1, ROWS * COLS);
            memset(q, extremes[i % 2], COLS);
            problem_make(&p, t, q);
            exact(&p, t, q, "extreme");
            problem_free(&p);
            for (size_t c = 0; c < COLS; c++) /* the same magnitudes, signs in turn */
                q[c] = c % 2 ? 127 : -128;
            for (size_t c = 0; c < ROWS * COLS; c++)
                t[c] = c % 2 ? 1 : -1;
            problem_make(&p, t, q);
            exact(&p, t, q, "alternating");
            problem_free(&p);
        }
    free(t);
    free(q);
}

static void the_widest_matrix_is_exact(void **unused)
{
    (void)unused;
    int8_t *t = malloc(TERNARY_MAX_COLS), *q = malloc(TERNARY_MAX_COLS);
    assert_true(t && q);
    memset(t, 1, TERNARY_MAX_COLS);
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++)
        for (int i = 0; s->exact && i < 2; i++) {
            struct problem p = {.scheme = s, .rows = 1, .cols = TERNARY_MAX_COLS, .m = 1};
            memset(q, i ? -128 : 127, TERNARY_MAX_COLS);
            problem_make(&p, t, q);
            exact(&p, t, q, "widest");
            problem_free(&p);
            struct ternary_tokens x;
            assert_int_equal(ternary_tokens_alloc(s, TERNARY_MAX_COLS + 1, 1, &x, NULL), E_USAGE);
        }
    free(t);
    free(q);
}

static void the_golden_overflow_case_comes_out(void **unused)
{
    (void)unused;
    struct golden g;
    open_golden(&g);
    const struct json *o = json_get(g.root, "overflow");
    size_t cols = (size_t)json_get_number(o, "K", 0);
    int8_t *t = malloc(cols), *q = malloc(cols);
    assert_true(t && q);
    memset(t, (int)json_get_number(o, "t", 0), cols);
    memset(q, (int)json_get_number(o, "q", 0), cols);
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++) {
        if (!s->exact)
            continue;
        struct problem p = {.scheme = s, .rows = 1, .cols = cols, .m = 1};
        float y;
        problem_make(&p, t, q);
        assert_int_equal(p.x.sum[0], (int)json_get_number(o, "act_sum", 0));
        struct ternary_kernels k = ternary_pick(s, cpu_features());
        k.arrange(NULL, &p.x, 0);
        k.multiply(&p.w, &p.x, &y, 0, 1);
        assert_true(y == (float)json_get_number(o, "dot", NAN));
        problem_free(&p);
    }
    free(t);
    free(q);
    json_free(g.root);
}

/* dot exactly, and y within the roundings of s, gamma, their quotient and the product. */
static void golden_products_come_out(void **unused)
{
    (void)unused;
    struct golden g;
    double dot[N * M], y[N * M];
    open_golden(&g);
    assert_int_equal(numbers(json_get(g.root, "dot"), dot, N * M), N * M);
    assert_int_equal(numbers(json_get(g.root, "y"), y, N * M), N * M);
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++) {
        if (!s->exact)
            continue;
        struct problem p = {.scheme = s, .rows = N, .cols = K, .m = M};
        struct ternary_kernels k = ternary_pick(s, cpu_features());
        float got[N * M];
        problem_make(&p, g.t, g.q);
        exact(&p, g.t, g.q, "golden");
        p.w.gamma = g.gamma;
        ternary_prepare(&k, g.x, &p.x);
        assert_memory_equal(p.x.q, g.q, K);
        k.multiply(&p.w, &p.x, got, 0, N);
        for (size_t i = 0; i < N * M; i++) {
            double d = (double)got[i] * p.x.s[i / N] / g.gamma;
            if (!(fabs(d - dot[i]) <= 3 * 0x1p-24 * fabs(dot[i])) ||
                !(fabs(got[i] - y[i]) <= 4 * 0x1p-24 * fabs(y[i])))
                fail_msg("%s: y %zu is %.9g, not %.9g", s->name, i, (double)got[i], y[i]);
        }
        problem_free(&p);
    }
    json_free(g.root);
}

static void tokens_that_are_not_finite_give_nan(void **unused)
{
    (void)unused;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    int8_t t[70] = {1, 0, -1};
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++)
        for (size_t b = 0; b < 3; b++) {
            float x[35] = {[7] = bad[b]}, y[2] = {0};
            int8_t zeros[35] = {0};
            struct problem p = {.scheme = s, .rows = 2, .cols = 35, .m = 1};
            struct ternary_kernels k = ternary_pick(s, cpu_features());
            problem_make(&p, t, zeros);
            ternary_prepare(&k, x, &p.x);
            k.multiply(&p.w, &p.x, y, 0, 2);
            if (!isnan(y[0]) || !isnan(y[1]))
                fail_msg("%s: %g gives %g", s->name, (double)bad[b], (double)y[0]);
            problem_free(&p);
        }
}

/* ---- tmac_int8 ---- */

static void golden_tables_come_out(void **unused)
{
    (void)unused;
    struct golden g;
    enum { COLS = 64 };
    double values[COLS * 4];
    float x[COLS], y;
    int8_t t[COLS], zeros[COLS] = {0};
    open_golden(&g);
    const struct json *o = json_get(g.root, "tmac");
    assert_int_equal(numbers(json_get(o, "x"), values, COLS), COLS);
    for (size_t i = 0; i < COLS; i++)
        x[i] = (float)values[i];
    assert_int_equal(numbers(json_get(o, "t"), values, COLS), COLS);
    for (size_t i = 0; i < COLS; i++)
        t[i] = (int8_t)values[i];
    assert_int_equal(numbers(json_get(o, "Q"), values, COLS * 4), COLS * 4);
    struct problem p = {
        .scheme = ternary_scheme_find("tmac_int8"), .rows = 1, .cols = COLS, .m = 1};
    struct ternary_kernels k = ternary_pick(p.scheme, cpu_features());
    problem_make(&p, t, zeros);
    p.w.gamma = 1;
    ternary_prepare(&k, x, &p.x);
    for (size_t i = 0; i < COLS * 4; i++)
        if ((int8_t)p.x.arranged[i] != (int)values[i])
            fail_msg("entry %zu is %d, not %g", i, (int8_t)p.x.arranged[i], values[i]);
    double scale = json_get_number(o, "scale", NAN);
    assert_true(fabs(p.x.step[0] - scale) <= 5 * 0x1p-24 * scale); /* three additions, a quotient */
    k.multiply(&p.w, &p.x, &y, 0, 1);
    double want = json_get_number(o, "dot_int8table", NAN);
    /* the step's five roundings and three more of the first term; two of the second */
    double terms = fabs(want) + 2 * fabs((double)p.x.half[0]);
    assert_true(fabs(y - want) <= 10 * 0x1p-24 * terms);
    assert_true(fabs(y - json_get_number(o, "dot_exact", NAN)) > 0.01); /* it is lossy */
    json_free(g.root);
    problem_free(&p);
}

/* Tables and results of every path are the reference's bits. */
static void eight_bit_tables_are_the_same_everywhere(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    const struct ternary_scheme *s = ternary_scheme_find("tmac_int8");
    for (size_t cols = 0; cols <= 700; cols += cols < 260 ? 1 : 41) {
        enum { ROWS = 131 };
        int8_t *t = malloc(ROWS * cols + 1), *zeros = calloc(cols + 1, 1);
        assert_true(t && zeros);
        float *x = parity_normal(&rng, cols), want[ROWS], y[ROWS];
        for (size_t i = 0; i < ROWS * cols; i++)
            t[i] = (int8_t)((int)rng_below(&rng, 3) - 1);
        for (size_t i = 0; cols % 5 == 0 && i < cols; i++)
            x[i] *= cols % 10 ? 1e-39f : 1e36f; /* subnormal, and sums near the largest number */
        for (size_t i = 0; cols % 7 == 0 && i < cols; i++) /* every entry is the largest */
            x[i] = 1;
        if (cols % 7 == 0)
            memset(t, 1, ROWS * cols);
        struct problem p = {.scheme = s, .rows = ROWS, .cols = cols, .m = 1};
        problem_make(&p, t, zeros);
        struct ternary_kernels ref = ternary_pick(s, 0);
        ternary_prepare(&ref, x, &p.x);
        ref.multiply(&p.w, &p.x, want, 0, ROWS);
        uint8_t *tables = malloc(4 * cols + 16);
        assert_non_null(tables);
        memcpy(tables, p.x.arranged, (cols + 3) / 4 * 16);
        for (const struct kernel_variant *v = s->kernels; v->isa; v++) {
            if (v->needs & ~cpu_features())
                continue;
            struct ternary_kernels k = ternary_pick(s, v->needs);
            ternary_prepare(&k, x, &p.x);
            assert_memory_equal(tables, p.x.arranged, (cols + 3) / 4 * 16);
            k.multiply(&p.w, &p.x, y, 0, ROWS);
            if (memcmp(y, want, sizeof y))
                fail_msg("seed %d: tmac_int8/%s, %zu columns: another result", SEED, v->isa, cols);
        }
        free(tables);
        free(t);
        free(zeros);
        parity_free(x, cols * sizeof *x);
        problem_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packings_are_those_of_the_golden_file),
        cmocka_unit_test(digit_bytes_are_those_of_the_golden_file_and_decode),
        cmocka_unit_test(bits_for_a_weight_are_those_of_the_golden_file),
        cmocka_unit_test(unpacking_gives_back_what_was_packed),
        cmocka_unit_test(every_path_is_exact_at_all_lengths_and_odd_rows),
        cmocka_unit_test(no_sum_overflows_for_extreme_tokens),
        cmocka_unit_test(the_widest_matrix_is_exact),
        cmocka_unit_test(the_golden_overflow_case_comes_out),
        cmocka_unit_test(golden_products_come_out),
        cmocka_unit_test(tokens_that_are_not_finite_give_nan),
        cmocka_unit_test(golden_tables_come_out),
        cmocka_unit_test(eight_bit_tables_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
