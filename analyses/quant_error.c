/* analyses/quant_error.c: what each scalar format does to each matrix of a checkpoint, at its true
 * cost in bits, and how the weights of each matrix are spread. Source: Orr, Ribar, Luschi, Optimal
 * Formats for Weight Quantisation, arXiv 2505.12988 (R, R 2^b). */
#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/analysis.h"
#include "datasets/checkpoint.h"
#include "numerics/formats/survey.h"
#include "numerics/statistics/value_sketch.h"

enum { MAX_BLOCKS = 8, HISTOGRAM_BINS = 80, LIST_WORD = 64 };
#define HISTOGRAM_END 10.0 /* of |x| / rms */

static const struct analysis_option quant_error_options[] = {
    {"formats", "LIST", "common",
     "by name or glob, or common, or all; see 'assay list formats'; named ones fix their scaling"},
    {"scaling", "LIST", "block-absmax,channel-absmax,tensor-rms",
     "{tensor,channel,block}-{absmax,rms,mean}, block-signmax or block-floor"},
    {"block", "LIST", "64", "elements that share a scale under block-..., 4 to 1048576"},
    {"scale-format", "NAME", "bf16",
     "of the scales: f32, bf16, fp16, e8m0, or e4m3 relative to one of the tensor"},
    {0}};

/* ---- What is compared: formats x scalings x block sizes ---- */

struct settings {
    struct survey_row *rows; /* [n], owned */
    size_t n;
    enum scale_format scale_format;
};

/* Calls each() with every word of a comma-separated list. */
static enum status for_each_word(const char *option, const char *list,
                                 enum status (*each)(void *user, const char *word, struct err *err),
                                 void *user, struct err *err)
{
    char word[LIST_WORD];
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        if (!n || n >= sizeof word)
            return status_fail(err, E_USAGE, "--%s '%s': an empty or too long word", option, list);
        memcpy(word, p, n);
        word[n] = '\0';
        enum status s = each(user, word, err);
        if (s)
            return s;
        p += n;
        if (!*p)
            return OK;
    }
}

struct choice {
    bool format[256]; /* by the row of scalar_formats[] */
    bool named[64];   /* by the row of named_formats[] */
    const struct scaling *scaling[16];
    size_t n_scalings;
    size_t block[MAX_BLOCKS];
    size_t n_blocks;
};

static enum status choose_format(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    bool found = false;
    for (size_t i = 0; scalar_formats[i].name; i++) /* fewer rows than c->format */
        if (!strcmp(word, "all") || (!strcmp(word, "common") && scalar_formats[i].common) ||
            !fnmatch(word, scalar_formats[i].name, 0))
            found = c->format[i] = true;
    for (size_t i = 0; named_formats[i].name; i++) /* fewer rows than c->named */
        if (!strcmp(word, "all") || !fnmatch(word, named_formats[i].name, 0))
            found = c->named[i] = true;
    return found ? OK
                 : status_fail(err, E_USAGE,
                               "--formats: no format '%s'; 'assay list formats' names them", word);
}

static enum status choose_scaling(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    const struct scaling *s = scaling_find(word);
    if (!s)
        return status_fail(err, E_USAGE,
                           "--scaling: no scaling '%s'; there are tensor-rms, tensor-absmax, "
                           "channel-rms, channel-absmax, block-rms, block-absmax, block-signmax, "
                           "tensor-mean, channel-mean, block-mean, block-floor",
                           word);
    for (size_t i = 0; i < c->n_scalings; i++)
        if (c->scaling[i] == s)
            return OK;
    c->scaling[c->n_scalings++] = s;
    return OK;
}

static enum status choose_block(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    char *end;
    unsigned long block = strtoul(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end || block < 4 || block > 1 << 20)
        return status_fail(err, E_USAGE, "--block: '%s' is not a number from 4 to 1048576", word);
    if (c->n_blocks == MAX_BLOCKS)
        return status_fail(err, E_USAGE, "--block: more than %d sizes", MAX_BLOCKS);
    c->block[c->n_blocks++] = block;
    return OK;
}

static enum status parse_scale_format(const char *word, enum scale_format *out, struct err *err)
{
    for (enum scale_format f = 0; f < SCALE_FORMATS; f++)
        if (!strcmp(word, scale_format_name(f))) {
            *out = f;
            return OK;
        }
    return status_fail(err, E_USAGE,
                       "--scale-format: '%s' is not one of f32, bf16, fp16, e8m0, e4m3", word);
}

/* Powers of two have no sign; scales relative to one of the tensor are for parts of it. */
static bool scale_fits(const struct scaling *scaling, enum scale_format f)
{
    return !(scaling->rule == SCALE_SIGNMAX && (f == SCALE_E8M0 || f == SCALE_E4M3)) &&
           !(scaling->block == BLOCK_TENSOR && f == SCALE_E4M3);
}

/* Every combination that exists, and what is named, in the order of the tables. */
static enum status combine(const struct choice *c, struct settings *out, struct err *err)
{
    size_t n_formats = 0, n_named = 0;
    while (scalar_formats[n_formats].name)
        n_formats++;
    while (named_formats[n_named].name)
        n_named++;
    out->rows = malloc((n_formats * c->n_scalings * c->n_blocks + n_named) * sizeof *out->rows);
    if (!out->rows)
        return status_fail(err, E_NOMEM, "no memory for the table of formats");
    for (size_t f = 0; f < n_formats; f++)
        for (size_t s = 0; c->format[f] && s < c->n_scalings; s++) {
            const struct scaling *scaling = c->scaling[s];
            if (scalar_format_lacks(&scalar_formats[f], scaling->rule) ||
                !scale_fits(scaling, out->scale_format))
                continue;
            size_t sizes = scaling->block == 1 ? c->n_blocks : 1;
            for (size_t b = 0; b < sizes; b++)
                out->rows[out->n++] =
                    (struct survey_row){.format = &scalar_formats[f],
                                        .scaling = scaling,
                                        .block = scaling->block == 1 ? c->block[b] : scaling->block,
                                        .scale_format = out->scale_format};
        }
    for (size_t i = 0; i < n_named; i++)
        if (c->named[i])
            out->rows[out->n++] =
                (struct survey_row){.format = scalar_format_find(named_formats[i].element),
                                    .scaling = scaling_find(named_formats[i].scaling),
                                    .block = named_formats[i].block,
                                    .scale_format = named_formats[i].scale_format,
                                    .least = named_formats[i].least,
                                    .name = named_formats[i].name};
    if (!out->n)
        return status_fail(err, E_USAGE, "none of these formats has one of these scalings");
    return OK;
}

static enum status parse_settings(const struct analysis *self,
                                  const struct analysis_request *request, struct settings *out,
                                  struct err *err)
{
    struct choice c = {0};
    const char *formats = analysis_option(self, request, "formats");
    const char *scalings_text = analysis_option(self, request, "scaling");
    const char *blocks = analysis_option(self, request, "block");
    const char *scale_format = analysis_option(self, request, "scale-format");
    enum status s = for_each_word("formats", formats, choose_format, &c, err);
    if (!s)
        s = for_each_word("scaling", scalings_text, choose_scaling, &c, err);
    if (!s)
        s = for_each_word("block", blocks, choose_block, &c, err);
    if (!s)
        s = parse_scale_format(scale_format, &out->scale_format, err);
    if (!s)
        s = combine(&c, out, err);
    return s;
}

/* NULL, or why the tensor is left out.  Matrices are rows of output channels: a tensor of rank 3 is
 * a stack of matrices, one of rank 4 and more a convolution [out][in][...]. */
static const char *as_matrix(const struct tensor *t, size_t *cols)
{
    if (t->dtype > DTYPE_F8_E5M2)
        return "not floating point";
    if (t->rank < 2)
        return "not a matrix";
    if (!t->count)
        return "empty";
    *cols = t->rank == 3 ? t->shape[2] : t->count / t->shape[0];
    return *cols > SURVEY_MAX_COLS ? "a row has more than 2^24 elements" : NULL;
}

/* ---- The document ---- */

/* Whether there are numbers to show: of values that are not finite no error can be told. */
static bool is_known(const struct survey_cell *cell)
{
    return !cell->reason[0] && !cell->error.nonfinite;
}

static double sqnr_db(double r)
{
    return -20 * log10(r);
}

static size_t shown_block(size_t block)
{
    return block == BLOCK_CHANNEL ? 0 : block;
}

static void describe_row(const struct survey_row *row, struct json *out)
{
    json_add_string(out, "format", row->name ? row->name : row->format->name);
    json_add_u64(out, "element_bits", (uint64_t)row->format->bits);
    json_add_string(out, "scaling", row->scaling->name);
    json_add_u64(out, "block", shown_block(row->block));
    json_add_string(out, "scale_format", scale_format_name(row->scale_format));
}

static void add_record(const struct survey_row *row, const struct tensor *t, size_t cols,
                       const struct survey_cell *cell, struct json *records)
{
    struct json *r = json_add_object(records, NULL);
    double n = (double)t->count;
    json_add_string(r, "tensor", t->name);
    struct json *shape = json_add_array(r, "shape");
    for (int i = 0; i < t->rank; i++)
        json_add_u64(shape, NULL, t->shape[i]);
    json_add_string(r, "dtype", dtype_name(t->dtype));
    json_add_u64(r, "elements", t->count);
    describe_row(row, r);
    json_add_u64(r, "tail", row->scaling->block == 1 ? cols % row->block : 0);
    if (cell->df > 0)
        json_add_number(r, "df", cell->df);
    if (is_known(cell)) {
        double ratio = block_error_ratio(&cell->error);
        json_add_number(r, "bits", cell->bits);
        json_add_number(r, "r", ratio);
        json_add_number(r, "sqnr_db", sqnr_db(ratio));
        json_add_number(r, "max_error", cell->error.max_error);
        json_add_number(r, "clipped_share", (double)cell->error.clipped / n);
        json_add_number(r, "flushed_share", (double)cell->error.flushed / n);
        json_add_number(r, "r_2b", ratio * exp2(cell->bits));
        return;
    }
    static const char *const values[] = {
        "bits", "r", "sqnr_db", "max_error", "clipped_share", "flushed_share", "r_2b"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        json_add_null(r, values[i]);
    char reason[64];
    snprintf(reason, sizeof reason, "%zu elements are not finite", cell->error.nonfinite);
    json_add_string(r, "reason", cell->reason[0] ? cell->reason : reason);
}

static void add_tensor(const struct tensor *tensor, const struct value_sketch *sketch,
                       const struct sketch_fit *fit, struct json *tensors)
{
    double edges[HISTOGRAM_BINS + 1], counts[HISTOGRAM_BINS], inside = 0;
    struct json *t = json_add_object(tensors, NULL);
    json_add_string(t, "tensor", tensor->name);
    json_add_u64(t, "elements", tensor->count);
    json_add_u64(t, "nonfinite", sketch->nonfinite);
    json_add_number(t, "rms", sketch_rms(sketch));
    json_add_number(t, "absmax", sketch->largest);
    json_add_number(t, "df", fit->t.df);
    json_add_number(t, "t_scale", fit->t.scale);
    json_add_number(t, "laplace_scale", fit->laplace.scale);
    json_add_number(t, "normal_loglik", fit->normal_loglik);
    json_add_number(t, "laplace_loglik", fit->laplace_loglik);
    json_add_number(t, "t_loglik", fit->t_loglik);
    for (size_t i = 0; i <= HISTOGRAM_BINS; i++)
        edges[i] = HISTOGRAM_END * (2.0 * (double)i / HISTOGRAM_BINS - 1);
    sketch_histogram(sketch, edges, HISTOGRAM_BINS, counts);
    struct json *histogram = json_add_object(t, "histogram");
    struct json *e = json_add_array(histogram, "edges"), *c = json_add_array(histogram, "counts");
    for (size_t i = 0; i <= HISTOGRAM_BINS; i++)
        json_add_number(e, NULL, edges[i]);
    for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
        json_add_number(c, NULL, round(counts[i]));
        inside += counts[i];
    }
    json_add_number(histogram, "outside", round((double)sketch->n - inside));
}

/* What all matrices together say of one row. */
struct total {
    struct block_error error;
    double bits; /* of everything coded */
    size_t tensors, left_out;
    double worst_r;
    const char *worst; /* borrowed from the checkpoint */
};

static void total_add(struct total *total, const struct tensor *t, const struct survey_cell *cell)
{
    if (!is_known(cell)) {
        total->left_out++;
        return;
    }
    double r = block_error_ratio(&cell->error);
    if (!total->worst || r > total->worst_r) {
        total->worst = t->name;
        total->worst_r = r;
    }
    block_error_add(&total->error, &cell->error);
    total->bits += cell->bits * (double)t->count;
    total->tensors++;
}

static void add_total(const struct survey_row *row, const struct total *t, struct json *formats)
{
    struct json *o = json_add_object(formats, NULL);
    describe_row(row, o);
    double n = (double)t->error.n, r = t->tensors ? block_error_ratio(&t->error) : NAN;
    json_add_number(o, "bits", t->bits / n);
    json_add_number(o, "r", r);
    json_add_number(o, "sqnr_db", sqnr_db(r));
    json_add_number(o, "r_2b", r * exp2(t->bits / n));
    json_add_number(o, "max_error", t->error.max_error);
    json_add_number(o, "clipped_share", (double)t->error.clipped / n);
    json_add_number(o, "flushed_share", (double)t->error.flushed / n);
    json_add_u64(o, "tensors", t->tensors);
    json_add_u64(o, "left_out", t->left_out);
    json_add_string(o, "worst_tensor", t->worst);
    json_add_number(o, "worst_r", t->tensors ? t->worst_r : NAN);
}

/* ---- Checkpoints ---- */

/* All that one run carries along. */
struct run {
    const struct settings *settings;
    const struct analysis_request *request;
    struct survey *survey;
    struct value_sketch *sketch;
    struct survey_cell *cells; /* [settings->n] */
    struct total *totals;      /* [settings->n] */
    struct json *records, *tensors, *skipped;
    size_t bytes_done, bytes_all, matrices;
};

static void run_free(struct run *r)
{
    survey_close(r->survey);
    free(r->sketch);
    free(r->cells);
    free(r->totals);
}

static size_t tensor_bytes(const struct tensor *t)
{
    return t->count * dtype_bytes(t->dtype);
}

static enum status run_make(struct run *r, const struct checkpoint *checkpoints, struct err *err)
{
    size_t n = r->settings->n, cols;
    int threads = r->request->threads > 0 ? r->request->threads : omp_get_max_threads();
    for (size_t c = 0; c < r->request->n_inputs; c++)
        for (size_t i = 0; i < checkpoints[c].n; i++)
            if (!as_matrix(&checkpoints[c].tensors[i], &cols))
                r->bytes_all += tensor_bytes(&checkpoints[c].tensors[i]);
    r->sketch = malloc(sizeof *r->sketch);
    r->cells = calloc(n, sizeof *r->cells);
    r->totals = calloc(n, sizeof *r->totals);
    if (!r->sketch || !r->cells || !r->totals)
        return status_fail(err, E_NOMEM, "no memory for %zu formats", n);
    return survey_open(r->settings->rows, n, 0, r->request->features, threads, &r->survey, err);
}

static enum status analyse_matrix(struct run *r, const struct tensor *t, size_t cols,
                                  struct err *err)
{
    struct sketch_fit fit;
    enum status s = survey_matrix(r->survey, t, cols, r->cells, r->sketch, err);
    if (!s)
        s = sketch_fit(r->sketch, &fit, err);
    if (s)
        return s;
    add_tensor(t, r->sketch, &fit, r->tensors);
    for (size_t f = 0; f < r->settings->n; f++) {
        add_record(&r->settings->rows[f], t, cols, &r->cells[f], r->records);
        total_add(&r->totals[f], t, &r->cells[f]);
    }
    r->matrices++;
    r->bytes_done += tensor_bytes(t);
    return OK;
}

static enum status analyse_checkpoint(struct run *r, const struct checkpoint *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct tensor *t = &c->tensors[i];
        size_t cols;
        const char *reason = as_matrix(t, &cols);
        if (reason) {
            struct json *s = json_add_object(r->skipped, NULL);
            json_add_string(s, "tensor", t->name);
            json_add_string(s, "reason", reason);
            continue;
        }
        if (!progress_report(r->request->progress, (double)r->bytes_done / (double)r->bytes_all,
                             t->name))
            return status_fail(err, E_INTERRUPTED, "interrupted; nothing was written");
        enum status s = analyse_matrix(r, t, cols, err);
        if (s)
            return s;
    }
    return OK;
}

static enum status analyse_all(struct run *r, const struct checkpoint *checkpoints,
                               struct json *document, struct err *err)
{
    struct json *input = json_add_array(document, "input");
    struct json *parameters = json_add_object(document, "parameters");
    struct json *summary = json_add_object(document, "summary");
    struct json *formats = json_add_array(summary, "formats");
    r->tensors = json_add_array(summary, "tensors");
    r->skipped = json_add_array(summary, "skipped");
    r->records = json_add_array(document, "records");
    for (size_t i = 0; i < r->request->n_inputs; i++)
        checkpoint_describe(&checkpoints[i], input);
    for (const struct analysis_option *o = quant_error_options; o->name; o++)
        json_add_string(parameters, o->name, r->request->options[o - quant_error_options]);
    enum status s = run_make(r, checkpoints, err);
    for (size_t i = 0; i < r->request->n_inputs && !s; i++)
        s = analyse_checkpoint(r, &checkpoints[i], err);
    if (!s && !r->matrices)
        s = status_fail(err, E_FORMAT, "%s: no floating-point matrix in it", r->request->inputs[0]);
    if (!s) {
        for (size_t f = 0; f < r->settings->n; f++)
            add_total(&r->settings->rows[f], &r->totals[f], formats);
        json_add_u64(summary, "bytes", r->bytes_done);
    }
    return s;
}

static enum status run(const struct analysis *self, const struct analysis_request *request,
                       struct json *document, struct err *err)
{
    struct settings settings = {0};
    struct checkpoint *checkpoints = NULL;
    struct run r = {.settings = &settings, .request = request};
    size_t opened = 0;
    if (!request->n_inputs)
        return status_fail(
            err, E_USAGE,
            "quant-error needs a .safetensors or .npy file, an index of shards, or a "
            "folder of them; to try it: datasets/sample.safetensors");
    enum status s = parse_settings(self, request, &settings, err);
    if (s)
        goto out;
    checkpoints = calloc(request->n_inputs, sizeof *checkpoints);
    if (!checkpoints) {
        s = status_fail(err, E_NOMEM, "no memory for %zu inputs", request->n_inputs);
        goto out;
    }
    for (; opened < request->n_inputs && !s; opened++)
        s = checkpoint_open(request->inputs[opened], &checkpoints[opened], err);
    if (!s)
        s = analyse_all(&r, checkpoints, document, err);
out:
    run_free(&r);
    for (size_t i = 0; i < opened; i++)
        checkpoint_close(&checkpoints[i]);
    free(checkpoints);
    free(settings.rows);
    return s;
}

const struct analysis quant_error = {
    .name = "quant-error",
    .title = "error of every scalar format on every matrix of a checkpoint",
    .help =
        "Codes every floating-point matrix of the inputs (.safetensors, .npy, an index of shards, "
        "or a\n"
        "folder of them) in every format, scaling and block size that is asked for, and reports "
        "for\n"
        "each: R = rms error / rms, SQNR, largest error, clipped and flushed share, true bits for "
        "a\n"
        "weight with scales and every other side cost, and R 2^bits, which is 1 at the Gaussian\n"
        "rate-distortion limit.  A row that is no multiple of the block ends in a shorter block "
        "with a\n"
        "scale of its own (column `tail`).  Formats are compared at equal bits, not at equal "
        "names.\n\n"
        "  assay analyze quant-error model.safetensors\n"
        "  assay analyze quant-error model/ --formats 'int4,nf4,crd-*4' --block 32,64,128",
    .options = quant_error_options,
    .run = run};
