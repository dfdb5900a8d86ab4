/* The scaling-law kernels: every variant within the header's bound of the reference, of any number
 * of rows, far from the data and at huge exponents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>

#include "numerics/kernels/law_sums.h"
#include "tests/parity.h"

enum { COLUMNS = 4 + LAW_PRECISIONS, MOST = 67 };

struct columns {
    double *c[COLUMNS];
    struct law_rows rows;
};

/* Columns that end at a page that cannot be read. */
static struct columns draw(struct rng *rng, size_t n, size_t precisions, bool weighted)
{
    struct columns t = {.rows = {.precisions = precisions, .n = n}};
    for (int j = 0; j < COLUMNS; j++) {
        t.c[j] = parity_alloc(n * sizeof(double));
        for (size_t i = 0; i < n; i++)
            t.c[j][i] = j == 0   ? 15 + 10 * rng_uniform(rng)
                        : j == 1 ? 18 + 12 * rng_uniform(rng)
                        : j == 2 ? 0.5 + rng_uniform(rng)
                        : j == 3 ? rng_below(rng, 4)
                                 : exp2(5 * rng_uniform(rng) - 1);
    }
    t.rows.u = t.c[0];
    t.rows.v = t.c[1];
    t.rows.y = t.c[2];
    t.rows.w = weighted ? t.c[3] : NULL;
    for (size_t k = 0; k < precisions; k++)
        t.rows.bits[k] = t.c[4 + k];
    return t;
}

static void release(struct columns *t)
{
    for (int j = 0; j < COLUMNS; j++)
        parity_free(t->c[j], t->rows.n * sizeof(double));
}

static const struct law_point points[] = {
    {6.17, 7.67, 0.597, 0.347, 0.367, {2.67, 2.21, 0.96}},
    {25, 25, 1, 0, 0, {2.67, 2.21, 0.96}},           /* a start of the grid: e^25 */
    {0, 0, -1, 2, 2, {1e-3, 1e3, 1e9}},              /* all but E below rounding */
    {-300, 900, 0, -30, 60, {3, 3, 3}},              /* terms beyond what exp can hold */
    {6.17, 6.17, 6.17, 0, 0, {2.67, 2.21, 0.96}},    /* three equal terms */
    {0x1p-1000, -700, -700, 0, 40, {1e-9, 1e6, 40}}, /* below the least exponential */
};

static void every_variant_meets_its_bound(void **unused)
{
    (void)unused;
    enum { SEED = 11 };
    struct rng rng = {SEED};
    for (size_t n = 0; n <= MOST; n++)
        for (size_t p = 0; p < sizeof points / sizeof points[0]; p++) {
            size_t precisions = n % (LAW_PRECISIONS + 1);
            struct columns t = draw(&rng, n, precisions, n % 2);
            double delta = p % 2 ? 1e-3 : 10, right[LAW_SUMS], bound[LAW_SUMS], f[MOST];
            double *got = parity_alloc(n * sizeof *got);
            law_sums_ref(&t.rows, &points[p], delta, right);
            law_sums_bound(&t.rows, &points[p], delta, bound);
            law_eval_ref(&t.rows, &points[p], f);
            for (const struct kernel_variant *v = law_sums_variants; v->isa; v++) {
                double sums[LAW_SUMS];
                if (v->needs & ~cpu_features())
                    continue;
                ((law_sums_fn *)v->fn)(&t.rows, &points[p], delta, sums);
                for (int j = 0; j < LAW_SUMS; j++)
                    if (!(fabs(sums[j] - right[j]) <= bound[j]))
                        fail_msg("law_sums_%s: seed %d, n = %zu, point %zu, sum %d: %.17g, not "
                                 "%.17g; bound %g",
                                 v->isa, SEED, n, p, j, sums[j], right[j], bound[j]);
            }
            for (const struct kernel_variant *v = law_eval_variants; v->isa; v++) {
                if (v->needs & ~cpu_features())
                    continue;
                ((law_eval_fn *)v->fn)(&t.rows, &points[p], got);
                for (size_t i = 0; i < n; i++)
                    if (!(fabs(got[i] - f[i]) <= law_eval_bound(&t.rows, &points[p], i)))
                        fail_msg("law_eval_%s: seed %d, n = %zu, point %zu, row %zu: %.17g, not "
                                 "%.17g",
                                 v->isa, SEED, n, p, i, got[i], f[i]);
            }
            parity_free(got, n * sizeof *got);
            release(&t);
        }
}

/* A bound that were loose by orders would let a lost digit through. */
static void the_bound_is_within_a_few_thousand_roundings(void **unused)
{
    (void)unused;
    struct rng rng = {12};
    struct columns t = draw(&rng, 64, 0, false);
    for (size_t i = 0; i < 64; i++) /* residuals as of a fit, about 1 % */
        t.c[2][i] = 0.75 + 0.01 * rng_normal(&rng);
    double sums[LAW_SUMS], bound[LAW_SUMS];
    law_sums_ref(&t.rows, &points[0], 1e-3, sums);
    law_sums_bound(&t.rows, &points[0], 1e-3, bound);
    assert_true(bound[0] <= 0x1p-53 * 1e4 * sums[0]);
    release(&t);
}

static void what_is_not_finite_shows(void **unused)
{
    (void)unused;
    struct rng rng = {13};
    struct columns t = draw(&rng, 19, 1, true);
    t.c[3][18] = t.c[3][3] = 1;
    for (const struct kernel_variant *v = law_sums_variants; v->isa; v++)
        for (int j = 0; j < 3; j++)
            for (size_t i = 3; i < 19; i += 15) { /* in a whole vector, in the rest */
                if (v->needs & ~cpu_features())
                    continue;
                double sums[LAW_SUMS], kept = t.c[j][i];
                t.c[j][i] = NAN;
                ((law_sums_fn *)v->fn)(&t.rows, &points[0], 1e-3, sums);
                if (isfinite(sums[0]))
                    fail_msg("law_sums_%s: NaN in column %d, row %zu gives %g", v->isa, j, i,
                             sums[0]);
                t.c[j][i] = kept;
            }
    release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_meets_its_bound),
        cmocka_unit_test(the_bound_is_within_a_few_thousand_roundings),
        cmocka_unit_test(what_is_not_finite_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
