/* GEMM of bf16 weights: every kernel equals the reference within the bound of its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gemm_bf16.h"
#include "numerics/kernels/gemv_dense.h"
#include "tests/parity.h"

enum { SEED = 43 };
enum values { NORMAL, HUGE_VALUES, TINY_VALUES, ONE_NAN, ONE_INF, VALUE_KINDS };

static float *outputs(size_t n)
{
    float *y = parity_alloc(n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = -77; /* what a row outside the range must still be */
    return y;
}

static void one_case(struct rng *rng, size_t rows, size_t cols, size_t m, enum values kind)
{
    size_t row0 = rows > 2 ? 1 : 0, row1 = rows - (rows > 4 ? 1 : 0);
    uint16_t *w = parity_alloc(rows * cols * sizeof *w);
    float *x = parity_normal(rng, m * cols), *reference = outputs(m * rows);
    for (size_t i = 0; i < rows * cols; i++)
        w[i] = bf16_from_f32((float)rng_normal(rng));
    for (size_t i = 0; i < m * cols; i++)
        x[i] *= kind == HUGE_VALUES ? 0x1p118f : kind == TINY_VALUES ? 0x1p-140f : 1;
    if (m * cols > 0 && kind >= ONE_NAN)
        x[rng_below(rng, (uint32_t)(m * cols))] = kind == ONE_NAN ? NAN : INFINITY;
    gemm_bf16_ref(w, rows, cols, x, m, reference, row0, row1);
    for (const struct kernel_variant *v = gemm_bf16_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        float *y = outputs(m * rows);
        ((gemm_bf16_fn *)v->fn)(w, rows, cols, x, m, y, row0, row1);
        for (size_t i = 0; i < m * rows; i++) {
            size_t t = i / rows, r = i % rows;
            bool inside = r >= row0 && r < row1;
            double bound = inside ? gemv_bf16_bound(w + r * cols, x + t * cols, cols) : 0;
            bool right = inside && kind >= ONE_NAN && !isfinite(reference[i])
                             ? (isnan(reference[i]) ? isnan(y[i]) : y[i] == reference[i])
                             : isinf(bound) || fabs((double)y[i] - reference[i]) <= bound;
            if (!right)
                fail_msg("gemm_bf16_%s, %zu x %zu, m = %zu, x of kind %d, row %zu, token %zu, "
                         "seed %d: %.9g, reference %.9g, bound %g",
                         v->isa, rows, cols, m, kind, r, t, SEED, y[i], reference[i], bound);
        }
        parity_free(y, m * rows * sizeof *y);
    }
    parity_free(w, rows * cols * sizeof *w);
    parity_free(x, m * cols * sizeof *x);
    parity_free(reference, m * rows * sizeof *reference);
}

static void kernels_meet_their_bound(void **unused)
{
    (void)unused;
    static const size_t tokens[] = {1, 2, 3, 8, 17, 32, 37};
    enum { N_TOKENS = sizeof tokens / sizeof *tokens };
    struct rng rng = {SEED};
    for (size_t cols = 0; cols <= 260; cols++)
        one_case(&rng, cols % 10, cols, tokens[cols % N_TOKENS], NORMAL);
    for (size_t i = 0; i < N_TOKENS; i++)
        for (size_t rows = 0; rows <= 9; rows++)
            for (int kind = 0; kind < VALUE_KINDS; kind++)
                one_case(&rng, rows, 13 * (rows + 1), tokens[i], (enum values)kind);
    one_case(&rng, 9, 2500, 17, NORMAL); /* several panels of columns */
    one_case(&rng, 9, 1024, 2, NORMAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kernels_meet_their_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
