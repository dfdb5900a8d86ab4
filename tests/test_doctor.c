/* The doctor names what disturbs, with effect and remedy, on made-up systems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bench/doctor.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

/* Two seconds on two processors, of which others used busy and the hypervisor took steal. */
static void examine(const struct machine *m, double busy, double steal, bool gnuplot,
                    struct diagnosis out[DIAGNOSES])
{
    struct environment before, after;
    environment_read(scratch, &before);
    after = before;
    before.now_s = 0;
    after.now_s = 2;
    before.own_cpu_s = after.own_cpu_s = 0;
    before.busy_cpu_s = before.steal_cpu_s = before.total_cpu_s = (struct reading){.value = 100};
    after.busy_cpu_s = (struct reading){.value = 100 + busy};
    after.steal_cpu_s = (struct reading){.value = 100 + steal};
    after.total_cpu_s = (struct reading){.value = 104};
    struct doctor doctor = {
        .root = scratch, .machine = m, .before = &before, .after = &after, .has_gnuplot = gnuplot};
    doctor_examine(&doctor, out);
}

static void a_disturbed_host_is_named_in_every_point(void **unused)
{
    (void)unused;
    struct machine m = {.n_pus = 4, .n_cores = 2, .numa_nodes = 2, .cgroup_cpus = 1.5};
    struct diagnosis out[DIAGNOSES];
    strcpy(m.hypervisor, "KVMKVMKVM");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpufreq/boost", "1\n");
    fake_file(scratch, "/sys/devices/system/cpu/smt/active", "1\n");
    fake_file(scratch, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    fake_file(scratch, "/proc/sys/kernel/numa_balancing", "1\n");
    fake_file(scratch, "/proc/sys/kernel/randomize_va_space", "0\n");
    fake_file(scratch, "/proc/sys/kernel/perf_event_paranoid", "2\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n");
    examine(&m, 1, 0.2, false, out);
    for (int i = 0; i < DIAGNOSES; i++)
        if (out[i].kind != DIAGNOSIS_DISTURBS || !out[i].effect || !out[i].remedy ||
            !out[i].finding[0])
            fail_msg("%s: %s", out[i].topic, out[i].finding);
}

static void a_quiet_host_is_found_fine(void **unused)
{
    (void)unused;
    struct machine m = {.n_pus = 2, .n_cores = 2, .numa_nodes = 1};
    struct diagnosis out[DIAGNOSES];
    strcpy(m.hypervisor, "none");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    fake_file(scratch, "/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    fake_file(scratch, "/sys/devices/system/cpu/smt/active", "0\n");
    fake_file(scratch, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    fake_file(scratch, "/proc/sys/kernel/numa_balancing", "1\n"); /* one node: nothing to balance */
    fake_file(scratch, "/proc/sys/kernel/randomize_va_space", "2\n");
    fake_file(scratch, "/proc/sys/kernel/perf_event_paranoid", "1\n");
    fake_file(scratch, "/sys/bus/event_source/devices/cpu/type", "4\n");
    fake_file(scratch, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "0\n");
    examine(&m, 0.1, 0, true, out);
    for (int i = 0; i < DIAGNOSES; i++)
        if (out[i].kind != DIAGNOSIS_FINE || out[i].effect || out[i].remedy)
            fail_msg("%s: %s", out[i].topic, out[i].finding);
}

static void what_the_system_hides_is_unknown_not_fine(void **unused)
{
    (void)unused;
    static const char *const hidden[] = {"governor",   "turbo",          "SMT",
                                         "throttling", "address layout", "virtualisation"};
    struct machine m = {.n_pus = 2, .n_cores = 2, .numa_nodes = 1};
    struct diagnosis out[DIAGNOSES];
    examine(&m, 0, 0, true, out);
    for (size_t k = 0; k < sizeof hidden / sizeof hidden[0]; k++)
        for (int i = 0; i < DIAGNOSES; i++)
            if (!strcmp(out[i].topic, hidden[k]) && out[i].kind != DIAGNOSIS_UNKNOWN)
                fail_msg("%s: %s", out[i].topic, out[i].finding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_disturbed_host_is_named_in_every_point),
        IN_SCRATCH(a_quiet_host_is_found_fine),
        IN_SCRATCH(what_the_system_hides_is_unknown_not_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
