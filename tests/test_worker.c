/* A worker answers in the protocol of bench/worker.h, and a cell that goes wrong costs itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/child.h"
#include "datasets/json.h"

enum { MAX_REPLIES = 64 };

struct conversation {
    struct json *replies[MAX_REPLIES];
    size_t n;
    struct child_outcome outcome;
};

static void keep_reply(void *user, const char *line, size_t n)
{
    struct conversation *c = user;
    struct err err;
    assert_true(c->n < MAX_REPLIES);
    if (json_parse(line, n, "reply", &c->replies[c->n], &err))
        fail_msg("%s: %s", err.text, line);
    c->n++;
}

static struct conversation talk(const char *job, double timeout_s)
{
    struct conversation c = {0};
    struct err err;
    const char *const argv[] = {FAULTY_WORKER, "worker", NULL};
    struct child_job child = {.program = FAULTY_WORKER,
                              .argv = argv,
                              .input = job,
                              .timeout_s = timeout_s,
                              .reply = keep_reply,
                              .user = &c};
    if (child_run(&child, &c.outcome, &err))
        fail_msg("%s", err.text);
    return c;
}

/* variants: JSON strings, separated by commas. */
static struct conversation block(const char *variants, double timeout_s)
{
    char job[1024];
    snprintf(job, sizeof job,
             "{\"job\":\"block\",\"technique\":\"faulty\",\"task\":\"faults\",\"case\":\"any\","
             "\"threads\":2,\"round\":3,\"seed\":11,\"min_time_s\":0.01,\"iterations\":0,"
             "\"llc_bytes\":1048576,\"weights\":null,\"control\":false,\"variants\":[%s]}",
             variants);
    return talk(job, timeout_s);
}

static void end(struct conversation *c)
{
    for (size_t i = 0; i < c->n; i++)
        json_free(c->replies[i]);
}

/* The cell that a variant's reply holds, or NULL. */
static const struct json *cell_of(const struct conversation *c, const char *variant)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct json *cell = json_get(c->replies[i], "cell");
        if (cell && !strcmp(json_get_string(cell, "variant", ""), variant))
            return cell;
    }
    return NULL;
}

static void exited_well(const struct conversation *c)
{
    char text[512];
    if (c->outcome.end != CHILD_EXITED || c->outcome.code) {
        child_describe(&c->outcome, text, sizeof text);
        fail_msg("%s", text);
    }
}

static void a_block_is_answered_in_its_order(void **unused)
{
    (void)unused;
    struct conversation c = block("\"wrong\",\"ok\",\"skipped\"", 20);
    static const char *const order[] = {"wrong", "ok", "skipped"};
    exited_well(&c);
    assert_int_equal(c.n, 7);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(json_get_string(c.replies[2 * i], "start", ""), order[i]);
        assert_string_equal(json_get_string(json_get(c.replies[2 * i + 1], "cell"), "variant", ""),
                            order[i]);
    }
    const struct json *last = json_get(c.replies[6], "block");
    assert_true(json_get_number(last, "own_cpu_s", 0) > 0);
    end(&c);
}

static void a_cell_that_is_right_has_one_sample_and_all_it_found(void **unused)
{
    (void)unused;
    struct conversation c = block("\"ok\"", 20);
    exited_well(&c);
    const struct json *cell = cell_of(&c, "ok"), *sample = json_get(cell, "sample");
    assert_string_equal(json_get_string(cell, "status", ""), "ok");
    assert_string_equal(json_get_string(cell, "mode", ""), "warm");
    assert_int_equal(json_type(json_get(cell, "reason")), JSON_NULL);
    assert_true(json_get_number(sample, "elapsed_ns", 0) >= 0.01e9);
    assert_true(json_get_number(sample, "iterations", 0) >= 1);
    assert_true(json_get_number(sample, "items", 0) == json_get_number(sample, "iterations", -1));
    assert_true(json_get_number(json_get(cell, "work"), "bytes_read", 0) == 4000);
    assert_string_equal(json_get_string(json_get(cell, "work"), "roof", ""), "read");
    assert_string_equal(json_get_string(json_get(cell, "data"), "name", ""), "seeded");
    assert_int_equal(json_u64(json_get(json_get(cell, "data"), "seed"), 0), 11);
    assert_int_equal(strlen(json_get_string(json_get(cell, "data"), "hash", "")), 24);
    assert_int_equal(json_size(json_get(cell, "correctness")), 1);
    assert_int_equal(json_size(json_get(cell, "fidelity")), 2);
    const struct json *second = json_next(json_first(json_get(cell, "fidelity")));
    assert_string_equal(json_get_string(second, "subject", ""), "codebook");
    assert_string_equal(json_get_string(second, "scope", ""), "proxy");
    assert_string_equal(json_get_string(second, "value_reason", ""), "infinite");
    end(&c);
}

static void the_control_is_the_read_bandwidth_or_says_why_not(void **unused)
{
    (void)unused;
    static const struct {
        const char *llc_bytes, *control;
        bool measured, explained;
    } rows[] = {{"4194304", "true", true, false},
                {"0", "true", false, true},
                {"4194304", "false", false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char job[512];
        snprintf(job, sizeof job,
                 "{\"job\":\"block\",\"technique\":\"faulty\",\"task\":\"faults\","
                 "\"case\":\"any\",\"threads\":1,\"iterations\":1,\"llc_bytes\":%s,"
                 "\"control\":%s,\"variants\":[\"ok\"]}",
                 rows[i].llc_bytes, rows[i].control);
        struct conversation c = talk(job, 20);
        exited_well(&c);
        const struct json *end_line = json_get(c.replies[c.n - 1], "block");
        double bandwidth = json_get_number(end_line, "control_bytes_per_second", 0);
        /* slower than any memory, and faster than any cache of one core: off by a unit, at least */
        if (rows[i].measured ? !(bandwidth > 1e8 && bandwidth < 1e13) : bandwidth != 0)
            fail_msg("llc_bytes %s, control %s: %g B/s", rows[i].llc_bytes, rows[i].control,
                     bandwidth);
        assert_int_equal(json_get(end_line, "control_reason") != NULL, rows[i].explained);
        end(&c);
    }
}

static void cells_that_fail_gracefully_leave_the_block_whole(void **unused)
{
    (void)unused;
    static const struct {
        const char *variant, *status;
    } rows[] = {{"oom", "failed"},        {"wrong", "invalid"}, {"nan", "invalid"},
                {"unchecked", "invalid"}, {"flood", "ok"},      {"orphans", "ok"},
                {"skipped", "skipped"},   {"ok", "ok"}};
    struct conversation c = block("\"oom\",\"wrong\",\"nan\",\"unchecked\",\"flood\",\"orphans\","
                                  "\"skipped\",\"ok\"",
                                  30);
    exited_well(&c);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json *cell = cell_of(&c, rows[i].variant);
        if (strcmp(json_get_string(cell, "status", "no reply"), rows[i].status))
            fail_msg("%s: %s (%s)", rows[i].variant, json_get_string(cell, "status", "no reply"),
                     json_get_string(cell, "reason", ""));
        bool ok = !strcmp(rows[i].status, "ok");
        assert_int_equal(json_type(json_get(cell, "sample")), ok ? JSON_OBJECT : JSON_NULL);
        assert_int_equal(json_type(json_get(cell, "reason")), ok ? JSON_NULL : JSON_STRING);
    }
    end(&c);
}

static void what_was_known_before_a_crash_is_not_lost(void **unused)
{
    (void)unused;
    static const struct {
        const char *variant;
        enum child_end end;
        int code;
    } rows[] = {{"segfault", CHILD_SIGNALLED, SIGSEGV},
                {"abort", CHILD_SIGNALLED, SIGABRT},
                {"killed", CHILD_SIGNALLED, SIGKILL},
                {"hang", CHILD_TIMED_OUT, SIGKILL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char variants[64];
        snprintf(variants, sizeof variants, "\"ok\",\"%s\",\"ok\"", rows[i].variant);
        struct conversation c = block(variants, 2);
        /* a sanitizer turns the signal of a bad access into its own exit */
        if (c.outcome.end != CHILD_EXITED) {
            assert_int_equal(c.outcome.end, rows[i].end);
            assert_int_equal(c.outcome.code, rows[i].code);
        }
        assert_int_equal(c.n, 3);
        assert_non_null(cell_of(&c, "ok"));
        assert_string_equal(json_get_string(c.replies[2], "start", ""), rows[i].variant);
        end(&c);
    }
}

static void tell_through_pipe(void *user, const char *line, size_t n)
{
    (void)line, (void)n;
    const int *fd = user;
    assert_int_equal(write(*fd, ".", 1), 1);
}

/* A process that waits for a worker that hangs; *started is readable once the cell has begun. */
static pid_t start_parent_of_a_hanging_worker(int started[2])
{
    assert_int_equal(pipe(started), 0);
    pid_t parent = fork(); /* no OpenMP region was entered here */
    if (parent)
        return parent;
    const char *const argv[] = {FAULTY_WORKER, "worker", NULL};
    const struct child_job child = {
        .program = FAULTY_WORKER,
        .argv = argv,
        .input = "{\"job\":\"block\",\"technique\":\"faulty\",\"task\":\"faults\","
                 "\"case\":\"any\",\"threads\":1,\"iterations\":1,\"variants\":[\"hang\"]}",
        .timeout_s = 60,
        .reply = tell_through_pipe,
        .user = &started[1]};
    struct child_outcome outcome;
    child_run(&child, &outcome, NULL);
    _exit(0);
}

/* True when there is no such process, or only its remains that nobody has collected. */
static bool is_gone(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    int got = fscanf(f, "%*d (%*[^)]) %c", &state);
    fclose(f);
    return got != 1 || state == 'Z' || state == 'X';
}

static void a_worker_dies_with_its_parent(void **unused)
{
    (void)unused;
    int started[2], worker = 0;
    char path[64], byte;
    pid_t parent = start_parent_of_a_hanging_worker(started);
    assert_int_equal(read(started[0], &byte, 1), 1);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *f = fopen(path, "r");
    bool known = f && fscanf(f, "%d", &worker) == 1;
    if (f)
        fclose(f);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    close(started[0]);
    close(started[1]);
    if (!known) {
        print_message("this kernel does not list the children of a process\n");
        return;
    }
    for (int tries = 0; tries < 500 && !is_gone(worker); tries++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    assert_true(is_gone(worker));
}

static void the_same_seed_is_the_same_data_in_every_round(void **unused)
{
    (void)unused;
    struct conversation a = block("\"ok\"", 20), b = block("\"wrong\",\"ok\"", 20);
    const char *first = json_get_string(json_get(cell_of(&a, "ok"), "data"), "hash", "");
    const char *second = json_get_string(json_get(cell_of(&b, "ok"), "data"), "hash", "");
    assert_int_equal(strlen(first), 24);
    assert_string_equal(first, second);
    end(&a);
    end(&b);
}

static void a_check_sends_its_rows_as_they_come(void **unused)
{
    (void)unused;
    struct conversation c =
        talk("{\"job\":\"check\",\"technique\":\"faulty\",\"seed\":5,\"threads\":1,"
             "\"llc_bytes\":1000}",
             30);
    static const char *const verdicts[] = {"reproduced",     "direction", "not-reproduced",
                                           "not-reproduced", "error",     "skipped",
                                           "reproduced"};
    exited_well(&c);
    assert_int_equal(c.n, 8);
    for (size_t i = 0; i < 7; i++) {
        const struct json *row = json_get(c.replies[i], "check");
        assert_string_equal(json_get_string(row, "verdict", ""), verdicts[i]);
        assert_true(json_get_number(row, "seconds", -1) >= 0);
    }
    assert_int_equal(json_u64(json_get(json_get(c.replies[7], "end"), "rows"), 0), 7);
    end(&c);
}

static void a_job_that_names_nothing_is_refused_with_a_word(void **unused)
{
    (void)unused;
    static const struct {
        const char *job, *says;
    } rows[] = {
        {"", "job"},
        {"{\"job\":\"block\"", "job"},
        {"{\"job\":\"dance\",\"technique\":\"faulty\"}", "dance"},
        {"{\"job\":\"block\",\"technique\":\"none\"}", "none"},
        {"{\"job\":\"block\",\"technique\":\"faulty\",\"threads\":1,\"task\":\"no\"}", "no task"},
        {"{\"job\":\"block\",\"technique\":\"faulty\",\"threads\":1,\"task\":\"faults\","
         "\"case\":\"no\"}",
         "no case"},
        {"{\"job\":\"block\",\"technique\":\"faulty\",\"threads\":1,\"task\":\"faults\","
         "\"case\":\"any\",\"variants\":[\"no\"]}",
         "no variant"},
        {"{\"job\":\"check\",\"technique\":\"faulty\",\"threads\":-1}", "threads"},
        {"{\"job\":\"check\",\"technique\":\"faulty\",\"threads\":1e300}", "threads"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conversation c = talk(rows[i].job, 20);
        assert_int_equal(c.outcome.end, CHILD_EXITED);
        assert_int_not_equal(c.outcome.code, 0);
        assert_int_equal(c.n, 0);
        if (!strstr(c.outcome.tail, rows[i].says))
            fail_msg("%s: said '%s'", rows[i].job, c.outcome.tail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_answered_in_its_order),
        cmocka_unit_test(a_cell_that_is_right_has_one_sample_and_all_it_found),
        cmocka_unit_test(the_control_is_the_read_bandwidth_or_says_why_not),
        cmocka_unit_test(cells_that_fail_gracefully_leave_the_block_whole),
        cmocka_unit_test(what_was_known_before_a_crash_is_not_lost),
        cmocka_unit_test(a_worker_dies_with_its_parent),
        cmocka_unit_test(the_same_seed_is_the_same_data_in_every_round),
        cmocka_unit_test(a_check_sends_its_rows_as_they_come),
        cmocka_unit_test(a_job_that_names_nothing_is_refused_with_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
