/* The roofs as rows: which there are, what they claim, and that a run can be stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sched.h>
#include <string.h>

#include "bench/roofs.h"
#include "numerics/cpu.h"

static struct machine machine; /* read once; the tests do not write it */

static int read_machine(void **unused)
{
    (void)unused;
    return machine_read(&machine, NULL) != OK;
}

static int free_machine(void **unused)
{
    (void)unused;
    machine_free(&machine);
    return 0;
}

/* A machine like this one with small caches, so that the working sets are small. */
static struct machine small(void)
{
    struct machine m = machine;
    m.cache[LEVEL_L1] = (struct machine_cache){.bytes = 32 << 10, .count = 1, .cores = 1};
    m.cache[LEVEL_L2] = (struct machine_cache){.bytes = 256 << 10, .count = 1, .cores = 1};
    m.cache[LEVEL_L3] = (struct machine_cache){.bytes = 1 << 20, .count = 1, .cores = 1};
    m.llc_bytes = 1 << 20;
    return m;
}

static struct roofs measure_or_fail(const struct machine *m, const struct roof_plan *plan)
{
    struct roofs roofs;
    struct err err;
    if (roofs_measure(m, plan, NULL, &roofs, &err))
        fail_msg("%s", err.text);
    return roofs;
}

static void every_allowed_variant_has_a_row_with_its_interval(void **unused)
{
    (void)unused;
    struct machine m = small();
    struct roof_plan plan = {.features = machine.features,
                             .every_isa = true,
                             .threads = {1},
                             .repetitions = 3,
                             .sample_s = 1e-4};
    struct roofs roofs = measure_or_fail(&m, &plan);
    static const char *const names[] = {"read", "write", "triad", "fma-f32", "dot-i8", "lookup"};
    size_t refs = 0;
    for (size_t i = 0; i < roofs.n; i++) {
        const struct roof_row *r = &roofs.rows[i];
        assert_null(r->reason);
        assert_true(r->low > 0 && r->low <= r->value && r->value <= r->high);
        refs += !strcmp(r->isa, "ref");
    }
    assert_int_equal(refs, 3 * N_LEVELS + 3);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct roof_row *r = roofs_find(&roofs, names[i], i < 3 ? "L2" : NULL, 1);
        assert_non_null(r);
        for (size_t j = 0; j < roofs.n; j++)
            if (!strcmp(roofs.rows[j].name, r->name) && roofs.rows[j].level == r->level)
                assert_true(roofs.rows[j].value <= r->value);
    }
    assert_null(roofs_find(&roofs, "read", "L1", 2));
    assert_null(roofs_find(&roofs, "read", NULL, 1));
    assert_null(roofs_find(&roofs, "fma-f32", "L1", 1));
    roofs_free(&roofs);
}

static void a_forbidden_instruction_set_is_not_measured(void **unused)
{
    (void)unused;
    struct machine m = small();
    struct roof_plan plan = {.threads = {1}, .repetitions = 1, .sample_s = 1e-5};
    struct roofs roofs = measure_or_fail(&m, &plan);
    assert_int_equal(roofs.n, 3 * N_LEVELS + 3);
    for (size_t i = 0; i < roofs.n; i++)
        assert_string_equal(roofs.rows[i].isa, "ref");
    roofs_free(&roofs);
}

static void a_level_that_is_not_there_is_null_with_a_reason(void **unused)
{
    (void)unused;
    struct machine m = small();
    m.cache[LEVEL_L3].bytes = 0;
    m.cache[LEVEL_L1].bytes = 4096; /* half of it is less than a page */
    m.memory_bytes = 1 << 22;       /* less than twice what DRAM asks for */
    struct roof_plan plan = {.threads = {1}, .repetitions = 1, .sample_s = 1e-5};
    struct roofs roofs = measure_or_fail(&m, &plan);
    assert_null(roofs_find(&roofs, "read", "L3", 1));
    assert_null(roofs_find(&roofs, "read", "DRAM", 1));
    assert_null(roofs_find(&roofs, "read", "L1", 1));
    assert_non_null(roofs_find(&roofs, "read", "L2", 1));
    struct json *object = json_new_object();
    roofs_add_machine(&m, &roofs, object);
    const struct json *rows = json_get(object, "roofs");
    size_t absent = 0;
    for (const struct json *r = json_first(rows); r; r = json_next(r)) {
        bool null = json_type(json_get(r, "value")) == JSON_NULL;
        assert_int_equal(json_type(json_get(r, "interval")), null ? JSON_NULL : JSON_ARRAY);
        assert_int_equal(json_type(json_get(r, "reason")), null ? JSON_STRING : JSON_NULL);
        absent += null;
    }
    assert_int_equal(absent, 3 * 3);
    json_free(object);
    roofs_free(&roofs);
}

static bool stop_at_once(struct progress *self, double done, const char *what)
{
    (void)self;
    assert_true(done >= 0 && done <= 1 && what);
    return false;
}

static void a_run_can_be_stopped_and_refuses_too_many_threads(void **unused)
{
    (void)unused;
    struct machine m = small();
    struct roof_plan plan = {.threads = {1}, .repetitions = 1, .sample_s = 1e-5};
    struct progress stop = {stop_at_once};
    struct roofs roofs = {.n = 99};
    struct err err;
    assert_int_equal(roofs_measure(&m, &plan, &stop, &roofs, &err), E_INTERRUPTED);
    plan.threads[0] = m.n_pus + 1;
    assert_int_equal(roofs_measure(&m, &plan, NULL, &roofs, &err), E_USAGE);
    assert_int_equal(roofs.n, 99);
}

static void threads_are_free_again_afterwards(void **unused)
{
    (void)unused;
    struct machine m = small();
    struct roof_plan plan = {
        .threads = {1, m.n_pus}, .repetitions = 1, .sample_s = 1e-5, .features = 0};
    struct roofs roofs = measure_or_fail(&m, &plan);
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_int_equal(CPU_COUNT(&set), (int)m.n_pus);
    roofs_free(&roofs);
}

static void the_control_is_a_bandwidth(void **unused)
{
    (void)unused;
    double rate = NAN;
    struct err err;
    assert_int_equal(roof_control(machine.features, 1, 1 << 20, &rate, &err), OK);
    /* no machine reads less than 10 MB/s or more than 100 TB/s with one thread */
    assert_true(rate > 1e7 && rate < 1e14);
    assert_int_equal(roof_control(0, 1, SIZE_MAX / 16, &rate, &err), E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allowed_variant_has_a_row_with_its_interval),
        cmocka_unit_test(a_forbidden_instruction_set_is_not_measured),
        cmocka_unit_test(a_level_that_is_not_there_is_null_with_a_reason),
        cmocka_unit_test(a_run_can_be_stopped_and_refuses_too_many_threads),
        cmocka_unit_test(threads_are_free_again_afterwards),
        cmocka_unit_test(the_control_is_a_bandwidth),
    };
    return cmocka_run_group_tests(tests, read_machine, free_machine);
}
