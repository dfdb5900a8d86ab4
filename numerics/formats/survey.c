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
    struct quantise_stats stats; /* of the whole, once it was looked at */
};

static struct matrix matrix_of(const struct tensor *t, size_t cols)
{
    size_t rows = t->count / cols, rows_in_part = PART_ELEMENTS / cols ? PART_ELEMENTS / cols : 1;
    return (struct matrix){.tensor = t,
                           .rows = rows,
                           .cols = cols,
                           .rows_in_part = rows_in_part,
                           .n_parts = (rows + rows_in_part - 1) / rows_in_part};
}

static size_t part_rows(const struct matrix *m, size_t part)
{
    size_t first = part * m->rows_in_part;
    return m->rows - first < m->rows_in_part ? m->rows - first : m->rows_in_part;
}

/* How many parts something is fitted to. */
static size_t fit_parts(const struct matrix *m)
{
    return m->n_parts < FIT_PARTS ? m->n_parts : FIT_PARTS;
}

/* Values of one part as f32; returns their number. */
static size_t load_part(const struct matrix *m, size_t part, float *x)
{
    size_t n = part_rows(m, part) * m->cols;
    tensor_to_f32(m->tensor, part * m->rows_in_part * m->cols, n, x);
    return n;
}

/* ---- One format ready for one matrix, with what is to be tried where something is fitted ---- */

enum {
    T_STRIDE = 2, /* a Student-t tries every second multiplier with each df */
    MAX_TRIES = SCALAR_DF_CANDIDATES * (BLOCK_MULTIPLIERS / T_STRIDE + 1)
};

struct coding {
    struct block_format format;
    float tensor_scale; /* of BLOCK_TENSOR */
    double df;
};

struct coder {
    struct coding candidate[SCALAR_DF_CANDIDATES]; /* [n], under a multiplier of 1 */
    size_t n, stride;                              /* stride: 0, or of the multipliers tried */
    struct coding chosen;
    struct codebook fitted; /* what candidate 0 uses where the format's levels are fitted */
    char reason[160];
};

static size_t tries_of(const struct coder *c)
{
    size_t multipliers = c->stride ? (BLOCK_MULTIPLIERS - 1) / c->stride + 1 : 1;
    return c->reason[0] ? 0 : c->n * multipliers;
}

/* The k-th of tries_of(): multipliers of one candidate, ascending, then the next candidate's. */
static struct coding coding_of(const struct coder *c, size_t k, const struct matrix *m)
{
    size_t multipliers = tries_of(c) / c->n;
    struct coding coding = c->candidate[k / multipliers];
    if (c->stride)
        coding.format.multiplier = block_format_multiplier(k % multipliers * c->stride);
    if (coding.format.block == BLOCK_TENSOR)
        coding.tensor_scale =
            block_format_scale(&coding.format, &m->stats, m->tensor->count - m->stats.nonfinite);
    return coding;
}

static const float *given_scale(const struct coding *c)
{
    return c->format.block == BLOCK_TENSOR ? &c->tensor_scale : NULL;
}

/* What each thread works in. */
struct worker {
    float *x; /* [elements] */
    struct value_sketch *sketch;
    uint64_t (*counts)[CODEBOOK_MAX]; /* [rows of the survey]; NULL: codes are not counted */
};

struct survey {
    const struct survey_row *rows; /* [n], borrowed */
    size_t n;
    unsigned flags;
    struct block_kernels kernels;
    struct shelf shelf;
    struct coder *coders;                  /* [n] */
    double (*tries)[FIT_PARTS][MAX_TRIES]; /* [n] squared errors */
    struct worker *workers;                /* [threads] */
    size_t elements;                       /* of a worker's x */
    struct quantise_stats *stats;          /* [parts] */
    struct block_error *errors;            /* [parts][n] */
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
        free(s->workers[i].counts);
    }
    free(s->workers);
    free(s->tries);
    free(s->coders);
    free(s->stats);
    free(s->errors);
    shelf_free(&s->shelf);
    free(s);
}

static bool open_worker(const struct survey *s, struct worker *w)
{
    w->sketch = malloc(sizeof *w->sketch);
    if (s->flags & SURVEY_CODES)
        w->counts = calloc(s->n, sizeof *w->counts);
    return w->sketch && (w->counts || !(s->flags & SURVEY_CODES));
}

enum status survey_open(const struct survey_row *rows, size_t n, unsigned flags, unsigned features,
                        int threads, struct survey **out, struct err *err)
{
    struct survey *s = calloc(1, sizeof *s);
    if (!s)
        return status_fail(err, E_NOMEM, "no memory for a survey of formats");
    s->rows = rows;
    s->n = n;
    s->flags = flags;
    s->kernels = block_kernels_pick(features);
    s->threads = threads;
    s->coders = calloc(n, sizeof *s->coders);
    s->workers = calloc((size_t)threads, sizeof *s->workers);
    s->tries = calloc(n, sizeof *s->tries);
    bool there = s->coders && s->workers && s->tries;
    for (int i = 0; there && i < threads; i++)
        there = open_worker(s, &s->workers[i]);
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
static void look_at(struct survey *s, struct matrix *m, struct value_sketch *sketch)
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
    memset(sketch, 0, sizeof *sketch);
    for (int i = 0; i < s->threads; i++)
        sketch_merge(sketch, s->workers[i].sketch);
    for (size_t part = 0; part < m->n_parts; part++)
        quantise_stats_add(&m->stats, &s->stats[part]);
    sketch->squares = m->stats.squares;
}

static enum status make_coder(struct survey *s, const struct survey_row *row,
                              const struct matrix *m, struct coder *c, struct err *err)
{
    bool fitted = row->format->kind == SCALAR_CUBE_T;
    size_t together = row->block == BLOCK_TENSOR    ? m->tensor->count
                      : row->block == BLOCK_CHANNEL ? m->cols
                                                    : row->block;
    bool searched = s->flags & SURVEY_SEARCH && !row->name && row->format->kind != SCALAR_KMEANS;
    *c = (struct coder){.n = fitted ? SCALAR_DF_CANDIDATES : 1,
                        .stride = searched ? fitted ? T_STRIDE : 1 : 0};
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
                                      .extra_bits = scalar_format_extra_bits(row->format) +
                                                    (searched ? 32 : 0),
                                      .least = row->least};
        if (row->scale_format == SCALE_E4M3) {
            format.relative = block_format_relative(codebook, &m->stats);
            format.extra_bits += 32;
        }
        c->candidate[i] = (struct coding){.format = format, .df = df};
    }
    return OK;
}

/* Fits levels to at most FIT_PARTS parts, evenly spread over the matrix. */
static enum status fit_levels(const struct survey *s, const struct survey_row *row,
                              const struct matrix *m, struct coder *c, struct err *err)
{
    struct block_format *format = &c->candidate[0].format;
    size_t parts = fit_parts(m), n = 0;
    if (row->format->kind != SCALAR_KMEANS || c->reason[0])
        return OK;
    struct coding coding = coding_of(c, 0, m);
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
        n += block_format_normalise(format, &s->kernels, x, part_rows(m, part), m->cols,
                                    given_scale(&coding), u + n);
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

/* The try of least error; the first at a tie. */
static void choose(const struct survey *s, size_t f, const struct matrix *m)
{
    struct coder *c = &s->coders[f];
    double least = INFINITY;
    size_t chosen = 0;
    for (size_t k = 0; k < tries_of(c) && tries_of(c) > 1; k++) {
        double sum = 0;
        for (size_t i = 0; i < fit_parts(m); i++)
            sum += s->tries[f][i][k];
        if (sum < least) {
            least = sum;
            chosen = k;
        }
    }
    if (!c->reason[0])
        c->chosen = coding_of(c, chosen, m);
}

/* Chooses for every row what codes at most FIT_PARTS parts best, evenly spread over the matrix.
 * Rows are shared out as well as parts: a small matrix is one part. */
static void fit_coders(const struct survey *s, const struct matrix *m)
{
    size_t parts = fit_parts(m);
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(s->threads)
    for (size_t f = 0; f < s->n; f++)
        for (size_t i = 0; i < parts; i++) {
            size_t part = i * m->n_parts / parts, tries = tries_of(&s->coders[f]);
            float *x = s->workers[omp_get_thread_num()].x;
            if (tries < 2)
                continue;
            load_part(m, part, x);
            for (size_t k = 0; k < tries; k++) {
                struct coding c = coding_of(&s->coders[f], k, m);
                s->tries[f][i][k] = block_format_error(&c.format, &s->kernels, x,
                                                       part_rows(m, part), m->cols, given_scale(&c))
                                        .error;
            }
        }
    for (size_t f = 0; f < s->n; f++)
        choose(s, f, m);
}

static void code_part(const struct survey *s, const struct worker *w, size_t f,
                      const struct matrix *m, size_t part)
{
    const struct coding *c = &s->coders[f].chosen;
    size_t rows = part_rows(m, part);
    s->errors[part * s->n + f] =
        block_format_error(&c->format, &s->kernels, w->x, rows, m->cols, given_scale(c));
    if (w->counts)
        block_format_count(&c->format, &s->kernels, w->x, rows, m->cols, given_scale(c),
                           w->counts[f]);
}

static void fill_cell(struct survey *s, size_t f, const struct matrix *m, struct survey_cell *cell)
{
    const struct coder *c = &s->coders[f];
    *cell = (struct survey_cell){0};
    snprintf(cell->reason, sizeof cell->reason, "%s", c->reason);
    if (c->reason[0])
        return;
    for (size_t part = 0; part < m->n_parts; part++)
        block_error_add(&cell->error, &s->errors[part * s->n + f]);
    cell->bits = block_format_bits(&c->chosen.format, m->rows, m->cols);
    cell->df = c->chosen.df;
    cell->multiplier = c->stride ? c->chosen.format.multiplier : 0;
    cell->element_bits = c->chosen.format.codebook->bits;
    if (!(s->flags & SURVEY_CODES))
        return;
    for (int i = 1; i < s->threads; i++)
        for (size_t code = 0; code < CODEBOOK_MAX; code++)
            s->workers[0].counts[f][code] += s->workers[i].counts[f][code];
    cell->codes = s->workers[0].counts[f];
    cell->n_codes = c->chosen.format.codebook->n;
}

static void code_all(struct survey *s, const struct matrix *m, struct survey_cell *cells)
{
    for (int i = 0; i < s->threads && s->flags & SURVEY_CODES; i++)
        memset(s->workers[i].counts, 0, s->n * sizeof *s->workers[i].counts);
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (size_t part = 0; part < m->n_parts; part++) {
        const struct worker *w = &s->workers[omp_get_thread_num()];
        load_part(m, part, w->x);
        for (size_t f = 0; f < s->n; f++)
            if (!s->coders[f].reason[0])
                code_part(s, w, f, m, part);
    }
    for (size_t f = 0; f < s->n; f++)
        fill_cell(s, f, m, &cells[f]);
}

enum status survey_matrix(struct survey *s, const struct tensor *t, size_t cols,
                          struct survey_cell *cells, struct value_sketch *sketch, struct err *err)
{
    struct matrix m = matrix_of(t, cols);
    struct err unused;
    enum status status = make_room(s, &m, err);
    if (status)
        return status;
    look_at(s, &m, sketch);
    for (size_t f = 0; f < s->n; f++) {
        status = make_coder(s, &s->rows[f], &m, &s->coders[f], err ? err : &unused);
        if (!status)
            status = fit_levels(s, &s->rows[f], &m, &s->coders[f], err ? err : &unused);
        if (status)
            return status;
    }
    fit_coders(s, &m);
    code_all(s, &m, cells);
    return OK;
}
