/*
 * The parts of the analysis quant-error: what is asked for, what is reported, and how bits are
 * shared out among the tensors.
 */
#ifndef ANALYSES_QUANT_ERROR_H
#define ANALYSES_QUANT_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyses/analysis.h"
#include "datasets/json.h"
#include "datasets/named_values.h"
#include "numerics/formats/survey.h"
#include "numerics/statistics/value_sketch.h"

extern const struct analysis_option quant_error_options[];

/* ---- What is asked for ---- */

struct settings {
    struct survey_row *rows; /* [n], owned */
    size_t n;
    enum scale_format scale_format;
    unsigned survey_flags;
    double allocate;    /* bits an element; 0: none */
    const char *fisher; /* a file, or NULL: every tensor weighs as much */
};

/* E_USAGE names the option and the word; E_NOMEM.  rows are the caller's to free, also after an
 * error. */
enum status quant_error_settings(const struct analysis *self,
                                 const struct analysis_request *request, struct settings *out,
                                 struct err *err);

/* ---- What is reported ---- */

/* Whether there are numbers to show: of values that are not finite no error can be told. */
bool quant_error_known(const struct survey_cell *cell);

/* What a row is, as members of out. */
void quant_error_describe(const struct survey_row *row, struct json *out);
/* A row on one tensor. */
void quant_error_record(const struct survey_row *row, const struct tensor *t, size_t cols,
                        const struct survey_cell *cell, struct json *records);
/* How the values of a tensor are spread. */
void quant_error_tensor(const struct tensor *tensor, const struct value_sketch *sketch,
                        const struct sketch_fit *fit, struct json *tensors);

/* What all matrices together say of one row. */
struct total {
    struct block_error error;
    double bits; /* of everything coded */
    double element_bits;
    size_t tensors, left_out;
    double worst_r;
    const char *worst;            /* borrowed from the checkpoint */
    uint64_t codes[CODEBOOK_MAX]; /* uses of each, if they are counted */
    size_t n_codes;
};
void quant_error_add(struct total *total, const struct tensor *t, const struct survey_cell *cell);
void quant_error_total(const struct survey_row *row, const struct total *t, struct json *formats);

/* ---- Bits shared out ---- */

enum { ALLOCATION_LEAST = 2, ALLOCATION_MOST = 8, ALLOCATION_FAMILIES = 2 };

/* 0: crd-normal, 1: crd-t; ALLOCATION_FAMILIES: a format that bits are not measured in. */
size_t quant_error_family(const struct scalar_format *f);

struct allocation;

/* For at most `tensors` matrices.  Reads settings->fisher.  E_NOMEM; as named_values_read(). */
enum status allocation_open(const struct settings *settings, size_t tensors,
                            struct allocation **out, struct err *err);
void allocation_close(struct allocation *a); /* NULL is fine */

/* One matrix and what its rows gave; one with values that are not finite is left out.  t must live
 * as long.  E_FORMAT: it has no Fisher weight. */
enum status allocation_add(struct allocation *a, const struct tensor *t,
                           const struct survey_cell *cells, double rms, struct err *err);

/* Shares out, and reports bits, predicted gain and measured error into summary. */
enum status allocation_report(struct allocation *a, struct json *summary, struct err *err);

#endif
