/* Runs are found in tables as people name them, and rows that cannot be used say why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyses/run_table.h"
#include "tests/scratch.h"

static const char *write_table(const char *text)
{
    const char *path = scratch_path("runs.csv");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void usual_and_named_columns_are_found(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *columns, *flops;
    } rows[] = {{"N,D,loss\n2,3,4\n", NULL, NULL},
                {"loss,tokens,params\n4,3,2\n", NULL, NULL},
                {"Model Size,Training FLOP,loss\n2,36,4\n", NULL, NULL},
                {"N,D,C,loss\n2,77,36,4\n", NULL, "C"},
                {"a,b,c\n4,2,3\n", "N=b,D=c,loss=a", NULL},
                {"N,work,ppl,loss\n2,36,9,4\n", NULL, "work"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run_table t;
        struct err err = {{0}};
        if (run_table_read(write_table(rows[i].text), rows[i].columns, rows[i].flops, &t, &err))
            fail_msg("table %zu: %s", i, err.text);
        if (t.n != 1 || t.value[RUN_N][0] != 2 || t.value[RUN_D][0] != 3 ||
            t.value[RUN_C][0] != 36 || t.value[RUN_LOSS][0] != 4)
            fail_msg("table %zu: N %g, D %g, C %g, loss %g", i, t.value[RUN_N][0],
                     t.value[RUN_D][0], t.value[RUN_C][0], t.value[RUN_LOSS][0]);
        run_table_free(&t);
    }
}

static void what_is_missing_is_named(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *columns, *error;
        enum status status;
    } rows[] = {{"N,D\n1,2\n", NULL, "line 1: no column of the loss", E_FORMAT},
                {"N,loss\n1,2\n", NULL, "line 1: no column of tokens (D) or compute (C)", E_FORMAT},
                {"N,D,loss\n1,2,3\n", "N=x", "no column 'x'", E_FORMAT},
                {"N,D,loss\n1,2,3\n", "M=x", "no key 'M'", E_USAGE},
                {"N,D,loss\n1,2,3\n", "N=", "not KEY=NAME", E_USAGE},
                {"N,D,loss\n1,2,3\n1,2,three\n", NULL, "line 3, column 'loss': 'three'", E_FORMAT},
                {"N,D,loss\n", NULL, "none of its 0 rows", E_FORMAT},
                {"N,D,loss\n,2,3\n", NULL, "none of its 1 rows", E_FORMAT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run_table t;
        struct err err = {{0}};
        enum status s = run_table_read(write_table(rows[i].text), rows[i].columns, NULL, &t, &err);
        if (s != rows[i].status || !strstr(err.text, rows[i].error))
            fail_msg("table %zu: status %d, %s", i, s, err.text);
    }
}

static void rows_that_cannot_be_used_say_why(void **unused)
{
    (void)unused;
    static const char text[] =
        "N,C,loss\n2,36,4\n# a pause\n2,,4\n-1,36,4\n2,36,NA\n2,36,0\n3,36,5\n";
    static const char *const reasons[] = {
        "", "no C", "N is -1, not above 0", "no loss", "loss is 0, not above 0", ""};
    static const size_t lines[] = {2, 4, 5, 6, 7, 8};
    struct run_table t;
    struct scaling_table rows;
    struct err err = {{0}};
    assert_int_equal(run_table_read(write_table(text), NULL, NULL, &t, &err), OK);
    assert_int_equal(t.n, 6);
    assert_int_equal(t.used, 2);
    assert_int_equal(t.unusable, 4);
    for (size_t i = 0; i < t.n; i++) {
        char reason[128];
        run_table_reason(&t, i, reason);
        assert_string_equal(reason, reasons[i]);
        assert_int_equal(t.line[i], lines[i]);
    }
    assert_int_equal(run_table_rows(&t, 0, NULL, &rows, &err), OK);
    assert_int_equal(rows.n, 2);
    assert_true(rows.ln_n[1] == log(3) && rows.ln_d[1] == log(2) && rows.ln_loss[1] == log(5));
    scaling_table_free(&rows);
    run_table_free(&t);
}

static void rules_leave_out_what_they_name(void **unused)
{
    (void)unused;
    static const struct {
        const char *rule;
        size_t used;
    } rules[] = {{"none", 5},         {"largest:1", 4},     {"largest:2", 2},
                 {"loss-above:4", 4}, {"ratio-above:2", 3}, {"loss-above:1", 1}};
    static const char *const wrong[] = {
        "largest:0", "largest:1.5", "largest:x", "smallest:1", "loss-above:0", "", "largest"};
    const char *text = "N,D,loss\n1,1,1\n1,2,2\n1,2,4\n1,3,4\n1,9,5\n";
    struct run_table t;
    struct err err;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        assert_int_equal(run_table_read(write_table(text), NULL, NULL, &t, &err), OK);
        assert_int_equal(run_table_exclude(&t, rules[i].rule, &err), OK);
        if (t.used != rules[i].used || t.used + t.excluded != 5)
            fail_msg("%s: %zu used, %zu excluded", rules[i].rule, t.used, t.excluded);
        run_table_free(&t);
    }
    assert_int_equal(run_table_read(write_table(text), NULL, NULL, &t, &err), OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(run_table_exclude(&t, wrong[i], &err), E_USAGE);
    assert_int_equal(run_table_exclude(&t, "loss-above:0.5", &err), E_FORMAT);
    run_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(usual_and_named_columns_are_found),
        IN_SCRATCH(what_is_missing_is_named),
        IN_SCRATCH(rows_that_cannot_be_used_say_why),
        IN_SCRATCH(rules_leave_out_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
