/* The doctor names what disturbs, where it was found, what it does, and how to change it and back,
 * on made-up systems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "bench/doctor.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

#define CPU "/sys/devices/system/cpu/"
#define CLOCK "/sys/devices/system/clocksource/clocksource0/"
#define PMU "/sys/bus/event_source/devices/cpu/"
#define RAPL "/sys/class/powercap/intel-rapl:0/"

struct file {
    const char *path, *text;
};
static const struct file quiet_files[] = {
    {CPU "cpu0/cpufreq/scaling_governor", "performance\n"},
    {CPU "cpu1/cpufreq/scaling_governor", "performance\n"},
    {CPU "intel_pstate/no_turbo", "1\n"},
    {CPU "smt/active", "0\n"},
    {CPU "smt/control", "off\n"},
    {CPU "cpu0/thermal_throttle/core_throttle_count", "0\n"},
    {CPU "online", "0-1\n"},
    {CLOCK "current_clocksource", "tsc\n"},
    {CLOCK "available_clocksource", "tsc hpet acpi_pm\n"},
    {"/proc/self/status", "Name:\tassay\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n"},
    {"/proc/self/cgroup", "0::/box\n"},
    {"/sys/fs/cgroup/box/cpu.max", "max 100000\n"},
    {"/sys/fs/cgroup/box/memory.max", "max\n"},
    {"/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"/proc/sys/kernel/numa_balancing", "0\n"},
    {"/proc/sys/kernel/randomize_va_space", "2\n"},
    {"/proc/self/personality", "00000000\n"},
    {"/proc/sys/kernel/perf_event_paranoid", "1\n"},
    {"/proc/sys/kernel/nmi_watchdog", "0\n"},
    {PMU "rdpmc", "1\n"},
    {RAPL "name", "package-0\n"},
    {RAPL "energy_uj", "123456\n"},
    {RAPL "max_energy_range_uj", "262143328850\n"},
    {0}};
static const struct file bad_files[] = {
    {CPU "cpu0/cpufreq/scaling_governor", "powersave\n"},
    {CPU "cpu1/cpufreq/scaling_governor", "powersave\n"},
    {CPU "intel_pstate/no_turbo", "0\n"},
    {CPU "smt/active", "1\n"},
    {CPU "smt/control", "on\n"},
    {CPU "cpu0/thermal_throttle/core_throttle_count", "7\n"},
    {CPU "online", "0-7\n"},
    {CLOCK "current_clocksource", "hpet\n"},
    {"/proc/self/status", "Cpus_allowed_list:\t0-1,4\n"},
    {"/sys/fs/cgroup/box/cpu.max", "150000 100000\n"},
    {"/sys/fs/cgroup/box/memory.max", "1073741824\n"},
    {"/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 4194304 2048 -2\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"},
    {"/proc/sys/kernel/numa_balancing", "1\n"},
    {"/proc/sys/kernel/randomize_va_space", "0\n"},
    {"/proc/sys/kernel/perf_event_paranoid", "4\n"},
    {"/proc/sys/kernel/nmi_watchdog", "1\n"},
    {PMU "rdpmc", "0\n"},
    {0}};

static void write_files(const struct file *files)
{
    for (const struct file *f = files; f->path; f++)
        fake_file(scratch, f->path, f->text);
}

/* A system, and what a test may say about it. */
struct host {
    struct machine machine;
    struct doctor_probe probe;
    double busy_s, steal_s; /* of two seconds on two processors */
    bool no_gnuplot, superuser, no_stat;
    double free_bytes;
};

static struct host quiet_host(void)
{
    struct host h = {.machine = {.n_pus = 2, .n_cores = 2, .numa_nodes = 1, .memory_bytes = 0x1p34},
                     .probe = {.clock_start = 0.99,
                               .jitter_median = 27e-6,
                               .jitter_p99 = 0.03,
                               .together = 0.98,
                               .timer_ns = 25,
                               .timer_step_ns = 10,
                               .fault_small_ns = 500,
                               .fault_huge_ns = 100,
                               .read_small_ns = 120,
                               .read_huge_ns = 90},
                     .busy_s = 0.1,
                     .free_bytes = 0x1p35};
    strcpy(h.machine.hypervisor, "none");
    return h;
}

static struct host bad_host(void)
{
    struct host h = quiet_host();
    h.machine.n_pus = 4;
    h.machine.numa_nodes = 2;
    h.probe.clock_start = 0.61;
    h.probe.jitter_p99 = 0.5;
    h.probe.together = 0.57;
    h.probe.throttled_s = 0.125;
    h.probe.timer_ns = 640;
    h.busy_s = 1;
    h.steal_s = 0.2;
    h.no_gnuplot = true;
    h.free_bytes = 1e6;
    return h;
}

static void examine(const struct host *h, struct diagnosis out[DIAGNOSES], struct json *object)
{
    struct environment before, after;
    environment_read(scratch, &before);
    after = before;
    before.now_s = 0;
    after.now_s = 2;
    before.own_cpu_s = after.own_cpu_s = 0;
    if (!h->no_stat) {
        before.busy_cpu_s = before.steal_cpu_s = before.total_cpu_s =
            (struct reading){.value = 100};
        after.busy_cpu_s = (struct reading){.value = 100 + h->busy_s};
        after.steal_cpu_s = (struct reading){.value = 100 + h->steal_s};
        after.total_cpu_s = (struct reading){.value = 104};
    }
    struct doctor doctor = {.root = scratch,
                            .machine = &h->machine,
                            .before = &before,
                            .after = &after,
                            .probe = &h->probe,
                            .gnuplot = h->no_gnuplot ? NULL : "/usr/bin/gnuplot",
                            .gnuplot_missing = "gnuplot is not in PATH",
                            .results = "results",
                            .results_free_bytes = h->free_bytes,
                            .superuser = h->superuser};
    doctor_examine(&doctor, out);
    if (object)
        doctor_add(&doctor, out, object);
}

static const struct diagnosis *topic_of(const struct diagnosis found[DIAGNOSES], const char *topic)
{
    for (int i = 0; i < DIAGNOSES; i++)
        if (!strcmp(found[i].topic, topic))
            return &found[i];
    fail_msg("no topic %s", topic);
    return NULL;
}

static void a_quiet_host_is_found_fine_in_every_point(void **unused)
{
    (void)unused;
    struct host h = quiet_host();
    struct diagnosis out[DIAGNOSES];
    write_files(quiet_files);
    examine(&h, out, NULL);
    for (int i = 0; i < DIAGNOSES; i++)
        if (out[i].kind != DIAGNOSIS_FINE || out[i].advice[0] || out[i].remedy[0] ||
            out[i].undo[0] || !out[i].finding[0] || !out[i].source[0])
            fail_msg("%s: %s (%s)", out[i].topic, out[i].finding, out[i].source);
}

/* What each topic must say of the bad host. */
static const struct {
    const char *topic, *finding, *source, *effect, *remedy, *undo;
} bad[] = {
    {"governor", "powersave", CPU "cpu0/cpufreq/scaling_governor", "61 %",
     "echo performance | sudo tee " CPU "cpu*/cpufreq/scaling_governor",
     "echo powersave | sudo tee " CPU "cpu*/cpufreq/scaling_governor"},
    {"turbo", "on (0)", CPU "intel_pstate/no_turbo", "57 %",
     "echo 1 | sudo tee " CPU "intel_pstate/no_turbo",
     "echo 0 | sudo tee " CPU "intel_pstate/no_turbo"},
    {"SMT", "4 threads on 2 cores", CPU "smt/active", "57 %",
     "echo off | sudo tee " CPU "smt/control", "echo on | sudo tee " CPU "smt/control"},
    {"throttling", "7 times", "thermal_throttle", "held back", "", ""},
    {"timer", "hpet", CLOCK "current_clocksource", "640 ns",
     "echo tsc | sudo tee " CLOCK "current_clocksource",
     "echo hpet | sudo tee " CLOCK "current_clocksource"},
    {"load", "0.50 processors", "/proc/stat", "degraded", "ps -eo", ""},
    {"jitter", "50.0 %", "measured", "scatter", "", ""},
    {"steal", "5.0 % at rest", "/proc/stat", "0.0 %", "", ""},
    {"CPU quota", "1.50 processors of 4", "/sys/fs/cgroup/box/cpu.max", "125 ms",
     "echo max | sudo tee /sys/fs/cgroup/box/cpu.max",
     "echo '150000 100000' | sudo tee /sys/fs/cgroup/box/cpu.max"},
    {"cpuset", "3 of 8", "/proc/self/status", "Roofs", "taskset -pc 0-7 $$",
     "taskset -pc 0-1,4 $$"},
    {"memory limit", "1 GiB of 16 GiB", "/sys/fs/cgroup/box/memory.max", "ends the process",
     "echo max | sudo tee /sys/fs/cgroup/box/memory.max",
     "echo 1073741824 | sudo tee /sys/fs/cgroup/box/memory.max"},
    {"huge pages", "never", "transparent_hugepage/enabled", "500",
     "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
     "echo never | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"},
    {"NUMA balancing", "1, 2 nodes", "/proc/sys/kernel/numa_balancing", "faults",
     "sudo sysctl -w kernel.numa_balancing=0", "sudo sysctl -w kernel.numa_balancing=1"},
    {"address layout", "0: always the same", "/proc/sys/kernel/randomize_va_space", "bias",
     "sudo sysctl -w kernel.randomize_va_space=2", "sudo sysctl -w kernel.randomize_va_space=0"},
    {"swap", "4 GiB, 2 MiB of it in use", "/proc/swaps", "disk", "sudo swapoff -a",
     "sudo swapon /dev/sda2"},
    {"perf events", "perf_event_paranoid 4", "/proc/sys/kernel/perf_event_paranoid", "may count",
     "sudo sysctl -w kernel.perf_event_paranoid=1", "sudo sysctl -w kernel.perf_event_paranoid=4"},
    {"NMI watchdog", "on", "/proc/sys/kernel/nmi_watchdog", "one hardware counter",
     "sudo sysctl -w kernel.nmi_watchdog=0", "sudo sysctl -w kernel.nmi_watchdog=1"},
    {"rdpmc", "0", PMU "rdpmc", "system call", "echo 1 | sudo tee " PMU "rdpmc",
     "echo 0 | sudo tee " PMU "rdpmc"},
    {"disk", "977 KiB free", "results", "--resume", "", ""},
    {"gnuplot", "missing", "PATH", "without figures", "sudo apt-get install gnuplot-nox",
     "sudo apt-get remove gnuplot-nox"},
};

static void a_disturbed_host_gets_effect_remedy_and_undo_with_the_value_found(void **unused)
{
    (void)unused;
    struct host h = bad_host();
    struct diagnosis out[DIAGNOSES];
    write_files(quiet_files);
    write_files(bad_files);
    examine(&h, out, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct diagnosis *x = topic_of(out, bad[i].topic);
        bool commands = *bad[i].undo
                            ? !strcmp(x->remedy, bad[i].remedy) && !strcmp(x->undo, bad[i].undo)
                            : !strncmp(x->remedy, bad[i].remedy, strlen(bad[i].remedy)) &&
                                  !x->undo[0] && x->advice[0];
        if (x->kind != DIAGNOSIS_DISTURBS || !commands || !strstr(x->finding, bad[i].finding) ||
            !strstr(x->source, bad[i].source) || !strstr(x->effect, bad[i].effect))
            fail_msg("%s: %s\n  from %s\n  effect %s\n  advice %s\n  remedy %s\n  undo %s",
                     x->topic, x->finding, x->source, x->effect, x->advice, x->remedy, x->undo);
    }
}

static void root_needs_no_sudo_and_is_not_bound_by_perf_event_paranoid(void **unused)
{
    (void)unused;
    struct host h = bad_host();
    struct diagnosis out[DIAGNOSES];
    h.superuser = true;
    write_files(quiet_files);
    write_files(bad_files);
    examine(&h, out, NULL);
    for (int i = 0; i < DIAGNOSES; i++)
        if (strstr(out[i].remedy, "sudo") || strstr(out[i].undo, "sudo"))
            fail_msg("%s: %s; %s", out[i].topic, out[i].remedy, out[i].undo);
    assert_string_equal(topic_of(out, "turbo")->undo, "echo 0 | tee " CPU "intel_pstate/no_turbo");
    assert_int_equal(topic_of(out, "perf events")->kind, DIAGNOSIS_FINE);
}

static void what_the_system_hides_is_unknown_and_gets_no_command(void **unused)
{
    (void)unused;
    static const char *const hidden[] = {
        "governor",   "turbo",          "SMT",       "throttling",   "timer",      "load",
        "steal",      "virtualisation", "jitter",    "cpuset",       "huge pages", "NUMA balancing",
        "swap",       "address layout", "CPU quota", "memory limit", "PMU",        "disk",
        "perf events"};
    struct host h = bad_host();
    struct diagnosis out[DIAGNOSES];
    h.machine.n_pus = 2;
    h.machine.hypervisor[0] = '\0';
    h.no_stat = true;
    h.free_bytes = h.probe.jitter_p99 = h.probe.clock_start = h.probe.timer_ns = NAN;
    examine(&h, out, NULL);
    for (size_t k = 0; k < sizeof hidden / sizeof hidden[0]; k++) {
        const struct diagnosis *x = topic_of(out, hidden[k]);
        if (x->kind != DIAGNOSIS_UNKNOWN || x->remedy[0] || x->undo[0] || !x->finding[0])
            fail_msg("%s: %s; %s", x->topic, x->finding, x->remedy);
    }
    for (int i = 0; i < DIAGNOSES; i++)
        if (strstr(out[i].effect, "nan"))
            fail_msg("%s: %s", out[i].topic, out[i].effect);
}

/* path is the topic here, and text the file it is read from */
static const struct file one_value[] = {
    {"governor", CPU "cpu0/cpufreq/scaling_governor"},
    {"turbo", CPU "intel_pstate/no_turbo"},
    {"SMT", CPU "smt/active"},
    {"timer", CLOCK "current_clocksource"},
    {"cpuset", CPU "online"},
    {"CPU quota", "/sys/fs/cgroup/box/cpu.max"},
    {"memory limit", "/sys/fs/cgroup/box/memory.max"},
    {"swap", "/proc/swaps"},
    {"huge pages", "/sys/kernel/mm/transparent_hugepage/enabled"},
    {"NUMA balancing", "/proc/sys/kernel/numa_balancing"},
    {"address layout", "/proc/sys/kernel/randomize_va_space"},
    {"perf events", "/proc/sys/kernel/perf_event_paranoid"},
    {"NMI watchdog", "/proc/sys/kernel/nmi_watchdog"},
    {"rdpmc", PMU "rdpmc"},
    {"energy", RAPL "energy_uj"},
    {0}};

static void expect_unknown(const struct host *h, const char *topic, const char *text)
{
    struct diagnosis out[DIAGNOSES];
    examine(h, out, NULL);
    const struct diagnosis *x = topic_of(out, topic);
    if (x->kind != DIAGNOSIS_UNKNOWN || x->remedy[0] || x->undo[0])
        fail_msg("%s of '%.40s': %s; %s; %s", topic, text, x->finding, x->remedy, x->undo);
}

static void garbage_and_unreadable_files_are_unknown_and_never_reach_a_command(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"",
                                        "\n",
                                        "$(reboot)\n",
                                        "x; reboot\n",
                                        "1 | reboot",
                                        "[a;b]",
                                        "\x1b[2J",
                                        "'",
                                        "Filename\n/dev/$(reboot) p 9 9 0",
                                        "-\n",
                                        "0-"};
    struct host h = quiet_host();
    char longest[8192];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    h.machine.numa_nodes = 2;
    for (const struct file *f = one_value; f->path; f++) {
        write_files(quiet_files);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            /* "-" is a word, if no governor or clock that anybody knows */
            if (texts[i][0] == '-' || texts[i][0] == '0')
                if (!strcmp(f->path, "governor") || !strcmp(f->path, "timer"))
                    continue;
            if ((!strcmp(f->path, "energy") || !strcmp(f->path, "memory limit")) &&
                strchr("10", texts[i][0]) && texts[i][0])
                continue; /* begins with a number, which is what is read */
            fake_file(scratch, f->text, texts[i]);
            expect_unknown(&h, f->path, texts[i]);
        }
        fake_file(scratch, f->text, longest);
        expect_unknown(&h, f->path, longest);
        fake_unreadable(scratch, f->text);
        expect_unknown(&h, f->path, "a folder");
        scratch_remove(NULL);
    }
}

static void mixed_governors_are_saved_before_they_are_set(void **unused)
{
    (void)unused;
    struct host h = quiet_host();
    struct diagnosis out[DIAGNOSES];
    write_files(quiet_files);
    fake_file(scratch, CPU "cpu1/cpufreq/scaling_governor", "ondemand\n");
    examine(&h, out, NULL);
    const struct diagnosis *x = topic_of(out, "governor");
    assert_int_equal(x->kind, DIAGNOSIS_DISTURBS);
    assert_non_null(strstr(x->remedy, ">governors.txt"));
    assert_non_null(strstr(x->undo, "<governors.txt"));
}

static void several_swaps_come_back_with_their_priorities(void **unused)
{
    (void)unused;
    struct host h = quiet_host();
    struct diagnosis out[DIAGNOSES];
    write_files(quiet_files);
    fake_file(scratch, "/proc/swaps",
              "Filename Type Size Used Priority\n/dev/zram0 partition 4096 8 100\n"
              "/swap.img file 4096 0 -2\n");
    examine(&h, out, NULL);
    assert_string_equal(topic_of(out, "swap")->undo,
                        "sudo sh -c 'swapon -p 100 /dev/zram0; swapon /swap.img'");
}

static void version_1_of_control_groups_has_its_own_word_for_no_limit(void **unused)
{
    (void)unused;
    struct host h = quiet_host();
    struct diagnosis out[DIAGNOSES];
    write_files(quiet_files);
    fake_file(scratch, "/proc/self/cgroup", "4:memory:/box\n1:cpu,cpuacct:/box\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
    fake_file(scratch, "/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    fake_file(scratch, "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "4096000\n");
    examine(&h, out, NULL);
    assert_string_equal(topic_of(out, "CPU quota")->remedy,
                        "echo -1 | sudo tee /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
    assert_string_equal(topic_of(out, "CPU quota")->undo,
                        "echo '50000' | sudo tee /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
    assert_string_equal(topic_of(out, "memory limit")->undo,
                        "echo 4096000 | sudo tee /sys/fs/cgroup/memory/box/memory.limit_in_bytes");
}

/* Inside, a switch that is not there cannot be set, and limits are the owner's to lift. */
static void guests_and_containers_get_no_useless_command(void **unused)
{
    (void)unused;
    static const char *const topics[] = {"governor",       "turbo",        "steal",
                                         "virtualisation", "PMU",          "energy",
                                         "CPU quota",      "memory limit", "cpuset"};
    struct host h = bad_host();
    struct diagnosis out[DIAGNOSES];
    strcpy(h.machine.hypervisor, "KVMKVMKVM");
    fake_file(scratch, "/.dockerenv", "");
    fake_file(scratch, "/sys/bus/event_source/devices/software/type", "1\n");
    fake_file(scratch, "/proc/self/cgroup", "0::/box\n");
    fake_file(scratch, "/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    fake_file(scratch, CPU "online", "0-7\n");
    fake_file(scratch, "/sys/fs/cgroup/box/cpu.max", "150000 100000\n");
    fake_file(scratch, "/sys/fs/cgroup/box/memory.max", "1073741824\n");
    examine(&h, out, NULL);
    for (size_t k = 0; k < sizeof topics / sizeof topics[0]; k++) {
        const struct diagnosis *x = topic_of(out, topics[k]);
        if (x->kind == DIAGNOSIS_FINE || !x->advice[0] || x->remedy[0] || x->undo[0])
            fail_msg("%s: %s; %s; %s", x->topic, x->finding, x->advice, x->remedy);
    }
}

static void a_host_without_counters_is_told_which_module_or_kernel_has_them(void **unused)
{
    (void)unused;
    struct host h = quiet_host();
    struct diagnosis out[DIAGNOSES];
    fake_file(scratch, "/sys/bus/event_source/devices/software/type", "1\n");
    examine(&h, out, NULL);
    assert_int_equal(topic_of(out, "PMU")->kind, DIAGNOSIS_DISTURBS);
    assert_non_null(strstr(topic_of(out, "PMU")->advice, "CONFIG_PERF_EVENTS"));
    assert_string_equal(topic_of(out, "energy")->remedy, "sudo modprobe intel_rapl_msr");
    assert_null(strstr(topic_of(out, "energy")->effect, "PMU"));
    assert_int_equal(topic_of(out, "NMI watchdog")->kind, DIAGNOSIS_FINE);
}

static void what_only_root_may_read_or_nobody_may_write_is_said(void **unused)
{
    (void)unused;
    enum { NOBODY = 65534 };
    struct host h = quiet_host();
    struct diagnosis energy[DIAGNOSES], turbo[DIAGNOSES];
    char path[256];
    write_files(quiet_files);
    fake_file(scratch, CPU "intel_pstate/no_turbo", "0\n");
    snprintf(path, sizeof path, "%s" RAPL "energy_uj", scratch);
    assert_int_equal(chmod(path, 0400), 0);
    if (!geteuid()) { /* root may read everything: look as somebody else */
        assert_int_equal(chmod(scratch, 0755), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    } else
        assert_int_equal(chmod(path, 0), 0);
    examine(&h, energy, NULL);
    snprintf(path, sizeof path, "%s" CPU "intel_pstate/no_turbo", scratch);
    if (geteuid() != NOBODY)
        assert_int_equal(chmod(path, 0444), 0);
    h.superuser = true; /* and yet the file cannot be written */
    examine(&h, turbo, NULL);
    if (geteuid() == NOBODY)
        assert_int_equal(seteuid(0), 0);
    const struct diagnosis *x = topic_of(energy, "energy");
    assert_int_equal(x->kind, DIAGNOSIS_DISTURBS);
    assert_non_null(strstr(x->finding, "root"));
    assert_string_equal(x->remedy, "sudo chmod a+r /sys/class/powercap/*/energy_uj");
    assert_non_null(strstr(x->undo, getuid() ? "chmod 0 " : "chmod 400 "));
    x = topic_of(turbo, "turbo");
    assert_string_equal(x->remedy, "");
    assert_non_null(strstr(x->advice, "on the host: echo 1 | tee " CPU "intel_pstate/no_turbo"));
}

static void what_is_measured_here_is_finite(void **unused)
{
    (void)unused;
    struct machine m;
    struct doctor_probe p;
    assert_int_equal(machine_read(&m, NULL), OK);
    doctor_probe(&m, "", &p);
    machine_free(&m);
    const struct {
        const char *name;
        double value, least, most; /* what no machine leaves */
    } values[] = {
        {"clock_start", p.clock_start, 0.01, 100},    {"jitter_median", p.jitter_median, 1e-7, 0.1},
        {"jitter_p99", p.jitter_p99, 0, 1e6},         {"together", p.together, 0.01, 100},
        {"timer_ns", p.timer_ns, 0.1, 1e6},           {"timer_step_ns", p.timer_step_ns, 1, 1e8},
        {"fault_small_ns", p.fault_small_ns, 1, 1e7}, {"fault_huge_ns", p.fault_huge_ns, 1, 1e7},
        {"read_small_ns", p.read_small_ns, 0.1, 1e6}, {"read_huge_ns", p.read_huge_ns, 0.1, 1e6}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (!(values[i].value >= values[i].least && values[i].value <= values[i].most))
            fail_msg("%s: %g", values[i].name, values[i].value);
}

static void the_object_holds_what_the_text_says(void **unused)
{
    (void)unused;
    struct host h = bad_host();
    struct diagnosis out[DIAGNOSES];
    struct json *object = json_new_object(), *parsed;
    char *text;
    h.probe.clock_start = NAN;
    write_files(quiet_files);
    write_files(bad_files);
    examine(&h, out, object);
    assert_int_equal(json_print(object, true, &text, NULL), OK);
    assert_int_equal(json_parse(text, strlen(text), "doctor", &parsed, NULL), OK);
    const struct json *topic = json_first(json_get(parsed, "topics"));
    int disturb = 0;
    for (int i = 0; i < DIAGNOSES; i++, topic = json_next(topic)) {
        assert_string_equal(json_get_string(topic, "topic", ""), out[i].topic);
        assert_string_equal(json_get_string(topic, "state", ""), diagnosis_kind_name(out[i].kind));
        assert_string_equal(json_get_string(topic, "found", ""), out[i].finding);
        assert_string_equal(json_get_string(topic, "undo", ""), out[i].undo);
        disturb += out[i].kind == DIAGNOSIS_DISTURBS;
    }
    assert_null(topic);
    assert_int_equal((int)json_get_number(parsed, "disturb", -1), disturb);
    const struct json *measured = json_get(parsed, "measured");
    assert_int_equal(json_type(json_get(measured, "clock_start")), JSON_NULL);
    assert_true(json_get_number(measured, "timer_ns", 0) == 640);
    json_free(parsed);
    json_free(object);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_quiet_host_is_found_fine_in_every_point),
        IN_SCRATCH(a_disturbed_host_gets_effect_remedy_and_undo_with_the_value_found),
        IN_SCRATCH(root_needs_no_sudo_and_is_not_bound_by_perf_event_paranoid),
        IN_SCRATCH(what_the_system_hides_is_unknown_and_gets_no_command),
        IN_SCRATCH(garbage_and_unreadable_files_are_unknown_and_never_reach_a_command),
        IN_SCRATCH(mixed_governors_are_saved_before_they_are_set),
        IN_SCRATCH(several_swaps_come_back_with_their_priorities),
        IN_SCRATCH(version_1_of_control_groups_has_its_own_word_for_no_limit),
        IN_SCRATCH(guests_and_containers_get_no_useless_command),
        IN_SCRATCH(a_host_without_counters_is_told_which_module_or_kernel_has_them),
        IN_SCRATCH(what_only_root_may_read_or_nobody_may_write_is_said),
        cmocka_unit_test(what_is_measured_here_is_finite),
        IN_SCRATCH(the_object_holds_what_the_text_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
