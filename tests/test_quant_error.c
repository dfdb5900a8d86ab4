/* quant-error reports of each matrix what coding it by hand gives, whatever the threads and the
 * shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/analysis.h"
#include "datasets/document.h"
#include "datasets/safetensors.h"
#include "datasets/synthetic.h"
#include "numerics/cpu.h"
#include "numerics/formats/scalar_format.h"
#include "tests/scratch.h"

enum { ROWS = 100, COLS = 70, LONG_COLS = 150000, SEED = 3 };

static const struct analysis *analysis(void)
{
    for (const struct analysis *const *a = analyses; *a; a++)
        if (!strcmp((*a)->name, "quant-error"))
            return *a;
    fail_msg("there is no quant-error");
    return NULL;
}

static float *draws(enum synthetic_kind kind, size_t n)
{
    struct rng rng = {SEED};
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    synthetic_fill(kind, &(struct synthetic_params){.df = 5}, &rng, x, n);
    return x;
}

static struct tensor matrix(const char *name, const float *x, size_t rows, size_t cols)
{
    return (struct tensor){name, DTYPE_F32, 2, {rows, cols}, rows * cols, x};
}

static const char *write_checkpoint(const char *name, const struct tensor *tensors, size_t n)
{
    void *bytes;
    size_t n_bytes;
    struct err err;
    assert_int_equal(safetensors_encode(tensors, n, NULL, &bytes, &n_bytes, &err), OK);
    const char *path = scratch_path(name);
    assert_int_equal(document_write_bytes(path, bytes, n_bytes, &err), OK);
    free(bytes);
    return path;
}

/* options: in the order of the analysis's table, NULL for the default. */
static enum status run_with(const char *path, const char *const *options, int threads,
                            struct progress *progress, struct json **out, struct err *err)
{
    const struct analysis *a = analysis();
    const char *values[8];
    for (size_t i = 0; a->options[i].name; i++)
        values[i] = options && options[i] ? options[i] : a->options[i].otherwise;
    const struct analysis_request request = {.inputs = &path,
                                             .n_inputs = path != NULL,
                                             .options = values,
                                             .features = cpu_features(),
                                             .threads = threads,
                                             .seed = SEED,
                                             .progress = progress};
    *out = json_new_object();
    return a->run(a, &request, *out, err);
}

static struct json *run_ok(const char *path, const char *const *options, int threads)
{
    struct json *document;
    struct err err;
    if (run_with(path, options, threads, NULL, &document, &err))
        fail_msg("%s: %s", path, err.text);
    return document;
}

static const struct json *record(const struct json *document, const char *tensor,
                                 const char *format, const char *scaling)
{
    const struct json *r = json_first(json_get(document, "records"));
    for (; r; r = json_next(r))
        if (!strcmp(json_get_string(r, "tensor", ""), tensor) &&
            !strcmp(json_get_string(r, "format", ""), format) &&
            !strcmp(json_get_string(r, "scaling", ""), scaling))
            return r;
    fail_msg("no record of %s in %s, %s", tensor, format, scaling);
    return NULL;
}

/* R of coding and decoding by the interchange functions, and the sums in plain double. */
static double ratio_by_hand(const float *x, size_t rows, size_t cols, const char *name,
                            const struct scaling *scaling, size_t block)
{
    const struct scalar_format *format = scalar_formats;
    while (strcmp(format->name, name))
        format++;
    struct codebook codebook;
    struct err err;
    size_t together = block == BLOCK_TENSOR ? rows * cols : block == BLOCK_CHANNEL ? cols : block;
    assert_int_equal(scalar_format_codebook(format, scaling->rule, together, 0, &codebook, &err),
                     OK);
    struct block_format f = {.codebook = &codebook,
                             .rule = scaling->rule,
                             .scale_format = SCALE_BF16,
                             .block = block,
                             .multiplier = 1};
    struct block_kernels kernels = block_kernels_pick(0);
    uint8_t *codes = malloc(rows * cols);
    float *scales = malloc(block_format_scales(&f, rows, cols) * sizeof *scales);
    float *y = malloc(rows * cols * sizeof *y);
    assert_true(codes && scales && y);
    block_format_encode(&f, &kernels, x, rows, cols, codes, scales);
    block_format_decode(&f, codes, scales, rows, cols, y);
    double error = 0, squares = 0;
    for (size_t i = 0; i < rows * cols; i++) {
        error += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
        squares += (double)x[i] * x[i];
    }
    free(codes);
    free(scales);
    free(y);
    return sqrt(error / squares);
}

static void each_cell_equals_coding_by_hand(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_STUDENT_T, ROWS * COLS);
    struct tensor t = matrix("w", x, ROWS, COLS);
    const char *options[8] = {"int4,nf4,crd-normal4,e4m3",
                              "block-absmax,channel-absmax,tensor-rms,tensor-absmax", NULL, NULL};
    struct json *d = run_ok(write_checkpoint("a.safetensors", &t, 1), options, 2);
    static const char *const formats[] = {"int4", "nf4", "crd-normal4", "e4m3"};
    for (size_t f = 0; f < 4; f++)
        for (const struct scaling *s = scalings; s->name; s++) {
            if (s->rule >= SCALE_SIGNMAX || (s->rule == SCALE_RMS && s->block != BLOCK_TENSOR) ||
                (s->rule == SCALE_RMS && f == 1))
                continue;
            size_t block = s->block == 1 ? 64 : s->block;
            double hand = ratio_by_hand(x, ROWS, COLS, formats[f], s, block);
            double r = json_get_number(record(d, "w", formats[f], s->name), "r", NAN);
            /* both sum 7,000 terms in double */
            if (!(fabs(r - hand) <= 1e-11 * hand))
                fail_msg("%s, %s, seed %d: R is %.15g, by hand %.15g", formats[f], s->name, SEED, r,
                         hand);
        }
    json_free(d);
    free(x);
}

static void bits_count_every_scale_and_the_ragged_tail(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    struct tensor t = matrix("w", x, ROWS, COLS);
    const char *options[8] = {"int4,crd-t4", "block-absmax,channel-absmax,tensor-rms", NULL, NULL};
    struct json *d = run_ok(write_checkpoint("a.safetensors", &t, 1), options, 1);
    double n = ROWS * COLS;
    const struct json *r = record(d, "w", "int4", "block-absmax");
    assert_true(json_get_number(r, "bits", 0) == 4 + 2 * ROWS * 16 / n); /* 64 + 6 of 70 */
    assert_true(json_get_number(r, "tail", 0) == 6);
    assert_true(json_get_number(record(d, "w", "int4", "channel-absmax"), "bits", 0) ==
                4 + ROWS * 16 / n);
    assert_true(json_get_number(record(d, "w", "int4", "tensor-rms"), "bits", 0) == 4 + 16 / n);
    /* the fitted df is kept too */
    assert_true(json_get_number(record(d, "w", "crd-t4", "tensor-rms"), "bits", 0) ==
                4 + (16 + 32) / n);
    json_free(d);
    free(x);
}

static void threads_do_not_change_a_bit(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_LAPLACE, 3 * (size_t)LONG_COLS);
    struct tensor t = matrix("long", x, 3, LONG_COLS); /* a row is more than a part */
    const char *path = write_checkpoint("a.safetensors", &t, 1);
    struct json *one = run_ok(path, NULL, 1), *three = run_ok(path, NULL, 3);
    char *a, *b;
    assert_int_equal(json_print(one, false, &a, NULL), OK);
    assert_int_equal(json_print(three, false, &b, NULL), OK);
    assert_string_equal(a, b);
    free(a);
    free(b);
    json_free(one);
    json_free(three);
    free(x);
}

/* In blocks a row's own scale is taken out, so blocks of normal weights are coded best as normal,
 * however different the rows are. */
static void a_fitted_t_is_never_worse_than_its_normal_limit(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++)
            x[r * COLS + c] *= expf(0.05f * (float)r);
    struct tensor t = matrix("w", x, ROWS, COLS);
    const char *options[8] = {"int4,crd-t4,crd-normal4", "block-absmax", NULL, NULL};
    struct json *d = run_ok(write_checkpoint("a.safetensors", &t, 1), options, 2);
    double fitted = json_get_number(record(d, "w", "crd-t4", "block-absmax"), "r", NAN);
    double normal = json_get_number(record(d, "w", "crd-normal4", "block-absmax"), "r", NAN);
    double integer = json_get_number(record(d, "w", "int4", "block-absmax"), "r", NAN);
    assert_true(json_get_number(record(d, "w", "crd-t4", "block-absmax"), "df", 0) > 20);
    /* t(100), the last candidate, is within a hundredth of the normal */
    assert_true(fitted <= 1.01 * normal);
    assert_true(fitted < integer);
    json_free(d);
    free(x);
}

static void what_is_no_weight_matrix_is_skipped_by_name(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, 64);
    struct tensor tensors[] = {
        matrix("w", x, 8, 8),
        {"norm", DTYPE_F32, 1, {8}, 8, x},
        {"ids", DTYPE_I32, 2, {2, 4}, 8, x},
        {"empty", DTYPE_F32, 2, {0, 4}, 0, x},
    };
    struct json *d = run_ok(write_checkpoint("a.safetensors", tensors, 4), NULL, 1);
    const struct json *skipped = json_get(json_get(d, "summary"), "skipped");
    assert_int_equal(json_size(skipped), 3);
    for (const struct json *s = json_first(skipped); s; s = json_next(s)) {
        const char *name = json_get_string(s, "tensor", ""),
                   *reason = json_get_string(s, "reason", "");
        if (!strcmp(name, "norm"))
            assert_string_equal(reason, "not a matrix");
        else if (!strcmp(name, "ids"))
            assert_string_equal(reason, "not floating point");
        else
            assert_string_equal(reason, "empty");
    }
    json_free(d);
    free(x);
}

static void values_that_are_not_finite_leave_no_number(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    float *clean = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    x[5] = NAN;
    x[77] = INFINITY;
    struct tensor tensors[] = {matrix("bad", x, ROWS, COLS), matrix("good", clean, ROWS, COLS)};
    struct json *d = run_ok(write_checkpoint("a.safetensors", tensors, 2), NULL, 2);
    const struct json *r = record(d, "bad", "int4", "block-absmax");
    assert_int_equal(json_type(json_get(r, "r")), JSON_NULL);
    assert_string_equal(json_get_string(r, "reason", ""), "2 elements are not finite");
    const struct json *f = json_first(json_get(json_get(d, "summary"), "formats"));
    assert_true(json_get_number(f, "tensors", 0) == 1);
    assert_true(json_get_number(f, "left_out", 0) == 1);
    json_free(d);
    free(x);
    free(clean);
}

static void zeros_are_coded_without_error(void **unused)
{
    (void)unused;
    float *x = calloc(ROWS * COLS, sizeof *x);
    struct tensor t = matrix("zeros", x, ROWS, COLS);
    const char *options[8] = {"int4,e2m1", NULL, NULL, NULL};
    struct json *d = run_ok(write_checkpoint("a.safetensors", &t, 1), options, 1);
    assert_true(json_get_number(record(d, "zeros", "int4", "block-absmax"), "r", NAN) == 0);
    /* an infinite SQNR is null with a reason */
    const struct json *r = record(d, "zeros", "int4", "block-absmax");
    assert_int_equal(json_type(json_get(r, "sqnr_db")), JSON_NULL);
    assert_non_null(json_get(r, "sqnr_db_reason"));
    json_free(d);
    free(x);
}

static void wrong_options_name_what_is_wrong(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, 64);
    struct tensor t = matrix("w", x, 8, 8);
    const char *path = write_checkpoint("a.safetensors", &t, 1);
    static const struct {
        const char *options[8], *word;
    } cases[] = {{{"int4,bogus"}, "bogus"},      {{NULL, "block-median"}, "block-median"},
                 {{NULL, NULL, "64,3"}, "'3'"},  {{NULL, NULL, "64,,32"}, "empty"},
                 {{NULL, NULL, "-64"}, "-64"},   {{NULL, NULL, NULL, "fp7"}, "fp7"},
                 {{"nf4", "tensor-rms"}, "none"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json *d;
        struct err err = {{0}};
        assert_int_equal(run_with(path, cases[i].options, 1, NULL, &d, &err), E_USAGE);
        if (!strstr(err.text, cases[i].word))
            fail_msg("'%s' does not name '%s'", err.text, cases[i].word);
        json_free(d);
    }
    struct json *d;
    struct err err;
    assert_int_equal(run_with(NULL, NULL, 1, NULL, &d, &err), E_USAGE);
    assert_non_null(strstr(err.text, "sample.safetensors"));
    json_free(d);
    struct tensor vector = {"norm", DTYPE_F32, 1, {8}, 8, x};
    assert_int_equal(
        run_with(write_checkpoint("b.safetensors", &vector, 1), NULL, 1, NULL, &d, &err), E_FORMAT);
    json_free(d);
    free(x);
}

static bool stop_at_once(struct progress *self, double done, const char *what)
{
    (void)self;
    (void)what;
    assert_true(done >= 0 && done <= 1);
    return false;
}

static void an_interrupt_ends_it(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, 64);
    struct tensor t = matrix("w", x, 8, 8);
    struct progress progress = {stop_at_once};
    struct json *d;
    struct err err;
    assert_int_equal(
        run_with(write_checkpoint("a.safetensors", &t, 1), NULL, 1, &progress, &d, &err),
        E_INTERRUPTED);
    json_free(d);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(each_cell_equals_coding_by_hand),
        IN_SCRATCH(bits_count_every_scale_and_the_ragged_tail),
        IN_SCRATCH(threads_do_not_change_a_bit),
        IN_SCRATCH(a_fitted_t_is_never_worse_than_its_normal_limit),
        IN_SCRATCH(what_is_no_weight_matrix_is_skipped_by_name),
        IN_SCRATCH(values_that_are_not_finite_leave_no_number),
        IN_SCRATCH(zeros_are_coded_without_error),
        IN_SCRATCH(wrong_options_name_what_is_wrong),
        IN_SCRATCH(an_interrupt_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
