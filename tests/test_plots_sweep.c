/* Figures of sweeps: over block sizes, codes, tensors, bits and batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/figure.h"
#include "plots/gnuplot.h"
#include "plots/plots.h"
#include "tests/plots_fixture.h"

static const char *const kinds[] = {"bits-fp6-llm-gemm", "batch-fp6-llm-gemm",
                                    "error-quant-error", "block-size-quant-error",
                                    "codes-quant-error", "allocation-quant-error"};

static const struct figure *find(const struct drawing *d, const char *name)
{
    for (size_t i = 0; i < d->figures.n; i++)
        if (!strcmp(d->figures.list[i].name, name))
            return &d->figures.list[i];
    fail_msg("there is no figure %s", name);
    return NULL;
}

static void load(const char *bench, const char *analysis, struct drawing *d)
{
    struct err err;
    if (bench)
        fixture_copy_from("sweep", "bench.json", NULL, NULL);
    if (analysis)
        fixture_copy_from("sweep", "analysis-quant-error.json", NULL, NULL);
    if (drawing_load(scratch, d, &err))
        fail_msg("%s", err.text);
}

static const char *entry(const struct figure *f, size_t row, size_t column)
{
    return f->table.entries[row * f->table.n_columns + column].text;
}

static double number(const struct figure *f, size_t row, size_t column)
{
    return f->table.entries[row * f->table.n_columns + column].value;
}

static void all_are_drawn_and_say_what_they_show(void **unused)
{
    (void)unused;
    static const struct {
        const char *figure, *label;
    } labels[] = {{"bits-fp6-llm-gemm", "weights/s"},
                  {"bits-fp6-llm-gemm", "read bandwidth / bits"},
                  {"batch-fp6-llm-gemm", "time for a token"},
                  {"batch-fp6-llm-gemm", "share of the limit"},
                  {"batch-fp6-llm-gemm", "ternary &amp; &lt;2-bit"},
                  {"error-quant-error", "Shannon, t fit"},
                  {"error-quant-error", "fixed rate, normal"},
                  {"block-size-quant-error", "block size (elements that share a scale)"},
                  {"codes-quant-error", "share of the weights"},
                  {"codes-quant-error", "entropy"},
                  {"allocation-quant-error", "bits of a code: whole (optimum)"}};
    struct gnuplot g;
    struct err err;
    size_t n;
    if (gnuplot_find(getenv("PATH"), &g, &err)) {
        print_message("not drawn: %s\n", err.text);
        return;
    }
    fixture_copy_from("sweep", "bench.json", NULL, NULL);
    fixture_copy_from("sweep", "analysis-quant-error.json", NULL, NULL);
    if (plots_draw(scratch, PLOT_SVG, getenv("PATH"), NULL, &n, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "plots/%s.svg", labels[i].figure);
        char *svg = fixture_read(scratch_path(name));
        if (!svg || !strstr(svg, labels[i].label))
            fail_msg("%s does not say '%s'", name, labels[i].label);
        free(svg);
    }
}

/* Bytes over bandwidth grow as those of the fixture's work, operations as 2 rows cols tokens at the
 * rate of its compute-bound cells: the crossover solves one linear equation. */
static void the_crossover_is_where_the_two_limits_are_equal(void **unused)
{
    (void)unused;
    static const struct {
        const char *variant;
        double bits, scales, rate;
    } variants[] = {
        {"bf16", 16, 0, 0.3e12}, {"fp6", 6, 8192, 0.55e12}, {"ternary & <2-bit>", 2, 8192, 2.2e12}};
    struct drawing d;
    load("bench", NULL, &d);
    const struct figure *f = find(&d, "batch-fp6-llm-gemm");
    double weights = 4096.0 * 4096, bandwidth = 24.02e9;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        double fixed = (weights * variants[i].bits / 8 + variants[i].scales) / bandwidth,
               slope = 8 * 4096 / bandwidth,
               want = fixed / (2 * weights / variants[i].rate - slope);
        size_t rows = 0;
        for (size_t r = 0; r < table_rows(&f->table); r++)
            if (!strcmp(entry(f, r, 2), variants[i].variant)) {
                rows++;
                /* limits are written with 6 digits, which their difference shrinks a little */
                if (!(fabs(number(f, r, 9) / want - 1) < 2e-4))
                    fail_msg("%s: crossover at %g, not %g", variants[i].variant, number(f, r, 9),
                             want);
            }
        assert_int_equal(rows, 7);
    }
    drawing_free(&d);
}

static void speed_is_beside_the_limit_of_its_bits(void **unused)
{
    (void)unused;
    struct drawing d;
    load("bench", NULL, &d);
    const struct figure *f = find(&d, "bits-fp6-llm-gemm");
    assert_int_equal(table_rows(&f->table), 5); /* larger batches are no part of it */
    for (size_t r = 0; r < 5; r++) {
        double bits = number(f, r, 3), limit = number(f, r, 7);
        if (!strcmp(entry(f, r, 2), "bf16")) /* 16, and vectors of 4 x 4096 + 4 x 4096 bytes */
            assert_true(fabs(bits - (16 + 8.0 * 8 * 4096 / (4096.0 * 4096))) < 1e-9);
        assert_true(fabs(limit / (8 * 24.02e9 / bits) - 1) < 1e-5);
        assert_true(number(f, r, 8) > 0.6 && number(f, r, 8) < 1);
    }
    drawing_free(&d);
}

static void the_analysis_has_its_figures_and_tables(void **unused)
{
    (void)unused;
    struct drawing d;
    load(NULL, "analysis", &d);
    const struct figure *blocks = find(&d, "block-size-quant-error"),
                        *codes = find(&d, "codes-quant-error"),
                        *bits = find(&d, "allocation-quant-error");
    /* int4, int8-half, nf4, seven of each crd: three blocks; nvfp4 has one and is no line */
    assert_int_equal(table_rows(&blocks->table), 3 * (3 + 14));
    for (size_t r = 0; r < table_rows(&codes->table); r++) {
        double stored = number(codes, r, 3), entropy = number(codes, r, 4);
        if (!(entropy > 0 && entropy <= stored))
            fail_msg("%s: %g of %g bits", entry(codes, r, 0), entropy, stored);
    }
    assert_int_equal(
        table_rows(&bits->table),
        json_size(json_get(json_get(d.results.analyses[0].json, "summary"), "tensors")));
    assert_non_null(strstr(bits->caption, "crd-t under block-absmax 64"));
    drawing_free(&d);
}

/* Every member in turn is something else: no crash, and what cannot be drawn is left out. */
static void members_of_the_wrong_kind_are_left_out(void **unused)
{
    (void)unused;
    static const struct {
        const char *file, *old, *replacement;
    } changes[] = {
        {"bench.json", "\"tokens\":", "\"tokens\":1e300,\"was\":"},
        {"bench.json", "\"tokens\":", "\"tokens\":-1,\"was\":"},
        {"bench.json", "\"rows\":", "\"rows\":0,\"was\":"},
        {"bench.json", "\"limit_s\":", "\"limit_s\":-1,\"was\":"},
        {"bench.json", "\"bound\":", "\"bound\":3,\"was\":"},
        {"bench.json", "\"bytes_read\":", "\"bytes_read\":1e308,\"was\":"},
        {"bench.json", "\"fraction\":", "\"fraction\":null,\"was\":"},
        {"analysis-quant-error.json", "\"codes\":[", "\"codes\":[-1,"},
        {"analysis-quant-error.json", "\"codes\":[", "\"codes\":[\"x\","},
        {"analysis-quant-error.json", "\"code_bits\":", "\"code_bits\":1e300,\"was\":"},
        {"analysis-quant-error.json", "\"block\":", "\"block\":1e300,\"was\":"},
        {"analysis-quant-error.json", "\"r\":", "\"r\":1e-300,\"was\":"},
        {"analysis-quant-error.json", "\"average_bits\":", "\"average_bits\":-4,\"was\":"},
        {"analysis-quant-error.json", "\"whole_bits\":", "\"whole_bits\":1e300,\"was\":"},
        {"analysis-quant-error.json", "\"measured\":", "\"measured\":7,\"was\":"},
        {"analysis-quant-error.json", "\"t_scale\":", "\"t_scale\":-1,\"was\":"},
        {"analysis-quant-error.json", "\"df\":", "\"df\":1e-9,\"was\":"},
        {"analysis-quant-error.json", "\"rms\":", "\"rms\":0,\"was\":"}};
    struct gnuplot g;
    struct err err;
    bool can_draw = !gnuplot_find(getenv("PATH"), &g, &err);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        size_t n;
        char path[256];
        fixture_copy_from("sweep", changes[i].file, changes[i].old, changes[i].replacement);
        snprintf(path, sizeof path, "%s", scratch_path(changes[i].file));
        if (!can_draw) {
            struct drawing d;
            assert_int_equal(drawing_load(path, &d, &err), OK);
            drawing_free(&d);
        } else if (plots_draw(path, PLOT_SVG, getenv("PATH"), NULL, &n, &err))
            fail_msg("%s in place of %s: %s", changes[i].replacement, changes[i].old, err.text);
    }
}

static void all_kinds_are_there(void **unused)
{
    (void)unused;
    struct drawing d;
    load("bench", "analysis", &d);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_true(table_rows(&find(&d, kinds[i])->table) > 0);
    drawing_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(all_kinds_are_there),
        IN_SCRATCH(all_are_drawn_and_say_what_they_show),
        IN_SCRATCH(the_crossover_is_where_the_two_limits_are_equal),
        IN_SCRATCH(speed_is_beside_the_limit_of_its_bits),
        IN_SCRATCH(the_analysis_has_its_figures_and_tables),
        IN_SCRATCH(members_of_the_wrong_kind_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
