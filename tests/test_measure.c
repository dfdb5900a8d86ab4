/* A cell is checked before it is timed, and its status says what became of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/registry.h"

enum { SEED = 7, LLC_BYTES = 1000, ITERATIONS = 25 };

/* What the technique under test did, told by its task's own functions. */
struct tally {
    int prepared, released;
    size_t iterations;
    uint64_t first_draw;
};
static struct tally tally;

static void run(struct trial *t, size_t n)
{
    tally.iterations += n;
    t->items_done += param(t, "items") * (double)n;
}

static enum status prepare(struct trial *t, struct err *err)
{
    tally.prepared++;
    tally.first_draw = rng_u64(t->rng);
    t->footprint_bytes = (size_t)param(t, "footprint");
    if (!strcmp(t->v->name, "elsewhere"))
        return status_fail(err, E_SKIP, "needs a machine of another kind");
    if (!strcmp(t->v->name, "huge"))
        return E_NOMEM;
    if (!strcmp(t->v->name, "user"))
        trial_weights(t);
    if (!strcmp(t->v->name, "scalar"))
        t->isa = "ref";
    return OK;
}

static void fidelity(struct trial *t)
{
    if (param(t, "rows") > 0)
        trial_correctness(t, "distance", param(t, "value"), param(t, "bound"));
    trial_fidelity(t, NULL, "sqnr_db", 30, "fp64-exact", 0);
}

static struct work work(const struct trial *t)
{
    (void)t;
    return (struct work){.bytes_read = 1, .items = 2, .unit = "token"};
}

static void release(struct trial *t)
{
    (void)t;
    tally.released++;
}

static const char *skip_case(const struct variant *v, const struct matrix_case *c)
{
    (void)c;
    return strcmp(v->name, "no-such-case") ? NULL : "this format has no such size";
}

/* param: name of the variant, rows, value, bound. */
#define RIGHT                                                                                      \
    {"rows", 1}, {"value", 1},                                                                     \
    {                                                                                              \
        "bound", 2                                                                                 \
    }
static const struct variant variants[] = {
    {"right", "", run, 0, {RIGHT, {"items", 3}}},
    {"scalar", "", run, 0, {RIGHT}},
    {"user", "", run, 0, {RIGHT}},
    {"wrong", "", run, 0, {{"rows", 1}, {"value", 3}, {"bound", 2}}},
    {"nan", "", run, 0, {{"rows", 1}, {"value", NAN}, {"bound", 2}}},
    {"unbounded", "", run, 0, {{"rows", 1}, {"value", 3}, {"bound", INFINITY}}},
    {"unchecked", "", run, 0, {{0}}},
    {"no-such-case", "", run, 0, {RIGHT}},
    {"elsewhere", "", run, 0, {RIGHT}},
    {"huge", "", run, 0, {RIGHT}},
    {0}};
static const struct matrix_case cases[] = {{"small", SMOKE | CACHE, {{"footprint", 100}}}, {0}};
static const struct task task = {"task", variants, cases,   prepare,
                                 work,   fidelity, release, skip_case};

static struct block small_block(void)
{
    return (struct block){.task = &task,
                          .c = &cases[0],
                          .threads = 1,
                          .seed = SEED,
                          .llc_bytes = LLC_BYTES,
                          .iterations = ITERATIONS};
}

static struct cell measure(const char *name)
{
    struct block b = small_block();
    struct cell cell;
    tally = (struct tally){0};
    measure_cell(&b, task_variant(&task, name), &cell);
    return cell;
}

static void a_right_cell_is_timed_after_one_run_and_counts_its_items(void **unused)
{
    (void)unused;
    struct cell cell = measure("right");
    assert_int_equal(cell.status, CELL_OK);
    assert_string_equal(cell.reason.text, "");
    assert_int_equal(tally.iterations, 1 + ITERATIONS);
    assert_int_equal(cell.sample.iterations, ITERATIONS);
    assert_true(cell.sample.items == 3.0 * ITERATIONS); /* not those of the first run */
    assert_true(cell.sample.elapsed_ns > 0);
    assert_int_equal(cell.findings.n, 2);
    assert_int_equal(cell.mode, MODE_WARM);
    assert_int_equal(cell.footprint_bytes, 100);
    assert_int_equal(tally.released, 1);
    cell_free(&cell);
}

static void items_that_run_does_not_count_come_from_the_work(void **unused)
{
    (void)unused;
    struct cell cell = measure("scalar");
    assert_true(cell.sample.items == 2.0 * ITERATIONS);
    cell_free(&cell);
}

static void a_cell_that_is_wrong_or_unchecked_is_never_timed(void **unused)
{
    (void)unused;
    static const struct {
        const char *variant, *reason;
    } rows[] = {{"wrong", "distance is 3, bound 2"},
                {"nan", "distance is nan, bound 2"},
                {"unbounded", "distance is 3, bound inf"},
                {"unchecked", "the technique reported no correctness"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cell cell = measure(rows[i].variant);
        assert_int_equal(cell.status, CELL_INVALID);
        assert_string_equal(cell.reason.text, rows[i].reason);
        assert_int_equal(tally.iterations, 1);
        assert_int_equal(cell.sample.iterations, 0);
        assert_true(cell.ran); /* its work and findings are still results */
        assert_int_equal(tally.released, 1);
        cell_free(&cell);
    }
}

static void a_cell_that_cannot_run_says_why_and_is_released(void **unused)
{
    (void)unused;
    static const struct {
        const char *variant, *reason;
        enum cell_status status;
        int prepared;
    } rows[] = {{"no-such-case", "this format has no such size", CELL_SKIPPED, 0},
                {"elsewhere", "needs a machine of another kind", CELL_SKIPPED, 1},
                {"huge", "out of memory", CELL_FAILED, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cell cell = measure(rows[i].variant);
        assert_int_equal(cell.status, rows[i].status);
        assert_string_equal(cell.reason.text, rows[i].reason);
        assert_int_equal(tally.prepared, rows[i].prepared);
        assert_int_equal(tally.released, rows[i].prepared);
        assert_int_equal(tally.iterations, 0);
        assert_false(cell.ran);
        cell_free(&cell);
    }
}

static void every_variant_draws_the_same_data(void **unused)
{
    (void)unused;
    struct rng rng = {SEED};
    uint64_t draw = rng_u64(&rng);
    static const char *const names[] = {"right", "scalar", "wrong", "right"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct cell cell = measure(names[i]);
        assert_true(tally.first_draw == draw);
        cell_free(&cell);
    }
}

static void the_record_names_the_instruction_set_of_the_kernel(void **unused)
{
    (void)unused;
    struct block b = small_block();
    struct cell cell;
    b.features = ~0u;
    measure_cell(&b, &variants[0], &cell);
    assert_string_not_equal(cell.isa, "ref");
    cell_free(&cell);
    measure_cell(&b, &variants[1], &cell);
    assert_string_equal(cell.isa, "ref");
    cell_free(&cell);
}

static void warm_and_cold_are_judged_by_the_footprint(void **unused)
{
    (void)unused;
    static const struct {
        double footprint;
        size_t llc_bytes;
        const char *mode;
    } rows[] = {{1000, 1000, "warm"}, {1001, 1000, NULL}, {3999, 1000, NULL},
                {4000, 1000, "cold"}, {0, 1000, NULL},    {4000, 0, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct matrix_case c = {"c", 0, {{"footprint", rows[i].footprint}}};
        struct block b = small_block();
        b.c = &c;
        b.llc_bytes = rows[i].llc_bytes;
        struct cell cell;
        measure_cell(&b, &variants[0], &cell);
        const char *mode = cell_mode_name(cell.mode);
        if ((mode != NULL) != (rows[i].mode != NULL) || (mode && strcmp(mode, rows[i].mode)))
            fail_msg("%g bytes, cache %zu: %s", rows[i].footprint, rows[i].llc_bytes,
                     mode ? mode : "neither");
        cell_free(&cell);
    }
}

static void the_data_hash_tells_seeds_and_weights_apart(void **unused)
{
    (void)unused;
    struct block a = small_block(), b = small_block();
    assert_true(block_data_hash(&a, false) == block_data_hash(&b, false));
    b.seed++;
    assert_true(block_data_hash(&a, false) != block_data_hash(&b, false));
    /* FNV-1a's published value for "foobar". */
    struct tensor weights = {
        .dtype = DTYPE_U8, .rank = 1, .shape = {6}, .count = 6, .data = "foobar"};
    a.weights = &weights;
    assert_true(block_data_hash(&a, true) == 0x85944171f73967e8u);
    assert_true(block_data_hash(&a, false) != block_data_hash(&a, true));
}

static void only_a_cell_that_took_the_weights_is_recorded_as_theirs(void **unused)
{
    (void)unused;
    static const float values[4];
    const struct tensor weights = {
        .dtype = DTYPE_F32, .rank = 2, .shape = {2, 2}, .count = 4, .data = values};
    static const struct {
        const char *variant;
        bool given, taken;
    } rows[] = {{"user", true, true}, {"user", false, false}, {"right", true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct block b = small_block();
        struct cell cell;
        b.weights = rows[i].given ? &weights : NULL;
        measure_cell(&b, task_variant(&task, rows[i].variant), &cell);
        assert_int_equal(cell.status, CELL_OK);
        assert_int_equal(cell.weights_taken, rows[i].taken);
        cell_free(&cell);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_cell_is_timed_after_one_run_and_counts_its_items),
        cmocka_unit_test(items_that_run_does_not_count_come_from_the_work),
        cmocka_unit_test(a_cell_that_is_wrong_or_unchecked_is_never_timed),
        cmocka_unit_test(a_cell_that_cannot_run_says_why_and_is_released),
        cmocka_unit_test(every_variant_draws_the_same_data),
        cmocka_unit_test(the_record_names_the_instruction_set_of_the_kernel),
        cmocka_unit_test(warm_and_cold_are_judged_by_the_footprint),
        cmocka_unit_test(the_data_hash_tells_seeds_and_weights_apart),
        cmocka_unit_test(only_a_cell_that_took_the_weights_is_recorded_as_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
