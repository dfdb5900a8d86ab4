/* Passes hold what counts together, a fault costs its own event, and units are checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/counter_groups.h"
#include "bench/counting.h"

static void do_nothing(void *user)
{
    (void)user;
}

static size_t count_with(const struct counter_fault *faults, size_t room, struct counted *counted)
{
    static const char *const names[] = {"instructions", "cycles", "branches", "page-faults"};
    const struct counter_event *events[4];
    struct counter_fake fake = {.faults = faults, .room = room};
    struct counting job = {.n_threads = 2, .work = do_nothing};
    double seconds;
    counters_fake(&fake, &job.threads);
    job.perf = job.energy = job.threads;
    for (size_t i = 0; i < 4; i++)
        events[i] = counter_event_find(names[i]);
    size_t passes = counting_run(&job, events, 4, counted, &seconds);
    for (size_t i = 0; i < COUNTER_FAKE_SETS; i++)
        assert_int_equal(fake.sets[i].n, 0);
    return passes;
}

static void events_share_a_pass_as_far_as_they_open_together(void **unused)
{
    (void)unused;
    struct counted c[4];
    assert_int_equal(count_with(NULL, 0, c), 1);
    assert_int_equal(count_with(NULL, 3, c), 2);
    assert_int_equal(c[2].pass, 1);
    assert_int_equal(c[3].pass, 2);
    assert_int_equal(count_with(NULL, 1, c), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(c[i].value == 0 &&
                    c[i].running == 1); /* the fake's empty pass counts as much */
        assert_true(c[i].overhead > 0);
    }
}

static void a_fault_costs_its_own_event_alone(void **unused)
{
    (void)unused;
    static const struct {
        struct counter_fault fault;
        enum counter_state state;
    } cases[] = {{{"cycles", .open_errno = EPERM, .gain = 1, .running = 1}, COUNTER_DENIED},
                 {{"cycles", .open_errno = EACCES, .gain = 1, .running = 1}, COUNTER_DENIED},
                 {{"cycles", .open_errno = ENOENT, .gain = 1, .running = 1}, COUNTER_ABSENT},
                 {{"cycles", .open_errno = EINVAL, .gain = 1, .running = 1}, COUNTER_ABSENT},
                 {{"cycles", .open_errno = EOPNOTSUPP, .gain = 1, .running = 1}, COUNTER_ABSENT},
                 {{"cycles", .open_errno = EMFILE, .gain = 1, .running = 1}, COUNTER_FAILED},
                 {{"cycles", .begin_errno = EBUSY, .gain = 1, .running = 1}, COUNTER_BUSY},
                 {{"cycles", .gain = 1, .running = 0}, COUNTER_NOT_RUNNING},
                 {{"cycles", .gain = 1, .running = 0.5}, COUNTER_NOT_RUNNING},
                 {{"cycles", .gain = 1, .running = 1, .wraps = true}, COUNTER_WRONG},
                 {{"cycles", .gain = 0, .running = 1}, COUNTER_WRONG},
                 {{"cycles", .gain = 1, .running = 1, .others_errno = ENOENT}, COUNTER_ABSENT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counter_fault faults[] = {cases[i].fault, {0}};
        struct counted c[4];
        count_with(faults, 0, c);
        if (c[1].probe.state != cases[i].state || !isnan(c[1].value) || !c[1].probe.reason[0])
            fail_msg("case %zu: %s, %g: %s", i, counter_state_name(c[1].probe.state), c[1].value,
                     c[1].probe.reason);
        assert_int_equal(c[0].probe.state, COUNTER_OK);
        assert_int_equal(c[3].probe.state, COUNTER_OK);
    }
}

static void every_group_loads_for_every_processor(void **unused)
{
    (void)unused;
    static const struct counter_cpu cpus[] = {
        {"AuthenticAMD", 25, 17}, {"GenuineIntel", 6, 106}, {"", -1, -1}};
    struct err err;
    for (size_t i = 0; i < 3; i++) {
        struct counter_choice c;
        if (counter_choice_make(NULL, NULL, &cpus[i], &c, &err))
            fail_msg("%s", err.text);
        assert_int_equal(c.n_groups, 8);
        counter_choice_free(&c);
    }
}

/* A model's own file goes before its family's, and that before the generic one. */
static void the_narrowest_group_is_taken(void **unused)
{
    (void)unused;
    static const struct {
        struct counter_cpu cpu;
        const char *perf; /* of the first event of "fp"; NULL: PAPI's */
    } rows[] = {{{"AuthenticAMD", 25, 17}, "cpu/event=0x03,umask=0x1f/"},
                {{"AuthenticAMD", 25, 1}, "cpu/event=0x03,umask=0x0f/"},
                {{"AuthenticAMD", 23, 49}, "cpu/event=0x03,umask=0x0f/"},
                {{"GenuineIntel", 6, 106}, "cpu/event=0xc7,umask=0x01/"},
                {{"ARM", 8, 1}, NULL}};
    struct err err;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct counter_choice c;
        if (counter_choice_make("fp", NULL, &rows[i].cpu, &c, &err))
            fail_msg("%s", err.text);
        const char *perf = c.events[0]->perf;
        if (rows[i].perf ? !perf || strcmp(perf, rows[i].perf) : perf != NULL)
            fail_msg("row %zu: %s", i, perf ? perf : "none");
        /* what PAPI alone can name is never counted as what perf's type 0 is, cycles */
        assert_true(c.events[0]->perf_type == COUNTER_NO_TYPE);
        counter_choice_free(&c);
    }
}

static void units_that_do_not_agree_are_refused(void **unused)
{
    (void)unused;
    static const struct formula_symbol symbols[] = {
        {"cycles", "cycle", 8}, {"l1-misses", "line", 2}, {"gone", "line", NAN}, {0}};
    struct formula_result r;
    struct err err;
    assert_int_equal(
        formula_evaluate("l1-misses * 64[byte/line] / cycles", "byte/cycle", symbols, &r, &err),
        OK);
    assert_true(r.value == 16);
    assert_int_equal(
        formula_evaluate("(l1-misses + gone) / cycles", "line/cycle", symbols, &r, &err), OK);
    assert_string_equal(r.missing, "gone");
    assert_int_equal(formula_evaluate("l1-misses + cycles", "line", symbols, &r, &err), E_FORMAT);
    assert_int_equal(formula_evaluate("l1-misses / cycles", "line", symbols, &r, &err), E_FORMAT);
    assert_int_equal(formula_evaluate("(cycles", "cycle", symbols, &r, &err), E_FORMAT);
    assert_int_equal(formula_evaluate("nothing", "cycle", symbols, &r, &err), E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_share_a_pass_as_far_as_they_open_together),
        cmocka_unit_test(a_fault_costs_its_own_event_alone),
        cmocka_unit_test(every_group_loads_for_every_processor),
        cmocka_unit_test(the_narrowest_group_is_taken),
        cmocka_unit_test(units_that_do_not_agree_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
