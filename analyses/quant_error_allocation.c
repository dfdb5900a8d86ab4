/* Bits shared out among the matrices of a checkpoint: what the high-rate model predicts, and what
 * the cube-root formats make of it.  Source: Orr, Ribar, Luschi, Optimal Formats for Weight
 * Quantisation, arXiv 2505.12988. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/quant_error.h"
#include "numerics/formats/bit_allocation.h"

static const char *const families[ALLOCATION_FAMILIES] = {"crd-normal", "crd-t"};

enum { WIDTHS = ALLOCATION_MOST - ALLOCATION_LEAST + 1 };

struct share {
    struct bit_tensor given;
    double bits; /* the optimum */
    size_t whole;
};

struct allocation {
    const struct settings *settings;
    struct named_values fisher;
    struct share *shares;          /* [n] */
    struct bit_tensor *worth;      /* [n] those that matter, in their order */
    double *bits, *whole;          /* [n] of these */
    const struct tensor **tensors; /* [n], borrowed */
    double *errors;                /* [n][settings->n] squared; NaN: the row cannot code it */
    double *squares;               /* [n] */
    size_t n, left_out;
};

size_t quant_error_family(const struct scalar_format *f)
{
    return f->bits < ALLOCATION_LEAST || f->bits > ALLOCATION_MOST ? ALLOCATION_FAMILIES
           : f->kind == SCALAR_CUBE_NORMAL                         ? 0
           : f->kind == SCALAR_CUBE_T                              ? 1
                                                                   : ALLOCATION_FAMILIES;
}

void allocation_close(struct allocation *a)
{
    if (!a)
        return;
    named_values_free(&a->fisher);
    free(a->shares);
    free(a->worth);
    free(a->bits);
    free(a->whole);
    free(a->tensors);
    free(a->errors);
    free(a->squares);
    free(a);
}

enum status allocation_open(const struct settings *settings, size_t tensors,
                            struct allocation **out, struct err *err)
{
    struct allocation *a = calloc(1, sizeof *a);
    enum status s = E_NOMEM;
    if (a) {
        a->settings = settings;
        a->shares = calloc(tensors + 1, sizeof *a->shares);
        a->worth = calloc(tensors + 1, sizeof *a->worth);
        a->bits = calloc(tensors + 1, sizeof *a->bits);
        a->whole = calloc(tensors + 1, sizeof *a->whole);
        a->tensors = calloc(tensors + 1, sizeof *a->tensors);
        a->errors = calloc(tensors + 1, settings->n * sizeof *a->errors);
        a->squares = calloc(tensors + 1, sizeof *a->squares);
    }
    if (!a || !a->shares || !a->worth || !a->bits || !a->whole || !a->tensors || !a->errors ||
        !a->squares)
        status_fail(err, s, "no memory to share out bits among %zu tensors", tensors);
    else
        s = settings->fisher ? named_values_read(settings->fisher, &a->fisher, err) : OK;
    if (s)
        allocation_close(a);
    else
        *out = a;
    return s;
}

enum status allocation_add(struct allocation *a, const struct tensor *t,
                           const struct survey_cell *cells, double rms, struct err *err)
{
    const double *weight = a->settings->fisher ? named_values_find(&a->fisher, t->name) : NULL;
    if (a->settings->fisher && !weight)
        return status_fail(err, E_FORMAT, "%s: no weight for the tensor '%s'", a->settings->fisher,
                           t->name);
    const struct survey_cell *any = cells; /* some row that could code it, for the values' sums */
    for (size_t f = 0; f < a->settings->n; f++) {
        bool known = quant_error_known(&cells[f]);
        any = known ? &cells[f] : any;
        a->errors[a->n * a->settings->n + f] = known ? cells[f].error.error : NAN;
    }
    if (!quant_error_known(any)) {
        a->left_out++;
        return OK;
    }
    a->shares[a->n].given = (struct bit_tensor){(double)t->count, rms, weight ? *weight : 1};
    a->tensors[a->n] = t;
    a->squares[a->n++] = any->error.squares;
    return OK;
}

/* ---- What the formats make of it ---- */

/* A family under one scaling: its row of each width. */
struct family_rows {
    size_t row[WIDTHS];
};

static bool same_scaling(const struct survey_row *a, const struct survey_row *b)
{
    return a->scaling == b->scaling && a->block == b->block && a->scale_format == b->scale_format &&
           !a->name == !b->name;
}

/* Finds the rows of the family and scaling of row `first`; false if a width is missing. */
static bool find_rows(const struct settings *settings, size_t first, struct family_rows *out)
{
    const struct survey_row *rows = settings->rows;
    size_t found = 0;
    for (size_t f = 0; f < settings->n; f++)
        if (quant_error_family(rows[f].format) == quant_error_family(rows[first].format) &&
            same_scaling(&rows[f], &rows[first])) {
            out->row[rows[f].format->bits - ALLOCATION_LEAST] = f;
            found++;
        }
    return found == WIDTHS;
}

/* Weighted squared errors over all tensors that every width can code. */
struct measured {
    double squares, allocated, flat[WIDTHS];
    double elements, bits; /* of these tensors, whole bits */
    size_t tensors;
};

static struct measured measure(const struct allocation *a, const struct family_rows *family)
{
    struct measured m = {0};
    for (size_t i = 0; i < a->n; i++) {
        const struct share *share = &a->shares[i];
        const double *errors = a->errors + i * a->settings->n;
        if (isnan(errors[family->row[0]]))
            continue;
        m.squares += share->given.fisher * a->squares[i];
        m.allocated += share->given.fisher * errors[family->row[share->whole - ALLOCATION_LEAST]];
        for (size_t w = 0; w < WIDTHS; w++)
            m.flat[w] += share->given.fisher * errors[family->row[w]];
        m.elements += share->given.count;
        m.bits += share->given.count * (double)share->whole;
        m.tensors++;
    }
    return m;
}

/* log2 of R at one width for all.  Between two widths, where there is no format, it is taken as
 * linear in the bits, as in the high-rate model. */
static double flat_log2_r(const struct measured *m, double bits)
{
    double below = floor(fmin(bits, ALLOCATION_MOST - 1));
    size_t w = (size_t)below - ALLOCATION_LEAST;
    double low = log2(m->flat[w] / m->squares) / 2, high = log2(m->flat[w + 1] / m->squares) / 2;
    return low + (bits - below) * (high - low);
}

static void report_family(const struct allocation *a, size_t first, struct json *out)
{
    struct family_rows family;
    if (!find_rows(a->settings, first, &family))
        return;
    struct measured m = measure(a, &family);
    const struct survey_row *row = &a->settings->rows[first];
    struct json *o = json_add_object(out, NULL);
    quant_error_describe(row, o);
    json_add_string(o, "format", families[quant_error_family(row->format)]);
    json_add_null(o, "element_bits");
    json_add_u64(o, "tensors", m.tensors);
    double bits = m.bits / m.elements, r = sqrt(m.allocated / m.squares),
           flat = exp2(flat_log2_r(&m, bits));
    json_add_number(o, "code_bits", bits);
    json_add_number(o, "r", r);
    json_add_number(o, "flat_r", flat);
    json_add_number(o, "saved_bits", log2(flat / r));
    struct json *widths = json_add_array(o, "flat");
    for (size_t w = 0; w < WIDTHS; w++) {
        struct json *width = json_add_object(widths, NULL);
        json_add_u64(width, "code_bits", ALLOCATION_LEAST + w);
        json_add_number(width, "r", sqrt(m.flat[w] / m.squares));
    }
}

/* A matrix of zeros, or one that no output depends on, is worth nothing at any width: it gets the
 * least, and the others share the average among themselves. */
static bool is_worth_bits(const struct share *s)
{
    return s->given.rms > 0 && s->given.fisher > 0;
}

/* Fills the shares and reports what the model says of them. */
static enum status share_out(struct allocation *a, struct json *o, struct err *err)
{
    double mean = a->settings->allocate, elements = 0, whole_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (is_worth_bits(&a->shares[i]))
            a->worth[n++] = a->shares[i].given;
    enum status s = n ? bit_allocation(a->worth, n, mean, a->bits, err) : OK;
    if (s)
        return s;
    for (size_t i = 0; i < n; i++)
        a->whole[i] = a->bits[i];
    bit_allocation_round(a->whole, n, ALLOCATION_LEAST);
    for (size_t i = 0; i < n; i++)
        a->whole[i] = fmin(a->whole[i], ALLOCATION_MOST);
    for (size_t i = 0, k = 0; i < a->n; i++) {
        struct share *share = &a->shares[i];
        bool worth = is_worth_bits(share);
        share->bits = worth ? a->bits[k] : ALLOCATION_LEAST;
        share->whole = worth ? (size_t)a->whole[k++] : ALLOCATION_LEAST;
        elements += share->given.count;
        whole_bits += share->given.count * (double)share->whole;
    }
    double flat = bit_allocation_divergence(a->worth, n, NULL, mean, 1),
           optimal = bit_allocation_divergence(a->worth, n, a->bits, mean, 1);
    json_add_number(o, "divergence_flat", flat);
    json_add_number(o, "divergence_optimal", optimal);
    json_add_number(o, "divergence_whole",
                    bit_allocation_divergence(a->worth, n, a->whole, mean, 1));
    json_add_number(o, "predicted_gain", flat / optimal);
    json_add_number(o, "saved_bits", log2(flat / optimal) / 2);
    json_add_number(o, "whole_bits", whole_bits / elements);
    return OK;
}

enum status allocation_report(struct allocation *a, struct json *summary, struct err *err)
{
    const struct settings *settings = a->settings;
    if (!a->n)
        return status_fail(err, E_FORMAT, "no matrix of finite values to share out bits among");
    struct json *o = json_add_object(summary, "allocation");
    json_add_number(o, "average_bits", settings->allocate);
    json_add_string(o, "weights", settings->fisher ? "fisher" : "variance");
    json_add_u64(o, "least_bits", ALLOCATION_LEAST);
    json_add_u64(o, "most_bits", ALLOCATION_MOST);
    enum status s = share_out(a, o, err);
    if (s)
        return s;
    json_add_u64(o, "left_out", a->left_out);
    struct json *measured = json_add_array(o, "measured"), *tensors = json_add_array(o, "tensors");
    for (size_t f = 0; f < settings->n; f++)
        if (settings->rows[f].format->bits == ALLOCATION_LEAST &&
            quant_error_family(settings->rows[f].format) < ALLOCATION_FAMILIES)
            report_family(a, f, measured);
    for (size_t i = 0; i < a->n; i++) {
        const struct share *share = &a->shares[i];
        struct json *t = json_add_object(tensors, NULL);
        json_add_string(t, "tensor", a->tensors[i]->name);
        json_add_number(t, "elements", share->given.count);
        json_add_number(t, "rms", share->given.rms);
        json_add_number(t, "weight", share->given.fisher);
        json_add_number(t, "bits", share->bits);
        json_add_u64(t, "whole_bits", share->whole);
    }
    return OK;
}
