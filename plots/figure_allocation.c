/* Bits shared out among the tensors of a model: the optimum of each, and the whole number it gets.
 */
#include "plots/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plots/escape.h"
#include "plots/rows.h"

extern const char embed_rows_gp[];

static const char *const headers[] = {"tensor", "elements",  "rms",
                                      "weight", "best bits", "whole bits"};

static void add_row(struct figure *f, const struct json *t)
{
    table_text(&f->table, json_get_string(t, "tensor", ""));
    table_number(&f->table, json_get_number(t, "elements", NAN), 12);
    table_number(&f->table, json_get_number(t, "rms", NAN), 4);
    table_number(&f->table, json_get_number(t, "weight", NAN), 4);
    table_number(&f->table, json_get_number(t, "bits", NAN), 4);
    table_number(&f->table, json_get_number(t, "whole_bits", NAN), 2);
}

/* What one family measured. */
static void print_measured(FILE *out, const struct json *m)
{
    double block = json_get_number(m, "block", 0);
    fprintf(out, "; %.60s under %.60s", json_get_string(m, "format", ""),
            json_get_string(m, "scaling", ""));
    if (block > 0)
        fprintf(out, " %.9g", block);
    fprintf(out, ": R %.3g beside %.3g, %.3g bits", json_get_number(m, "r", NAN),
            json_get_number(m, "flat_r", NAN), json_get_number(m, "saved_bits", NAN));
}

static void print_caption(struct figure *f, const struct json *allocation, size_t left_out)
{
    enum { MOST = 8 };
    size_t n = 0;
    fprintf(f->words,
            "Bits of a code for each tensor at %.4g on average, by %s: the bar ends at the optimum "
            "of the high-rate model, and beside it stands the whole number in use (dashed: the "
            "average). Predicted: flat bits have %.3g times the divergence and would need %.3g "
            "bits a weight more. Measured at the whole bits, %.4g on average, beside flat bits at "
            "the same average",
            json_get_number(allocation, "average_bits", NAN),
            !strcmp(json_get_string(allocation, "weights", ""), "fisher")
                ? "variance and Fisher information"
                : "variance",
            json_get_number(allocation, "predicted_gain", NAN),
            json_get_number(allocation, "saved_bits", NAN),
            json_get_number(allocation, "whole_bits", NAN));
    const struct json *m = json_first(json_get(allocation, "measured"));
    for (; m && n < MOST; m = json_next(m), n++)
        print_measured(f->words, m);
    fputs(m ? "; more in the document." : ".", f->words);
    if (left_out)
        fprintf(f->words, " %zu more tensors are in the table only.", left_out);
}

void figures_allocation(struct figures *fs, const struct analysis_document *a)
{
    const struct json *allocation = json_get(json_get(a->json, "summary"), "allocation");
    const struct json *tensors = json_get(allocation, "tensors");
    double average = json_get_number(allocation, "average_bits", NAN), low = 0, high = average;
    size_t left_out = 0;
    if (!(average > 0 && average <= 64) || !json_size(tensors))
        return;
    struct figure *f =
        figure_begin(fs, "allocation", a->stem, NULL, embed_rows_gp, headers,
                     sizeof headers / sizeof headers[0], "Bits shared out among tensors");
    if (!f)
        return;
    struct rows rows = {.figure = f, .name_limit = 44};
    fputs("# y\tbits\tbits\tbits\tcolour\tshape\tbar\ttensor\twhole bits\n", f->rows);
    for (const struct json *t = json_first(tensors); t; t = json_next(t)) {
        const char *name = json_get_string(t, "tensor", "");
        double bits = json_get_number(t, "bits", NAN),
               whole = json_get_number(t, "whole_bits", NAN);
        char words[64];
        add_row(f, t);
        if (rows.rows >= ROWS_MAX || !(fabs(bits) < 1000) || !(fabs(whole) < 1000)) {
            left_out++;
            continue;
        }
        snprintf(words, sizeof words, "%.0f (%.2f)", whole, bits);
        double y = rows_row(&rows, name, words);
        struct look look = look_at(0);
        fprintf(f->rows, "%g\t%.9g\t%.9g\t%.9g\t%u\t%d\t1\t", y, bits, bits, bits, look.rgb,
                look.shape);
        escape_field(f->rows, name);
        fprintf(f->rows, "\t%.9g\n", whole);
        low = fmin(low, bits);
        high = fmax(high, bits);
    }
    rows_end(&rows);
    fprintf(f->script,
            "logarithmic = 0; reference = %.9g; bar_from = 0\nx_low = %.6g; x_high = %.6g\n",
            average, low < 0 ? low * 1.05 : 0, high * 1.05);
    figure_string(f, "x_label", "bits of a code: whole (optimum)");
    print_caption(f, allocation, left_out);
    figure_end(fs, f);
}
