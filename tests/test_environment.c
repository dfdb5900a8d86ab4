/* The environment and what disturbed it, read from made-up /proc and /sys trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "bench/environment.h"
#include "bench/sysfile.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

static void what_is_there_is_read(void **unused)
{
    (void)unused;
    fake_file(scratch, "/proc/loadavg", "0.75 0.50 0.25 2/101 3456\n");
    fake_file(scratch, "/proc/stat",
              "cpu  100 20 30 4000 5 6 7 8 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n");
    fake_file(scratch, "/proc/meminfo", "MemTotal: 100 kB\nMemFree: 5 kB\nMemAvailable:   64 kB\n");
    fake_file(scratch, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3700000\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "2\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "3\n");
    fake_file(scratch, "/sys/class/thermal/thermal_zone0/temp", "41000\n");
    fake_file(scratch, "/sys/class/thermal/thermal_zone1/temp", "55500\n");
    fake_file(scratch, "/proc/self/cgroup", "0::/\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu.stat", "usage_usec 1\nthrottled_usec 250000\n");
    struct environment e;
    environment_read(scratch, &e);
    double tick = (double)sysconf(_SC_CLK_TCK);
    assert_true(e.load_1m.value == 0.75 && !e.load_1m.reason);
    assert_true(e.busy_cpu_s.value == 163 / tick); /* 100 + 20 + 30 + 6 + 7 */
    assert_true(e.steal_cpu_s.value == 8 / tick);
    assert_true(e.total_cpu_s.value == 4176 / tick);
    assert_true(e.memory_available_bytes.value == 65536);
    assert_string_equal(e.huge_pages.word, "madvise");
    assert_string_equal(e.governor.word, "powersave");
    assert_true(e.frequency_mhz.value == 1200 && e.frequency_max_mhz.value == 3700);
    assert_true(e.throttle_count.value == 5 && e.temperature_c.value == 55.5);
    assert_true(e.quota_throttled_s.value == 0.25);
}

static void what_is_not_there_is_null_with_a_reason(void **unused)
{
    (void)unused;
    struct environment e;
    struct json *document = json_new_object();
    environment_read("/nonexistent", &e);
    environment_add(&e, document, "before");
    const struct json *object = json_get(document, "before");
    size_t nulls = 0;
    for (const struct json *m = json_first(object); m; m = json_next(m))
        if (json_type(m) == JSON_NULL) {
            char name[64];
            snprintf(name, sizeof name, "%s_reason", json_key(m));
            assert_true(strlen(json_get_string(object, name, "")) > 5);
            nulls++;
        }
    assert_int_equal(nulls, 12); /* all but our own processor time */
    json_free(document);
}

static void torn_or_lying_files_are_absent_readings(void **unused)
{
    (void)unused;
    static const char *const stats[] = {"", "cpu  1 2 3\n", "intr 5\n",
                                        "cpu  0 0 0 0 0 0 0 0 0 0\n", "cpu  a b c d e f g h\n"};
    struct environment e;
    fake_file(scratch, "/proc/loadavg", "nan\n");
    fake_file(scratch, "/sys/kernel/mm/transparent_hugepage/enabled", "always ] [ never\n");
    for (size_t i = 0; i < sizeof stats / sizeof stats[0]; i++) {
        fake_file(scratch, "/proc/stat", stats[i]);
        environment_read(scratch, &e);
        assert_non_null(e.busy_cpu_s.reason);
        assert_non_null(e.load_1m.reason);
        assert_non_null(e.huge_pages.reason);
    }
}

static struct environment moment(double now, double busy, double steal, double total)
{
    return (struct environment){.now_s = now,
                                .busy_cpu_s = {busy, 0},
                                .steal_cpu_s = {steal, 0},
                                .total_cpu_s = {total, 0}};
}

static void steal_and_foreign_load_degrade(void **unused)
{
    (void)unused;
    static const struct {
        double busy, steal, own, steal_share, foreign;
        bool degraded;
    } rows[] = {
        {2.0, 0.0, 2.0, 0.0, 0.0, false},     /* all of it ours */
        {2.4, 0.0, 2.0, 0.0, 0.2, false},     /* below the limit */
        {2.6, 0.0, 2.0, 0.0, 0.3, true},      /* above */
        {2.0, 0.07, 2.0, 0.0175, 0.0, false}, /* below the limit */
        {2.0, 0.09, 2.0, 0.0225, 0.0, true},
        {1.0, 0.0, 1.1, 0.0, 0.0, false}, /* ticks may count less than we used: never negative */
    };
    struct environment before = moment(10, 100, 5, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* two seconds on two processors */
        struct environment after = moment(12, 100 + rows[i].busy, 5 + rows[i].steal, 1004);
        double steal, foreign;
        bool degraded = environment_delta(&before, &after, rows[i].own, &steal, &foreign);
        /* sums and differences of values below 2^10 in double: off by less than 2^-42 */
        assert_true(fabs(steal - rows[i].steal_share) < 0x1p-42);
        assert_true(fabs(foreign - rows[i].foreign) < 0x1p-42);
        assert_int_equal(degraded, rows[i].degraded);
    }
}

static void what_cannot_be_read_does_not_degrade(void **unused)
{
    (void)unused;
    struct environment e;
    double steal, foreign;
    environment_read("/nonexistent", &e);
    assert_false(environment_delta(&e, &e, 0, &steal, &foreign));
    assert_true(isnan(steal) && isnan(foreign));
}

static void own_processor_time_grows_with_own_work(void **unused)
{
    (void)unused;
    struct environment before, after;
    environment_read("", &before);
    do
        environment_read("", &after);
    while (after.own_cpu_s - before.own_cpu_s < 0.02 && after.now_s - before.now_s < 10);
    assert_true(after.own_cpu_s - before.own_cpu_s >= 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(what_is_there_is_read),
        cmocka_unit_test(what_is_not_there_is_null_with_a_reason),
        IN_SCRATCH(torn_or_lying_files_are_absent_readings),
        cmocka_unit_test(steal_and_foreign_load_degrade),
        cmocka_unit_test(what_cannot_be_read_does_not_degrade),
        cmocka_unit_test(own_processor_time_grows_with_own_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
