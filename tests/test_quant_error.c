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

/* A format under blocks of 64 or one scale for the tensor, with moment scales. */
static struct block_format format_of(const char *name, const char *scaling, size_t rows,
                                     size_t cols, struct codebook *codebook)
{
    const struct scaling *s = scaling_find(scaling);
    size_t block = s->block == 1 ? 64 : s->block;
    struct err err;
    assert_int_equal(scalar_format_codebook(scalar_format_find(name), s->rule,
                                            block == BLOCK_TENSOR ? rows * cols : block, 0,
                                            codebook, &err),
                     OK);
    return (struct block_format){.codebook = codebook,
                                 .rule = s->rule,
                                 .scale_format = SCALE_BF16,
                                 .block = block,
                                 .multiplier = 1};
}

static void searched_scales_are_those_of_the_search_by_hand(void **unused)
{
    (void)unused;
    static const char *const names[] = {"int3", "crd-normal4", "e2m1"}, *const used[] = {
                                                                            "block-absmax",
                                                                            "tensor-rms"};
    float *x = draws(SYNTHETIC_STUDENT_T, ROWS * COLS);
    struct tensor t = matrix("w", x, ROWS, COLS);
    const char *path = write_checkpoint("a.safetensors", &t, 1);
    const char *options[8] = {"int3,crd-normal4,e2m1,crd-t3,km2,mxfp4", "block-absmax,tensor-rms",
                              NULL, NULL, "yes"};
    struct json *d = run_ok(path, options, 2);
    options[4] = NULL;
    struct json *moments = run_ok(path, options, 2);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++) {
            struct codebook codebook;
            struct block_format f = format_of(names[i], used[j], ROWS, COLS, &codebook);
            struct block_kernels kernels = block_kernels_pick(0);
            double hand = sqrt(block_format_search(&f, &kernels, x, ROWS, COLS).error);
            const struct json *r = record(d, "w", names[i], used[j]),
                              *m = record(moments, "w", names[i], used[j]);
            double squares = 0;
            for (size_t k = 0; k < ROWS * COLS; k++)
                squares += (double)x[k] * x[k];
            double got = json_get_number(r, "r", NAN) * sqrt(squares);
            if (!(fabs(got - hand) <= 1e-11 * hand) ||
                json_get_number(r, "multiplier", 0) != f.multiplier)
                fail_msg("%s, %s: %.15g at %g, by hand %.15g at %g", names[i], used[j], got,
                         json_get_number(r, "multiplier", 0), hand, f.multiplier);
            assert_true(json_get_number(r, "r", 2) <= json_get_number(m, "r", -1));
            /* what was fitted is kept: 32 bits */
            assert_true(fabs(json_get_number(r, "bits", 0) - json_get_number(m, "bits", 0) -
                             32.0 / (ROWS * COLS)) < 1e-12);
            assert_null(json_get(m, "multiplier"));
        }
    /* A df is fitted together with a multiplier of which 1 is one; neither can make it worse. */
    const struct json *t3 = record(d, "w", "crd-t3", "tensor-rms");
    assert_true(json_get_number(t3, "r", 2) <=
                json_get_number(record(moments, "w", "crd-t3", "tensor-rms"), "r", -1));
    assert_true(json_get_number(t3, "df", 0) >= 3 && json_get_number(t3, "multiplier", 0) > 0);
    /* A name fixes its scales, and fitted levels have no better ones. */
    assert_null(json_get(record(d, "w", "mxfp4", "block-floor"), "multiplier"));
    assert_null(json_get(record(d, "w", "km2", "block-absmax"), "multiplier"));
    json_free(d);
    json_free(moments);
    free(x);
}

static const struct json *total_of(const struct json *document, const char *format,
                                   const char *scaling)
{
    const struct json *f = json_first(json_get(json_get(document, "summary"), "formats"));
    while (f && (strcmp(json_get_string(f, "format", ""), format) ||
                 strcmp(json_get_string(f, "scaling", ""), scaling)))
        f = json_next(f);
    assert_non_null(f);
    return f;
}

static void codes_are_counted_as_they_are_stored(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_STUDENT_T, ROWS * COLS), *y = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    memset(y, 0, 100 * sizeof *y); /* blocks of zeros */
    const struct tensor tensors[] = {matrix("w", x, ROWS, COLS), matrix("v", y, ROWS, COLS)};
    const char *options[8] = {
        "int4,crd-normal3", "block-absmax,tensor-rms", NULL, NULL, NULL, "yes"};
    struct json *d = run_ok(write_checkpoint("a.safetensors", tensors, 2), options, 2);
    static const char *const names[] = {"int4", "crd-normal3"}, *const used[] = {"block-absmax",
                                                                                 "tensor-rms"};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) {
            double counts[CODEBOOK_MAX] = {0}, entropy = 0;
            struct codebook codebook;
            struct block_format f = format_of(names[i], used[j], ROWS, COLS, &codebook);
            struct block_kernels kernels = block_kernels_pick(0);
            uint8_t *codes = malloc(ROWS * COLS);
            float *scales = malloc(block_format_scales(&f, ROWS, COLS) * sizeof *scales);
            assert_true(codes && scales);
            for (size_t k = 0; k < 2; k++) {
                block_format_encode(&f, &kernels, k ? y : x, ROWS, COLS, codes, scales);
                for (size_t e = 0; e < ROWS * COLS; e++)
                    counts[codes[e]]++;
            }
            const struct json *total = total_of(d, names[i], used[j]);
            size_t code = 0;
            for (const struct json *c = json_first(json_get(total, "codes")); c; c = json_next(c)) {
                double p = counts[code] / (2 * ROWS * COLS);
                if (json_number(c, -1) != counts[code])
                    fail_msg("%s, %s, code %zu: %g, by hand %g", names[i], used[j], code,
                             json_number(c, -1), counts[code]);
                entropy -= p > 0 ? p * log2(p) : 0;
                code++;
            }
            assert_int_equal(code, codebook.n);
            assert_true(fabs(json_get_number(total, "entropy_bits", NAN) - entropy) < 1e-12);
            assert_true(entropy < json_get_number(total, "code_bits", NAN));
            free(codes);
            free(scales);
        }
    json_free(d);
    free(x);
    free(y);
}

static void bits_shared_out_are_measured_beside_flat_bits(void **unused)
{
    (void)unused;
    float *x = draws(SYNTHETIC_NORMAL, ROWS * COLS), *y = draws(SYNTHETIC_NORMAL, ROWS * COLS);
    for (size_t i = 0; i < ROWS * COLS; i++)
        y[i] = 0.25f * x[i]; /* two bits less, at the same distribution */
    const struct tensor tensors[] = {matrix("w", x, ROWS, COLS), matrix("v", y, ROWS, COLS)};
    const char *path = write_checkpoint("a.safetensors", tensors, 2);
    const char *options[8] = {"int4", "tensor-rms", NULL, NULL, NULL, NULL, "4"};
    struct json *d = run_ok(path, options, 2);
    const struct json *a = json_get(json_get(d, "summary"), "allocation"),
                      *w = json_first(json_get(a, "tensors")), *v = json_next(w),
                      *m = json_first(json_get(a, "measured"));
    /* in the order of the file, which sorts nothing */
    if (strcmp(json_get_string(w, "tensor", ""), "w")) {
        const struct json *other = w;
        w = v;
        v = other;
    }
    assert_true(fabs(json_get_number(w, "bits", 0) - 5) < 1e-9);
    assert_true(fabs(json_get_number(v, "bits", 0) - 3) < 1e-9);
    /* flat: (1 + 1/16) / 2 against 1/4: half the log2 */
    assert_true(fabs(json_get_number(a, "saved_bits", 0) - log2(17.0 / 8) / 2) < 1e-9);
    assert_true(json_get_number(a, "whole_bits", 0) == 4);
    /* What is measured is what the records say of these widths. */
    assert_string_equal(json_get_string(m, "format", ""), "crd-normal");
    double squares_w = 0, squares_v = 0;
    for (size_t i = 0; i < ROWS * COLS; i++) {
        squares_w += (double)x[i] * x[i];
        squares_v += (double)y[i] * y[i];
    }
    double r5 = json_get_number(record(d, "w", "crd-normal5", "tensor-rms"), "r", NAN),
           r3 = json_get_number(record(d, "v", "crd-normal3", "tensor-rms"), "r", NAN),
           r = sqrt((r5 * r5 * squares_w + r3 * r3 * squares_v) / (squares_w + squares_v));
    assert_true(fabs(json_get_number(m, "r", NAN) - r) <= 1e-12 * r);
    double flat = json_get_number(total_of(d, "crd-normal4", "tensor-rms"), "r", NAN);
    assert_true(fabs(json_get_number(m, "flat_r", NAN) - flat) <= 1e-12 * flat);
    assert_true(json_get_number(m, "saved_bits", 0) > 0.3); /* 0.54 at high rate */
    json_free(d);

    /* Weights of the file take the place of 1; they can undo the variances. */
    struct err err;
    const char *weights = "w,1\nv,16\n";
    const char *fisher = scratch_path("fisher.csv");
    assert_int_equal(document_write_bytes(fisher, weights, strlen(weights), &err), OK);
    options[7] = fisher;
    d = run_ok(path, options, 2);
    a = json_get(json_get(d, "summary"), "allocation");
    for (w = json_first(json_get(a, "tensors")); w; w = json_next(w))
        assert_int_equal((int)json_get_number(w, "whole_bits", 0), 4);
    assert_true(fabs(json_get_number(a, "saved_bits", 1)) < 1e-9);
    json_free(d);
    /* What no output depends on gets the least; the other then has the average alone. */
    assert_int_equal(document_write_bytes(fisher, "w,1\nv,0\n", 8, &err), OK);
    d = run_ok(path, options, 1);
    a = json_get(json_get(d, "summary"), "allocation");
    for (w = json_first(json_get(a, "tensors")); w; w = json_next(w))
        assert_int_equal((int)json_get_number(w, "whole_bits", 0),
                         strcmp(json_get_string(w, "tensor", ""), "w") ? 2 : 4);
    json_free(d);
    assert_int_equal(document_write_bytes(fisher, "w,1\n", 4, &err), OK);
    assert_int_equal(run_with(path, options, 1, NULL, &d, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "'v'"));
    json_free(d);
    free(x);
    free(y);
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
    } cases[] = {{{"int4,bogus"}, "bogus"},
                 {{NULL, "block-median"}, "block-median"},
                 {{NULL, NULL, "64,3"}, "'3'"},
                 {{NULL, NULL, "64,,32"}, "empty"},
                 {{NULL, NULL, "-64"}, "-64"},
                 {{NULL, NULL, NULL, "fp7"}, "fp7"},
                 {{"nf4", "tensor-rms"}, "none"},
                 {{[6] = "1"}, "'1'"},
                 {{[6] = "9"}, "'9'"},
                 {{[6] = "4x"}, "'4x'"},
                 {{[6] = "nan"}, "'nan'"},
                 {{[7] = "f.csv"}, "--allocate"}};
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
        IN_SCRATCH(searched_scales_are_those_of_the_search_by_hand),
        IN_SCRATCH(codes_are_counted_as_they_are_stored),
        IN_SCRATCH(bits_shared_out_are_measured_beside_flat_bits),
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
