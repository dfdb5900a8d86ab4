/* The strict reader refuses what cJSON forgives; written numbers read back bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "datasets/json.h"
#include "numerics/rng.h"
#include "tests/parity.h"
#include "tests/scratch.h"

/* Parses a copy that ends before an unmapped page, so that a read past the end faults. */
static enum status parse(const char *text, size_t n, struct json **out, struct err *err)
{
    char *copy = parity_alloc(n);
    memcpy(copy, text, n);
    enum status s = json_parse(copy, n, "t.json", out, err);
    parity_free(copy, n);
    return s;
}

#define REFUSED(text, why)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, why                                                                \
    }

static void what_is_not_json_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        size_t n;
        const char *why; /* part of the line */
    } bad[] = {
        REFUSED("", "byte 0"),
        REFUSED("  ", "byte 2"),
        REFUSED("{} x", "byte 3: text after"),
        REFUSED("{}{}", "text after"),
        REFUSED("{}\0", "text after"),
        REFUSED("\xEF\xBB\xBF{}", "byte 0"),
        REFUSED("01", "leading zero"),
        REFUSED("-01", "leading zero"),
        REFUSED("1.", "digit"),
        REFUSED(".5", "value"),
        REFUSED("+1", "value"),
        REFUSED("-", "digit"),
        REFUSED("1e", "digit"),
        REFUSED("1e+", "digit"),
        REFUSED("1.e5", "digit"),
        REFUSED("0x10", "text after"),
        REFUSED("1e999", "beyond"),
        REFUSED("-1e309", "beyond"),
        REFUSED("1.7976931348623159e308", "beyond"),
        REFUSED("1000000000000000000000000000000000000000000000000000000000000000", "63"),
        REFUSED("NaN", "value"),
        REFUSED("Infinity", "value"),
        REFUSED("nul", "value"),
        REFUSED("nulL", "value"),
        REFUSED("True", "value"),
        REFUSED("'a'", "value"),
        REFUSED("[1,]", "byte 3"),
        REFUSED("[,1]", "byte 1"),
        REFUSED("[1 2]", "comma"),
        REFUSED("[1", "comma"),
        REFUSED("[", "ends"),
        REFUSED("]", "value"),
        REFUSED("{\"a\":1,}", "string"),
        REFUSED("{\"a\"}", "colon"),
        REFUSED("{\"a\" 1}", "colon"),
        REFUSED("{a:1}", "string"),
        REFUSED("{\"a\":}", "value"),
        REFUSED("{1:1}", "string"),
        REFUSED("[1}", "comma"),
        REFUSED("{\"a\":1]", "comma"),
        REFUSED("{\"a\":1,\"a\":2}", "'a' stands twice"),
        REFUSED("{\"a\":1,\"\\u0061\":2}", "'a' stands twice"),
        REFUSED("[{\"b\":{\"x\":1,\"y\":2,\"x\":3}}]", "'x' stands twice"),
        REFUSED("\"abc", "ends inside"),
        REFUSED("\"a\nb\"", "control"),
        REFUSED("\"a\0b\"", "control"),
        REFUSED("\"\\u0000\"", "NUL"),
        REFUSED("\"\\x41\"", "escape"),
        REFUSED("\"\\", "escape"),
        REFUSED("\"\\u12\"", "hexadecimal"),
        REFUSED("\"\\u12G4\"", "hexadecimal"),
        REFUSED("\"\\ud800\"", "surrogate"),
        REFUSED("\"\\ud800\\n\"", "surrogate"),
        REFUSED("\"\\ud800\\ud800\"", "surrogate"),
        REFUSED("\"\\udc00\"", "surrogate"),
        REFUSED("\"\x80\"", "UTF-8"),
        REFUSED("\"\xC0\xAF\"", "UTF-8"),         /* overlong */
        REFUSED("\"\xE0\x80\xAF\"", "UTF-8"),     /* overlong */
        REFUSED("\"\xED\xA0\x80\"", "UTF-8"),     /* a surrogate */
        REFUSED("\"\xF4\x90\x80\x80\"", "UTF-8"), /* beyond U+10FFFF */
        REFUSED("\"\xF8\x88\x80\x80\x80\"", "UTF-8"),
        REFUSED("\"\xE2\x82\"", "UTF-8"),
        REFUSED("\"\xE2\x82", "UTF-8"),
        REFUSED("/* c */ 1", "value"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json *out = (struct json *)&i;
        struct err err = {{0}};
        enum status s = parse(bad[i].text, bad[i].n, &out, &err);
        if (s != E_FORMAT || !strstr(err.text, bad[i].why) || !strstr(err.text, "t.json: "))
            fail_msg("row %zu, %s: status %d, '%s', wanted '%s'", i, bad[i].text, s, err.text,
                     bad[i].why);
        assert_ptr_equal(out, &i); /* untouched */
    }
}

static void what_is_json_is_read(void **unused)
{
    (void)unused;
    static const char text[] =
        " {\"n\" : -0.5e+1,\t\"s\":\"\\ud83d\\ude00\\u20ac\\/\\\"\\n\",\"\":[],\"o\":{},\r\n"
        "\"t\":true,\"f\":false,\"z\":null,\"big\":\"18446744073709551615\","
        "\"edge\":9007199254740992,\"over\":9007199254740994,\"bad\":\"18446744073709551616\","
        "\"list\":[1,[2,3],{\"n\":4}],\"tiny\":1e-999,\"N\":7} ";
    struct json *root;
    struct err err;
    assert_int_equal(parse(text, sizeof text - 1, &root, &err), OK);
    assert_true(json_get_number(root, "n", 0) == -5);
    assert_true(json_get_number(root, "N", 0) == 7); /* keys are case-sensitive */
    assert_string_equal(json_get_string(root, "s", ""), "\xF0\x9F\x98\x80\xE2\x82\xAC/\"\n");
    assert_int_equal(json_type(json_get(root, "")), JSON_ARRAY);
    assert_int_equal(json_type(json_get(root, "o")), JSON_OBJECT);
    assert_int_equal(json_size(json_get(root, "o")), 0);
    assert_true(json_bool(json_get(root, "t"), false));
    assert_false(json_bool(json_get(root, "f"), true));
    assert_true(json_bool(json_get(root, "n"), true));
    assert_int_equal(json_type(json_get(root, "z")), JSON_NULL);
    assert_true(json_u64(json_get(root, "big"), 0) == UINT64_MAX);
    assert_true(json_u64(json_get(root, "edge"), 0) == UINT64_C(1) << 53);
    assert_true(json_u64(json_get(root, "over"), 5) == 5);
    assert_true(json_u64(json_get(root, "bad"), 5) == 5);
    assert_true(json_u64(json_get(root, "n"), 5) == 5);
    assert_true(json_get_number(root, "tiny", 1) == 0);
    const struct json *list = json_get(root, "list");
    assert_int_equal(json_size(list), 3);
    assert_true(json_number(json_next(json_first(json_next(json_first(list)))), 0) == 3);
    assert_string_equal(json_key(json_first(list)), "");
    assert_string_equal(json_key(json_first(root)), "n");
    assert_null(json_get(json_get(json_get(root, "no"), "such"), "key"));
    assert_null(json_get(list, "n"));
    json_free(root);
}

static void nesting_is_bounded(void **unused)
{
    (void)unused;
    char text[2 * JSON_MAX_DEPTH + 2];
    for (size_t depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
        struct json *root = NULL;
        struct err err;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        enum status s = parse(text, 2 * depth, &root, &err);
        assert_int_equal(s, depth <= JSON_MAX_DEPTH ? OK : E_FORMAT);
        json_free(root);
    }
}

static char *print(const struct json *root, bool pretty)
{
    char *text = NULL;
    struct err err;
    if (json_print(root, pretty, &text, &err))
        fail_msg("%s", err.text);
    return text;
}

/* One number through a document and back, with nothing longer than it must be. */
static void returns(double value, uint64_t seed)
{
    struct json *array = json_new_array(), *back;
    struct err err;
    json_add_number(array, NULL, value);
    char *text = print(array, false);
    if (parse(text, strlen(text), &back, &err))
        fail_msg("seed %llu: %a: %s", (unsigned long long)seed, value, err.text);
    double got = json_number(json_first(back), NAN);
    if (memcmp(&got, &value, sizeof got))
        fail_msg("seed %llu: %a became %a through %s", (unsigned long long)seed, value, got, text);
    free(text);
    json_free(array);
    json_free(back);
}

static void doubles_return_bit_for_bit(void **unused)
{
    (void)unused;
    static const double edges[] = {0.0,
                                   -0.0,
                                   0.1,
                                   1.0 / 3,
                                   DBL_MIN,
                                   -DBL_TRUE_MIN,
                                   DBL_MAX,
                                   -DBL_MAX,
                                   DBL_EPSILON,
                                   0x1p53,
                                   0x1p53 - 1,
                                   0x1p53 + 2,
                                   -0x1p53,
                                   0x1p63,
                                   0x1p64,
                                   1e22,
                                   1e23,
                                   5e-324,
                                   2.2250738585072011e-308,
                                   0x1.fffffffffffffp-1023};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        returns(edges[i], 0);
    struct rng rng = {20};
    for (int i = 0; i < 20000; i++) {
        uint64_t seed = rng.state, bits = rng_u64(&rng);
        if (i % 4 == 0)
            bits &= UINT64_C(0x800FFFFFFFFFFFFF); /* subnormal */
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            returns(value, seed);
    }
}

static void numbers_are_as_short_as_they_can_be(void **unused)
{
    (void)unused;
    struct json *array = json_new_array();
    json_add_number(array, NULL, 0.1);
    json_add_number(array, NULL, 100);
    json_add_number(array, NULL, 0.1 + 0.2);
    json_add_u64(array, NULL, UINT64_C(1) << 53);
    json_add_u64(array, NULL, (UINT64_C(1) << 53) + 1);
    json_add_u64(array, NULL, UINT64_MAX);
    char *text = print(array, false);
    assert_string_equal(text, "[0.1,100,0.30000000000000004,9007199254740992,"
                              "\"9007199254740993\",\"18446744073709551615\"]");
    free(text);
    json_free(array);
}

/* Switches to a locale with a decimal comma: one that is installed, or one made for the moment. */
static bool set_comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    char command[160];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]))
            return true;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s' >/dev/null 2>&1",
             scratch_path("de_DE.UTF-8"));
    return system(command) != -1 && !setenv("LOCPATH", scratch, 1) &&
           setlocale(LC_ALL, "de_DE.UTF-8");
}

static void a_comma_locale_changes_nothing(void **unused)
{
    (void)unused;
    if (!set_comma_locale()) {
        print_message("no locale with a decimal comma can be had: skipped\n");
        skip();
    }
    assert_string_equal(localeconv()->decimal_point, ",");
    doubles_return_bit_for_bit(NULL);
    numbers_are_as_short_as_they_can_be(NULL);
    what_is_json_is_read(NULL);
    setlocale(LC_ALL, "C");
}

static void a_built_tree_is_printed_as_it_was_built(void **unused)
{
    (void)unused;
    struct json *root = json_new_object(), *sub = json_add_object(root, "sub"), *list;
    json_add_number(root, "x", NAN);
    json_add_number(root, "y", -INFINITY);
    json_add_number(root, "y", 2); /* replaces, and the reason goes */
    json_add_string(sub, "s", "a\"\\\n\x01\xFFz\xC3\xA4");
    json_add_string(sub, "none", NULL);
    list = json_add_array(sub, "list");
    json_add_bool(list, NULL, true);
    json_add_number(list, NULL, INFINITY);
    json_add(root, "copy", json_copy(sub));
    json_add(root, "absent", json_copy(NULL));
    json_add_array(root, "empty");
    char *text = print(root, false);
    assert_string_equal(
        text, "{\"sub\":{\"s\":\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBDz\xC3\xA4\",\"none\":null,"
              "\"list\":[true,null]},\"x\":null,\"x_reason\":\"not a number\",\"y\":2,"
              "\"copy\":{\"s\":\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBDz\xC3\xA4\",\"none\":null,"
              "\"list\":[true,null]},\"absent\":null,\"empty\":[]}");
    free(text);
    json_free(root);

    root = json_new_object();
    list = json_add_array(root, "a");
    json_add_number(list, NULL, 1);
    json_add_number(list, NULL, 2);
    json_add_number(json_add_object(json_add_array(root, "b"), NULL), "c", 3);
    json_add_object(root, "d");
    text = print(root, true);
    assert_string_equal(text,
                        "{\n  \"a\": [1, 2],\n  \"b\": [\n    {\n      \"c\": 3\n    }\n  ],\n"
                        "  \"d\": {}\n}");
    free(text);
    json_free(root);
}

/* cJSON's allocations fail from the budget-th on. */
static int budget;

static void *failing_malloc(size_t n)
{
    return budget-- > 0 ? malloc(n) : NULL;
}

static void a_failed_allocation_is_never_printed_over(void **unused)
{
    (void)unused;
    cJSON_Hooks hooks = {failing_malloc, free};
    cJSON_InitHooks(&hooks);
    bool whole = false;
    int failures = 0;
    for (int allowed = 0; !whole; allowed++) {
        budget = allowed;
        struct json *root = json_new_object(), *sub = json_add_object(root, "sub");
        json_add_number(sub, "x", 1);
        json_add_number(root, "nan", NAN);
        json_add_string(json_add_object(json_add_array(sub, "list"), NULL), "s", "text");
        json_add_u64(root, "u", UINT64_MAX);
        json_add(root, "copy", json_copy(sub));
        char *text = NULL;
        struct err err = {{0}};
        enum status s = json_print(root, false, &text, &err);
        if (s == OK)
            assert_string_equal(text,
                                "{\"sub\":{\"x\":1,\"list\":[{\"s\":\"text\"}]},\"nan\":null,"
                                "\"nan_reason\":\"not a number\",\"u\":\"18446744073709551615\","
                                "\"copy\":{\"x\":1,\"list\":[{\"s\":\"text\"}]}}");
        else
            assert_int_equal(s, E_NOMEM);
        failures += s != OK;
        whole = s == OK;
        free(text);
        json_free(root);
    }
    assert_in_range(failures, 20, 100);
    cJSON_InitHooks(NULL);
}

static void a_file_over_the_limit_is_refused(void **unused)
{
    (void)unused;
    const char *path = scratch_path("list.json");
    struct json *root = NULL;
    struct err err;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("[1,2,3]", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(json_read(path, 7, &root, &err), OK);
    assert_int_equal(json_size(root), 3);
    json_free(root);
    assert_int_equal(json_read(path, 6, &root, &err), E_FORMAT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(json_read(scratch, 6, &root, &err), E_NOINPUT);
    unlink(path);
    assert_int_equal(json_read(path, 6, &root, &err), E_NOINPUT);
    assert_non_null(strstr(err.text, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(what_is_json_is_read),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(doubles_return_bit_for_bit),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        IN_SCRATCH(a_comma_locale_changes_nothing),
        cmocka_unit_test(a_built_tree_is_printed_as_it_was_built),
        cmocka_unit_test(a_failed_allocation_is_never_printed_over),
        IN_SCRATCH(a_file_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
