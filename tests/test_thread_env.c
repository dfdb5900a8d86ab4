/* A child's threads are counted and pinned as asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bench/thread_env.h"

static void every_variable_says_what_was_asked(void **unused)
{
    (void)unused;
    int pus[] = {4, 2, 5};
    struct machine m = {.pus = pus, .n_pus = 3, .n_cores = 2};
    struct thread_env env;
    static const char *const wanted[] = {"OMP_PLACES={4},{2}",      "OMP_NUM_THREADS=2",
                                         "OPENBLAS_NUM_THREADS=2",  "OMP_PROC_BIND=close",
                                         "OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=30000",
                                         "KMP_BLOCKTIME=1"};
    assert_int_equal(thread_env_make(&m, 2, &env, NULL), OK);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_string_equal(env.names[i], wanted[i]);
    assert_null(env.names[sizeof wanted / sizeof wanted[0]]);
}

static void more_threads_than_processors_are_refused(void **unused)
{
    (void)unused;
    int pus[] = {0, 1};
    struct machine m = {.pus = pus, .n_pus = 2, .n_cores = 2};
    struct thread_env env;
    struct err err;
    assert_int_equal(thread_env_make(&m, 3, &env, &err), E_USAGE);
    assert_int_equal(thread_env_make(&m, 0, &env, &err), E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variable_says_what_was_asked),
        cmocka_unit_test(more_threads_than_processors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
