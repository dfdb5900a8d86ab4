/* analyses/quant_error.c: what each scalar format does to each matrix of a checkpoint.
 *
 * A matrix is read twice: once for how its values are spread (scale of the tensor, fitted
 * distributions, histogram), once for all formats, part by part, so that a part is still in cache
 * when the next format looks at it.  Sums of parts are added in the order of the parts, whatever
 * thread made them: results do not depend on the number of threads. Source: Orr, Ribar, Luschi,
 * Optimal Formats for Weight Quantisation, arXiv 2505.12988 (R, df fits). */
#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/analysis.h"
#include "datasets/checkpoint.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/statistics/value_sketch.h"

enum {
    PART_ELEMENTS = 1 << 17, /* 512 KB as f32: stays in L2 while every format looks at it */
    MAX_ROW = 1 << 24,       /* a row is never split */
    MAX_BLOCKS = 8,
    FIT_PARTS = 8, /* at most 2^20 elements decide a df */
    HISTOGRAM_BINS = 80,
    LIST_WORD = 64
};
#define HISTOGRAM_END 10.0 /* of |x| / rms */

static const struct analysis_option quant_error_options[] = {
    {"formats", "LIST", "common",
     "formats by name or glob, or common, or all; see 'assay list formats'"},
    {"scaling", "LIST", "block-absmax,channel-absmax,tensor-rms",
     "{tensor,channel,block}-{absmax,rms} or block-signmax"},
    {"block", "LIST", "64", "elements that share a scale under block-..., 4 to 1048576"},
    {"scale-format", "NAME", "bf16", "of the scales: f32, bf16, fp16 or e8m0"},
    {0}};

/* ---- What is compared: formats x scalings x block sizes ---- */

struct comparison {
    const struct scalar_format *format;
    const struct scaling *scaling;
    size_t block; /* as the scaling has it, or the size that was chosen */
};

struct settings {
    struct comparison *rows; /* [n], owned */
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
                           "channel-rms, channel-absmax, block-rms, block-absmax, block-signmax",
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
    return status_fail(err, E_USAGE, "--scale-format: '%s' is not one of f32, bf16, fp16, e8m0",
                       word);
}

/* Every combination that exists, in the order of the tables. */
static enum status combine(const struct choice *c, struct settings *out, struct err *err)
{
    size_t n_formats = 0;
    while (scalar_formats[n_formats].name)
        n_formats++;
    out->rows = malloc(n_formats * c->n_scalings * c->n_blocks * sizeof *out->rows);
    if (!out->rows)
        return status_fail(err, E_NOMEM, "no memory for the table of formats");
    for (size_t f = 0; f < n_formats; f++)
        for (size_t s = 0; c->format[f] && s < c->n_scalings; s++) {
            const struct scaling *scaling = c->scaling[s];
            if (scalar_format_lacks(&scalar_formats[f], scaling->rule) ||
                (scaling->rule == SCALE_SIGNMAX && out->scale_format == SCALE_E8M0))
                continue;
            size_t sizes = scaling->block == 1 ? c->n_blocks : 1;
            for (size_t b = 0; b < sizes; b++)
                out->rows[out->n++] =
                    (struct comparison){&scalar_formats[f], scaling,
                                        scaling->block == 1 ? c->block[b] : scaling->block};
        }
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

/* ---- One matrix ---- */

struct matrix {
    const struct tensor *tensor;
    size_t rows, cols, rows_in_part, n_parts;
};

/* NULL, or why the tensor is left out.  Matrices are rows of output channels: a tensor of rank 3 is
 * a stack of matrices, one of rank 4 and more a convolution [out][in][...]. */
static const char *as_matrix(const struct tensor *t, struct matrix *m)
{
    if (t->dtype > DTYPE_F8_E5M2)
        return "not floating point";
    if (t->rank < 2)
        return "not a matrix";
    if (!t->count)
        return "empty";
    size_t cols = t->rank == 3 ? t->shape[2] : t->count / t->shape[0];
    if (cols > MAX_ROW)
        return "a row has more than 2^24 elements";
    size_t rows = t->count / cols, rows_in_part = PART_ELEMENTS / cols ? PART_ELEMENTS / cols : 1;
    *m = (struct matrix){t, rows, cols, rows_in_part, (rows + rows_in_part - 1) / rows_in_part};
    return NULL;
}

static size_t part_rows(const struct matrix *m, size_t part)
{
    size_t first = part * m->rows_in_part;
    return m->rows - first < m->rows_in_part ? m->rows - first : m->rows_in_part;
}

/* What each thread works in. */
struct workspace {
    float *x; /* [elements] */
    struct value_sketch *sketch;
    struct quantise_stats stats;
};

struct team {
    struct workspace *workers; /* [threads] */
    int threads;
    size_t elements; /* of a worker's x */
};

static void team_free(struct team *team)
{
    for (int i = 0; team->workers && i < team->threads; i++) {
        free(team->workers[i].x);
        free(team->workers[i].sketch);
    }
    free(team->workers);
}

static enum status team_make(int threads, size_t elements, struct team *out, struct err *err)
{
    struct team team = {calloc((size_t)threads, sizeof *team.workers), threads, elements};
    bool there = team.workers != NULL;
    for (int i = 0; there && i < threads; i++) {
        team.workers[i].x = malloc(elements * sizeof *team.workers[i].x);
        team.workers[i].sketch = malloc(sizeof *team.workers[i].sketch);
        there = team.workers[i].x && team.workers[i].sketch;
    }
    if (!there) {
        team_free(&team);
        return status_fail(err, E_NOMEM, "no memory for %d threads with %zu elements each", threads,
                           elements);
    }
    *out = team;
    return OK;
}

/* Values of one part as f32; returns their number. */
static size_t load_part(const struct matrix *m, size_t part, float *x)
{
    size_t n = part_rows(m, part) * m->cols;
    tensor_to_f32(m->tensor, part * m->rows_in_part * m->cols, n, x);
    return n;
}

/* How the values of the whole matrix are spread: merged into the first worker's sketch and stats.
 */
static void look_at(const struct matrix *m, const struct team *team,
                    const struct block_kernels *kernels)
{
    for (int i = 0; i < team->threads; i++) {
        memset(team->workers[i].sketch, 0, sizeof *team->workers[i].sketch);
        team->workers[i].stats = (struct quantise_stats){0};
    }
#pragma omp parallel for schedule(dynamic) num_threads(team->threads)
    for (size_t part = 0; part < m->n_parts; part++) {
        struct workspace *w = &team->workers[omp_get_thread_num()];
        struct quantise_stats stats;
        size_t n = load_part(m, part, w->x);
        sketch_add(w->sketch, w->x, n);
        kernels->stats(w->x, n, &stats);
        quantise_stats_add(&w->stats, &stats);
    }
    for (int i = 1; i < team->threads; i++) {
        sketch_merge(team->workers[0].sketch, team->workers[i].sketch);
        quantise_stats_add(&team->workers[0].stats, &team->workers[i].stats);
    }
}

/* Codebooks that were made before: matrices of a model share their shapes, and some codebooks take
 * long to solve for. */
struct made {
    const struct scalar_format *format;
    enum scale_rule rule;
    size_t together; /* elements that share a scale */
    double df;
    struct codebook codebook;
};
struct shelf {
    struct made **made; /* [n], owned */
    size_t n;
};

static void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->n; i++)
        free(shelf->made[i]);
    free(shelf->made);
}

/* Borrowed from the shelf. */
static enum status shelf_get(struct shelf *shelf, struct made wanted, const struct codebook **out,
                             struct err *err)
{
    for (size_t i = 0; i < shelf->n; i++) {
        const struct made *m = shelf->made[i];
        if (m->format == wanted.format && m->rule == wanted.rule &&
            m->together == wanted.together && m->df == wanted.df) {
            *out = &m->codebook;
            return OK;
        }
    }
    enum status s = scalar_format_codebook(wanted.format, wanted.rule, wanted.together, wanted.df,
                                           &wanted.codebook, err);
    if (s)
        return s;
    struct made *m = malloc(sizeof *m),
                **grown = realloc(shelf->made, (shelf->n + 1) * sizeof *grown);
    if (grown)
        shelf->made = grown;
    if (!m || !grown) {
        free(m);
        return status_fail(err, E_NOMEM, "no memory for a codebook");
    }
    *m = wanted;
    shelf->made[shelf->n++] = m;
    *out = &m->codebook;
    return OK;
}

/* One format ready for one matrix; with candidates where its df is to be fitted. */
struct coder {
    struct {
        struct block_format format;
        float tensor_scale;
        double df;
    } candidate[SCALAR_DF_CANDIDATES];
    size_t n, chosen;
    char reason[160]; /* not "": it cannot code this matrix, and why */
};

static enum status make_coder(const struct settings *settings, const struct comparison *row,
                              const struct matrix *m, const struct quantise_stats *stats,
                              struct shelf *shelf, struct coder *c, struct err *err)
{
    bool fitted = row->format->kind == SCALAR_CUBE_T;
    size_t together = row->block == BLOCK_TENSOR    ? m->rows * m->cols
                      : row->block == BLOCK_CHANNEL ? m->cols
                                                    : row->block;
    *c = (struct coder){.n = fitted ? SCALAR_DF_CANDIDATES : 1};
    for (size_t i = 0; i < c->n; i++) {
        const struct codebook *codebook = NULL;
        double df = fitted ? scalar_format_df(i) : 0;
        enum status s =
            shelf_get(shelf, (struct made){row->format, row->scaling->rule, together, df, {0}},
                      &codebook, err);
        if (s ==
            E_USAGE) { /* a channel of three elements, say: this cell is empty, the rest is not */
            snprintf(c->reason, sizeof c->reason, "%.150s", err->text);
            return OK;
        }
        if (s)
            return s;
        struct block_format format = {.codebook = codebook,
                                      .rule = row->scaling->rule,
                                      .scale_format = settings->scale_format,
                                      .block = row->block,
                                      .multiplier = 1,
                                      .extra_bits = scalar_format_extra_bits(row->format)};
        c->candidate[i].format = format;
        c->candidate[i].df = df;
        if (row->block == BLOCK_TENSOR)
            c->candidate[i].tensor_scale =
                block_format_scale(&format, stats, m->rows * m->cols - stats->nonfinite);
    }
    return OK;
}

static struct block_error code_part(const struct coder *c, size_t candidate, const struct matrix *m,
                                    size_t part, const struct block_kernels *kernels,
                                    const float *x)
{
    const struct block_format *format = &c->candidate[candidate].format;
    return block_format_error(format, kernels, x, part_rows(m, part), m->cols,
                              format->block == BLOCK_TENSOR ? &c->candidate[candidate].tensor_scale
                                                            : NULL);
}

/* Chooses the candidate of least error on at most FIT_PARTS parts, evenly spread over the matrix.
 */
static void fit_coder(struct coder *c, const struct matrix *m, const struct block_kernels *kernels,
                      const struct team *team)
{
    struct block_error error[SCALAR_DF_CANDIDATES][FIT_PARTS];
    size_t parts = m->n_parts < FIT_PARTS ? m->n_parts : FIT_PARTS;
    if (c->n < 2 || c->reason[0])
        return;
#pragma omp parallel for schedule(dynamic) num_threads(team->threads)
    for (size_t i = 0; i < parts; i++) {
        float *x = team->workers[omp_get_thread_num()].x;
        size_t part = i * m->n_parts / parts;
        load_part(m, part, x);
        for (size_t k = 0; k < c->n; k++)
            error[k][i] = code_part(c, k, m, part, kernels, x);
    }
    double least = INFINITY;
    for (size_t k = 0; k < c->n; k++) {
        double sum = 0;
        for (size_t i = 0; i < parts; i++)
            sum += error[k][i].error;
        if (sum < least) {
            least = sum;
            c->chosen = k;
        }
    }
}

/* errors [settings->n]: of the whole matrix, by format.  scratch [n_parts][settings->n]. */
static void code_all(const struct settings *settings, const struct matrix *m,
                     const struct coder *coders, const struct block_kernels *kernels,
                     const struct team *team, struct block_error *scratch,
                     struct block_error *errors)
{
#pragma omp parallel for schedule(dynamic) num_threads(team->threads)
    for (size_t part = 0; part < m->n_parts; part++) {
        float *x = team->workers[omp_get_thread_num()].x;
        load_part(m, part, x);
        for (size_t f = 0; f < settings->n; f++) {
            const struct coder *c = &coders[f];
            if (!c->reason[0])
                scratch[part * settings->n + f] = code_part(c, c->chosen, m, part, kernels, x);
        }
    }
    for (size_t f = 0; f < settings->n; f++) {
        errors[f] = (struct block_error){0};
        for (size_t part = 0; part < m->n_parts && !coders[f].reason[0]; part++)
            block_error_add(&errors[f], &scratch[part * settings->n + f]);
    }
}

/* ---- The document ---- */

static double sqnr_db(double r)
{
    return -20 * log10(r);
}

static size_t shown_block(size_t block)
{
    return block == BLOCK_CHANNEL ? 0 : block;
}

static void describe_comparison(const struct comparison *row, const struct settings *settings,
                                struct json *out)
{
    json_add_string(out, "format", row->format->name);
    json_add_u64(out, "element_bits", (uint64_t)row->format->bits);
    json_add_string(out, "scaling", row->scaling->name);
    json_add_u64(out, "block", shown_block(row->block));
    json_add_string(out, "scale_format", scale_format_name(settings->scale_format));
}

static double coder_bits(const struct coder *c, const struct matrix *m)
{
    return block_format_bits(&c->candidate[c->chosen].format, m->rows, m->cols);
}

static void add_record(const struct settings *settings, size_t f, const struct matrix *m,
                       const struct coder *c, const struct block_error *e, struct json *records)
{
    struct json *r = json_add_object(records, NULL);
    struct json *shape;
    double n = (double)m->tensor->count;
    bool known = !c->reason[0] && !e->nonfinite;
    json_add_string(r, "tensor", m->tensor->name);
    shape = json_add_array(r, "shape");
    for (int i = 0; i < m->tensor->rank; i++)
        json_add_u64(shape, NULL, m->tensor->shape[i]);
    json_add_string(r, "dtype", dtype_name(m->tensor->dtype));
    json_add_u64(r, "elements", m->tensor->count);
    describe_comparison(&settings->rows[f], settings, r);
    if (known) {
        double ratio = block_error_ratio(e), bits = coder_bits(c, m);
        json_add_u64(r, "tail",
                     settings->rows[f].scaling->block == 1 ? m->cols % settings->rows[f].block : 0);
        if (c->n > 1)
            json_add_number(r, "df", c->candidate[c->chosen].df);
        json_add_number(r, "bits", bits);
        json_add_number(r, "r", ratio);
        json_add_number(r, "sqnr_db", sqnr_db(ratio));
        json_add_number(r, "max_error", e->max_error);
        json_add_number(r, "clipped_share", (double)e->clipped / n);
        json_add_number(r, "flushed_share", (double)e->flushed / n);
        json_add_number(r, "r_2b", ratio * exp2(bits));
        return;
    }
    static const char *const values[] = {
        "bits", "r", "sqnr_db", "max_error", "clipped_share", "flushed_share", "r_2b"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        json_add_null(r, values[i]);
    char reason[200];
    snprintf(reason, sizeof reason, "%zu elements are not finite", e->nonfinite);
    json_add_string(r, "reason", c->reason[0] ? c->reason : reason);
}

static void add_tensor(const struct matrix *m, const struct value_sketch *sketch,
                       const struct sketch_fit *fit, struct json *tensors)
{
    double edges[HISTOGRAM_BINS + 1], counts[HISTOGRAM_BINS], inside = 0;
    struct json *t = json_add_object(tensors, NULL);
    json_add_string(t, "tensor", m->tensor->name);
    json_add_u64(t, "elements", m->tensor->count);
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

/* What all matrices together say of one format. */
struct total {
    struct block_error error;
    double bits; /* of everything coded */
    size_t tensors, left_out;
    double worst_r;
    const char *worst; /* borrowed from the checkpoint */
};

static void total_add(struct total *t, const struct matrix *m, const struct coder *c,
                      const struct block_error *e)
{
    if (c->reason[0] || e->nonfinite) {
        t->left_out++;
        return;
    }
    double r = block_error_ratio(e);
    if (!t->worst || r > t->worst_r) {
        t->worst = m->tensor->name;
        t->worst_r = r;
    }
    block_error_add(&t->error, e);
    t->bits += coder_bits(c, m) * (double)m->tensor->count;
    t->tensors++;
}

static void add_totals(const struct settings *settings, const struct total *totals,
                       struct json *formats)
{
    for (size_t f = 0; f < settings->n; f++) {
        const struct total *t = &totals[f];
        struct json *o = json_add_object(formats, NULL);
        describe_comparison(&settings->rows[f], settings, o);
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
}

/* ---- A checkpoint ---- */

/* All that one run carries along. */
struct run {
    const struct settings *settings;
    const struct analysis_request *request;
    struct block_kernels kernels;
    struct team team;
    struct shelf shelf;
    struct coder *coders;        /* [settings->n] */
    struct block_error *errors;  /* [settings->n] */
    struct block_error *scratch; /* [most parts][settings->n] */
    struct total *totals;        /* [settings->n] */
    struct json *records, *tensors, *skipped;
    size_t bytes_done, bytes_all, matrices;
};

static void run_free(struct run *r)
{
    team_free(&r->team);
    shelf_free(&r->shelf);
    free(r->coders);
    free(r->errors);
    free(r->scratch);
    free(r->totals);
}

/* Room for the largest matrix of the checkpoints. */
static enum status run_make(struct run *r, const struct checkpoint *checkpoints, size_t n,
                            struct err *err)
{
    size_t elements = PART_ELEMENTS, parts = 1, formats = r->settings->n;
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < checkpoints[c].n; i++) {
            struct matrix m;
            if (as_matrix(&checkpoints[c].tensors[i], &m))
                continue;
            elements = m.cols > elements ? m.cols : elements;
            parts = m.n_parts > parts ? m.n_parts : parts;
            r->bytes_all += m.tensor->count * dtype_bytes(m.tensor->dtype);
        }
    r->coders = calloc(formats, sizeof *r->coders);
    r->errors = calloc(formats, sizeof *r->errors);
    r->totals = calloc(formats, sizeof *r->totals);
    r->scratch = calloc(parts * formats, sizeof *r->scratch);
    if (!r->coders || !r->errors || !r->totals || !r->scratch)
        return status_fail(err, E_NOMEM, "no memory for %zu formats of a tensor in %zu parts",
                           formats, parts);
    return team_make(r->request->threads > 0 ? r->request->threads : omp_get_max_threads(),
                     elements, &r->team, err);
}

static enum status analyse_matrix(struct run *r, const struct matrix *m, struct err *err)
{
    const struct workspace *whole = &r->team.workers[0];
    struct sketch_fit fit;
    look_at(m, &r->team, &r->kernels);
    enum status s = sketch_fit(whole->sketch, &fit, err);
    if (s)
        return s;
    add_tensor(m, whole->sketch, &fit, r->tensors);
    for (size_t f = 0; f < r->settings->n && !s; f++) {
        s = make_coder(r->settings, &r->settings->rows[f], m, &whole->stats, &r->shelf,
                       &r->coders[f], err);
        if (!s)
            fit_coder(&r->coders[f], m, &r->kernels, &r->team);
    }
    if (s)
        return s;
    code_all(r->settings, m, r->coders, &r->kernels, &r->team, r->scratch, r->errors);
    for (size_t f = 0; f < r->settings->n; f++) {
        add_record(r->settings, f, m, &r->coders[f], &r->errors[f], r->records);
        total_add(&r->totals[f], m, &r->coders[f], &r->errors[f]);
    }
    r->matrices++;
    r->bytes_done += m->tensor->count * dtype_bytes(m->tensor->dtype);
    return OK;
}

static enum status analyse_checkpoint(struct run *r, const struct checkpoint *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        struct matrix m;
        const char *reason = as_matrix(&c->tensors[i], &m);
        if (reason) {
            struct json *s = json_add_object(r->skipped, NULL);
            json_add_string(s, "tensor", c->tensors[i].name);
            json_add_string(s, "reason", reason);
            continue;
        }
        if (!progress_report(r->request->progress, (double)r->bytes_done / (double)r->bytes_all,
                             m.tensor->name))
            return status_fail(err, E_INTERRUPTED, "interrupted; nothing was written");
        enum status s = analyse_matrix(r, &m, err);
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
    enum status s = run_make(r, checkpoints, r->request->n_inputs, err);
    for (size_t i = 0; i < r->request->n_inputs && !s; i++)
        s = analyse_checkpoint(r, &checkpoints[i], err);
    if (!s && !r->matrices)
        s = status_fail(err, E_FORMAT, "%s: no floating-point matrix in it", r->request->inputs[0]);
    if (!s) {
        add_totals(r->settings, r->totals, formats);
        json_add_u64(summary, "bytes", r->bytes_done);
    }
    return s;
}

static enum status run(const struct analysis *self, const struct analysis_request *request,
                       struct json *document, struct err *err)
{
    struct settings settings = {0};
    struct checkpoint *checkpoints = NULL;
    struct run r = {.settings = &settings,
                    .request = request,
                    .kernels = block_kernels_pick(request->features)};
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
