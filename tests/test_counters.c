/* No counter is trusted that was not seen to count, and what cannot be had says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/counters.h"
#include "tests/fake_root.h"
#include "tests/scratch.h"

static struct counter_probe probe_with(struct counter_fault fault)
{
    struct counter_fault faults[] = {fault, {0}};
    struct counter_fake fake = {.faults = faults};
    struct counter_backend backend;
    counters_fake(&fake, &backend);
    struct counter_probe p = counter_probe_event(&backend, counter_event_find(fault.event));
    for (size_t i = 0; i < COUNTER_FAKE_SETS; i++)
        assert_int_equal(fake.sets[i].n, 0); /* the probe closed what it opened */
    return p;
}

static void a_right_count_is_trusted(void **unused)
{
    (void)unused;
    for (const struct counter_event *e = counter_events; e->name; e++) {
        struct counter_probe p =
            probe_with((struct counter_fault){e->name, .gain = 1, .running = 1});
        if (p.state != COUNTER_OK)
            fail_msg("%s: %s: %s", e->name, counter_state_name(p.state), p.reason);
        assert_string_equal(p.reason, "");
    }
}

static void every_errno_of_open_gives_a_state_and_a_remedy(void **unused)
{
    (void)unused;
    static const struct {
        int error;
        enum counter_state state;
        const char *words;
    } cases[] = {{EPERM, COUNTER_DENIED, "perf_event_paranoid"},
                 {EACCES, COUNTER_DENIED, "perf_event_paranoid"},
                 {ENOENT, COUNTER_ABSENT, "no PMU"},
                 {EOPNOTSUPP, COUNTER_ABSENT, "no PMU"},
                 {EINVAL, COUNTER_ABSENT, "no PMU"},
                 {ENODEV, COUNTER_ABSENT, "no PMU"},
                 {ENOSYS, COUNTER_ABSENT, "seccomp"},
                 {EBUSY, COUNTER_BUSY, "watchdog"},
                 {EMFILE, COUNTER_FAILED, "ulimit"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counter_probe p =
            probe_with((struct counter_fault){"cycles", .open_errno = cases[i].error});
        if (p.state != cases[i].state || !strstr(p.reason, cases[i].words) || !isnan(p.gain))
            fail_msg("%s: state %s, '%s'", strerror(cases[i].error), counter_state_name(p.state),
                     p.reason);
    }
}

static void energy_that_cannot_be_had_speaks_of_powercap_and_not_of_a_pmu(void **unused)
{
    (void)unused;
    static const struct {
        int error;
        const char *words;
    } cases[] = {{ENOENT, "virtual machine"},
                 {EACCES, "chmod a+r"},
                 {EPERM, "chmod a+r"},
                 {EIO, "no number"},
                 {ENOMEM, "powercap"}};
    static const struct counter_event package = {
        .name = "energy", .unit = "uJ", .title = "energy", .zone = "package"};
    struct counter_probe p = {.event = &package};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        counter_probe_fail(&p, "cannot be opened", cases[i].error);
        if (!strstr(p.reason, cases[i].words) || !strstr(p.reason, "powercap") ||
            strstr(p.reason, "PMU") || strstr(p.reason, "perf_event"))
            fail_msg("%s: '%s'", strerror(cases[i].error), p.reason);
    }
    struct counter_backend powercap;
    counters_powercap(scratch, &powercap);
    p = counter_probe_event(&powercap, &package);
    assert_int_equal(p.state, COUNTER_ABSENT);
    assert_non_null(strstr(p.reason, "modprobe intel_rapl_msr"));
    fake_file(scratch, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    fake_unreadable(scratch, "/sys/class/powercap/intel-rapl:0/energy_uj");
    p = counter_probe_event(&powercap, &package);
    assert_int_equal(p.state, COUNTER_FAILED);
    assert_non_null(strstr(p.reason, "energy_uj"));
}

static void errors_of_start_and_read_are_not_counts(void **unused)
{
    (void)unused;
    struct counter_probe start =
        probe_with((struct counter_fault){"cycles", .begin_errno = EBUSY, .gain = 1, .running = 1});
    assert_int_equal(start.state, COUNTER_BUSY);
    struct counter_probe end =
        probe_with((struct counter_fault){"cycles", .end_errno = EIO, .gain = 1, .running = 1});
    assert_int_equal(end.state, COUNTER_FAILED);
    assert_true(isnan(end.gain));
}

static void an_event_that_never_counts_is_found_out(void **unused)
{
    (void)unused;
    for (const struct counter_event *e = counter_events; e->name; e++) {
        struct counter_probe zero =
            probe_with((struct counter_fault){e->name, .gain = 0, .running = 1});
        assert_int_equal(zero.state, COUNTER_WRONG);
        assert_true(zero.reason[0] != '\0');
        struct counter_probe stopped = probe_with((struct counter_fault){e->name, .gain = 1});
        assert_int_equal(stopped.state, COUNTER_NOT_RUNNING);
        struct counter_probe shared =
            probe_with((struct counter_fault){e->name, .gain = 0.5, .running = 0.5});
        assert_int_equal(shared.state, COUNTER_NOT_RUNNING);
        struct counter_probe wrapped =
            probe_with((struct counter_fault){e->name, .gain = 1, .running = 1, .wraps = true});
        assert_int_equal(wrapped.state, COUNTER_WRONG);
    }
}

/* Software events need no PMU: both real backends must count known work, where they may count at
 * all. */
static void software_events_count_known_work(void **unused)
{
    (void)unused;
    static enum status (*const backends[])(struct counter_backend *,
                                           struct err *) = {counters_papi, counters_perf};
    for (size_t b = 0; b < 2; b++) {
        struct counter_backend backend;
        struct err err;
        if (backends[b](&backend, &err)) {
            print_message("not here: %s\n", err.text);
            continue;
        }
        for (const struct counter_event *e = counter_events; e->name; e++) {
            if (e->hardware)
                continue;
            struct counter_probe p = counter_probe_event(&backend, e);
            if (p.state == COUNTER_DENIED || p.state == COUNTER_ABSENT)
                print_message("%s: %s: %s\n", backend.name, e->name, p.reason);
            else if (p.state != COUNTER_OK)
                fail_msg("%s: %s: %s", backend.name, e->name, p.reason);
        }
    }
}

static void a_choice_by_name_fails_where_auto_falls_back(void **unused)
{
    (void)unused;
    struct counters c;
    struct err err;
    assert_int_equal(counters_open("none", &c, &err), OK);
    assert_string_equal(c.status, "off");
    counters_close(&c);
    assert_int_equal(counters_open("auto", &c, &err), OK);
    size_t hardware = c.n_hardware;
    assert_true(hardware || c.reason[0]);
    assert_string_equal(c.status, hardware ? "ok" : "unavailable");
    for (size_t i = 0; i < c.n; i++)
        if (c.probes[i].state != COUNTER_OK)
            assert_true(c.probes[i].reason[0] != '\0');
    counters_close(&c);
    enum status s = counters_open("perf", &c, &err);
    if (!c.n_hardware) {
        assert_int_equal(s, E_UNAVAILABLE);
        assert_non_null(strstr(err.text, "--counters perf"));
    }
    counters_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_count_is_trusted),
        cmocka_unit_test(every_errno_of_open_gives_a_state_and_a_remedy),
        IN_SCRATCH(energy_that_cannot_be_had_speaks_of_powercap_and_not_of_a_pmu),
        cmocka_unit_test(errors_of_start_and_read_are_not_counts),
        cmocka_unit_test(an_event_that_never_counts_is_found_out),
        cmocka_unit_test(software_events_count_known_work),
        cmocka_unit_test(a_choice_by_name_fails_where_auto_falls_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
