/* analyses/quant_error.c: what each scalar format does to each matrix of a checkpoint, at its true
 * cost in bits, and how the weights of each matrix are spread. Source: Orr, Ribar, Luschi, Optimal
 * Formats for Weight Quantisation, arXiv 2505.12988 (R, R 2^b). */
#include <omp.h>
#include <stdlib.h>

#include "analyses/quant_error.h"
#include "datasets/checkpoint.h"

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

/* All that one run carries along. */
struct run {
    const struct settings *settings;
    const struct analysis_request *request;
    struct survey *survey;
    struct value_sketch *sketch;
    struct survey_cell *cells;     /* [settings->n] */
    struct allocation *allocation; /* NULL: none is asked for */
    struct total *totals;          /* [settings->n] */
    struct json *records, *tensors, *skipped;
    size_t bytes_done, bytes_all, matrices;
};

static void run_free(struct run *r)
{
    survey_close(r->survey);
    allocation_close(r->allocation);
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
    size_t n = r->settings->n, matrices = 0, cols;
    enum status s = OK;
    int threads = r->request->threads > 0 ? r->request->threads : omp_get_max_threads();
    for (size_t c = 0; c < r->request->n_inputs; c++)
        for (size_t i = 0; i < checkpoints[c].n; i++)
            if (!as_matrix(&checkpoints[c].tensors[i], &cols)) {
                r->bytes_all += tensor_bytes(&checkpoints[c].tensors[i]);
                matrices++;
            }
    r->sketch = malloc(sizeof *r->sketch);
    r->cells = calloc(n, sizeof *r->cells);
    r->totals = calloc(n, sizeof *r->totals);
    if (!r->sketch || !r->cells || !r->totals)
        return status_fail(err, E_NOMEM, "no memory for %zu formats", n);
    if (r->settings->allocate > 0)
        s = allocation_open(r->settings, matrices, &r->allocation, err);
    return s ? s
             : survey_open(r->settings->rows, n, r->settings->survey_flags, r->request->features,
                           threads, &r->survey, err);
}

static enum status analyse_matrix(struct run *r, const struct tensor *t, size_t cols,
                                  struct err *err)
{
    struct sketch_fit fit;
    enum status s = survey_matrix(r->survey, t, cols, r->cells, r->sketch, err);
    if (!s)
        s = sketch_fit(r->sketch, &fit, err);
    if (!s && r->allocation)
        s = allocation_add(r->allocation, t, r->cells, sketch_rms(r->sketch), err);
    if (s)
        return s;
    quant_error_tensor(t, r->sketch, &fit, r->tensors);
    for (size_t f = 0; f < r->settings->n; f++) {
        quant_error_record(&r->settings->rows[f], t, cols, &r->cells[f], r->records);
        quant_error_add(&r->totals[f], t, &r->cells[f]);
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
            quant_error_total(&r->settings->rows[f], &r->totals[f], formats);
        json_add_u64(summary, "bytes", r->bytes_done);
        if (r->allocation)
            s = allocation_report(r->allocation, summary, err);
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
    enum status s = quant_error_settings(self, request, &settings, err);
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
        "names.\n"
        "--allocate gives each tensor its own bits, least where an error matters least, and "
        "measures what\n"
        "that saves beside one width for all at the same average.\n\n"
        "  assay analyze quant-error model.safetensors\n"
        "  assay analyze quant-error model/ --formats 'int4,nf4,crd-*4' --block 32,64,128",
    .options = quant_error_options,
    .run = run};
