/* The peak loops do all their work: what they return follows from it in closed form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "numerics/cpu.h"
#include "numerics/kernels/peak.h"

#define FOR_EACH_RUNNABLE(v, variants)                                                             \
    for (const struct kernel_variant *v = (variants); v->isa; v++)                                 \
        if (!(v->needs & ~cpu_features()))

static const double chain_numbers = PEAK_CHAINS * (PEAK_CHAINS - 1) / 2; /* 0 + 1 + ... */

static void fma_runs_every_step_of_every_chain(void **unused)
{
    (void)unused;
    static const size_t steps[] = {0, 1, 2, 3, 7, 100, 12345};
    FOR_EACH_RUNNABLE(v, peak_fma_f32_variants)
    {
        peak_fma_f32_fn *peak = (peak_fma_f32_fn *)v->fn;
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            double n = (double)steps[k];
            /* v + y each step; then v -> y - v, so that odd n gives y - c */
            double counted = peak(steps[k], 1, 3), flipped = peak(steps[k], -1, 3);
            double count = chain_numbers + 3 * n * PEAK_CHAINS;
            double flip = steps[k] % 2 ? 3.0 * PEAK_CHAINS - chain_numbers : chain_numbers;
            if (counted != count || flipped != flip)
                fail_msg("%s, n = %zu: %g, not %g; %g, not %g", v->isa, steps[k], counted, count,
                         flipped, flip);
        }
        /* c / 2^n + 2 - 2^(1-n): 8 + n + 1 bits, so exact in f32 and in the sum */
        for (int n = 0; n <= 12; n++) {
            double scale = 1.0 / (1 << n);
            double expected = chain_numbers * scale + PEAK_CHAINS * (2 - 2 * scale);
            assert_true(peak((size_t)n, 0.5f, 1) == expected);
        }
    }
}

static void dot_adds_four_products_each_step(void **unused)
{
    (void)unused;
    static const struct {
        size_t n;
        uint8_t u;
        int8_t s;
    } rows[] = {{0, 5, 7},  {1, 127, -128}, {1, 127, 127},
                {3, 1, -1}, {1000, 0, 9},   {54321, 99, -77}};
    FOR_EACH_RUNNABLE(v, peak_dot_i8_variants)
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        int64_t product = 4 * (int64_t)rows[k].u * rows[k].s;
        uint32_t expected =
            (uint32_t)((int64_t)chain_numbers + PEAK_CHAINS * (int64_t)rows[k].n * product);
        uint32_t got = ((peak_dot_i8_fn *)v->fn)(rows[k].n, rows[k].u, rows[k].s);
        if (got != expected)
            fail_msg("%s, n = %zu, u = %d, s = %d: %u, not %u", v->isa, rows[k].n, rows[k].u,
                     rows[k].s, got, expected);
    }
}

static void lookup_follows_the_table_each_step(void **unused)
{
    (void)unused;
    static const size_t steps[] = {0, 1, 2, 5, 15, 16, 1001};
    uint8_t next[16], half[16];
    for (int i = 0; i < 16; i++) {
        next[i] = (uint8_t)(i == 15 ? 15 : i + 1); /* climbs and stays */
        half[i] = (uint8_t)(i / 2);
    }
    FOR_EACH_RUNNABLE(v, peak_lookup_variants)
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        peak_lookup_fn *peak = (peak_lookup_fn *)v->fn;
        uint32_t climbed = 0, halved = 0;
        for (size_t i = 0; i < 16; i++) {
            climbed += (uint32_t)(i + steps[k] > 15 ? 15 : i + steps[k]);
            halved += steps[k] > 4 ? 0 : (uint32_t)(i >> steps[k]);
        }
        assert_int_equal(peak(steps[k], next), climbed * (PEAK_BYTES / 16));
        assert_int_equal(peak(steps[k], half), halved * (PEAK_BYTES / 16));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fma_runs_every_step_of_every_chain),
        cmocka_unit_test(dot_adds_four_products_each_step),
        cmocka_unit_test(lookup_follows_the_table_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
