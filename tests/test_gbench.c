/* Google Benchmark's C face gives one raw sample of exactly what was run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/gbench.h"

struct counted {
    size_t calls, iterations, last; /* last: iterations of the latest call */
    double items;
    double sleep_ns; /* of one iteration */
};

static void count(void *context, size_t n)
{
    struct counted *c = context;
    c->calls++;
    c->iterations += n;
    c->last = n;
    c->items += 3 * (double)n;
    if (c->sleep_ns > 0) {
        double ns = c->sleep_ns * (double)n;
        struct timespec pause = {(time_t)(ns / 1e9), (long)(ns - 1e9 * (double)(time_t)(ns / 1e9))};
        nanosleep(&pause, NULL);
    }
}

static void fixed_iterations_are_run_exactly_once(void **unused)
{
    (void)unused;
    static const size_t counts[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct counted c = {0};
        struct gbench job = {
            .run = count, .context = &c, .items = &c.items, .iterations = counts[i]};
        struct gbench_sample sample;
        assert_int_equal(gbench_time(&job, &sample, NULL), OK);
        assert_int_equal(c.iterations, counts[i]);
        assert_int_equal(c.calls, 1);
        assert_int_equal(sample.iterations, counts[i]);
        assert_true(sample.items == 3 * (double)counts[i]);
        assert_true(sample.elapsed_ns > 0);
    }
}

static void a_sample_by_time_is_the_last_run_and_lasts_long_enough(void **unused)
{
    (void)unused;
    struct counted c = {.sleep_ns = 1e6};
    struct gbench job = {.run = count, .context = &c, .items = &c.items, .min_time_s = 0.02};
    struct gbench_sample sample;
    assert_int_equal(gbench_time(&job, &sample, NULL), OK);
    assert_int_equal(sample.iterations, c.last);
    assert_true(c.iterations > c.last); /* the runs before it are not in the sample */
    assert_true(sample.items == 3 * (double)c.last);
    assert_true(sample.elapsed_ns >= 0.02e9);
    /* nanosleep() never sleeps less than asked. */
    assert_true(sample.elapsed_ns >= 1e6 * (double)sample.iterations);
}

static void nothing_is_printed_whatever_the_environment_says(void **unused)
{
    (void)unused;
    /* The library reads its environment when the process starts, so this needs a new one. */
    static const char *const words[] = {"BENCHMARK_LIST_TESTS=true", "BENCHMARK_FILTER=nothing",
                                        "BENCHMARK_REPETITIONS=5",
                                        "BENCHMARK_OUT=gbench-must-not-write-this"};
    char command[1024] = "env", path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = 0;
    size_t at = 3;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        at += (size_t)snprintf(command + at, sizeof command - at, " %s", words[i]);
    snprintf(command + at, sizeof command - at, " '%s' quiet 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char text[256] = "";
    size_t got = fread(text, 1, sizeof text - 1, pipe);
    text[got] = 0;
    int exit_status = pclose(pipe);
    assert_string_equal(text, "");
    assert_int_equal(exit_status, 0);
    assert_int_equal(access("gbench-must-not-write-this", F_OK), -1);
}

static void a_job_without_an_end_is_refused(void **unused)
{
    (void)unused;
    struct counted c = {0};
    struct gbench job = {.run = count, .context = &c};
    struct gbench_sample sample = {.iterations = 99};
    struct err err;
    assert_int_equal(gbench_time(&job, &sample, &err), E_USAGE);
    assert_int_equal(sample.iterations, 99);
    assert_int_equal(c.calls, 0);
}

/* One sample, and an exit code that says whether it was right. */
static int run_quietly(void)
{
    struct counted c = {0};
    struct gbench job = {.run = count, .context = &c, .iterations = 10};
    struct gbench_sample sample;
    return gbench_time(&job, &sample, NULL) || c.iterations != 10;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return run_quietly();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_iterations_are_run_exactly_once),
        cmocka_unit_test(a_sample_by_time_is_the_last_run_and_lasts_long_enough),
        cmocka_unit_test(nothing_is_printed_whatever_the_environment_says),
        cmocka_unit_test(a_job_without_an_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
