/* One number for each tensor: JSON and CSV say the same, and what is not one is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "datasets/document.h"
#include "datasets/named_values.h"
#include "tests/scratch.h"

static enum status read_text(const char *text, size_t n, struct named_values *out, struct err *err)
{
    const char *path = scratch_path("values");
    assert_int_equal(document_write_bytes(path, text, n, err), OK);
    return named_values_read(path, out, err);
}

static void json_and_csv_say_the_same(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"{\"b.weight\": 2.5e-8, \"a\": 0, \"c,d\": 3}",
                                        "tensor,fisher\nb.weight,2.5e-8\na,0\nc,d,3",
                                        "b.weight, 2.5e-8 \r\n\r\n\"a\",0\r\n\"c,d\",3\r\n",
                                        "\nb.weight,2.5e-8\na,0\n\nc,d,3\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct named_values v;
        struct err err = {{0}};
        if (read_text(texts[i], strlen(texts[i]), &v, &err))
            fail_msg("%s: %s", texts[i], err.text);
        assert_int_equal(v.n, 3);
        assert_true(*named_values_find(&v, "b.weight") == 2.5e-8);
        assert_true(*named_values_find(&v, "a") == 0);
        assert_true(*named_values_find(&v, "c,d") == 3);
        assert_null(named_values_find(&v, "c"));
        named_values_free(&v);
    }
}

static void thousands_are_found(void **unused)
{
    (void)unused;
    enum { N = 5000 };
    static char text[N * 24];
    char name[16];
    size_t n = 0;
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "t%d,%d\n", i * 7919 % N, i * 7919 % N);
    struct named_values v;
    struct err err;
    assert_int_equal(read_text(text, n, &v, &err), OK);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_true(*named_values_find(&v, name) == i);
    }
    named_values_free(&v);
}

static void what_is_wrong_is_named(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *word;
        size_t n; /* 0: of the string */
    } cases[] = {
        {"", "no value", 0},           {"a,1\na,2\n", "twice", 0},    {"a,1\nb,-2\n", "'b'", 0},
        {"a,inf\n", "'a'", 0},         {"a,nan\n", "'a'", 0},         {"a,1\nb\n", "line 2", 0},
        {"a,1\nb,x\n", "line 2", 0},   {"a,1\nb,1 2\n", "line 2", 0}, {"a\n", "line 1", 0},
        {"{\"a\": \"1\"}", "'a'", 0},  {"{\"a\": 1", "byte", 0},      {"{}", "no value", 0},
        {"a,1\0b,2\n", "zero byte", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct named_values v = {NULL, 77};
        struct err err = {{0}};
        size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);
        assert_int_equal(read_text(cases[i].text, n, &v, &err), E_FORMAT);
        if (!strstr(err.text, cases[i].word))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].word);
        assert_true(v.n == 77);
    }
    struct named_values v;
    struct err err;
    assert_int_equal(named_values_read(scratch_path("absent"), &v, &err), E_NOINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(json_and_csv_say_the_same),
        IN_SCRATCH(thousands_are_found),
        IN_SCRATCH(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
