/* The streaming kernels: every instruction set equals the reference to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "numerics/cpu.h"
#include "numerics/kernels/stream.h"
#include "tests/parity.h"

enum { SEED = 11, MAX_LENGTH = 200, BEGINS = 3 };

/* Every begin in 0..BEGINS-1 and every length: an unaligned head and every tail. */
#define FOR_EACH_RANGE(begin, n)                                                                   \
    for (size_t begin = 0; begin < BEGINS; begin++)                                                \
        for (size_t n = begin; n <= MAX_LENGTH; n++)

static const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, 1e-45f, 3e38f, -3e38f, 1e-38f};
enum { N_SPECIAL = sizeof special / sizeof special[0] };

/* Normal draws with a special value here and there (no NaN: its payload may differ). */
static float *draws(struct rng *rng, size_t n)
{
    float *x = parity_normal(rng, n);
    for (size_t i = 0; i < n; i += 1 + rng_below(rng, 40))
        x[i] = special[rng_below(rng, N_SPECIAL)];
    return x;
}

/* Equal to the bit, or both NaN (inf - inf, 0 * inf). */
static int same(const float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(x + i, y + i, sizeof *x) && !(isnan(x[i]) && isnan(y[i])))
            return 0;
    return 1;
}

static void read_depends_on_every_bit_on_every_isa(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (const struct kernel_variant *v = stream_read_variants; v->isa; v++) {
        stream_read_fn *read = (stream_read_fn *)v->fn;
        if (v->needs & ~cpu_features())
            continue;
        FOR_EACH_RANGE(begin, n)
        {
            float *x = draws(&rng, n);
            uint32_t expected = stream_read_ref(x, begin, n), got = read(x, begin, n);
            if (got != expected)
                fail_msg("%s: begin %zu, end %zu, seed %d: %08x, not %08x", v->isa, begin, n, SEED,
                         got, expected);
            if (n > begin) {
                size_t i = begin + rng_below(&rng, (uint32_t)(n - begin));
                unsigned bit = rng_below(&rng, 32);
                uint32_t bits;
                memcpy(&bits, x + i, sizeof bits);
                bits ^= 1u << bit;
                memcpy(x + i, &bits, sizeof bits);
                assert_int_equal(read(x, begin, n), expected ^ 1u << bit);
            }
            parity_free(x, n * sizeof *x);
        }
    }
}

static void write_fills_the_range_alone_on_every_isa(void **unused)
{
    (void)unused;
    for (const struct kernel_variant *v = stream_write_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        FOR_EACH_RANGE(begin, n)
        {
            float *x = parity_alloc(n * sizeof *x);
            ((stream_write_fn *)v->fn)(x, 1.5f, begin, n);
            for (size_t i = 0; i < n; i++)
                if (x[i] != (i < begin ? 0.0f : 1.5f))
                    fail_msg("%s: begin %zu, end %zu: x[%zu] = %g", v->isa, begin, n, i,
                             (double)x[i]);
            parity_free(x, n * sizeof *x);
        }
    }
}

static void triad_equals_the_reference_to_the_bit(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (const struct kernel_variant *v = stream_triad_variants; v->isa; v++) {
        if (v->needs & ~cpu_features())
            continue;
        FOR_EACH_RANGE(begin, n)
        {
            size_t bytes = n * sizeof(float);
            float *b = draws(&rng, n), *c = draws(&rng, n), s = (float)rng_normal(&rng);
            float *a = parity_alloc(bytes), *expected = parity_alloc(bytes);
            stream_triad_ref(expected, b, c, s, begin, n);
            ((stream_triad_fn *)v->fn)(a, b, c, s, begin, n);
            if (!same(a, expected, n))
                fail_msg("%s: begin %zu, end %zu, seed %d: differs", v->isa, begin, n, SEED);
            parity_free(a, bytes);
            parity_free(b, bytes);
            parity_free(c, bytes);
            parity_free(expected, bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_depends_on_every_bit_on_every_isa),
        cmocka_unit_test(write_fills_the_range_alone_on_every_isa),
        cmocka_unit_test(triad_equals_the_reference_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
