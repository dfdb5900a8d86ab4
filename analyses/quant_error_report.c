/* What quant-error writes of each matrix, and of all together. */
#include <math.h>
#include <stdio.h>

#include "analyses/quant_error.h"

enum { HISTOGRAM_BINS = 80 };
#define HISTOGRAM_END 10.0 /* of |x| / rms */

bool quant_error_known(const struct survey_cell *cell)
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

void quant_error_describe(const struct survey_row *row, struct json *out)
{
    json_add_string(out, "format", row->name ? row->name : row->format->name);
    json_add_u64(out, "element_bits", (uint64_t)row->format->bits);
    json_add_string(out, "scaling", row->scaling->name);
    json_add_u64(out, "block", shown_block(row->block));
    json_add_string(out, "scale_format", scale_format_name(row->scale_format));
}

/* What an ideal code for these counts takes, in bits a code. */
static double entropy_bits(const uint64_t *counts, size_t n)
{
    double all = 0, bits = 0;
    for (size_t i = 0; i < n; i++)
        all += (double)counts[i];
    for (size_t i = 0; i < n; i++)
        if (counts[i])
            bits -= (double)counts[i] / all * log2((double)counts[i] / all);
    return bits;
}

void quant_error_record(const struct survey_row *row, const struct tensor *t, size_t cols,
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
    quant_error_describe(row, r);
    json_add_u64(r, "tail", row->scaling->block == 1 ? cols % row->block : 0);
    if (cell->df > 0)
        json_add_number(r, "df", cell->df);
    if (cell->multiplier > 0)
        json_add_number(r, "multiplier", cell->multiplier);
    if (cell->codes)
        json_add_number(r, "entropy_bits", entropy_bits(cell->codes, cell->n_codes));
    if (quant_error_known(cell)) {
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

void quant_error_tensor(const struct tensor *tensor, const struct value_sketch *sketch,
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

void quant_error_add(struct total *total, const struct tensor *t, const struct survey_cell *cell)
{
    if (!quant_error_known(cell)) {
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
    total->element_bits = cell->element_bits;
    total->n_codes = cell->n_codes;
    for (size_t i = 0; i < cell->n_codes; i++)
        total->codes[i] += cell->codes[i];
}

void quant_error_total(const struct survey_row *row, const struct total *t, struct json *formats)
{
    struct json *o = json_add_object(formats, NULL);
    quant_error_describe(row, o);
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
    if (!t->n_codes)
        return;
    json_add_number(o, "code_bits", t->element_bits);
    json_add_number(o, "entropy_bits", entropy_bits(t->codes, t->n_codes));
    struct json *codes = json_add_array(o, "codes");
    for (size_t i = 0; i < t->n_codes; i++)
        json_add_u64(codes, NULL, t->codes[i]);
}
