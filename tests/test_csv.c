/* Tables as people write them are read; what is none is refused with its line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <string.h>

#include "datasets/csv.h"
#include "tests/parity.h"
#include "tests/scratch.h"

/* The text is parsed where it ends at an unmapped page. */
static enum status parse(const char *text, size_t n, struct csv *t, struct err *err)
{
    char *bytes = parity_alloc(n ? n : 1);
    memcpy(bytes, text, n);
    enum status s = csv_parse(bytes, n, "t.csv", t, err);
    parity_free(bytes, n ? n : 1);
    return s;
}

static void one_table_in_every_dress_is_the_same(void **unused)
{
    (void)unused;
    static const char *const dresses[] = {
        "N,the loss\n1000000,2.5\n3,\n",
        "N,the loss\n1000000,2.5\n3,",
        "\xef\xbb\xbfN,the loss\r\n1e6,2.5\r\n3,NA\r\n",
        "# runs of today, and more\n\nN , the loss\n# more\n 1e+06 ,  2.5\n\n+3.0,nan\n",
        "\"N\",\"the loss\"\n\"1,000,000\",\"2.5\" \n 3 , \"\"\n",
        "N;the loss\n1 000 000;2.5\n3;-\n",
        "N\tthe loss\r1_000_000\t2.50\r3\t?\r",
        "N,the loss\n1000000.,25e-1\n.3e1,null\n"};
    for (size_t i = 0; i < sizeof dresses / sizeof dresses[0]; i++) {
        struct csv t;
        struct err err = {{0}};
        double n[2], loss[2];
        if (parse(dresses[i], strlen(dresses[i]), &t, &err))
            fail_msg("dress %zu: %s", i, err.text);
        if (t.rows != 2 || t.columns != 2)
            fail_msg("dress %zu: %zu rows, %zu columns", i, t.rows, t.columns);
        if (csv_numbers(&t, "n", "t.csv", n, &err) || csv_numbers(&t, "the loss", "t", loss, &err))
            fail_msg("dress %zu: %s", i, err.text);
        if (n[0] != 1e6 || n[1] != 3 || loss[0] != 2.5 || !isnan(loss[1]))
            fail_msg("dress %zu: %g %g, %g %g", i, n[0], n[1], loss[0], loss[1]);
        csv_free(&t);
    }
}

static void quotes_keep_separators_and_lines_count(void **unused)
{
    (void)unused;
    static const char text[] = "name,\"a \"\"b\"\"\",N\n\"x,\ny\",2,3\nz,,5\n";
    struct csv t;
    struct err err = {{0}};
    assert_int_equal(parse(text, sizeof text - 1, &t, &err), OK);
    assert_string_equal(t.header[1], "a \"b\"");
    assert_string_equal(t.cells[0], "x,\ny");
    assert_int_equal(t.line[0], 2);
    assert_int_equal(t.line[1], 4);
    assert_int_equal(csv_column(&t, "N"), 2);
    assert_int_equal(csv_column(&t, "NAME"), 0);
    assert_int_equal(csv_column(&t, "missing"), 3);
    csv_free(&t);
}

static void what_is_no_table_is_refused_by_line_and_column(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "t.csv: no header row, nothing but comments"},
        {"# a\n\n", "t.csv: no header row, nothing but comments"},
        {"1,2\n3,4\n", "t.csv: line 1: numbers where the names of the columns should be"},
        {"a,b\n1\n", "t.csv: line 2, column 'b': the row ends before it"},
        {"a,b\n1,2\n\n3,4,5\n", "t.csv: line 4, column 3: more cells than the header has columns"},
        {"a,b,a\n", "t.csv: line 1, column 3: a second column of that name"},
        {"a,b\n1,\"2\n3,4\n", "t.csv: line 2, column 'b': a quote that does not end"},
        {"a,b\n\"1\"2,3\n", "t.csv: line 2, column 'a': text after a closing quote"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct csv t = {.rows = 77};
        struct err err = {{0}};
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &t, &err), E_FORMAT);
        assert_string_equal(err.text, rows[i].error);
        assert_int_equal(t.rows, 77); /* untouched */
    }
    struct csv t;
    struct err err;
    assert_int_equal(parse("a,b\n1,\0\n", 8, &t, &err), E_FORMAT);
    assert_string_equal(err.text, "t.csv: line 2, column 'b': a NUL byte");
    char wide[2 * CSV_MAX_COLUMNS + 2];
    memset(wide, ',', sizeof wide);
    assert_int_equal(parse(wide, CSV_MAX_COLUMNS, &t, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "too many columns"));
    assert_int_equal(csv_parse(wide, (size_t)CSV_MAX_BYTES + 1, "t.csv", &t, &err), E_FORMAT);
}

static void numbers_are_decimal_or_scientific_and_grouped_by_threes(void **unused)
{
    (void)unused;
    static const struct {
        const char *cell;
        double value;
    } numbers[] = {{"0", 0},
                   {"-1.5", -1.5},
                   {"+2", 2},
                   {"6.02E+23", 6.02e23},
                   {"1e-3", 1e-3},
                   {"1,234,567.5", 1234567.5},
                   {"12_345", 12345},
                   {"1 000", 1000},
                   {"1,234e3", 1234e3},
                   {".5", .5},
                   {"5.", 5},
                   {"0.1234567890123456789", 0.1234567890123456789}};
    static const char *const others[] = {
        "",
        "-",
        ".",
        "e5",
        "1e",
        "1e+",
        "0x10",
        "inf",
        "nan",
        "1,23",
        "1234,567",
        "1,,234",
        ",123",
        "1,234,5",
        "1,234_567",
        "1 2",
        "1.5.2",
        "1e5.0",
        "--1",
        "70B",
        "1,234 5",
        "1e999",
        "12 ",
        "1.234,5",
        "1000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double x = NAN;
        if (!csv_number(numbers[i].cell, &x) || x != numbers[i].value)
            fail_msg("'%s' is read as %.17g", numbers[i].cell, x);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        double x = 7;
        if (csv_number(others[i], &x) || x != 7)
            fail_msg("'%s' is read as %g", others[i], x);
    }
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        double x;
        assert_true(csv_number("1.5", &x) && x == 1.5);
        setlocale(LC_NUMERIC, "C");
    }
}

static void a_cell_that_is_no_number_is_named(void **unused)
{
    (void)unused;
    static const char text[] = "N;loss\n1;2.5\n2;2,5\nx;3\n";
    struct csv t;
    struct err err = {{0}};
    double out[3];
    assert_int_equal(parse(text, sizeof text - 1, &t, &err), OK);
    assert_int_equal(csv_numbers(&t, "N", "t.csv", out, &err), E_FORMAT);
    assert_string_equal(err.text, "t.csv: line 4, column 'N': 'x' is not a finite number");
    assert_int_equal(csv_numbers(&t, "loss", "t.csv", out, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "line 3, column 'loss': '2,5': a comma may be"));
    assert_int_equal(csv_numbers(&t, "D", "t.csv", out, &err), E_FORMAT);
    assert_string_equal(err.text, "t.csv: no column 'D' in it");
    csv_free(&t);
}

static void a_file_is_read_and_an_absent_one_is_told(void **unused)
{
    (void)unused;
    struct csv t;
    struct err err = {{0}};
    const char *path = scratch_path("t.csv");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("a\n1\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(csv_read(path, &t, &err), OK);
    assert_int_equal(t.rows, 1);
    csv_free(&t);
    assert_int_equal(csv_read(scratch_path("absent.csv"), &t, &err), E_NOINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_table_in_every_dress_is_the_same),
        cmocka_unit_test(quotes_keep_separators_and_lines_count),
        cmocka_unit_test(what_is_no_table_is_refused_by_line_and_column),
        cmocka_unit_test(numbers_are_decimal_or_scientific_and_grouped_by_threes),
        cmocka_unit_test(a_cell_that_is_no_number_is_named),
        IN_SCRATCH(a_file_is_read_and_an_absent_one_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
