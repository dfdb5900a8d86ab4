/* A journal written by hand folds to the figures that a pocket calculator gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fold.h"
#include "bench/roofline.h"

static const struct variant variants[] = {
    {.name = "base", .title = "the baseline", .p = {{"bits", 32}, {"group", 1}}},
    {.name = "half", .title = "half the bytes", .flags = HEADLINE, .p = {{"bits", 16}}},
    {.name = "peer", .title = "a library", .flags = PEER},
    {.name = "bad", .title = "crashes later"},
    {.name = "never", .title = "not reached"},
    {0}};
static const struct matrix_case cases[] = {
    {.name = "big", .flags = DRAM | QUICK | SMOKE, .p = {{"rows", 4}, {"group", 7}}}, {0}};
static const struct task tasks[] = {{.name = "gemv", .variants = variants, .cases = cases}, {0}};
static const struct technique technique = {.id = "hand", .tasks = tasks};
static const struct registry_row rows[] = {{"formats", &technique}, {0}};

static const char header_text[] =
    "{\"run\":{\"id\":\"r\",\"isa\":\"avx2\",\"seed\":3},"
    "\"machine\":{\"fingerprint\":\"f\",\"facts\":{\"caches\":["
    "{\"level\":\"L1\",\"bytes\":1000,\"count\":2,\"cores_sharing\":1},"
    "{\"level\":\"L2\",\"bytes\":8000,\"count\":2,\"cores_sharing\":1},"
    "{\"level\":\"L3\",\"bytes\":64000,\"count\":1,\"cores_sharing\":2}]},"
    "\"roofs\":["
    "{\"name\":\"read\",\"level\":\"L1\",\"isa\":\"avx2\",\"threads\":2,\"value\":4000},"
    "{\"name\":\"read\",\"level\":\"L2\",\"isa\":\"avx2\",\"threads\":2,\"value\":2000},"
    "{\"name\":\"read\",\"level\":\"L2\",\"isa\":\"avx512\",\"threads\":2,\"value\":2500},"
    "{\"name\":\"read\",\"level\":\"L2\",\"isa\":\"avx2\",\"threads\":1,\"value\":9},"
    "{\"name\":\"triad\",\"level\":\"DRAM\",\"isa\":\"avx2\",\"threads\":2,\"value\":500},"
    "{\"name\":\"write\",\"level\":\"DRAM\",\"isa\":\"avx2\",\"threads\":2,\"value\":null},"
    "{\"name\":\"lookup\",\"level\":null,\"isa\":\"avx512\",\"threads\":2,\"value\":100}]},"
    "\"environment\":{\"before\":{\"load_1m\":1}},"
    "\"options\":{\"preset\":\"quick\",\"rounds\":6,\"min_time_s\":0.05}}";

/* Seconds an iteration took, as elapsed_ns over 10 iterations; 5 items in each. */
static const double base_s[] = {8, 4, 6, 10, 5, 7}, half_s[] = {4, 4, 2, 4, 1, 7};
static const double control[] = {100, 100, 200, 100, 400, 100};

static void add_cell(struct json *cells, const char *variant, double seconds, double bytes)
{
    struct json *cell = json_add_object(cells, NULL), *work, *sample, *data;
    json_add_string(cell, "variant", variant);
    json_add_u64(cell, "process", 77);
    json_add_string(cell, "status", "ok");
    json_add_string(cell, "isa", "avx2");
    json_add_string(cell, "mode", "cold");
    json_add_number(cell, "footprint_bytes", 1e6);
    data = json_add_object(cell, "data");
    json_add_string(data, "name", "seeded");
    json_add_string(data, "hash", "h");
    json_add_u64(data, "seed", 3);
    work = json_add_object(cell, "work");
    json_add_number(work, "flops", 2);
    json_add_number(work, "bytes_read", bytes - 40);
    json_add_number(work, "bytes_written", 40);
    json_add_number(work, "items", 5);
    json_add_string(work, "unit", "token");
    json_add_string(work, "roof", "read");
    json_add_number(work, "roof_ops", 0);
    sample = json_add_object(cell, "sample");
    json_add_number(sample, "elapsed_ns", seconds * 10 * 1e9);
    json_add_u64(sample, "iterations", 10);
    json_add_number(sample, "items", 50);
    json_add_array(cell, "correctness");
    json_add_array(cell, "fidelity");
}

static void add_failure(struct json *cells, const char *variant, const char *status)
{
    struct json *cell = json_add_object(cells, NULL);
    json_add_string(cell, "variant", variant);
    json_add_u64(cell, "process", 78);
    json_add_string(cell, "status", status);
    json_add_string(cell, "reason", "because");
}

/* Six rounds; `bad` is right in the first and fails in the second, `peer` runs in the first two,
 * round 3 was disturbed. */
static struct json *hand_written_rounds(void)
{
    struct json *array = json_new_array();
    for (int r = 0; r < 6; r++) {
        struct json *round = json_add_object(array, NULL);
        json_add_number(round, "round", r);
        json_add_string(round, "block", "hand/gemv/*/big");
        json_add_number(round, "threads", 2);
        json_add_number(round, "control_bytes_per_second", control[r]);
        json_add_number(round, "steal_share", r == 3 ? 0.04 : 0.001);
        json_add_number(round, "foreign_load_cpus", r == 3 ? 0.5 : 0);
        json_add_bool(round, "degraded", r == 3);
        json_add_number(round, "elapsed_s", 2);
        struct json *cells = json_add_array(round, "cells");
        add_cell(cells, "base", base_s[r], 400);
        add_cell(cells, "half", half_s[r], 200);
        if (r < 2)
            add_cell(cells, "peer", 1 + r, 400);
        if (r == 0)
            add_cell(cells, "bad", 1, 400);
        if (r == 1)
            add_failure(cells, "bad", "timeout");
    }
    return array;
}

static struct json *parsed(const char *text)
{
    struct json *node = NULL;
    struct err err = {{0}};
    if (json_parse(text, strlen(text), "test", &node, &err))
        fail_msg("%s", err.text);
    return node;
}

/* The document of the six rounds, or of none. */
static struct json *folded(struct json *rounds, bool interrupted)
{
    struct plan plan;
    struct err err = {{0}};
    const char *pattern = "*/*/[a-z]*/*";
    struct plan_request request = {.registry = rows,
                                   .patterns = &pattern,
                                   .n_patterns = 1,
                                   .preset = PRESET_QUICK,
                                   .max_threads = 2};
    assert_int_equal(plan_make(&request, &plan, &err), OK);
    struct json *header = parsed(header_text), *after = json_new_object(), *document = NULL;
    struct json *counters = parsed("{\"backend\":\"none\",\"status\":\"off\",\"reason\":null}");
    struct fold_input input = {.plan = &plan,
                               .header = header,
                               .rounds = rounds,
                               .environment = after,
                               .counters = counters,
                               .interrupted = interrupted};
    assert_int_equal(fold(&input, &document, &err), OK);
    json_free(header);
    json_free(after);
    json_free(counters);
    json_free(rounds);
    plan_free(&plan);
    return document;
}

static const struct json *cell_of(const struct json *document, const char *variant)
{
    for (const struct json *c = json_first(json_get(document, "cells")); c; c = json_next(c))
        if (!strcmp(json_get_string(c, "variant", ""), variant))
            return c;
    fail_msg("no cell %s", variant);
    return NULL;
}

/* Figures are quotients of small numbers, some through 1e9 ns: a few roundings. */
static void near(const char *what, double got, double expected)
{
    if (!(fabs(got - expected) <= 8 * 2.3e-16 * fabs(expected)))
        fail_msg("%s is %.17g, expected %.17g", what, got, expected);
}

static void check_metric(const struct json *cell, const char *name, double estimate, double low,
                         double high, double level, double n)
{
    const struct json *m = json_get(json_get(cell, "metrics"), name);
    const struct json *interval = json_first(json_get(m, "interval"));
    near(name, json_get_number(m, "estimate", NAN), estimate);
    near(name, json_number(interval, NAN), low);
    near(name, json_number(json_next(interval), NAN), high);
    near(name, json_get_number(m, "level", NAN), level);
    near(name, json_get_number(m, "n", NAN), n);
}

static void metrics_are_medians_and_ratios_are_paired(void **unused)
{
    (void)unused;
    struct json *d = folded(hand_written_rounds(), false);
    const struct json *base = cell_of(d, "base"), *half = cell_of(d, "half");
    check_metric(base, "time", 6.5, 4, 10, 0.96875, 6);
    check_metric(base, "speedup", 1, 1, 1, 0.96875, 6);
    check_metric(half, "time", 4, 1, 7, 0.96875, 6);
    /* 8/4 4/4 6/2 10/4 5/1 7/7: not 6.5 / 4, the ratio of the medians */
    check_metric(half, "speedup", 2.25, 1, 5, 0.96875, 6);
    /* 5 items in 4 4 2 4 1 7 s */
    check_metric(half, "items_per_second", 1.25, 5.0 / 7, 5, 0.96875, 6);
    check_metric(half, "bytes_per_second", 50, 200.0 / 7, 200, 0.96875, 6);
    assert_string_equal(
        json_get_string(json_get(json_get(half, "metrics"), "items_per_second"), "unit", ""),
        "token/s");
    json_free(d);
}

static void roof_shares_are_paired_with_the_control(void **unused)
{
    (void)unused;
    struct json *d = folded(hand_written_rounds(), false);
    const struct json *r = json_get(cell_of(d, "base"), "roofline"),
                      *interval = json_first(json_get(r, "interval"));
    /* 400 bytes over the control: 4 4 2 4 1 4 s, over 8 4 6 10 5 7 s */
    near("limit", json_get_number(r, "limit_s", NAN), 4);
    near("fraction", json_get_number(r, "fraction", NAN), (0.4 + 0.5) / 2);
    near("low", json_number(interval, NAN), 0.2);
    near("high", json_number(json_next(interval), NAN), 1);
    assert_string_equal(json_get_string(r, "bound", ""), "read");
    assert_string_equal(json_get_string(r, "level", ""), "DRAM");
    assert_string_equal(json_get_string(r, "source", ""), "block");
    const struct json *traffic = json_get(cell_of(d, "base"), "traffic");
    near("modelled", json_get_number(traffic, "modelled", NAN), 400);
    near("write-allocate", json_get_number(traffic, "modelled-write-allocate", NAN), 440);
    json_free(d);
}

static void statuses_carry_reasons_and_a_failed_cell_publishes_nothing(void **unused)
{
    (void)unused;
    struct json *d = folded(hand_written_rounds(), true);
    const struct json *half = cell_of(d, "half"), *peer = cell_of(d, "peer"),
                      *bad = cell_of(d, "bad"), *never = cell_of(d, "never");
    assert_string_equal(json_get_string(half, "status", ""), "degraded");
    assert_string_equal(json_get_string(half, "reason", ""),
                        "1 of 6 rounds were disturbed: steal up to 4.0 %, other work up to 0.50 "
                        "processors");
    assert_string_equal(json_get_string(peer, "status", ""), "ok"); /* not in the disturbed round */
    check_metric(peer, "time", 1.5, 1, 2, 0.5, 2);
    check_metric(peer, "speedup", 5, 2, 8, 0.5, 2);
    assert_string_equal(json_get_string(bad, "status", ""), "timeout");
    assert_string_equal(json_get_string(bad, "reason", ""), "because");
    assert_int_equal(json_size(json_get(bad, "samples")), 1);
    assert_int_equal(json_size(json_get(bad, "metrics")), 0);
    assert_int_equal(json_type(json_get(bad, "roofline")), JSON_NULL);
    assert_string_equal(json_get_string(json_get(bad, "data"), "hash", ""), "h");
    assert_string_equal(json_get_string(never, "status", ""), "skipped");
    assert_non_null(strstr(json_get_string(never, "reason", ""), "interrupted"));
    assert_int_equal(json_size(json_get(never, "samples")), 0);
    assert_string_equal(json_get_string(never, "isa", ""), "avx2");
    assert_string_equal(json_get_string(json_get(d, "run"), "status", ""), "interrupted");
    json_free(d);
}

static void a_cell_is_described_from_the_registry(void **unused)
{
    (void)unused;
    struct json *d = folded(hand_written_rounds(), false);
    const struct json *base = cell_of(d, "base"), *params = json_get(base, "params");
    assert_string_equal(json_get_string(base, "path", ""), "hand/gemv/base/big");
    assert_string_equal(json_get_string(base, "family", ""), "formats");
    assert_string_equal(json_get_string(base, "title", ""), "the baseline");
    assert_string_equal(json_get_string(base, "role", ""), "baseline");
    assert_string_equal(json_get_string(cell_of(d, "half"), "role", ""), "technique");
    assert_string_equal(json_get_string(cell_of(d, "peer"), "role", ""), "peer");
    near("threads", json_get_number(base, "threads", NAN), 2);
    assert_int_equal(json_size(params), 3);
    near("bits", json_get_number(params, "bits", NAN), 32);
    near("group", json_get_number(params, "group", NAN), 1); /* the variant's, not the case's 7 */
    near("rows", json_get_number(params, "rows", NAN), 4);
    near("process", json_get_number(json_first(json_get(base, "samples")), "process", NAN), 77);
    assert_int_equal(json_size(json_get(d, "rounds")), 6);
    assert_null(json_get(json_first(json_get(d, "rounds")), "cells"));
    near("elapsed", json_get_number(json_get(d, "run"), "elapsed_s", NAN), 12);
    near("rounds done", json_get_number(json_get(d, "run"), "rounds_done", NAN), 6);
    json_free(d);
}

static void a_run_without_rounds_folds_too(void **unused)
{
    (void)unused;
    struct json *d = folded(json_new_array(), true);
    assert_int_equal(json_size(json_get(d, "cells")), 5);
    assert_string_equal(json_get_string(cell_of(d, "base"), "status", ""), "skipped");
    json_free(d);
}

static void the_roofline_takes_the_level_and_the_instruction(void **unused)
{
    (void)unused;
    static const struct {
        const char *cell;
        int threads;
        const char *bound, *level; /* bound NULL: no limit can be told */
        double limit;
        bool from_block;
    } rows_of_limits[] = {
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":300,\"bytes_written\":100,"
         "\"roof\":\"read\"}}",
         2, "read", "DRAM", 4, true},
        /* 2000 bytes: both L1, 1000 each, hold them */
        {"{\"mode\":\"warm\",\"isa\":\"avx2\",\"footprint_bytes\":2000,\"work\":"
         "{\"bytes_read\":4000,\"bytes_written\":0,\"roof\":\"read\"}}",
         2, "read", "L1", 1, false},
        /* one byte more: L2, and the roof of the cell's own instruction set, not the highest */
        {"{\"mode\":\"warm\",\"isa\":\"avx2\",\"footprint_bytes\":2001,\"work\":"
         "{\"bytes_read\":4000,\"bytes_written\":0,\"roof\":\"read\"}}",
         2, "read", "L2", 2, false},
        {"{\"mode\":\"warm\",\"isa\":\"ref\",\"footprint_bytes\":2001,\"work\":"
         "{\"bytes_read\":5000,\"bytes_written\":0,\"roof\":\"read\"}}",
         2, "read", "L2", 2, false},
        /* one thread reaches one L1 only, and has roofs of its own */
        {"{\"mode\":\"warm\",\"isa\":\"avx2\",\"footprint_bytes\":2000,\"work\":"
         "{\"bytes_read\":18,\"bytes_written\":0,\"roof\":\"read\"}}",
         1, "read", "L2", 2, false},
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":300,\"bytes_written\":200,"
         "\"roof\":\"copy\"}}",
         2, "copy", "DRAM", 1, false},
        /* a roof that could not be measured is no limit */
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":300,\"bytes_written\":200,"
         "\"roof\":\"write\"}}",
         2, NULL, NULL, 0, false},
        {"{\"mode\":null,\"isa\":\"avx2\",\"work\":{\"bytes_read\":300,\"bytes_written\":200,"
         "\"roof\":\"read\"}}",
         2, NULL, NULL, 0, false},
        /* compute: the larger of 4 s of memory and 5 or 3 s of look-ups */
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":400,\"bytes_written\":0,"
         "\"roof\":\"lookup\",\"roof_ops\":500}}",
         2, "lookup", NULL, 5, false},
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":400,\"bytes_written\":0,"
         "\"roof\":\"lookup\",\"roof_ops\":300}}",
         2, "read", "DRAM", 4, true},
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":{\"bytes_read\":400,\"bytes_written\":0,"
         "\"roof\":\"dot-i8\",\"roof_ops\":300}}",
         2, NULL, NULL, 0, false},
        {"{\"mode\":\"cold\",\"isa\":\"avx2\",\"work\":null}", 2, NULL, NULL, 0, false},
    };
    struct json *header = parsed(header_text);
    for (size_t i = 0; i < sizeof rows_of_limits / sizeof rows_of_limits[0]; i++) {
        struct json *cell = parsed(rows_of_limits[i].cell);
        struct roofline r;
        bool found =
            roofline_limit(json_get(header, "machine"), cell, rows_of_limits[i].threads, 100, &r);
        if (found != (rows_of_limits[i].bound != NULL))
            fail_msg("row %zu: a limit was %sfound", i, found ? "" : "not ");
        if (found) {
            near(rows_of_limits[i].cell, r.limit_s, rows_of_limits[i].limit);
            assert_string_equal(r.bound, rows_of_limits[i].bound);
            assert_string_equal(r.level ? r.level : "",
                                rows_of_limits[i].level ? rows_of_limits[i].level : "");
            assert_int_equal(r.from_block, rows_of_limits[i].from_block);
        }
        json_free(cell);
    }
    json_free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_medians_and_ratios_are_paired),
        cmocka_unit_test(roof_shares_are_paired_with_the_control),
        cmocka_unit_test(statuses_carry_reasons_and_a_failed_cell_publishes_nothing),
        cmocka_unit_test(a_cell_is_described_from_the_registry),
        cmocka_unit_test(a_run_without_rounds_folds_too),
        cmocka_unit_test(the_roofline_takes_the_level_and_the_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
