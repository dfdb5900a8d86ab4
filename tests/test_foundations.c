/* splitmix64, instruction-set selection, the buffer, status lines, and which BLAS answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cblas.h>
#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include "numerics/buffer.h"
#include "numerics/cpu.h"
#include "numerics/rng.h"
#include "numerics/status.h"

static void an_error_is_one_line_whatever_is_in_it(void **unused)
{
    (void)unused;
    struct err err;
    assert_int_equal(status_fail(&err, E_FORMAT, "%s: %s", "a\nb", "\x1b[2J \xC3\xA4"), E_FORMAT);
    assert_string_equal(err.text, "a?b: ?[2J \xC3\xA4");
}

static void splitmix64_gives_its_published_outputs(void **unused)
{
    (void)unused;
    struct rng zero = {0}, other = {123456789};
    assert_true(rng_u64(&zero) == 16294208416658607535u);
    assert_true(rng_u64(&zero) == 7960286522194355700u);
    assert_true(rng_u64(&zero) == 487617019471545679u);
    assert_true(rng_u64(&other) == 2466975172287755897u);
}

static void normal_draws_have_the_moments_of_a_normal(void **unused)
{
    (void)unused;
    enum { N = 1 << 20 };
    struct rng rng = {7};
    double sum = 0, squares = 0, fourths = 0;
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&rng), x2 = x * x;
        sum += x;
        squares += x2;
        fourths += x2 * x2;
    }
    /* five standard errors: 1, sqrt(2), sqrt(96) over sqrt(N) */
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourths / N - 3) < 5 * sqrt(96.0 / N));
}

static void every_permutation_is_drawn_equally_often(void **unused)
{
    (void)unused;
    enum { SEED = 3, N = 4, KINDS = 24, DRAWS = 24000 };
    struct rng rng = {SEED};
    int seen[256] = {0}, kinds = 0;
    double chi2 = 0;
    for (int i = 0; i < DRAWS; i++) {
        size_t order[N];
        rng_permutation(&rng, order, N);
        unsigned bits = 0, code = 0;
        for (size_t k = 0; k < N; k++) {
            bits |= 1u << order[k];
            code = 4 * code + (unsigned)order[k];
        }
        assert_int_equal(bits, 0xf);
        seen[code]++;
    }
    for (size_t code = 0; code < 256; code++)
        if (seen[code]) {
            kinds++;
            chi2 += (seen[code] - 1000.0) * (seen[code] - 1000.0) / 1000.0;
        }
    assert_int_equal(kinds, KINDS);
    if (!(chi2 < 49.7)) /* the 0.999 quantile of chi-squared with 23 degrees of freedom */
        fail_msg("seed %d: chi-squared %g", SEED, chi2);
}

static void an_isa_limit_never_adds_a_feature(void **unused)
{
    (void)unused;
    unsigned all = CPU_AVX2 | CPU_AVX512 | CPU_VNNI, out = 99;
    struct err err;
    assert_int_equal(cpu_at_most("ref", all, &out, &err), OK);
    assert_int_equal(out, 0);
    assert_int_equal(cpu_at_most("vnni", CPU_AVX2, &out, &err), OK);
    assert_int_equal(out, CPU_AVX2);
    assert_int_equal(cpu_at_most("avx512", all, &out, &err), OK);
    assert_int_equal(out, CPU_AVX2 | CPU_AVX512);
    assert_int_equal(cpu_at_most("", all, &out, &err), OK);
    assert_int_equal(out, all);
    out = 99;
    assert_int_equal(cpu_at_most("sse9", all, &out, &err), E_USAGE);
    assert_int_equal(out, 99);
    assert_non_null(strstr(err.text, "sse9"));
}

static void kernel_pick_takes_the_last_variant_that_runs(void **unused)
{
    (void)unused;
    static const struct kernel_variant variants[] = {
        {"ref", NULL, 0}, {"avx2", NULL, CPU_AVX2}, {"avx512", NULL, CPU_AVX2 | CPU_AVX512}, {0}};
    assert_string_equal(kernel_pick(variants, 0)->isa, "ref");
    assert_string_equal(kernel_pick(variants, CPU_AVX2)->isa, "avx2");
    assert_string_equal(kernel_pick(variants, CPU_AVX512)->isa, "ref");
    assert_string_equal(kernel_pick(variants, CPU_AVX2 | CPU_AVX512)->isa, "avx512");
}

static void buffers_are_zero_and_aligned(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {0,       1, 4096, 4097, (2u << 20) - 1, 2u << 20, (2u << 20) + 1,
                                   5u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *p = buffer_alloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(p[j], 0);
        buffer_free(p, sizes[i]);
    }
    assert_null(buffer_alloc(SIZE_MAX));
    buffer_free(NULL, 1);
}

static void the_sgemv_peer_is_openblas(void **unused)
{
    (void)unused;
    Dl_info info;
    assert_true(dladdr((void *)cblas_sgemv, &info));
    if (!strstr(info.dli_fname, "openblas") && !dlsym(RTLD_DEFAULT, "openblas_get_config"))
        fail_msg("cblas_sgemv comes from %s", info.dli_fname);
    assert_null(strstr(info.dli_fname, "gslcblas"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_line_whatever_is_in_it),
        cmocka_unit_test(splitmix64_gives_its_published_outputs),
        cmocka_unit_test(normal_draws_have_the_moments_of_a_normal),
        cmocka_unit_test(every_permutation_is_drawn_equally_often),
        cmocka_unit_test(an_isa_limit_never_adds_a_feature),
        cmocka_unit_test(kernel_pick_takes_the_last_variant_that_runs),
        cmocka_unit_test(buffers_are_zero_and_aligned),
        cmocka_unit_test(the_sgemv_peer_is_openblas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
