/* The Hadamard transform is exactly the one defined, orthogonal, and the same on every instruction
 * set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "datasets/json.h"
#include "numerics/transforms/hadamard.h"
#include "tests/parity.h"

/* One length for every order k that has a construction here and a model or a golden value. */
static const size_t lengths[] = {1,     2,     8,    16,    32,    64,    128,   256,  512,
                                 1024,  2048,  4096, 8192,  12,    48,    3072,  160,  5120,
                                 112,   896,   9728, 13824, 60,    960,   1144,  1664, 17920,
                                 18944, 10816, 9984, 344,   11008, 14336, 131072};
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0] };

static struct hadamard plan_of(size_t n, bool transposed)
{
    struct hadamard h;
    struct err err;
    if (hadamard_init(&h, n, transposed, &err))
        fail_msg("n = %zu: %s", n, err.text);
    return h;
}

static struct json *golden(void)
{
    struct json *root;
    struct err err;
    if (json_read("tests/golden/quarot.json", 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    return root;
}

static void numbers(const struct json *array, float *out)
{
    for (const struct json *x = json_first(array); x; x = json_next(x))
        *out++ = (float)json_number(x, NAN);
}

static void base_matrices_equal_the_golden_ones(void **unused)
{
    (void)unused;
    struct json *root = golden();
    for (const struct json *b = json_first(json_get(root, "hadamard")); b; b = json_next(b)) {
        size_t k = (size_t)atoi(json_key(b));
        struct hadamard h = plan_of(k, false);
        assert_int_equal(h.k, k);
        const struct json *index = json_first(json_get(b, "rows"));
        const struct json *row = json_first(json_get(b, "signs"));
        assert_non_null(row);
        for (; row; row = json_next(row), index = json_next(index)) {
            const char *signs = json_string(row, "");
            size_t i = (size_t)json_number(index, (double)k);
            assert_true(i < k);
            assert_int_equal(strlen(signs), k);
            for (size_t j = 0; j < k; j++)
                if (h.base[i * k + j] != (signs[j] == '+' ? 1 : -1))
                    fail_msg("B_%zu[%zu][%zu] is %d", k, i, j, h.base[i * k + j]);
        }
        hadamard_free(&h);
    }
    json_free(root);
}

static void every_base_matrix_is_orthogonal(void **unused)
{
    (void)unused;
    enum { WORDS = HADAMARD_MAX_BASE / 64 };
    static uint64_t minus[HADAMARD_MAX_BASE][WORDS]; /* a row's entries of -1, one bit each */
    size_t seen = 0;
    for (size_t n = 4; n <= HADAMARD_MAX_BASE; n += 4) {
        size_t k, p;
        if (!hadamard_split(n, &k, &p) || p > 1 || k == 1)
            continue;
        struct hadamard h = plan_of(n, false);
        memset(minus, 0, sizeof minus);
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) {
                int entry = h.base[i * k + j];
                assert_true(entry == 1 || entry == -1);
                minus[i][j / 64] |= (uint64_t)(entry < 0) << j % 64;
            }
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j <= i; j++) {
                int dot = (int)k;
                for (size_t w = 0; w < WORDS; w++)
                    dot -= 2 * __builtin_popcountll(minus[i][w] ^ minus[j][w]);
                if (dot != (i == j ? (int)k : 0))
                    fail_msg("rows %zu and %zu of B_%zu have product %d", i, j, k, dot);
            }
        hadamard_free(&h);
        seen++;
    }
    assert_true(seen > 20);
}

static void lengths_split_as_the_golden_table_says(void **unused)
{
    (void)unused;
    struct json *root = golden();
    for (const struct json *row = json_first(json_get(root, "split")); row; row = json_next(row)) {
        const struct json *n = json_first(row), *k = json_next(n);
        size_t base = 0, p = 0;
        bool there = hadamard_split((size_t)json_number(n, 0), &base, &p);
        assert_int_equal(there ? base : 0, (size_t)json_number(k, -1));
    }
    json_free(root);
    size_t k, p;
    assert_false(hadamard_split(0, &k, &p));
    assert_false(hadamard_split(6, &k, &p)); /* no Hadamard matrix of order 6 */
    struct hadamard h;
    struct err err;
    assert_int_equal(hadamard_init(&h, 13696, false, &err), E_USAGE);
    assert_non_null(strstr(err.text, "13696"));
}

static void transforms_equal_the_golden_vectors(void **unused)
{
    (void)unused;
    struct json *root = golden();
    for (const struct kernel_variant *v = hadamard_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        for (const struct json *g = json_first(json_get(root, "fwht")); g; g = json_next(g)) {
            size_t n = (size_t)json_get_number(g, "n", 0);
            struct hadamard h = plan_of(n, false);
            float x[512], y[512], sum = 0;
            numbers(json_get(g, "x"), x);
            numbers(json_get(g, "y"), y);
            for (size_t i = 0; i < n; i++)
                sum += fabsf(x[i]);
            ((hadamard_fn *)v->fn)(&h, NULL, x, 1);
            for (size_t i = 0; i < n; i++)
                if (!(fabs(x[i] - y[i]) <= hadamard_bound(&h) * sum * h.scale + 1e-6 * fabs(y[i])))
                    fail_msg("%s, n = %zu: y[%zu] is %.9g, not %.9g", v->isa, n, i, x[i], y[i]);
            hadamard_free(&h);
        }
        const struct json *rht = json_get(root, "rht");
        size_t n = json_size(json_get(rht, "x"));
        struct hadamard h = plan_of(n, false);
        float x[512], y[512], signs[512];
        numbers(json_get(rht, "x"), x);
        numbers(json_get(rht, "y"), y);
        numbers(json_get(rht, "signs"), signs);
        ((hadamard_fn *)v->fn)(&h, signs, x, 1);
        for (size_t i = 0; i < n; i++)
            if (!(fabs(x[i] - y[i]) <= 1e-5 * (1 + fabs(y[i]))))
                fail_msg("%s, randomised: y[%zu] is %.9g, not %.9g", v->isa, i, x[i], y[i]);
        hadamard_free(&h);
    }
    json_free(root);
}

/* Output i of row x by the definition, summed in f64. */
static double exact_output(const struct hadamard *h, const float *signs, const float *x, size_t i)
{
    double sum = 0;
    for (size_t j = 0; j < h->n; j++)
        sum += hadamard_entry(h, i, j) * signs[j] * x[j];
    return sum / sqrt((double)h->n);
}

static void every_variant_meets_its_bound(void **unused)
{
    (void)unused;
    struct rng rng = {11};
    const struct kernel_variant *tables[] = {hadamard_variants, hadamard_radix2_variants};
    for (size_t l = 0; l < N_LENGTHS; l++) {
        size_t n = lengths[l], rows = n > 4096 ? 1 : 3, count = n * rows;
        struct hadamard h = plan_of(n, false);
        float *x = parity_normal(&rng, count), *signs = parity_alloc(n * sizeof *signs);
        float *y[8] = {NULL};
        const char *isa[8];
        size_t outputs = 0;
        for (size_t i = 0; i < n; i++)
            signs[i] = rng_u64(&rng) >> 63 ? -1.0f : 1.0f;
        for (size_t t = 0; t < 2; t++)
            for (const struct kernel_variant *v = tables[t]; v->isa; v++) {
                if (v->needs & ~cpu_features())
                    continue;
                assert_true(outputs < sizeof y / sizeof y[0]);
                isa[outputs] = t ? "radix2" : v->isa;
                y[outputs] = parity_alloc(count * sizeof *x);
                memcpy(y[outputs], x, count * sizeof *x);
                ((hadamard_fn *)v->fn)(&h, signs, y[outputs++], rows);
            }
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++)
                sum += fabs(x[r * n + j]);
            double bound = hadamard_bound(&h) * sum / sqrt((double)n);
            /* every output of a short row, about 32 of a long one at an odd step, which meets every
             * lane */
            size_t step = n > 600 ? n / 32 | 1 : 1;
            for (size_t i = 0; i < n; i += step) {
                double exact = exact_output(&h, signs, x + r * n, i);
                for (size_t o = 0; o < outputs; o++)
                    if (!(fabs(y[o][r * n + i] - exact) <= bound))
                        fail_msg("%s, n = %zu, row %zu, output %zu: %g, not %g", isa[o], n, r, i,
                                 y[o][r * n + i], exact);
            }
        }
        for (size_t o = 0; o < outputs; o++)
            parity_free(y[o], count * sizeof *x);
        parity_free(x, count * sizeof *x);
        parity_free(signs, n * sizeof *signs);
        hadamard_free(&h);
    }
}

static void the_transposed_plan_undoes_the_transform(void **unused)
{
    (void)unused;
    struct rng rng = {12};
    for (const struct kernel_variant *v = hadamard_variants; v->isa; v++)
        for (size_t l = 0; l < N_LENGTHS && !(v->needs & ~cpu_features()); l++) {
            size_t n = lengths[l];
            struct hadamard there = plan_of(n, false), back = plan_of(n, true);
            float *x = parity_normal(&rng, n), *y = parity_alloc(n * sizeof *y);
            double sum = 0, norm_x = 0, norm_y = 0;
            memcpy(y, x, n * sizeof *y);
            ((hadamard_fn *)v->fn)(&there, NULL, y, 1);
            for (size_t i = 0; i < n; i++) {
                sum += fabs(x[i]);
                norm_x += (double)x[i] * x[i];
                norm_y += (double)y[i] * y[i];
            }
            /* |y|^2 = |x|^2 up to the error of each of its n terms */
            double error = hadamard_bound(&there) * sum / sqrt((double)n);
            if (!(fabs(sqrt(norm_y) - sqrt(norm_x)) <= error * sqrt((double)n)))
                fail_msg("%s, n = %zu: norm %g became %g", v->isa, n, sqrt(norm_x), sqrt(norm_y));
            ((hadamard_fn *)v->fn)(&back, NULL, y, 1);
            for (size_t i = 0; i < n; i++)
                /* the first error is spread by an orthogonal matrix, then the same again */
                if (!(fabs(y[i] - x[i]) <= 2 * error * sqrt((double)n)))
                    fail_msg("%s, n = %zu: x[%zu] = %g came back as %g", v->isa, n, i, x[i], y[i]);
            parity_free(x, n * sizeof *x);
            parity_free(y, n * sizeof *y);
            hadamard_free(&there);
            hadamard_free(&back);
        }
}

static void one_spike_spreads_evenly(void **unused)
{
    (void)unused;
    for (const struct kernel_variant *v = hadamard_variants; v->isa; v++)
        for (size_t l = 0; l < N_LENGTHS && !(v->needs & ~cpu_features()); l++) {
            size_t n = lengths[l];
            struct hadamard h = plan_of(n, false);
            float *x = parity_alloc(n * sizeof *x);
            memset(x, 0, n * sizeof *x);
            x[n / 3] = 64;
            ((hadamard_fn *)v->fn)(&h, NULL, x, 1);
            for (size_t i = 0; i < n; i++)
                assert_true(fabsf(x[i]) == 64 * h.scale); /* zeros add exactly */
            parity_free(x, n * sizeof *x);
            hadamard_free(&h);
        }
}

static void specials_stay_in_their_row(void **unused)
{
    (void)unused;
    for (const struct kernel_variant *v = hadamard_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        struct hadamard h = plan_of(320, false);
        float *x = parity_alloc(3 * 320 * sizeof *x);
        for (size_t i = 0; i < 3 * 320; i++)
            x[i] = 1e-3f * (float)i;
        x[320 + 7] = NAN;
        ((hadamard_fn *)v->fn)(&h, NULL, x, 3);
        for (size_t i = 0; i < 320; i++) {
            assert_true(isfinite(x[i]));
            assert_true(isnan(x[320 + i]));
            assert_true(isfinite(x[640 + i]));
        }
        ((hadamard_fn *)v->fn)(&h, NULL, x, 0);
        parity_free(x, 3 * 320 * sizeof *x);
        hadamard_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_matrices_equal_the_golden_ones),
        cmocka_unit_test(every_base_matrix_is_orthogonal),
        cmocka_unit_test(lengths_split_as_the_golden_table_says),
        cmocka_unit_test(transforms_equal_the_golden_vectors),
        cmocka_unit_test(every_variant_meets_its_bound),
        cmocka_unit_test(the_transposed_plan_undoes_the_transform),
        cmocka_unit_test(one_spike_spreads_evenly),
        cmocka_unit_test(specials_stay_in_their_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
