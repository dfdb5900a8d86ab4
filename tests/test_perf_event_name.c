/* Names of events against made-up units: what the kernel lists is found, what it does not is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>

#include "bench/perf_event_name.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

#define DEVICES "/sys/bus/event_source/devices/"

enum { CAPACITY = 8 };

static void make_units(void)
{
    static const struct {
        const char *path, *text;
    } files[] = {
        {"cpu/type", "4\n"},
        {"cpu/format/event", "config:0-7,32-35\n"},
        {"cpu/format/umask", "config:8-15\n"},
        {"cpu/format/inv", "config:23\n"},
        {"cpu/format/ldlat", "config1:0-15\n"},
        {"cpu/format/whole", "config2:0-63\n"},
        {"cpu/events/cycles", "event=0x3c\n"},
        {"cpu/events/loads", "event=0xcd,umask=0x1,ldlat=3,inv\n"},
        {"cpu/events/open", "event=0xcd,ldlat=?\n"},
        {"cpu/events/itself", "itself\n"},
        {"cpu/events/empty", "\n"},
        {"broken/type", "9\n"},
        {"broken/format/nothing", "\n"},
        {"broken/format/word", "config:a-b\n"},
        {"broken/format/backwards", "config:7-0\n"},
        {"broken/format/wide", "config:0-64\n"},
        {"broken/format/other", "config3:0-7\n"},
        {"broken/format/none", "event\n"},
        {"broken/format/tail", "config:0-7;\n"},
        {"untyped/format/event", "config:0-7\n"},
        {"mistyped/type", "-1\n"},
        {"mistyped/format/event", "config:0-7\n"},
        {"uncore_imc_0/type", "20\n"},
        {"uncore_imc_0/cpumask", "0,32\n"},
        {"uncore_imc_0/format/event", "config:0-7\n"},
        {"uncore_imc_0/events/reads", "event=0x4\n"},
        {"uncore_imc_12/type", "21\n"},
        {"uncore_imc_12/cpumask", "0,32\n"},
        {"uncore_imc_12/format/event", "config:0-7\n"},
        {"uncore_imc_12/events/reads", "event=0x4\n"},
        {"uncore_imc_free_running_0/type", "22\n"},
        {"uncore_imc_free_running_0/cpumask", "0\n"},
        {"uncore_imc_free_running_0/events/reads", "event=0xff\n"},
        {"many/type", "23\n"},
        {"many/cpumask", "0-99\n"},
        {"many/format/event", "config:0-7\n"},
        {"nowhere/type", "24\n"},
        {"nowhere/cpumask", "3-1\n"},
        {"nowhere/format/event", "config:0-7\n"},
        {"cpu_core/type", "4\n"},
        {"cpu_core/cpus", "0-7\n"},
        {"cpu_core/format/event", "config:0-7\n"},
        {"cpu_core/events/cycles", "event=0x3c\n"},
        {"cpu_core/events/slots", "event=0x04\n"},
        {"cpu_atom/type", "10\n"},
        {"cpu_atom/cpus", "8-15\n"},
        {"cpu_atom/format/event", "config:0-7\n"},
        {"cpu_atom/events/cycles", "event=0x3d\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, DEVICES "%s", files[i].path);
        fake_file(scratch, path, files[i].text);
    }
}

static void a_listed_event_and_a_written_one_select_the_same_bits(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        struct perf_selector selector;
    } rows[] = {
        {"cycles", {PERF_TYPE_HARDWARE, {PERF_COUNT_HW_CPU_CYCLES}, -1}},
        {"context-switches", {PERF_TYPE_SOFTWARE, {PERF_COUNT_SW_CONTEXT_SWITCHES}, -1}},
        {"LLC-load-misses", {PERF_TYPE_HW_CACHE, {0x10002}, -1}},
        {"r01c2", {PERF_TYPE_RAW, {0x1c2}, -1}},
        {"rffffffffffffffff", {PERF_TYPE_RAW, {UINT64_MAX}, -1}},
        {"cpu/cycles/", {4, {0x3c}, -1}},
        {"cpu/event=0x3c/", {4, {0x3c}, -1}},
        {"cpu/event=0xabc,umask=17/", {4, {UINT64_C(0xa000011bc)}, -1}},
        {"cpu/loads/", {4, {0x8001cd, 3}, -1}},
        {"cpu/loads,umask=0x10/", {4, {0x8011cd, 3}, -1}}, /* joined to what the name gave */
        {"cpu/whole=0xffffffffffffffff/", {4, {0, 0, UINT64_MAX}, -1}},
        {"cpu_core/cycles/", {4, {0x3c}, -1}},
        {"cpu_atom/cycles/", {10, {0x3d}, -1}},
    };
    make_units();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct perf_selector found[CAPACITY] = {{0}};
        const struct perf_selector *want = &rows[i].selector;
        size_t n = 0;
        int error = perf_event_name(scratch, rows[i].name, found, CAPACITY, &n);
        if (error || n != 1 || found->type != want->type || found->cpu != want->cpu ||
            memcmp(found->config, want->config, sizeof want->config))
            fail_msg("%s: %d, %zu selectors, type %u, config %#llx %#llx %#llx", rows[i].name,
                     error, n, found->type, (unsigned long long)found->config[0],
                     (unsigned long long)found->config[1], (unsigned long long)found->config[2]);
    }
}

static void a_unit_in_pieces_is_counted_by_each_piece_of_each_socket(void **unused)
{
    (void)unused;
    struct perf_selector found[CAPACITY];
    size_t n;
    unsigned types = 0, places = 0;
    make_units();
    assert_int_equal(perf_event_name(scratch, "uncore_imc/reads/", found, CAPACITY, &n), 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        types += found[i].type;
        places += (unsigned)found[i].cpu;
        assert_int_equal(found[i].config[0], 4);
    }
    assert_int_equal(types, 2 * 20 + 2 * 21);
    assert_int_equal(places, 2 * 32);
    assert_int_equal(perf_event_name(scratch, "uncore_imc_12/reads/", found, CAPACITY, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(perf_event_name(scratch, "uncore_imc/reads/", found, 3, &n), -E2BIG);
    assert_int_equal(perf_event_name(scratch, "many/event=1/", found, CAPACITY, &n), -E2BIG);
}

static void a_name_that_is_none_says_which_way(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        int error;
    } rows[] = {
        {"", -ENOENT},
        {"nonsense", -ENOENT},
        {"r", -ENOENT},
        {"r-1", -ENOENT},
        {"r1ffffffffffffffff", -ENOENT}, /* 65 bits */
        {"rxyz", -ENOENT},
        {"gpu/cycles/", -ENOENT},
        {"cpu/nonsense/", -ENOENT},
        {"cpu/nonsense=1/", -ENOENT},
        {"cpu_atom/slots/", -ENOENT}, /* the other cores have it */
        {"untyped/event=1/", -ENOENT},
        {"mistyped/event=1/", -ENOENT},
        {"cpu/itself/", -ENOENT},
        {"cpu/", -EINVAL},
        {"/cpu/", -EINVAL},
        {"cpu//", -EINVAL},
        {"cpu/cycles", -EINVAL},
        {"cpu/cycles/k", -EINVAL},
        {"cpu/cycles,/", -EINVAL},
        {"cpu/=1/", -EINVAL},
        {"cpu/event=/", -EINVAL},
        {"cpu/event=-1/", -EINVAL},
        {"cpu/event= 1/", -EINVAL},
        {"cpu/event=1x/", -EINVAL},
        {"cpu/event=0x1000/", -EINVAL}, /* 13 bits into 12 */
        {"cpu/whole=0x10000000000000000/", -EINVAL},
        {"cpu/open/", -EINVAL},
        {"cpu/empty/", -EINVAL},
        {"cpu/../", -EINVAL},
        {"broken/nothing=1/", -EINVAL},
        {"broken/word=1/", -EINVAL},
        {"broken/backwards=1/", -EINVAL},
        {"broken/wide=1/", -EINVAL},
        {"broken/other=1/", -EINVAL},
        {"broken/none=1/", -EINVAL},
        {"broken/tail=1/", -EINVAL},
        {"nowhere/event=1/", -EINVAL},
    };
    make_units();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct perf_selector found[CAPACITY];
        size_t n;
        int error = perf_event_name(scratch, rows[i].name, found, CAPACITY, &n);
        if (error != rows[i].error)
            fail_msg("'%s': %d, not %d", rows[i].name, error, rows[i].error);
    }
    char text[300] = "cpu/event=1";
    memset(text + 11, '1', sizeof text - 12);
    struct perf_selector found[CAPACITY];
    size_t n;
    assert_int_equal(perf_event_name(scratch, text, found, CAPACITY, &n), -EINVAL);
}

/* Hybrid processors have no unit "cpu"; a machine without units has nothing but generic names. */
static void a_unit_that_is_not_there_is_absent(void **unused)
{
    (void)unused;
    struct perf_selector found[CAPACITY];
    size_t n;
    fake_file(scratch, DEVICES "cpu_core/type", "4\n");
    fake_file(scratch, DEVICES "cpu_core/format/event", "config:0-7\n");
    assert_int_equal(perf_event_name(scratch, "cpu/event=1/", found, CAPACITY, &n), -ENOENT);
    assert_int_equal(perf_event_name(scratch, "cpu_core/event=1/", found, CAPACITY, &n), 0);
    assert_int_equal(perf_event_name("/nonexistent", "cpu/event=1/", found, CAPACITY, &n), -ENOENT);
    assert_int_equal(perf_event_name("/nonexistent", "task-clock", found, CAPACITY, &n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_listed_event_and_a_written_one_select_the_same_bits),
        IN_SCRATCH(a_unit_in_pieces_is_counted_by_each_piece_of_each_socket),
        IN_SCRATCH(a_name_that_is_none_says_which_way),
        IN_SCRATCH(a_unit_that_is_not_there_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
