/* Tables as people write them are read, and what is no table is named by its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/csv.h"
#include "tests/parity.h"

/* text parsed from a buffer that ends at a page that cannot be read */
static enum status parse(const char *text, struct csv *out, struct err *err)
{
    size_t n = strlen(text);
    char *bytes = parity_alloc(n);
    memcpy(bytes, text, n);
    enum status s = csv_parse(bytes, n, "runs.csv", out, err);
    parity_free(bytes, n);
    return s;
}

static void a_table_is_read_as_people_write_it(void **unused)
{
    (void)unused;
    struct csv t;
    struct err err = {{0}};
    const char *text =
        "\xef\xbb\xbf# runs of May\r\n\r\n Model Size , loss,\"the \"\"note\"\"\"\r\n"
        "\"1,200,000\",2.5e0,\"a, b\nc\"\r\n  # not this one\n 7e9 ,-.5 ,";
    if (parse(text, &t, &err))
        fail_msg("%s", err.text);
    assert_int_equal(t.rows, 2);
    assert_int_equal(t.columns, 3);
    assert_string_equal(t.header[0], "Model Size");
    assert_string_equal(t.header[2], "the \"note\"");
    assert_string_equal(t.cells[2], "a, b\nc");
    assert_string_equal(t.cells[5], "");
    assert_int_equal(t.line[0], 4);
    assert_int_equal(t.line[1], 7);
    assert_int_equal(csv_column(&t, "LOSS"), 1);
    assert_int_equal(csv_column(&t, "no"), 3);
    double values[2];
    assert_int_equal(csv_numbers(&t, "model size", "runs.csv", values, &err), OK);
    assert_true(values[0] == 1200000 && values[1] == 7e9);
    assert_int_equal(csv_numbers(&t, "the \"note\"", "runs.csv", values, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "runs.csv: line 4, column 'the \"note\"'"));
    csv_free(&t);
}

static void numbers_are_read_and_others_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *cell;
        double value;
    } good[] = {{"0", 0},        {"-1.5e-3", -1.5e-3},       {"+2", 2},
                {"1_000", 1000}, {"12 345.5", 12345.5},      {".5", 0.5},
                {"3.", 3},       {"1,234,567e2", 123456700}, {"1E9", 1e9}};
    static const char *const bad[] = {"",     " ",     "1,23", "1,2345", "1234,567", "1,234_567",
                                      "0x10", "inf",   "nan",  "1e",     "1e999",    "--1",
                                      ".",    "1.2.3", "1e9x", ",123",   "12,",      "1 e3"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double v = -7;
        if (!csv_number(good[i].cell, &v) || v != good[i].value)
            fail_msg("'%s' gives %g", good[i].cell, v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double v = -7;
        if (csv_number(bad[i], &v) || v != -7)
            fail_msg("'%s' gives %g", bad[i], v);
    }
}

static void what_is_no_table_is_refused_with_its_line(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "no header"},
               {"# only this\n", "no header"},
               {"a,b\n1\n", "line 2 has 1 cells, the header 2"},
               {"a,b\n\n1,2,3\n", "line 3 has 3 cells"},
               {"a,a\n", "two columns are named 'a'"},
               {"a\n\"1\n2", "a quote does not end"},
               {"a\n\"1\"2\n", "line 2: text after a closing quote"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct csv t;
        struct err err = {{0}};
        assert_int_equal(parse(bad[i].text, &t, &err), E_FORMAT);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
    struct csv t;
    struct err err = {{0}};
    assert_int_equal(csv_parse("a\n1\0", 4, "runs.csv", &t, &err), E_FORMAT);
    assert_int_equal(csv_read("/nonexistent.csv", &t, &err), E_NOINPUT);
}

/* Any cut and any changed byte of a table is read or refused, without a fault. */
static void damage_is_survived(void **unused)
{
    (void)unused;
    enum { SEED = 5, ROUNDS = 3000 };
    const char *text = "a,\"b\"\"\",c\n1,\"2,3\",4\r\n#x\n5,6,\"7\"\n";
    struct rng rng = {SEED};
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = rng_below(&rng, (uint32_t)strlen(text) + 1);
        char *bytes = parity_alloc(n);
        memcpy(bytes, text, n);
        for (size_t k = rng_below(&rng, 4); k && n; k--)
            bytes[rng_below(&rng, (uint32_t)n)] = ",\"\n\r#x 1"[rng_below(&rng, 8)];
        struct csv t;
        struct err err;
        if (!csv_parse(bytes, n, "x", &t, &err)) {
            for (size_t i = 0; i < t.rows * t.columns; i++)
                assert_true(strlen(t.cells[i]) <= n);
            csv_free(&t);
        }
        parity_free(bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_as_people_write_it),
        cmocka_unit_test(numbers_are_read_and_others_refused),
        cmocka_unit_test(what_is_no_table_is_refused_with_its_line),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
