/* Files of Callgrind: the totals are taken by name, and what is not whole is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "bench/callgrind.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

#define EVENTS "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw ILdmr DLdmr DLdmw\n"

static enum status read_text(const char *text, struct callgrind_counts *out, struct err *err)
{
    fake_file(scratch, "/callgrind.out", text);
    return callgrind_read(scratch_path("callgrind.out"), out, err);
}

static void totals_are_taken_by_name(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        struct callgrind_counts counts;
    } rows[] = {
        {"# callgrind format\nversion: 1\n" EVENTS
         "fn=(1) f\n7 1 2 3\ntotals: 100 20 10 1 2 3 4 50 "
         "6 0 7 8\n",
         {100, 20, 10, 60, 15}},
        /* Callgrind leaves zeros at the end out */
        {EVENTS "totals: 100 20 10 1 2 3 4 50\n", {100, 20, 10, 54, 0}},
        {EVENTS "totals: 100\n", {100, 0, 0, 0, 0}},
        {EVENTS "totals: \n", {0, 0, 0, 0, 0}},
        /* the names in another order, others between them, and the totals first */
        {"totals: 8 7 6 50 4 99 10 20 100 5\nevents: DLdmw DLdmr DLmw DLmr ILmr Bc Dw Dr Ir Ge\n",
         {100, 20, 10, 60, 15}},
        {EVENTS "totals: 18446744073709551616 1e300 0 0 0 0 0 9007199254740992\n",
         {18446744073709551616., 1e300, 0, 9007199254740992., 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct callgrind_counts got = {0};
        struct err err = {{0}};
        enum status s = read_text(rows[i].text, &got, &err);
        if (s || memcmp(&got, &rows[i].counts, sizeof got))
            fail_msg("row %zu: status %d, '%s': %g %g %g %g %g", i, s, err.text, got.instructions,
                     got.reads, got.writes, got.read_lines, got.written_lines);
    }
}

static void a_file_without_whole_totals_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "garbage\n",
        EVENTS,
        "totals: 1 2 3 4 5 6 7 8 9 10 11 12\n",
        "events: Ir\ntotals: 100\n",                                       /* no cache simulation */
        "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw\ntotals: 1 2 3\n", /* no write-back */
        EVENTS "totals: 1 2 3 4",                         /* ends within the line */
        EVENTS "totals: 1 2 3 4 5 6 7 8 9 10 11 12 13\n", /* more numbers than names */
        EVENTS "totals: one\n",
        EVENTS "totals: 1 2 x\n",
        EVENTS "totals: 1 -2 3\n",
        EVENTS "totals: 1 nan 3\n",
        EVENTS "totals: 1 1e999 3\n",
        EVENTS "totals: 1 2;3\n",
        EVENTS "x totals: 1 2 3\n",
        "events: \ntotals: 1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct callgrind_counts got = {.reads = 5};
        struct err err = {{0}};
        enum status s = read_text(texts[i], &got, &err);
        if (s != E_FORMAT || got.reads != 5 || !strstr(err.text, "callgrind.out"))
            fail_msg("row %zu: status %d, '%s'", i, s, err.text);
    }
    struct callgrind_counts got;
    struct err err;
    assert_int_equal(callgrind_read(scratch_path("none"), &got, &err), E_NOINPUT);
}

static void a_long_line_is_one_line(void **unused)
{
    (void)unused;
    static char text[20000];
    struct callgrind_counts got;
    struct err err;
    /* what looks like totals stands where a buffer of the reader could begin anew */
    for (size_t at = 4090; at < 4110; at++) {
        memset(text, 'x', sizeof text);
        strcpy(text, EVENTS);
        size_t n = strlen(text);
        text[n] = 'x';
        strcpy(text + n + at, "totals: 1 2 3\n");
        assert_int_equal(read_text(text, &got, &err), E_FORMAT);
        strcpy(text + n + at, "totals: 1 2 3\ntotals: 4 5 6\n");
        assert_int_equal(read_text(text, &got, &err), OK);
        assert_true(got.instructions == 4 && got.writes == 6);
    }
}

static void cache(const char *index, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%s/%s", index, file);
    fake_file(scratch, path, text);
}

static void make_cache(const char *index, const char *level, const char *type, const char *size,
                       const char *ways)
{
    cache(index, "level", level);
    cache(index, "type", type);
    cache(index, "size", size);
    cache(index, "ways_of_associativity", ways);
    cache(index, "coherency_line_size", "64\n");
}

static void caches_have_a_power_of_two_of_sets(void **unused)
{
    (void)unused;
    struct callgrind_cache c = {1, 2, 3};
    assert_false(callgrind_cache(scratch, true, &c)); /* the system does not tell */
    make_cache("0", "1\n", "Instruction\n", "64K\n", "4\n");
    assert_false(callgrind_cache(scratch, true, &c));
    assert_int_equal(c.bytes, 1);
    make_cache("1", "1\n", "Data\n", "48K\n", "12\n");
    make_cache("2", "2\n", "Unified\n", "1280K\n", "20\n");
    make_cache("3", "3\n", "Unified\n", "36864K\n", "12\n");
    assert_true(callgrind_cache(scratch, false, &c));
    assert_int_equal(c.bytes, 48 << 10);
    assert_int_equal(c.ways, 12);
    assert_true(callgrind_cache(scratch, true, &c));
    assert_int_equal(c.bytes, 24 << 20); /* 49152 sets become 32768 */
    assert_int_equal(c.line, 64);
    make_cache("3", "3\n", "Unified\n", "36864K\n", "0\n"); /* as in some virtual machines */
    assert_true(callgrind_cache(scratch, true, &c));
    assert_int_equal(c.ways, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(totals_are_taken_by_name),
        IN_SCRATCH(a_file_without_whole_totals_is_refused),
        IN_SCRATCH(a_long_line_is_one_line),
        IN_SCRATCH(caches_have_a_power_of_two_of_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
