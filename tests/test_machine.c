/* The machine as this process may use it: processors, limits, fingerprint, places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sched.h>
#include <string.h>

#include "bench/cgroup.h"
#include "bench/machine.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

static struct machine read_or_fail(void)
{
    struct machine m;
    struct err err;
    if (machine_read(&m, &err))
        fail_msg("%s", err.text);
    return m;
}

static void processors_are_distinct_and_cores_come_first(void **unused)
{
    (void)unused;
    struct machine m = read_or_fail();
    assert_in_range(m.n_cores, 1, m.n_pus);
    for (size_t i = 0; i < m.n_pus; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(m.pus[i], m.pus[j]);
    assert_true(m.numa_nodes >= 1);
    assert_true(m.memory_bytes > 0);
    for (int level = 0; level < N_CACHES; level++)
        if (m.cache[level].bytes) {
            assert_in_range(m.cache[level].cores, 1, m.n_cores);
            assert_in_range(m.cache[level].count, 1, m.n_cores);
            assert_true(m.llc_bytes >= m.cache[level].bytes);
        }
    machine_free(&m);
}

static void the_affinity_of_the_process_is_respected(void **unused)
{
    (void)unused;
    if (getenv("OMP_PLACES"))
        skip(); /* the places would speak for the process */
    struct machine all = read_or_fail(), one;
    int last = all.pus[all.n_pus - 1];
    machine_pin(&all, all.n_pus - 1);
    one = read_or_fail();
    assert_int_equal(one.n_pus, 1);
    assert_int_equal(one.pus[0], last);
    assert_int_equal(one.n_cores, 1);
    assert_int_equal(sched_getcpu(), last);
    machine_unpin(&all);
    machine_free(&one);
    one = read_or_fail();
    assert_int_equal(one.n_pus, all.n_pus);
    machine_free(&one);
    machine_free(&all);
}

static void the_fingerprint_leaves_memory_out_and_nothing_else(void **unused)
{
    (void)unused;
    struct machine m = read_or_fail(), other;
    char expected[FINGERPRINT_SIZE], text[FINGERPRINT_SIZE];
    machine_fingerprint(&m, expected);
    assert_int_equal(strlen(expected), FINGERPRINT_SIZE - 1);
    other = m;
    other.memory_bytes *= 2;
    other.cgroup_memory_bytes += 1e9;
    machine_fingerprint(&other, text);
    assert_string_equal(text, expected);
    other = m;
    other.stepping++;
    machine_fingerprint(&other, text);
    assert_string_not_equal(text, expected);
    other = m;
    other.cache[LEVEL_L2].bytes *= 2;
    machine_fingerprint(&other, text);
    assert_string_not_equal(text, expected);
    other = m;
    other.cgroup_cpus += 1.5;
    machine_fingerprint(&other, text);
    assert_string_not_equal(text, expected);
    other = m;
    snprintf(other.kernel, sizeof other.kernel, "Linux 0.01");
    machine_fingerprint(&other, text);
    assert_string_not_equal(text, expected);
    machine_free(&m);
}

static void places_name_one_processor_per_thread(void **unused)
{
    (void)unused;
    int pus[] = {0, 2, 1, 13};
    struct machine m = {.pus = pus, .n_pus = 4, .n_cores = 2};
    char text[32];
    struct err err;
    assert_int_equal(machine_omp_places(&m, 1, text, sizeof text, &err), OK);
    assert_string_equal(text, "{0}");
    assert_int_equal(machine_omp_places(&m, 4, text, sizeof text, &err), OK);
    assert_string_equal(text, "{0},{2},{1},{13}");
    assert_int_equal(machine_omp_places(&m, 5, text, sizeof text, &err), E_USAGE);
    assert_non_null(strstr(err.text, "1 to 4"));
    assert_int_equal(machine_omp_places(&m, 0, text, sizeof text, &err), E_USAGE);
    assert_int_equal(machine_omp_places(&m, 4, text, 16, &err), E_USAGE); /* one byte short */
    assert_int_equal(machine_omp_places(&m, 4, text, 17, &err), OK);
}

static void facts_that_are_not_told_are_null(void **unused)
{
    (void)unused;
    int pus[] = {3};
    struct machine m = {
        .pus = pus, .n_pus = 1, .n_cores = 1, .family = -1, .model = 1, .stepping = 0};
    struct json *facts = json_new_object();
    machine_add_facts(&m, facts);
    static const char *const unknown[] = {"vendor",     "cpu",         "family",
                                          "hypervisor", "cgroup_cpus", "cgroup_memory_bytes"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_non_null(json_get(facts, unknown[i]));
        assert_int_equal(json_type(json_get(facts, unknown[i])), JSON_NULL);
    }
    assert_true(json_get_number(facts, "model", -1) == 1);
    assert_int_equal(json_size(json_get(facts, "isa")), 0);
    assert_true(json_number(json_first(json_get(facts, "processors")), -1) == 3);
    json_free(facts);
}

static void the_tightest_v2_cgroup_limit_on_the_way_up_holds(void **unused)
{
    (void)unused;
    struct cgroup none = cgroup_read(scratch);
    assert_true(none.cpus == 0 && none.memory_bytes == 0 && isnan(none.throttled_s));

    fake_file(scratch, "/proc/self/cgroup", "0::/slice/job\n");
    fake_file(scratch, "/sys/fs/cgroup/slice/job/cpu.max", "max 100000\n");
    fake_file(scratch, "/sys/fs/cgroup/slice/job/memory.max", "4294967296\n");
    fake_file(scratch, "/sys/fs/cgroup/slice/job/cpu.stat",
              "usage_usec 9\nnr_throttled 3\nthrottled_usec 2500000\n");
    fake_file(scratch, "/sys/fs/cgroup/slice/cpu.max", "150000 100000\n");
    fake_file(scratch, "/sys/fs/cgroup/slice/memory.max", "max\n");
    struct cgroup v2 = cgroup_read(scratch);
    assert_true(v2.cpus == 1.5 && v2.memory_bytes == 0x1p32 && v2.throttled_s == 2.5);
}

static void the_tightest_v1_cgroup_limit_on_the_way_up_holds(void **unused)
{
    (void)unused;
    fake_file(scratch, "/proc/self/cgroup", "9:name=systemd:/\n4:memory:/box\n2:cpuacct,cpu:/\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    fake_file(scratch, "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    fake_file(scratch, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "1048576\n");
    struct cgroup v1 = cgroup_read(scratch);
    assert_true(v1.cpus == 0 && v1.memory_bytes == 1048576);
    fake_file(scratch, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu/cpu.stat", "nr_periods 7\nthrottled_time 1500000000\n");
    v1 = cgroup_read(scratch);
    assert_true(v1.cpus == 0.5 && v1.throttled_s == 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processors_are_distinct_and_cores_come_first),
        cmocka_unit_test(the_affinity_of_the_process_is_respected),
        cmocka_unit_test(the_fingerprint_leaves_memory_out_and_nothing_else),
        cmocka_unit_test(places_name_one_processor_per_thread),
        cmocka_unit_test(facts_that_are_not_told_are_null),
        IN_SCRATCH(the_tightest_v2_cgroup_limit_on_the_way_up_holds),
        IN_SCRATCH(the_tightest_v1_cgroup_limit_on_the_way_up_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
