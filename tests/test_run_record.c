/* The `run` object says what the schema asks for, and nothing that is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/run_record.h"

static const struct build_library libraries[] = {{"gsl", "2.7"}, {0}};
static char program[] = "assay", verb[] = "bench", option[] = "--seed", value[] = "9";
static char *command[] = {program, verb, option, value};

static void utc_is_iso_8601(void **unused)
{
    (void)unused;
    char text[UTC_SIZE];
    run_record_utc(1709210096, text);
    assert_string_equal(text, "2024-02-29T12:34:56Z");
}

static void every_member_that_the_schema_requires_is_there(void **unused)
{
    (void)unused;
    struct build_info build = {"0.1.0", "abc", 1, "GCC 12", "-O3", libraries};
    struct run_record record;
    struct json *schema, *document = json_new_object();
    struct err err;
    run_record_start(&record, &build, 4, command, UINT64_MAX, 0);
    const struct json *run = run_record_add(&record, document, "complete");
    assert_ptr_equal(json_get(document, "run"), run);
    if (json_read("datasets/schema/assay.result.1.json", 1 << 20, &schema, &err))
        fail_msg("%s", err.text);
    const struct json *shape = json_get(json_get(schema, "$defs"), "run");
    const struct json *required = json_get(shape, "required");
    assert_true(json_size(required) > 10);
    for (const struct json *key = json_first(required); key; key = json_next(key))
        if (!json_get(run, json_string(key, "")))
            fail_msg("run has no %s", json_string(key, ""));
    for (const struct json *member = json_first(run); member; member = json_next(member))
        if (!json_get(json_get(shape, "properties"), json_key(member)))
            fail_msg("the schema has no %s", json_key(member));
    assert_true(json_u64(json_get(run, "seed"), 0) == UINT64_MAX);
    assert_int_equal(json_size(json_get(run, "command")), 4);
    assert_string_equal(json_get_string(run, "isa", ""), "ref");
    assert_true(json_bool(json_get(json_get(run, "git"), "dirty"), false));
    assert_string_equal(json_get_string(json_get(run, "libraries"), "gsl", ""), "2.7");
    json_free(schema);
    json_free(document);
}

static void without_a_checkout_git_is_null(void **unused)
{
    (void)unused;
    struct build_info build = {"0.1.0", NULL, -1, "GCC 12", "-O3", libraries};
    struct run_record record;
    struct json *document = json_new_object();
    run_record_start(&record, &build, 1, command, 1, 0);
    const struct json *git = json_get(run_record_add(&record, document, "complete"), "git");
    assert_int_equal(json_type(json_get(git, "revision")), JSON_NULL);
    assert_int_equal(json_type(json_get(git, "dirty")), JSON_NULL);
    json_free(document);
}

static void ids_of_two_runs_differ(void **unused)
{
    (void)unused;
    struct build_info build = {"0.1.0", NULL, -1, "GCC 12", "-O3", libraries};
    struct run_record a, b;
    run_record_start(&a, &build, 1, command, 1, 0);
    do /* the clock must have moved */
        run_record_start(&b, &build, 1, command, 1, 0);
    while (a.begun.tv_sec == b.begun.tv_sec && a.begun.tv_nsec == b.begun.tv_nsec);
    assert_string_not_equal(a.id, b.id);
    assert_memory_equal(a.id, "20", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_is_iso_8601),
        cmocka_unit_test(every_member_that_the_schema_requires_is_there),
        cmocka_unit_test(without_a_checkout_git_is_null),
        cmocka_unit_test(ids_of_two_runs_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
