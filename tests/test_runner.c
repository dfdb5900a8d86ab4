/* A matrix of cells that go wrong in every way: each costs only itself, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/fold.h"
#include "bench/run_header.h"
#include "bench/runner.h"
#include "tests/faulty.h"

#if defined(__SANITIZE_ADDRESS__)
static const char segfault_reason[] = "null pointer"; /* told by the sanitizer, which exits */
#else
static const char segfault_reason[] = "signal 11";
#endif

/* A run of the faulty technique in a folder of its own. */
struct run {
    char folder[64];
    struct machine machine;
    struct plan plan;
    struct runner runner;
    struct journal journal;
};

static void open_run(struct run *run, const char *const *patterns, size_t n_patterns)
{
    struct err err = {0};
    *run = (struct run){.folder = "/tmp/assay-XXXXXX"};
    assert_non_null(mkdtemp(run->folder));
    assert_int_equal(machine_read(&run->machine, &err), OK);
    struct plan_request request = {.registry = faulty_techniques,
                                   .patterns = patterns,
                                   .n_patterns = n_patterns,
                                   .preset = PRESET_SMOKE,
                                   .max_threads = 1};
    if (plan_make(&request, &run->plan, &err))
        fail_msg("%s", err.text);
    run->runner = (struct runner){.program = FAULTY_WORKER,
                                  .plan = &run->plan,
                                  .machine = &run->machine,
                                  .rounds = 1,
                                  .seed = 5,
                                  .iterations = 1,
                                  .timeout_s = 2};
    if (journal_open(run->folder, false, &run->journal, &err))
        fail_msg("%s", err.text);
    struct json *header = json_new_object();
    json_add_string(json_add_object(header, "run"), "isa", "avx2");
    assert_int_equal(journal_begin(&run->journal, header, &err), OK);
}

static void close_run(struct run *run)
{
    char path[96];
    snprintf(path, sizeof path, "%s/journal.jsonl", run->folder);
    journal_close(&run->journal);
    unlink(path);
    assert_int_equal(rmdir(run->folder), 0);
    plan_free(&run->plan);
    machine_free(&run->machine);
}

static const char *status_of(const struct run *run, const char *variant, const char **reason)
{
    const struct json *entry = NULL;
    const char *status =
        fold_cell_status(run->journal.rounds, &run->plan.blocks[0], variant, &entry);
    *reason = json_get_string(entry, "reason", "");
    return status ? status : "none";
}

static void a_bad_cell_costs_only_itself(void **unused)
{
    (void)unused;
    const struct {
        const char *variant, *status, *reason;
    } expected[] = {{"ok", "ok", ""},
                    {"segfault", "failed", segfault_reason},
                    {"abort", "failed", "an invariant does not hold"},
                    {"oom", "failed", ""},
                    {"killed", "failed", "out of memory?"},
                    {"hang", "timeout", "not done after"},
                    {"flood", "ok", ""},
                    {"orphans", "ok", ""},
                    {"wrong", "invalid", ""},
                    {"nan", "invalid", ""},
                    {"unchecked", "invalid", ""},
                    {"skipped", "skipped", ""}};
    const char *pattern = "faulty/faults/[a-z]*/any";
    struct run run;
    struct err err = {0};
    open_run(&run, &pattern, 1);
    assert_int_equal(run.plan.n_cells, sizeof expected / sizeof expected[0]);
    run.runner.rounds = 2;
    if (runner_run(&run.runner, &run.journal, &err))
        fail_msg("%s", err.text);
    assert_int_equal(json_size(run.journal.rounds), 2);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *reason, *status = status_of(&run, expected[i].variant, &reason);
        if (strcmp(status, expected[i].status) || !strstr(reason, expected[i].reason))
            fail_msg("%s: %s (%s), expected %s (%s)", expected[i].variant, status, reason,
                     expected[i].status, expected[i].reason);
        if (strcmp(status, "ok") && !*reason)
            fail_msg("%s is %s without a reason", expected[i].variant, status);
    }
    /* the second round tries only those that were right */
    const struct json *second = json_next(json_first(run.journal.rounds));
    assert_int_equal(json_size(json_get(second, "cells")), 3);
    close_run(&run);
}

static void a_worker_that_cannot_begin_fails_its_cells_once(void **unused)
{
    (void)unused;
    const char *pattern = "faulty/faults/flood/any", *reason;
    struct run run;
    struct err err = {0};
    open_run(&run, &pattern, 1);
    run.runner.program = "/bin/false";
    run.runner.rounds = 3;
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), OK);
    assert_int_equal(json_size(run.journal.rounds), 1);
    assert_string_equal(status_of(&run, "ok", &reason), "failed");
    assert_non_null(strstr(reason, "exit code 1"));
    run.runner.program = "/nowhere/assay";
    close_run(&run);
    open_run(&run, &pattern, 1);
    run.runner.program = "/nowhere/assay";
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "/nowhere/assay"));
    close_run(&run);
}

static void a_run_goes_on_where_it_ended(void **unused)
{
    (void)unused;
    const char *pattern = "faulty/faults/flood/any";
    struct run run;
    struct err err = {0};
    open_run(&run, &pattern, 1);
    run.runner.rounds = 2;
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), OK);
    journal_close(&run.journal);
    assert_int_equal(journal_open(run.folder, true, &run.journal, &err), OK);
    run.runner.rounds = 4;
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), OK);
    assert_int_equal(json_size(run.journal.rounds), 4);
    for (unsigned r = 0; r < 4; r++)
        assert_non_null(fold_find_round(run.journal.rounds, &run.plan.blocks[0], r));
    close_run(&run);
}

/* Asks to stop once a cell has begun, as often as told. */
struct stopper {
    struct progress progress;
    int signals;
};

static bool stop_at_start(struct progress *self, double done, const char *what)
{
    struct stopper *s = (struct stopper *)self;
    (void)done;
    for (; *what && s->signals > 0; s->signals--) {
        raise(SIGINT);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

static void the_first_request_ends_after_the_block(void **unused)
{
    (void)unused;
    const char *pattern = "faulty/faults/flood/any";
    struct run run;
    struct err err = {0};
    struct stop stop;
    struct stopper stopper = {{stop_at_start}, 1};
    open_run(&run, &pattern, 1);
    assert_int_equal(stop_open(&stop, &err), OK);
    run.runner.rounds = 5;
    run.runner.stop = &stop;
    run.runner.progress = &stopper.progress;
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), E_INTERRUPTED);
    assert_int_equal(json_size(run.journal.rounds), 1);
    assert_int_equal(json_size(json_get(json_first(run.journal.rounds), "cells")), 2);
    stop_close(&stop);
    close_run(&run);
}

static bool stop_twice(struct progress *self, double done, const char *what)
{
    struct stopper *s = (struct stopper *)self;
    (void)done;
    /* standard signals do not queue: two different ones do not merge */
    if (*what && s->signals) {
        raise(SIGINT);
        raise(SIGTERM);
        s->signals = 0;
    }
    return true;
}

static void the_second_request_ends_at_once(void **unused)
{
    (void)unused;
    const char *pattern = "faulty/faults/hang/any";
    struct run run;
    struct err err = {0};
    struct stop stop;
    struct stopper stopper = {{stop_twice}, 1};
    struct timespec begin, end;
    open_run(&run, &pattern, 1);
    assert_int_equal(stop_open(&stop, &err), OK);
    run.runner.stop = &stop;
    run.runner.timeout_s = 60;
    run.runner.progress = &stopper.progress;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(runner_run(&run.runner, &run.journal, &err), E_INTERRUPTED);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 20);
    assert_int_equal(json_size(run.journal.rounds), 0); /* a round is whole or not there */
    stop_close(&stop);
    close_run(&run);
}

static struct json *header_of(struct run *run, double min_time_s)
{
    static const struct build_library no_libraries[] = {{0}};
    static const struct build_info build = {.version = "1",
                                            .revision = "abc",
                                            .compiler = "cc",
                                            .flags = "-O3",
                                            .libraries = no_libraries};
    char program[] = "assay", *argv[] = {program, NULL};
    struct run_record record;
    struct json *machine = json_new_object();
    json_add_string(machine, "fingerprint", "f00");
    run->runner.min_time_s = min_time_s;
    run_record_start(&record, &build, 1, argv, run->runner.seed, 0);
    return run_header_make(&record, &run->runner, PRESET_SMOKE, machine, json_new_object());
}

static void another_run_is_not_gone_on_with(void **unused)
{
    (void)unused;
    const char *one = "faulty/faults/flood/any", *two = "faulty/faults/hang/any";
    struct run run, other;
    struct err err = {0};
    open_run(&run, &one, 1);
    open_run(&other, &two, 1);
    struct json *a = header_of(&run, 0.1), *same = header_of(&run, 0.1),
                *longer = header_of(&run, 0.2), *plan = header_of(&other, 0.1),
                *none = json_new_object();
    assert_int_equal(run_header_match(a, same, "DIR", "choose another folder with --out", &err),
                     OK);
    assert_int_equal(run_header_match(a, longer, "DIR", "choose another folder with --out", &err),
                     E_USAGE);
    assert_string_equal(err.text, "DIR holds another run: --min-time was 0.1 and is now 0.2; "
                                  "choose another folder with --out");
    assert_int_equal(run_header_match(a, plan, "DIR", "choose another folder with --out", &err),
                     E_USAGE);
    assert_non_null(strstr(err.text, "flood"));
    assert_non_null(strstr(err.text, "hang"));
    assert_int_equal(run_header_match(none, a, "DIR", "choose another folder with --out", &err),
                     E_FORMAT);
    json_free(a);
    json_free(same);
    json_free(longer);
    json_free(plan);
    json_free(none);
    close_run(&run);
    close_run(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_cell_costs_only_itself),
        cmocka_unit_test(a_worker_that_cannot_begin_fails_its_cells_once),
        cmocka_unit_test(a_run_goes_on_where_it_ended),
        cmocka_unit_test(the_first_request_ends_after_the_block),
        cmocka_unit_test(the_second_request_ends_at_once),
        cmocka_unit_test(another_run_is_not_gone_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
