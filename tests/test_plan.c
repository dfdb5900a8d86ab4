/* The plan holds the cells that patterns, family and preset ask for, in an order of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/plan.h"

/* Descriptors as the plan sees them: names and flags. */
static const struct variant gemv_variants[] = {{.name = "f32"},
                                               {.name = "bf16", .flags = HEADLINE},
                                               {.name = "lut4-b64", .flags = HEADLINE},
                                               {.name = "lut4-b128"},
                                               {.name = "int4", .flags = HEADLINE},
                                               {.name = "sgemv", .flags = HEADLINE | PEER},
                                               {0}};
static const struct matrix_case gemv_cases[] = {{.name = "tiny", .flags = CACHE | SMOKE},
                                                {.name = "l2", .flags = CACHE | QUICK},
                                                {.name = "l3", .flags = CACHE | QUICK},
                                                {.name = "llama2-7b.q_proj", .flags = DRAM | QUICK},
                                                {.name = "llama2-7b.up_proj", .flags = DRAM},
                                                {0}};
static const struct variant encode_variants[] = {{.name = "scalar"}, {.name = "fast"}, {0}};
static const struct matrix_case encode_cases[] = {{.name = "small", .flags = CACHE | SMOKE}, {0}};
static const struct task format_tasks[] = {
    {.name = "gemv", .variants = gemv_variants, .cases = gemv_cases},
    {.name = "encode", .variants = encode_variants, .cases = encode_cases},
    {0}};
static const struct variant fwht_variants[] = {
    {.name = "radix2"}, {.name = "fused", .flags = HEADLINE}, {0}};
static const struct matrix_case fwht_cases[] = {{.name = "4096", .flags = CACHE | QUICK | SMOKE},
                                                {0}};
static const struct task quarot_tasks[] = {
    {.name = "fwht", .variants = fwht_variants, .cases = fwht_cases}, {0}};
static const struct technique formats = {.id = "cube-root-formats", .tasks = format_tasks},
                              quarot = {.id = "quarot", .tasks = quarot_tasks};
static const struct registry_row rows[] = {{"formats", &formats}, {"quantisation", &quarot}, {0}};

/* "block@threads: variant variant; ..." of the plan, or the error. */
static const char *plan_text(struct plan_request request, const char *pattern)
{
    static char text[4096];
    struct plan plan;
    struct err err = {{0}};
    request.registry = rows;
    if (pattern) {
        request.patterns = &pattern;
        request.n_patterns = 1;
    }
    if (!request.max_threads)
        request.max_threads = 2;
    enum status s = plan_make(&request, &plan, &err);
    if (s) {
        assert_int_equal(s, E_USAGE);
        snprintf(text, sizeof text, "%s", err.text);
        return text;
    }
    size_t used = 0, cells = 0;
    for (size_t i = 0; i < plan.n_blocks; i++) {
        char name[128];
        plan_block_name(&plan.blocks[i], name, sizeof name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s@%d:", i ? "; " : "", name,
                                 plan.blocks[i].threads);
        for (size_t j = 0; j < plan.blocks[i].n_variants; j++)
            used += (size_t)snprintf(text + used, sizeof text - used, " %s",
                                     plan.blocks[i].variants[j]->name);
        cells += plan.blocks[i].n_variants;
    }
    assert_int_equal(cells, plan.n_cells);
    plan_free(&plan);
    return text;
}

static void quick_takes_headlines_and_one_case_of_each_kind(void **unused)
{
    (void)unused;
    assert_string_equal(plan_text((struct plan_request){.preset = PRESET_QUICK}, NULL),
                        "cube-root-formats/gemv/*/l2@2: f32 bf16 lut4-b64 int4; "
                        "cube-root-formats/gemv/*/llama2-7b.q_proj@2: f32 bf16 lut4-b64 int4; "
                        "quarot/fwht/*/4096@2: radix2 fused");
}

static void smoke_takes_the_smoke_case_of_every_task(void **unused)
{
    (void)unused;
    assert_string_equal(
        plan_text((struct plan_request){.preset = PRESET_SMOKE}, NULL),
        "cube-root-formats/gemv/*/tiny@2: f32 bf16 lut4-b64 lut4-b128 int4 sgemv; "
        "cube-root-formats/encode/*/small@2: scalar fast; quarot/fwht/*/4096@2: radix2 fused");
}

static void full_takes_everything_on_one_thread_and_all(void **unused)
{
    (void)unused;
    struct plan_request request = {.preset = PRESET_FULL, .max_threads = 8};
    assert_string_equal(plan_text(request, "quarot"),
                        "quarot/fwht/*/4096@1: radix2 fused; quarot/fwht/*/4096@8: radix2 fused");
    request.max_threads = 1; /* one and all are the same: not measured twice */
    assert_string_equal(plan_text(request, "quarot"), "quarot/fwht/*/4096@1: radix2 fused");
    static const int threads[] = {2, 3};
    request = (struct plan_request){
        .preset = PRESET_FULL, .max_threads = 8, .threads = threads, .n_threads = 2};
    assert_string_equal(plan_text(request, "quarot"),
                        "quarot/fwht/*/4096@2: radix2 fused; quarot/fwht/*/4096@3: radix2 fused");
}

static void the_baseline_is_in_every_block(void **unused)
{
    (void)unused;
    struct plan_request request = {.preset = PRESET_QUICK};
    assert_string_equal(plan_text(request, "*/gemv/lut4-b128/l2"),
                        "cube-root-formats/gemv/*/l2@2: f32 lut4-b128");
}

static void a_pattern_that_names_a_part_overrules_the_preset(void **unused)
{
    (void)unused;
    struct plan_request request = {.preset = PRESET_QUICK};
    assert_string_equal(plan_text(request, "*/*/*/llama2-7b.up_proj"),
                        "cube-root-formats/gemv/*/llama2-7b.up_proj@2: f32 bf16 lut4-b64 int4");
    assert_string_equal(plan_text(request, "cube*/gemv/[!x]*/l3"),
                        "cube-root-formats/gemv/*/l3@2: f32 bf16 lut4-b64 lut4-b128 int4 sgemv");
    assert_string_equal(plan_text(request, "*/encode/fast/small"),
                        "cube-root-formats/encode/*/small@2: scalar fast");
}

static void a_star_does_not_cross_a_slash(void **unused)
{
    (void)unused;
    assert_non_null(strstr(plan_text((struct plan_request){.preset = PRESET_FULL}, "*4096"),
                           "'*4096' matches no technique"));
}

static void what_matches_nothing_is_named(void **unused)
{
    (void)unused;
    struct plan_request request = {.preset = PRESET_QUICK};
    assert_string_equal(plan_text(request, "qarot"),
                        "'qarot' matches no technique; the nearest is 'quarot'");
    assert_string_equal(plan_text(request, "cube_root_format/gemv"),
                        "'cube_root_format/gemv' matches no technique; the nearest is "
                        "'cube-root-formats'");
    assert_string_equal(plan_text(request, "quarot/linear"),
                        "'quarot/linear' matches no cell; 'assay describe quarot' lists its tasks, "
                        "variants and cases");
    assert_non_null(strstr(plan_text(request, "cube*/encode"), "nothing of the quick preset"));
    static const char *const bad[] = {"", "/", "quarot//fused", "quarot/", "a/b/c/d/e"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(strstr(plan_text(request, bad[i]), "is not of the form"));
    request.family = "formasts";
    assert_non_null(strstr(plan_text(request, NULL), "formasts"));
    /* one good pattern does not excuse a bad one */
    const char *patterns[] = {"quarot", "nothing"};
    request = (struct plan_request){.preset = PRESET_QUICK, .patterns = patterns, .n_patterns = 2};
    assert_non_null(strstr(plan_text(request, NULL), "'nothing'"));
}

static void a_family_is_all_of_it_and_nothing_else(void **unused)
{
    (void)unused;
    struct plan_request request = {.preset = PRESET_QUICK, .family = "quantisation"};
    assert_string_equal(plan_text(request, NULL), "quarot/fwht/*/4096@2: radix2 fused");
}

static bool is_permutation(const size_t *order, size_t n)
{
    unsigned long long seen = 0;
    for (size_t i = 0; i < n; i++)
        seen |= 1ull << order[i];
    return seen == (1ull << n) - 1;
}

static void orders_are_shuffled_and_repeat_from_the_seed(void **unused)
{
    (void)unused;
    enum { SEED = 42, ROUNDS = 6000 };
    struct plan plan;
    struct plan_request request = {.registry = rows, .preset = PRESET_FULL, .max_threads = 2};
    assert_int_equal(plan_make(&request, &plan, NULL), OK);
    size_t order[64], again[64], first[64] = {0};
    assert_true(plan.n_blocks <= 64);
    for (unsigned r = 0; r < ROUNDS; r++) {
        plan_block_order(&plan, SEED, r, order);
        assert_true(is_permutation(order, plan.n_blocks));
        plan_block_order(&plan, SEED, r, again);
        assert_memory_equal(order, again, plan.n_blocks * sizeof *order);
        plan_variant_order(&plan, 0, SEED, r, order);
        assert_true(is_permutation(order, plan.blocks[0].n_variants));
        first[order[0]]++;
    }
    /* each of six variants is first in a sixth of the rounds: within five standard errors */
    double p = 1.0 / 6, spread = 5 * 28.87; /* sqrt(6000 / 6 * 5 / 6) = 28.87 */
    assert_int_equal(plan.blocks[0].n_variants, 6);
    for (size_t i = 0; i < 6; i++)
        if (!((double)first[i] > ROUNDS * p - spread && (double)first[i] < ROUNDS * p + spread))
            fail_msg("seed %d: variant %zu was first %zu times", SEED, i, first[i]);
    plan_free(&plan);
}

static void thread_counts_are_sorted_and_single(void **unused)
{
    (void)unused;
    int out[3];
    size_t n = 99;
    struct err err;
    assert_int_equal(plan_threads("max,1,2,1", 2, out, 3, &n, &err), OK);
    assert_int_equal(n, 2);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 2);
    static const char *const bad[] = {"",        "0", "1,", ",1",      "-1",
                                      "+1",      "3", "1x", "maximum", "99999999999999999999",
                                      "1,2,3,x", "m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        n = 99;
        assert_int_equal(plan_threads(bad[i], 2, out, 3, &n, &err), E_USAGE);
        assert_int_equal(n, 99);
    }
    assert_int_equal(plan_threads("1,2,3,4", 8, out, 3, &n, &err), E_USAGE);
}

static void shards_part_the_plan_and_a_record_gives_it_back(void **unused)
{
    (void)unused;
    struct plan_request request = {.registry = rows, .preset = PRESET_FULL, .max_threads = 2};
    struct plan plan, back;
    struct err err;
    assert_int_equal(plan_make(&request, &plan, &err), OK);
    for (size_t n = 1; n <= 5; n++)
        for (size_t block = 0; block < plan.n_blocks; block++) {
            size_t holders = 0;
            for (size_t i = 1; i <= n; i++)
                holders += plan_in_shard(&(struct shard){i, n}, block);
            assert_int_equal(holders, 1);
        }
    assert_true(plan_in_shard(&(struct shard){0}, 7));
    struct shard shard;
    assert_int_equal(plan_shard("3/12", &shard, &err), OK);
    assert_true(shard.i == 3 && shard.n == 12);
    struct json *record = plan_record(&plan), *again;
    assert_int_equal(plan_from_record(rows, record, &back, &err), OK);
    again = plan_record(&back);
    char *a, *b;
    assert_int_equal(json_print(record, false, &a, &err), OK);
    assert_int_equal(json_print(again, false, &b, &err), OK);
    assert_string_equal(a, b);
    assert_int_equal(back.n_cells, plan.n_cells);
    free(a);
    free(b);
    json_free(record);
    json_free(again);
    plan_free(&plan);
    plan_free(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_takes_headlines_and_one_case_of_each_kind),
        cmocka_unit_test(smoke_takes_the_smoke_case_of_every_task),
        cmocka_unit_test(full_takes_everything_on_one_thread_and_all),
        cmocka_unit_test(the_baseline_is_in_every_block),
        cmocka_unit_test(a_pattern_that_names_a_part_overrules_the_preset),
        cmocka_unit_test(a_star_does_not_cross_a_slash),
        cmocka_unit_test(what_matches_nothing_is_named),
        cmocka_unit_test(a_family_is_all_of_it_and_nothing_else),
        cmocka_unit_test(orders_are_shuffled_and_repeat_from_the_seed),
        cmocka_unit_test(thread_counts_are_sorted_and_single),
        cmocka_unit_test(shards_part_the_plan_and_a_record_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
