/* Two bench documents with known differences: each is found, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/compare.h"
#include "bench/comparison.h"
#include "datasets/document.h"
#include "numerics/rng.h"

enum { ROUNDS = 12 };

struct made {
    size_t n, rounds, slow, fast; /* which cells are 8 % slower, 10 % faster; SIZE_MAX: none */
    double bytes;                 /* read by cell 0 */
    uint64_t seed;
};

/* Cells of 1 ms with 0.4 % of scatter. */
static struct json *make(struct made m)
{
    struct rng rng = {m.seed};
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "bench");
    json_add_string(json_add_object(document, "machine"), "fingerprint", "f");
    struct json *cells = json_add_array(document, "cells");
    for (size_t i = 0; i < m.n; i++) {
        char path[64];
        double factor = i == m.slow ? 1.08 : i == m.fast ? 0.9 : 1;
        struct json *cell = json_add_object(cells, NULL);
        snprintf(path, sizeof path, "t/k/v%zu/c", i);
        json_add_string(cell, "path", path);
        json_add_u64(cell, "threads", 1);
        json_add_u64(cell, "ranks", 1);
        json_add_string(cell, "status", "ok");
        json_add_number(json_add_object(cell, "work"), "bytes_read", i ? 10 : m.bytes);
        struct json *samples = json_add_array(cell, "samples");
        for (size_t r = 0; r < m.rounds; r++) {
            struct json *s = json_add_object(samples, NULL);
            json_add_u64(s, "round", r);
            json_add_number(s, "elapsed_ns", 1e8 * factor * exp(0.004 * rng_normal(&rng)));
            json_add_u64(s, "iterations", 100);
        }
    }
    return document;
}

static struct json *compare(struct made base, struct made new)
{
    struct json *a = make(base), *b = make(new), *out = json_new_object();
    assert_int_equal(compare_stored(a, "a", b, "b", 0.03, out, NULL), OK);
    json_free(a);
    json_free(b);
    return out;
}

static double sum_of(const struct json *document, const char *verdict)
{
    return json_get_number(json_get(document, "summary"), verdict, NAN);
}

static const struct json *cell(const struct json *document, size_t i)
{
    const struct json *c = json_first(json_get(document, "cells"));
    while (i--)
        c = json_next(c);
    return c;
}

static const struct made even = {30, ROUNDS, SIZE_MAX, SIZE_MAX, 10, 1};

static void one_slow_and_one_fast_cell_are_found_and_no_other(void **unused)
{
    (void)unused;
    struct made new = even;
    new.seed = 2;
    new.slow = 7;
    new.fast = 11;
    struct json *d = compare(even, new);
    assert_true(sum_of(d, "slower") == 1 && sum_of(d, "faster") == 1);
    assert_true(sum_of(d, "equivalent") == 28);
    assert_string_equal(json_get_string(cell(d, 7), "verdict", ""), "slower");
    assert_string_equal(json_get_string(cell(d, 11), "verdict", ""), "faster");
    assert_string_equal(json_get_string(cell(d, 0), "evidence", ""), "stored");
    json_free(d);
}

static void few_rounds_are_called_so_and_one_round_decides_nothing(void **unused)
{
    (void)unused;
    struct made base = even, new = even;
    base.rounds = new.rounds = 1;
    new.slow = 3;
    struct json *d = compare(base, new);
    assert_true(sum_of(d, "unresolved") == 30);
    assert_string_equal(json_get_string(cell(d, 3), "evidence", ""), "few-rounds");
    assert_true(json_get_number(cell(d, 3), "more_rounds", 0) == COMPARISON_ROUNDS - 1);
    json_free(d);
}

static void an_unresolved_cell_asks_for_what_its_interval_needs(void **unused)
{
    (void)unused;
    struct comparison_cell c = {
        .path = "x",
        .n_base = 16,
        .n_new = 16,
        .ratio = {.estimate = 1, .low = exp(-0.08), .high = exp(0.08), .level = 0.96, .n = 16},
        .p = 1};
    /* half a width of 0.08 must become 0.02: a factor of 4, so 16 times the rounds */
    assert_int_equal(comparison_judge(&c, 1, expm1(0.02), NULL), OK);
    assert_int_equal(c.verdict, UNRESOLVED);
    /* one more where rounding takes the quotient over a whole number */
    assert_true(c.more == 15 * 16 || c.more == 15 * 16 + 1);
}

static void bytes_are_compared_exactly_and_lonely_cells_are_listed(void **unused)
{
    (void)unused;
    struct made new = even;
    new.n = 32;
    new.bytes = nextafter(10, 11);
    struct json *d = compare(even, new);
    const struct json *change = json_first(json_get(cell(d, 0), "changes"));
    assert_true(sum_of(d, "changed") == 1);
    assert_string_equal(json_get_string(change, "metric", ""), "bytes_read");
    assert_true(json_get_number(change, "new", 0) == nextafter(10, 11));
    assert_int_equal(json_size(json_get(d, "unmatched")), 2);
    assert_string_equal(json_get_string(json_first(json_get(d, "unmatched")), "path", ""),
                        "t/k/v30/c");
    json_free(d);
}

static void a_cell_that_stands_twice_is_bad_data(void **unused)
{
    (void)unused;
    struct json *a = make(even), *out = json_new_object();
    const struct json *cells = json_get(a, "cells");
    struct json *twice = json_new_object(), *list = json_add_array(twice, "cells");
    json_add(list, NULL, json_copy(json_first(cells)));
    json_add(list, NULL, json_copy(json_first(cells)));
    assert_int_equal(compare_stored(twice, "a", a, "b", 0.03, out, NULL), E_FORMAT);
    json_free(twice);
    json_free(a);
    json_free(out);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void two_thousand_cells_take_less_than_a_second(void **unused)
{
    (void)unused;
    struct made base = even, new = even;
    base.n = new.n = 2000;
    new.seed = 9;
    new.slow = 1234;
    struct json *a = make(base), *b = make(new), *out = json_new_object();
    char *old_text = NULL, *new_text = NULL;
    assert_int_equal(json_print(a, true, &old_text, NULL), OK);
    assert_int_equal(json_print(b, true, &new_text, NULL), OK);
    json_free(a);
    json_free(b);
    double begun = seconds_now();
    assert_int_equal(json_parse(old_text, strlen(old_text), "a", &a, NULL), OK);
    assert_int_equal(json_parse(new_text, strlen(new_text), "b", &b, NULL), OK);
    assert_int_equal(compare_stored(a, "a", b, "b", 0.03, out, NULL), OK);
    double took = seconds_now() - begun;
    print_message("2000 cells: %.3f s of processor time\n", took);
#if defined(NDEBUG) /* the aim is for the program as it is used, not under a sanitizer */
    assert_true(took < 1);
#endif
    assert_true(sum_of(out, "slower") == 1 && sum_of(out, "faster") == 0);
    free(old_text);
    free(new_text);
    json_free(a);
    json_free(b);
    json_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slow_and_one_fast_cell_are_found_and_no_other),
        cmocka_unit_test(few_rounds_are_called_so_and_one_round_decides_nothing),
        cmocka_unit_test(an_unresolved_cell_asks_for_what_its_interval_needs),
        cmocka_unit_test(bytes_are_compared_exactly_and_lonely_cells_are_listed),
        cmocka_unit_test(a_cell_that_stands_twice_is_bad_data),
        cmocka_unit_test(two_thousand_cells_take_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
