/* One pass of Lloyd-Max: the same bits on every instruction set, and the cells' means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "numerics/kernels/lloyd_pass.h"
#include "tests/parity.h"

enum { SEED = 9, MAX_LEVELS = 40 };

static void every_variant_gives_the_same_bits(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (const struct kernel_variant *v = lloyd_pass_variants; v->isa; v++)
        for (size_t n = 0; n <= 5000 && !(v->needs & ~cpu_features()); n += n < 260 ? 1 : 977) {
            float *x = parity_normal(&rng, n), boundary[MAX_LEVELS];
            size_t levels = 2 + rng_below(&rng, MAX_LEVELS - 1);
            struct lloyd_above want[MAX_LEVELS] = {{0, 0}}, got[MAX_LEVELS] = {{0, 0}};
            for (size_t j = 0; j + 1 < levels; j++)
                boundary[j] = -3 + 6 * (float)(j + 1) / (float)levels;
            for (size_t i = 0; i < n; i += 5)
                x[i] = i % 2 ? -0.0f : boundary[i % (levels - 1)]; /* which is not above itself */
            for (int part = 0; part < 2; part++) {                 /* calls add up */
                lloyd_pass_ref(x, n, boundary, levels, want);
                ((lloyd_pass_fn *)v->fn)(x, n, boundary, levels, got);
            }
            for (size_t j = 0; j < levels; j++)
                if (want[j].count != got[j].count || want[j].sum != got[j].sum)
                    fail_msg("seed %d, %s, n = %zu, level %zu: sum %.17g, not %.17g", SEED, v->isa,
                             n, j, got[j].sum, want[j].sum);
            assert_int_equal(want[0].count, 2 * n);
            parity_free(x, n * sizeof *x);
        }
}

static void levels_become_the_means_of_their_cells(void **unused)
{
    (void)unused;
    float x[] = {1, 2, -4, 10, 20, 2.5f}, boundary[] = {0, 3, 5}, level[] = {-1, 2, 4, 8};
    struct lloyd_above above[4] = {{0, 0}};
    lloyd_pass_ref(x, 6, boundary, 4, above);
    lloyd_pass_update(above, 4, level);
    assert_true(level[0] == -4 && level[2] == 4 && level[3] == 15); /* [2]: empty, so it stays */
    assert_true(level[1] == (float)(5.5 / 3));
    level[2] = 1; /* an empty cell below the one before it is raised to it */
    lloyd_pass_update(above, 4, level);
    assert_true(level[2] == level[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_gives_the_same_bits),
        cmocka_unit_test(levels_become_the_means_of_their_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
