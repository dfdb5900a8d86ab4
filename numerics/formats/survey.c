#include "numerics/formats/survey.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_ELEMENTS = 1 << 17, /* 512 KB as f32: stays in L2 while every format looks at it */
    FIT_PARTS = 8
};

/* ---- Codebooks that were made before: matrices of a model share their shapes, and some codebooks
 * take long to solve for ---- */

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

static enum status shelf_add(struct shelf *shelf, struct made wanted, const struct codebook **out,
                             struct err *err)
{
    struct made *m = malloc(sizeof *m);
    struct made **grown = realloc(shelf->made, (shelf->n + 1) * sizeof *grown);
    enum status s = OK;
    if (grown)
        shelf->made = grown;
    if (!m || !grown) {
        s = status_fail(err, E_NOMEM, "no memory for a codebook");
        goto out;
    }
    s = scalar_format_codebook(wanted.format, wanted.rule, wanted.together, wanted.df,
                               &wanted.codebook, err);
    if (s)
        goto out;
    *m = wanted;
    shelf->made[shelf->n++] = m;
    *out = &m->codebook;
    m = NULL;
out:
    free(m);
    return s;
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
    return shelf_add(shelf, wanted, out, err);
}

/* ---- The matrix in parts ---- */

struct matrix {
    const struct tensor *tensor;
    size_t rows, cols, rows_in_part, n_parts;
};

static struct matrix matrix_of(const struct tensor *t, size_t cols)
{
    size_t rows = t->count / cols, rows_in_part = PART_ELEMENTS / cols ? PART_ELEMENTS / cols : 1;
    return (struct matrix){t, rows, cols, rows_in_part, (rows + rows_in_part - 1) / rows_in_part};
}

static size_t part_rows(const struct matrix *m, size_t part)
{
    size_t first = part * m->rows_in_part;
    return m->rows - first < m->rows_in_part ? m->rows - first : m->rows_in_part;
}

/* Values of one part as f32; returns their number. */
static size_t load_part(const struct matrix *m, size_t part, float *x)
{
    size_t n = part_rows(m, part) * m->cols;
    tensor_to_f32(m->tensor, part * m->rows_in_part * m->cols, n, x);
    return n;
}

/* ---- One format ready for one matrix, with candidates where its df is to be fitted ---- */

struct coder {
    struct {
        struct block_format format;
        float tensor_scale;
        double df;
    } candidate[SCALAR_DF_CANDIDATES];
    size_t n, chosen;
    struct codebook fitted; /* what candidate 0 uses where the format's levels are fitted */
    char reason[160];
};

/* What each thread works in. */
struct worker {
    float *x; /* [elements] */
    struct value_sketch *sketch;
};

struct survey {
    const struct survey_row *rows; /* [n], borrowed */
    size_t n;
    struct block_kernels kernels;
    struct shelf shelf;
    struct coder *coders;         /* [n] */
    struct worker *workers;       /* [threads] */
    size_t elements;              /* of a worker's x */
    struct quantise_stats *stats; /* [parts] */
    struct block_error *errors;   /* [parts][n] */
    size_t parts;
    int threads;
};

void survey_close(struct survey *s)
{
    if (!s)
        return;
    for (int i = 0; s->workers && i < s->threads; i++) {
        free(s->workers[i].x);
        free(s->workers[i].sketch);
    }
    free(s->workers);
    free(s->coders);
    free(s->stats);
    free(s->errors);
    shelf_free(&s->shelf);
    free(s);
}

enum status survey_open(const struct survey_row *rows, size_t n, unsigned features, int threads,
                        struct survey **out, struct err *err)
{
    struct survey *s = calloc(1, sizeof *s);
    if (!s)
        return status_fail(err, E_NOMEM, "no memory for a survey of formats");
    s->rows = rows;
    s->n = n;
    s->kernels = block_kernels_pick(features);
    s->threads = threads;
    s->coders = calloc(n, sizeof *s->coders);
    s->workers = calloc((size_t)threads, sizeof *s->workers);
    bool there = s->coders && s->workers;
    for (int i = 0; there && i < threads; i++)
        there = (s->workers[i].sketch = malloc(sizeof *s->workers[i].sketch)) != NULL;
    if (!there) {
        survey_close(s);
        return status_fail(err, E_NOMEM, "no memory for a survey with %d threads", threads);
    }
    *out = s;
    return OK;
}

/* Room for the parts of m. */
static enum status make_room(struct survey *s, const struct matrix *m, struct err *err)
{
    size_t elements = m->rows_in_part * m->cols;
    if (elements > s->elements) {
        s->elements = 0;
        for (int i = 0; i < s->threads; i++) {
            free(s->workers[i].x);
            s->workers[i].x = malloc(elements * sizeof *s->workers[i].x);
        }
        for (int i = 0; i < s->threads; i++)
            if (!s->workers[i].x)
                return status_fail(err, E_NOMEM, "no memory for %d times %zu elements", s->threads,
                                   elements);
        s->elements = elements;
    }
    if (m->n_parts > s->parts) {
        free(s->stats);
        free(s->errors);
        s->parts = 0;
        s->stats = malloc(m->n_parts * sizeof *s->stats);
        s->errors = malloc(m->n_parts * s->n * sizeof *s->errors);
        if (!s->stats || !s->errors)
            return status_fail(err, E_NOMEM, "no memory for %zu formats in %zu parts", s->n,
                               m->n_parts);
        s->parts = m->n_parts;
    }
    return OK;
}

/* How the values of the whole matrix are spread.  Counts add up in any order; sums are added in the
 * order of the parts. */
static struct quantise_stats look_at(struct survey *s, const struct matrix *m,
                                     struct value_sketch *sketch)
{
    for (int i = 0; i < s->threads; i++)
        memset(s->workers[i].sketch, 0, sizeof *s->workers[i].sketch);
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (size_t part = 0; part < m->n_parts; part++) {
        struct worker *w = &s->workers[omp_get_thread_num()];
        size_t n = load_part(m, part, w->x);
        sketch_add(w->sketch, w->x, n);
        s->kernels.stats(w->x, n, &s->stats[part]);
    }
    struct quantise_stats whole = {0};
    memset(sketch, 0, sizeof *sketch);
    for (int i = 0; i < s->threads; i++)
        sketch_merge(sketch, s->workers[i].sketch);
    for (size_t part = 0; part < m->n_parts; part++)
        quantise_stats_add(&whole, &s->stats[part]);
    sketch->squares = whole.squares;
    return whole;
}

static enum status make_coder(struct survey *s, const struct survey_row *row,
                              const struct matrix *m, const struct quantise_stats *stats,
                              struct coder *c, struct err *err)
{
    bool fitted = row->format->kind == SCALAR_CUBE_T;
    size_t together = row->block == BLOCK_TENSOR    ? m->tensor->count
                      : row->block == BLOCK_CHANNEL ? m->cols
                                                    : row->block;
    *c = (struct coder){.n = fitted ? SCALAR_DF_CANDIDATES : 1};
    for (size_t i = 0; i < c->n; i++) {
        const struct codebook *codebook = NULL;
        double df = fitted ? scalar_format_df(i) : 0;
        struct made wanted = {row->format, row->scaling->rule, together, df, {0}};
        enum status status = shelf_get(&s->shelf, wanted, &codebook, err);
        if (status == E_USAGE) { /* channels of three elements, say: the other rows still count */
            snprintf(c->reason, sizeof c->reason, "%.150s", err->text);
            return OK;
        }
        if (status)
            return status;
        struct block_format format = {.codebook = codebook,
                                      .rule = row->scaling->rule,
                                      .scale_format = row->scale_format,
                                      .block = row->block,
                                      .multiplier = 1,
                                      .extra_bits = scalar_format_extra_bits(row->format),
                                      .least = row->least};
        if (row->scale_format == SCALE_E4M3) {
            format.relative = block_format_relative(codebook, stats);
            format.extra_bits += 32;
        }
        c->candidate[i].format = format;
        c->candidate[i].df = df;
        if (row->block == BLOCK_TENSOR)
            c->candidate[i].tensor_scale =
                block_format_scale(&format, stats, m->tensor->count - stats->nonfinite);
    }
    return OK;
}

static struct block_error code_part(const struct survey *s, const struct coder *c, size_t candidate,
                                    const struct matrix *m, size_t part, const float *x)
{
    const struct block_format *format = &c->candidate[candidate].format;
    return block_format_error(format, &s->kernels, x, part_rows(m, part), m->cols,
                              format->block == BLOCK_TENSOR ? &c->candidate[candidate].tensor_scale
                                                            : NULL);
}

/* Chooses the candidate of least error on at most FIT_PARTS parts, evenly spread over the matrix.
 */
static void fit_coder(const struct survey *s, const struct matrix *m, struct coder *c)
{
    struct block_error error[SCALAR_DF_CANDIDATES][FIT_PARTS];
    size_t parts = m->n_parts < FIT_PARTS ? m->n_parts : FIT_PARTS;
    if (c->n < 2 || c->reason[0])
        return;
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (size_t i = 0; i < parts; i++) {
        float *x = s->workers[omp_get_thread_num()].x;
        size_t part = i * m->n_parts / parts;
        load_part(m, part, x);
        for (size_t k = 0; k < c->n; k++)
            error[k][i] = code_part(s, c, k, m, part, x);
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

/* Fits levels to at most FIT_PARTS parts, evenly spread over the matrix. */
static enum status fit_levels(const struct survey *s, const struct survey_row *row,
                              const struct matrix *m, struct coder *c, struct err *err)
{
    struct block_format *format = &c->candidate[0].format;
    size_t parts = m->n_parts < FIT_PARTS ? m->n_parts : FIT_PARTS, n = 0;
    if (row->format->kind != SCALAR_KMEANS || c->reason[0])
        return OK;
    float *u = malloc(parts * m->rows_in_part * m->cols * sizeof *u), *x = s->workers[0].x;
    enum status status = E_NOMEM;
    struct rng rng = {0};
    if (!u) {
        status_fail(err, status, "no memory to fit the levels of %s", row->format->name);
        goto out;
    }
    for (size_t i = 0; i < parts; i++) {
        size_t part = i * m->n_parts / parts;
        load_part(m, part, x);
        n += block_format_normalise(
            format, &s->kernels, x, part_rows(m, part), m->cols,
            format->block == BLOCK_TENSOR ? &c->candidate[0].tensor_scale : NULL, u + n);
    }
    status = scalar_format_fit(row->format, u, n, &rng, &c->fitted, err);
    if (status == E_USAGE) {
        snprintf(c->reason, sizeof c->reason, "there is nothing to fit levels to");
        status = OK;
    }
    format->codebook = &c->fitted;
out:
    free(u);
    return status;
}

static void code_all(struct survey *s, const struct matrix *m, struct survey_cell *cells)
{
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (size_t part = 0; part < m->n_parts; part++) {
        float *x = s->workers[omp_get_thread_num()].x;
        load_part(m, part, x);
        for (size_t f = 0; f < s->n; f++)
            if (!s->coders[f].reason[0])
                s->errors[part * s->n + f] =
                    code_part(s, &s->coders[f], s->coders[f].chosen, m, part, x);
    }
    for (size_t f = 0; f < s->n; f++) {
        const struct coder *c = &s->coders[f];
        cells[f] = (struct survey_cell){0};
        snprintf(cells[f].reason, sizeof cells[f].reason, "%s", c->reason);
        if (c->reason[0])
            continue;
        for (size_t part = 0; part < m->n_parts; part++)
            block_error_add(&cells[f].error, &s->errors[part * s->n + f]);
        cells[f].bits = block_format_bits(&c->candidate[c->chosen].format, m->rows, m->cols);
        cells[f].df = c->candidate[c->chosen].df;
    }
}

enum status survey_matrix(struct survey *s, const struct tensor *t, size_t cols,
                          struct survey_cell *cells, struct value_sketch *sketch, struct err *err)
{
    struct matrix m = matrix_of(t, cols);
    struct err unused;
    enum status status = make_room(s, &m, err);
    if (status)
        return status;
    struct quantise_stats stats = look_at(s, &m, sketch);
    for (size_t f = 0; f < s->n; f++) {
        status = make_coder(s, &s->rows[f], &m, &stats, &s->coders[f], err ? err : &unused);
        if (!status)
            status = fit_levels(s, &s->rows[f], &m, &s->coders[f], err ? err : &unused);
        if (status)
            return status;
        fit_coder(s, &m, &s->coders[f]);
    }
    code_all(s, &m, cells);
    return OK;
}
