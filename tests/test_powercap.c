/* Energy from made-up powercap zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>

#include "bench/counters.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

static const struct counter_event package = {
    .name = "energy-package", .unit = "uJ", .zone = "package", .work = WORK_UNKNOWN};
static const struct counter_event dram = {
    .name = "energy-dram", .unit = "uJ", .zone = "dram", .work = WORK_UNKNOWN};

static void write_zone(const char *folder, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/class/powercap/%s/%s", folder, file);
    fake_file(scratch, path, text);
}

static void make_zone(const char *folder, const char *name, const char *energy, const char *range)
{
    write_zone(folder, "name", name);
    write_zone(folder, "energy_uj", energy);
    write_zone(folder, "max_energy_range_uj", range);
}

static void *open_zone(const struct counter_backend *b, const struct counter_event *event)
{
    void *set = NULL;
    counters_powercap(scratch, (struct counter_backend *)b);
    assert_int_equal(b->open(b->self, &event, 1, &set), 0);
    assert_int_equal(b->begin(b->self, set), 0);
    return set;
}

static uint64_t end_zone(const struct counter_backend *b, void *set)
{
    struct counter_raw raw = {0};
    assert_int_equal(b->end(b->self, set, &raw), 0);
    assert_true(raw.running_ns && raw.running_ns == raw.enabled_ns);
    b->close(b->self, set);
    return raw.value;
}

static void a_counter_goes_on_over_its_range(void **unused)
{
    (void)unused;
    struct counter_backend b;
    make_zone("intel-rapl:0", "package-0\n", "262143000000\n", "262143328850\n");
    void *set = open_zone(&b, &package);
    write_zone("intel-rapl:0", "energy_uj", "671150\n");
    assert_int_equal(end_zone(&b, set), 1000000);
    set = open_zone(&b, &package);
    assert_int_equal(end_zone(&b, set), 0); /* what stands still used nothing */
}

static void packages_add_up_and_zones_within_them_do_not(void **unused)
{
    (void)unused;
    struct counter_backend b;
    make_zone("intel-rapl:0", "package-0\n", "10\n", "1000\n");
    make_zone("intel-rapl:1", "package-1\n", "990\n", "1000\n");
    make_zone("intel-rapl:0:0", "core\n", "1\n", "1000\n");
    make_zone("intel-rapl:0:1", "dram\n", "5\n", "1000\n");
    make_zone("intel-rapl:1:0", "dram\n", "6\n", "1000\n");
    make_zone("intel-rapl-mmio:0", "package-0\n", "10\n", "1000\n"); /* the first once more */
    make_zone("dtpm", "packaged\n", "7\n", "1000\n");
    void *set = open_zone(&b, &package), *memory = open_zone(&b, &dram);
    write_zone("intel-rapl:0", "energy_uj", "110\n");
    write_zone("intel-rapl:1", "energy_uj", "20\n");
    write_zone("intel-rapl:0:0", "energy_uj", "900\n");
    write_zone("intel-rapl:0:1", "energy_uj", "8\n");
    write_zone("intel-rapl:1:0", "energy_uj", "10\n");
    write_zone("intel-rapl-mmio:0", "energy_uj", "110\n");
    write_zone("dtpm", "energy_uj", "900\n");
    assert_int_equal(end_zone(&b, set), 100 + 30);
    assert_int_equal(end_zone(&b, memory), 3 + 4);
}

static int open_error(const struct counter_event *event)
{
    struct counter_backend b;
    void *set = NULL;
    counters_powercap(scratch, &b);
    int error = b.open(b.self, &event, 1, &set);
    if (!error)
        b.close(b.self, set);
    return error;
}

/* As a user whom the files do not belong to: since Linux 5.10 only root may read the energy. */
static int denied_error(void)
{
    char path[128];
    int status = 0;
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/energy_uj", scratch);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(scratch, 0755), 0);
    pid_t child = fork();
    if (!child) {
        if (!getuid() && setuid(65534))
            _exit(255);
        _exit(-open_error(&package));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return -WEXITSTATUS(status);
}

static void what_cannot_be_read_is_an_error_and_not_zero(void **unused)
{
    (void)unused;
    struct counter_backend b;
    struct counter_raw raw;
    char path[128];
    assert_int_equal(open_error(&package), -ENOENT); /* no powercap at all */
    make_zone("intel-rapl:0", "package-0\n", "10\n", "1000\n");
    assert_int_equal(open_error(&dram), -ENOENT);
    assert_int_equal(open_error(counter_event_find("task-clock")), -EINVAL);
    write_zone("intel-rapl:0", "energy_uj", "much\n");
    assert_int_equal(open_error(&package), -EIO);
    write_zone("intel-rapl:0", "energy_uj", "10\n");
    write_zone("intel-rapl:0", "max_energy_range_uj", "\n");
    assert_int_equal(open_error(&package), -EIO);
    write_zone("intel-rapl:0", "max_energy_range_uj", "1000\n");
    assert_int_equal(denied_error(), -EACCES);
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/energy_uj", scratch);
    assert_int_equal(chmod(path, 0644), 0);
    void *set = open_zone(&b, &package);
    assert_int_equal(unlink(path), 0); /* it goes while it counts */
    assert_int_equal(b.end(b.self, set, &raw), -ENOENT);
    assert_int_equal(b.begin(b.self, set), -ENOENT);
    b.close(b.self, set);
    assert_int_equal(open_error(&package), -ENOENT);
}

static void one_zone_is_one_set(void **unused)
{
    (void)unused;
    const struct counter_event *both[] = {&package, &dram};
    struct counter_backend b;
    void *set = NULL;
    make_zone("intel-rapl:0", "package-0\n", "10\n", "1000\n");
    counters_powercap(scratch, &b);
    assert_int_equal(b.open(b.self, both, 2, &set), -E2BIG);
    assert_null(set);
    struct counter_probe p = counter_probe_event(&b, &package);
    assert_int_equal(p.state, COUNTER_UNCHECKED);
    p = counter_probe_event(&b, &dram);
    assert_int_equal(p.state, COUNTER_ABSENT);
    assert_true(p.reason[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_counter_goes_on_over_its_range),
        IN_SCRATCH(packages_add_up_and_zones_within_them_do_not),
        IN_SCRATCH(what_cannot_be_read_is_an_error_and_not_zero),
        IN_SCRATCH(one_zone_is_one_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
