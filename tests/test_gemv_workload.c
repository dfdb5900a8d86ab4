/* The GEMV workload: footprints, the copy index, repeated rows, users' weights, and that its
 * correctness can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/findings.h"
#include "bench/workloads/gemv.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/cpu.h"

enum { SEED = 3, LLC_BYTES = 1 << 20 };

static enum status int4(size_t block, struct codebook *out, struct err *err)
{
    (void)block;
    return codebook_integer(4, CODEBOOK_INT_TWOS, out, err);
}

static enum status nf4(size_t block, struct codebook *out, struct err *err)
{
    return codebook_named("nf4", block, out, err);
}

static enum status crd4(size_t block, struct codebook *out, struct err *err)
{
    return codebook_named("crd-normal", block, out, err);
}

static const enum scale_rule signmax = SCALE_SIGNMAX;

/* Eight levels under blocks by their absmax. */
static enum status crd3(size_t block, struct codebook *out, struct err *err)
{
    return scalar_format_codebook(scalar_format_find("crd-normal3"), SCALE_ABSMAX, block, 0, out,
                                  err);
}

static const struct gemv_i8_spec onebit = {"onebit", "km1-b64"};

static const struct gemv_format formats[] = {
    {.variant = "f32", .kernel = &gemv_f32},
    {.variant = "bf16", .kernel = &gemv_bf16},
    {.variant = "sgemv", .kernel = &gemv_sgemv},
    {.variant = "onednn_bf16", .kernel = &gemv_onednn_bf16},
    {.variant = "onednn_i8", .kernel = &gemv_onednn_i8},
    {.variant = "int4", .kernel = &gemv_int4, .codebook = int4},
    {.variant = "nf4", .kernel = &gemv_lut4, .codebook = nf4},
    {.variant = "km4", .kernel = &gemv_lut, .spec = "km4-b64"},
    {.variant = "b158", .kernel = &gemv_lut, .spec = "b158"},
    {.variant = "crd3", .kernel = &gemv_lut, .codebook = crd3},
    {.variant = "km1", .kernel = &gemv_lut, .spec = "km1-b64"},
    {.variant = "km1_lut8", .kernel = &gemv_lut8, .spec = "km1-b64"},
    {.variant = "km2_unfused", .kernel = &gemv_unfused, .spec = "km2-b64"},
    {.variant = "km1_i8", .kernel = &gemv_i8, .spec = &onebit},
    {.variant = "sparse", .kernel = &gemv_lut4_sparse, .codebook = crd4},
    {.variant = "signmax", .kernel = &gemv_lut4, .codebook = nf4, .spec = &signmax},
    {.variant = "huffman", .kernel = &gemv_huffman},
    {.variant = "vq4x3b", .kernel = &gemv_vq4x3b},
    {.variant = "sign3d8", .kernel = &gemv_sign3d8},
    {.variant = "e4m3", .kernel = &gemv_e4m3},
    {0}};
static const struct variant variants[] = {{"f32", "", gemv_run, 0, {{0}}},
                                          {"bf16", "", gemv_run, 0, {{0}}},
                                          {"sgemv", "", gemv_run, 0, {{0}}},
                                          {"int4", "", gemv_run, 0, {{"block", 64}}},
                                          {"nf4", "", gemv_run, 0, {{"block", 32}}},
                                          {"onednn_bf16", "", gemv_run, 0, {{0}}},
                                          {"onednn_i8", "", gemv_run, 0, {{0}}},
                                          {"km4", "", gemv_run, 0, {{0}}},
                                          {"b158", "", gemv_run, 0, {{0}}},
                                          {"crd3", "", gemv_run, 0, {{"block", 128}}},
                                          {"km1", "", gemv_run, 0, {{0}}},
                                          {"km1_lut8", "", gemv_run, 0, {{0}}},
                                          {"km2_unfused", "", gemv_run, 0, {{0}}},
                                          {"km1_i8", "", gemv_run, 0, {{0}}},
                                          {"onednn_bf16", "", gemv_run, 0, {{0}}},
                                          {"onednn_i8", "", gemv_run, 0, {{0}}},
                                          {"sparse", "", gemv_run, 0, {{0}}},
                                          {"signmax", "", gemv_run, 0, {{"block", 64}}},
                                          {"huffman", "", gemv_run, 0, {{0}}},
                                          {"vq4x3b", "", gemv_run, 0, {{0}}},
                                          {"sign3d8", "", gemv_run, 0, {{0}}},
                                          {"e4m3", "", gemv_run, 0, {{0}}},
                                          {0}};
/* 2048 columns make a pattern of 512 rows: the second case repeats it, and not a whole number of
 * times.  The third has tails everywhere. */
static const struct matrix_case cases[] = {{"small", CACHE, {{"rows", 64}, {"cols", 128}}},
                                           {"repeating", DRAM, {{"rows", 700}, {"cols", 2048}}},
                                           {"ragged", DRAM, {{"rows", 37}, {"cols", 211}}},
                                           {0}};

static struct trial trial_of(const struct variant *v, const struct matrix_case *c, struct rng *rng,
                             struct findings *findings)
{
    return (struct trial){.v = v,
                          .c = c,
                          .threads = 2,
                          .features = cpu_features(),
                          .rng = rng,
                          .llc_bytes = LLC_BYTES,
                          .findings = findings};
}

static void every_format_is_right_and_cold_where_it_says_so(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (const struct variant *v = variants; v->name; v++)
        for (const struct matrix_case *c = cases; c->name; c++) {
            struct findings findings = {0};
            struct trial t = trial_of(v, c, &rng, &findings);
            struct err err = {{0}};
            enum status s = gemv_prepare(&t, formats, &err);
            if (s == E_SKIP && strstr(err.text, "oneDNN")) { /* it is not here */
                gemv_release(&t);
                continue;
            }
            if (s)
                fail_msg("%s/%s: %s", v->name, c->name, err.text);
            const struct gemv *g = t.state;
            size_t bytes = g->rotation.copies * (g->groups * g->group_bytes + g->tail_bytes);
            if (c->flags & DRAM ? bytes <= 4 * (size_t)LLC_BYTES : g->rotation.copies != 1)
                fail_msg("%s/%s: %zu copies, %zu bytes", v->name, c->name, g->rotation.copies,
                         bytes);
            for (size_t k = 1; k < g->rotation.copies; k++)
                assert_memory_equal(g->weights, g->weights + k * g->copy_bytes, g->copy_bytes);
            gemv_run(&t, 1);
            gemv_fidelity(&t);
            if (!findings_right(&findings))
                fail_msg("%s/%s, seed %d: error over bound is %g", v->name, c->name, SEED,
                         findings.rows[0].value);
            struct work w = gemv_work(&t);
            assert_true(w.bytes_read ==
                        (double)(g->groups * g->group_bytes + g->tail_bytes + 4 * g->cols));
            assert_true(w.items == (double)(g->rows * g->cols) && w.flops == 2 * w.items);
            gemv_release(&t);
            assert_null(t.state);
            findings_free(&findings);
        }
}

static void the_copy_index_persists_across_runs(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    struct findings findings = {0};
    for (size_t v = 0; v < 3; v += 2) { /* own kernels, and a library */
        struct trial t = trial_of(&variants[v], &cases[2], &rng, &findings);
        assert_int_equal(gemv_prepare(&t, formats, NULL), OK);
        struct gemv *g = t.state;
        assert_true(g->rotation.copies > 3);
        size_t at = 0;
        for (size_t n = 1; n < 2 * g->rotation.copies; n += 3) {
            gemv_run(&t, n);
            at = (at + n) % g->rotation.copies;
            assert_int_equal(g->rotation.next, at);
        }
        /* the copy at the index is the one that is read */
        memset(g->weights + at * g->copy_bytes, 0, g->copy_bytes);
        gemv_run(&t, 1);
        for (size_t r = 0; r < g->rows; r++)
            assert_true(g->y[r] == 0);
        gemv_run(&t, 1);
        assert_true(g->y[0] != 0);
        gemv_release(&t);
    }
}

static const struct gemv_kernel *kernel_of(const char *variant)
{
    const struct gemv_format *f = formats;
    while (strcmp(f->variant, variant))
        f++;
    return f->kernel;
}

static void a_batch_is_right_where_the_kernel_has_one_and_skipped_elsewhere(void **unused)
{
    (void)unused;
    const struct matrix_case batch = {
        "batch", DRAM, {{"rows", 700}, {"cols", 2048}, {"tokens", 5}}};
    struct rng rng = {SEED};
    struct err err;
    for (const struct variant *v = variants; v->name; v++) {
        struct findings findings = {0};
        struct trial t = trial_of(v, &batch, &rng, &findings);
        enum status s = gemv_prepare(&t, formats, &err);
        const struct gemv_kernel *kernel = kernel_of(v->name);
        if (kernel->max_tokens < 2) {
            assert_int_equal(s, E_SKIP);
        } else if (s == E_SKIP) { /* a library that is not here */
            assert_true(kernel->opaque);
        } else {
            struct gemv *g = t.state;
            gemv_run(&t, 1);
            gemv_fidelity(&t);
            assert_true(findings_right(&findings));
            struct work w = gemv_work(&t);
            assert_true(w.flops == 2.0 * 700 * 2048 * 5 && w.roof == kernel->roof &&
                        w.bytes_written == 4.0 * 700 * 5);
            g->y[4 * 700 + 699] += 1; /* the last token's last row */
            findings_free(&findings);
            gemv_fidelity(&t);
            assert_false(findings_right(&findings));
        }
        findings_free(&findings);
        gemv_release(&t);
    }
}

static void a_wrong_result_is_found(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    for (int how = 0; how < 3; how++) {
        struct findings findings = {0};
        struct trial t = trial_of(&variants[3], &cases[1], &rng, &findings);
        assert_int_equal(gemv_prepare(&t, formats, NULL), OK);
        struct gemv *g = t.state;
        gemv_run(&t, 1);
        if (how == 0)
            g->y[g->rows - 1] += 1; /* a repeated row */
        else if (how == 1)
            g->y[3] = NAN;
        else
            g->x[7] = 3e38f; /* a partial sum may overflow, so no bound holds */
        gemv_fidelity(&t);
        assert_false(findings_right(&findings));
        findings_free(&findings);
        gemv_release(&t);
    }
}

static void users_weights_are_used_cyclically_and_must_be_finite(void **unused)
{
    (void)unused;
    float values[] = {1, 2, 3, 4, 5};
    struct tensor tensor = {
        .name = "w", .dtype = DTYPE_F32, .rank = 1, .shape = {5}, .count = 5, .data = values};
    struct rng rng = {SEED};
    struct findings findings = {0};
    struct err err;
    struct trial t = trial_of(&variants[0], &cases[0], &rng, &findings);
    t.user_weights = &tensor;
    assert_int_equal(gemv_prepare(&t, formats, &err), OK);
    const struct gemv *g = t.state;
    for (size_t i = 0; i < g->rows * g->cols; i++)
        assert_true(((const float *)g->weights)[i] == values[i % 5]);
    gemv_release(&t);
    values[3] = INFINITY;
    assert_int_equal(gemv_prepare(&t, formats, &err), E_SKIP);
    assert_string_equal(err.text, "w: value 3 is not finite");
    gemv_release(&t);
    tensor.count = 0;
    assert_int_equal(gemv_prepare(&t, formats, &err), E_SKIP);
    gemv_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_right_and_cold_where_it_says_so),
        cmocka_unit_test(the_copy_index_persists_across_runs),
        cmocka_unit_test(a_batch_is_right_where_the_kernel_has_one_and_skipped_elsewhere),
        cmocka_unit_test(a_wrong_result_is_found),
        cmocka_unit_test(users_weights_are_used_cyclically_and_must_be_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
