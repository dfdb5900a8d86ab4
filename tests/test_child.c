/* A child process costs only itself, whatever it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/child.h"

struct replies {
    char text[4096]; /* the lines, joined by '|' */
    size_t longest, count;
};

static void keep(void *user, const char *line, size_t n)
{
    struct replies *r = user;
    size_t used = strlen(r->text);
    assert_int_equal(strlen(line), n);
    snprintf(r->text + used, sizeof r->text - used, "%s%.200s", used ? "|" : "", line);
    r->longest = n > r->longest ? n : r->longest;
    r->count++;
}

/* Runs a shell script as the child. */
static struct child_outcome shell(const char *script, struct child_job job, struct replies *replies)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct child_outcome outcome;
    struct err err = {0};
    job.program = "/bin/sh";
    job.argv = argv;
    job.timeout_s = job.timeout_s > 0 ? job.timeout_s : 20;
    job.reply = replies ? keep : NULL;
    job.user = replies;
    if (child_run(&job, &outcome, &err))
        fail_msg("%s", err.text);
    return outcome;
}

static void the_job_arrives_and_the_replies_come_back(void **unused)
{
    (void)unused;
    struct replies r = {0};
    struct child_outcome o =
        shell("cat >&3; printf 'two\\nthree\\ntorn' >&3", (struct child_job){.input = "one\n"}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(o.code, 0);
    assert_string_equal(r.text, "one|two|three"); /* a line without its end is none */
}

static void an_unread_job_does_not_block(void **unused)
{
    (void)unused;
    size_t n = 4 << 20; /* more than any pipe holds */
    char *text = malloc(n + 1);
    memset(text, 'x', n);
    text[n] = 0;
    struct child_outcome o = shell("exit 0", (struct child_job){.input = text}, NULL);
    assert_int_equal(o.end, CHILD_EXITED);
    o = shell("wc -c | tr -d ' ' >&2", (struct child_job){.input = text}, NULL);
    assert_int_equal(atol(o.tail), n);
    free(text);
}

static void exit_codes_and_signals_are_told_apart(void **unused)
{
    (void)unused;
    char text[300];
    struct child_outcome o =
        shell("echo the cache is on fire >&2; exit 7", (struct child_job){0}, NULL);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(o.code, 7);
    child_describe(&o, text, sizeof text);
    assert_string_equal(text, "exit code 7; its last words: the cache is on fire");
    o = shell("kill -SEGV $$", (struct child_job){0}, NULL);
    assert_int_equal(o.end, CHILD_SIGNALLED);
    assert_int_equal(o.code, SIGSEGV);
    assert_false(o.out_of_memory);
    child_describe(&o, text, sizeof text);
    assert_string_equal(text, "killed by signal 11 (Segmentation fault)");
    o = shell("kill -KILL $$", (struct child_job){0}, NULL);
    assert_int_equal(o.end, CHILD_SIGNALLED);
    assert_true(o.out_of_memory);
}

static void a_flood_keeps_only_its_end(void **unused)
{
    (void)unused;
    struct replies r = {0};
    struct child_outcome o = shell("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo 'last' >&2;"
                                   "echo done >&3",
                                   (struct child_job){0}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(strlen(o.tail), CHILD_TAIL);
    assert_string_equal(o.tail + CHILD_TAIL - 6, "\nlast\n");
    assert_string_equal(r.text, "done");
}

static void a_reply_without_end_is_dropped_whole(void **unused)
{
    (void)unused;
    struct replies r = {0};
    struct child_outcome o = shell("(echo a; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo b;"
                                   " head -c 1048576 /dev/zero | tr '\\0' y; echo; echo c) >&3",
                                   (struct child_job){0}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(o.lost_lines, 1);
    assert_int_equal(r.count, 4);
    assert_int_equal(r.longest, CHILD_MAX_LINE);
}

static void a_hang_ends_at_its_limit(void **unused)
{
    (void)unused;
    struct replies r = {0};
    struct child_outcome o =
        shell("echo here >&3; sleep 60", (struct child_job){.timeout_s = 0.3}, &r);
    assert_int_equal(o.end, CHILD_TIMED_OUT);
    assert_true(o.elapsed_s >= 0.3);
    assert_true(o.elapsed_s < 10);
    assert_string_equal(r.text, "here");
    o = shell("exec 0<&- 1>&- 2>&- 3>&-; sleep 60", (struct child_job){.timeout_s = 0.3}, &r);
    assert_int_equal(o.end, CHILD_TIMED_OUT);
    assert_true(o.cpu_s < 0.25); /* it slept: and so did we, see the next test */
}

static double own_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void waiting_costs_no_processor_time(void **unused)
{
    (void)unused;
    double before = own_cpu_s();
    struct child_outcome o =
        shell("exec 1>&- 2>&- 3>&-; sleep 0.5", (struct child_job){0}, &(struct replies){0});
    assert_int_equal(o.end, CHILD_EXITED);
    /* a loop that never sleeps would take 0.5 s */
    assert_true(own_cpu_s() - before < 0.1);
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 100; i++) { /* whoever inherits it may take a while to reap it */
        char path[64], state = 'X';
        snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
        FILE *f = fopen(path, "r");
        int found = f ? fscanf(f, "%*d (%*[^)]) %c", &state) : 0;
        if (f)
            fclose(f);
        if (!found || state == 'Z' || state == 'X')
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

static void children_left_behind_die_too(void **unused)
{
    (void)unused;
    struct replies r = {0};
    /* the one left behind holds all pipes open */
    struct child_outcome o = shell("sleep 60 & echo $! >&3", (struct child_job){0}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_true(o.elapsed_s < 10);
    assert_true(atol(r.text) > 0);
    assert_true(is_gone((pid_t)atol(r.text)));
}

static void one_that_fled_the_group_does_not_hold_us_up(void **unused)
{
    (void)unused;
    struct child_outcome o =
        shell("setsid sh -c 'timeout 3 cat /dev/zero' & exit 3", (struct child_job){0}, NULL);
    assert_int_equal(o.code, 3);
    assert_true(o.elapsed_s < 3);
}

static void the_environment_is_set_on_top(void **unused)
{
    (void)unused;
    static const char *const env[] = {"ASSAY_TEST_NEW=1 2", "ASSAY_TEST_OLD=ours", NULL};
    struct replies r = {0};
    setenv("ASSAY_TEST_OLD", "theirs", 1);
    setenv("ASSAY_TEST_OLDER", "kept", 1);
    shell("env | grep ASSAY_TEST | sort >&3", (struct child_job){.env = env}, &r);
    assert_string_equal(r.text, "ASSAY_TEST_NEW=1 2|ASSAY_TEST_OLD=ours|ASSAY_TEST_OLDER=kept");
}

static void the_second_request_to_stop_kills(void **unused)
{
    (void)unused;
    struct stop stop;
    assert_int_equal(stop_open(&stop, NULL), OK);
    char script[128];
    snprintf(script, sizeof script, "kill -INT %ld; sleep 0.2; echo on >&3; exit 5",
             (long)getpid());
    struct replies r = {0};
    struct child_outcome o = shell(script, (struct child_job){.stop = &stop, .stop_at = 2}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(o.code, 5);
    assert_string_equal(r.text, "on");
    assert_int_equal(stop_asked(&stop), 1);
    snprintf(script, sizeof script, "kill -TERM %ld; sleep 60", (long)getpid());
    o = shell(script, (struct child_job){.stop = &stop, .stop_at = 2}, NULL);
    assert_int_equal(o.end, CHILD_INTERRUPTED);
    assert_true(o.elapsed_s < 10);
    stop_close(&stop);
}

static void the_child_does_not_inherit_blocked_signals(void **unused)
{
    (void)unused;
    struct stop stop;
    assert_int_equal(stop_open(&stop, NULL), OK);
    struct child_outcome o = shell("kill -TERM $$; sleep 60", (struct child_job){0}, NULL);
    assert_int_equal(o.end, CHILD_SIGNALLED);
    assert_int_equal(o.code, SIGTERM);
    stop_close(&stop);
}

/* A batch system sends SIGTERM to every process of a job. */
static void a_request_to_all_leaves_the_child_to_its_parent(void **unused)
{
    (void)unused;
    struct stop stop;
    assert_int_equal(stop_open(&stop, NULL), OK);
    struct replies r = {0};
    struct child_outcome o = shell("for s in TERM INT HUP; do kill -$s $$; done; echo on >&3",
                                   (struct child_job){.stop = &stop}, &r);
    assert_int_equal(o.end, CHILD_EXITED);
    assert_int_equal(o.code, 0);
    assert_string_equal(r.text, "on");
    stop_close(&stop);
}

static void a_program_that_is_not_there_is_named(void **unused)
{
    (void)unused;
    const char *argv[] = {"nothing", NULL};
    struct child_job job = {.program = "/nowhere/nothing", .argv = argv};
    struct child_outcome o;
    struct err err;
    assert_int_equal(child_run(&job, &o, &err), E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "/nowhere/nothing"));
}

static void no_descriptor_is_left_open(void **unused)
{
    (void)unused;
    int before = dup(0);
    close(before);
    for (int i = 0; i < 20; i++)
        shell("exit 0", (struct child_job){.input = "x"}, NULL);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_job_arrives_and_the_replies_come_back),
        cmocka_unit_test(an_unread_job_does_not_block),
        cmocka_unit_test(exit_codes_and_signals_are_told_apart),
        cmocka_unit_test(a_flood_keeps_only_its_end),
        cmocka_unit_test(a_reply_without_end_is_dropped_whole),
        cmocka_unit_test(a_hang_ends_at_its_limit),
        cmocka_unit_test(waiting_costs_no_processor_time),
        cmocka_unit_test(children_left_behind_die_too),
        cmocka_unit_test(one_that_fled_the_group_does_not_hold_us_up),
        cmocka_unit_test(the_environment_is_set_on_top),
        cmocka_unit_test(the_second_request_to_stop_kills),
        cmocka_unit_test(the_child_does_not_inherit_blocked_signals),
        cmocka_unit_test(a_request_to_all_leaves_the_child_to_its_parent),
        cmocka_unit_test(a_program_that_is_not_there_is_named),
        cmocka_unit_test(no_descriptor_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
