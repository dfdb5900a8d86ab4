/*
 * Scaling laws of the loss L of a model of N parameters trained on D tokens, and tables of runs.
 *
 *   ln L = ln( A N_eff^-alpha + B D^-beta + E ),   N_eff = N prod_k (1 - exp(-P_k / gamma_k))
 *
 * evaluated as the log of a sum of exponentials, so that no start of a fit overflows.  P_k is the
 * number of bits (scale overhead included) of weights, activations or KV cache in training.
 *
 * Parameters p, in this order: ln A, ln B, ln E, alpha, beta (left out when the exponents are
 * shared: beta = alpha), ln gamma_k for each precision.  All logarithms are natural.  Losses are in
 * any unit (nats per token usually): A, B and E have the unit of the loss.
 *
 * Source: Hoffmann et al., arXiv 2203.15556, sec. 3.3; precision: Kumar et al., arXiv 2411.04330.
 */
#ifndef NUMERICS_FITS_SCALING_LAW_H
#define NUMERICS_FITS_SCALING_LAW_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

enum { SCALING_PRECISIONS = 3, SCALING_PARAMS = 5 + SCALING_PRECISIONS };

struct scaling_form {
    bool shared;       /* alpha = beta */
    size_t precisions; /* 0..SCALING_PRECISIONS */
};

size_t scaling_param_count(const struct scaling_form *form);
/* "ln A", ..., "alpha", "exponent" (shared), "ln gamma 1"; NULL beyond the last. */
const char *scaling_param_name(const struct scaling_form *form, size_t i);

struct scaling_law {
    struct scaling_form form;
    double p[SCALING_PARAMS]; /* the others are 0 */
};

/* The constants in plain form. */
struct scaling_constants {
    double A, B, E, alpha, beta, gamma[SCALING_PRECISIONS];
};
struct scaling_constants scaling_constants(const struct scaling_law *law);
/* The law of these constants, all > 0; of a shared form, alpha counts. */
struct scaling_law scaling_law_of(const struct scaling_form *form,
                                  const struct scaling_constants *constants);

/* N_eff / N; bits [form.precisions], NULL when there are none. */
double scaling_precision_factor(const struct scaling_law *law, const double *bits);
/* L; N and D > 0, D may be infinite. */
double scaling_loss(const struct scaling_law *law, double N, double D, const double *bits);

/*
 * The compute-optimal N and D for C = 6 N D, in closed form: G = (alpha A' / (beta B))^(1/(alpha +
 * beta)), N = G (C/6)^a, D = (C/6)^(1-a) / G, a = beta / (alpha + beta), with A' = A (N_eff/N)^-
 * alpha.
 */
struct scaling_allocation {
    double N, D, loss, exponent; /* exponent: a of N ~ C^a; that of D is 1 - a */
};
struct scaling_allocation scaling_allocate(const struct scaling_law *law, double C,
                                           const double *bits);

/* ---- Tables of runs ---- */

/* Columns of n rows in one block of memory; a fit reads nothing else. */
struct scaling_table {
    size_t n;
    double *ln_n, *ln_d, *ln_loss;
    double *weight; /* how often a row counts; 1 at first */
    double *bits[SCALING_PRECISIONS];
    size_t precisions;
    void *memory;
};

/* bits [precisions] columns.  E_USAGE when a value is not finite and > 0: the text names row (from
 * 0) and column; E_NOMEM. */
enum status scaling_table_make(const double *N, const double *D, const double *loss,
                               const double *const *bits, size_t precisions, size_t n,
                               struct scaling_table *out, struct err *err);
/* The rows with keep[i], with their weights. */
enum status scaling_table_select(const struct scaling_table *t, const bool *keep,
                                 struct scaling_table *out, struct err *err);
void scaling_table_free(struct scaling_table *t);

/* keep[i] = loss[i] < the m-th largest loss (m >= 1): the exclusion rule of Besiroglu et al.,
 * arXiv 2404.10102, for m = 5.  *kept counts them; none is kept when m > n.  E_NOMEM. */
enum status scaling_exclude_largest(const double *loss, size_t n, size_t m, bool *keep,
                                    size_t *kept, struct err *err);

/* How a law's predictions differ from a table: of e = ln(predicted / measured). */
struct scaling_score {
    double mean, mean_abs, rms, worst; /* worst: the e of largest |e| */
    size_t n;
};
struct scaling_score scaling_score(const struct scaling_law *law, const struct scaling_table *t);

/* e of one row. */
double scaling_residual(const struct scaling_law *law, const struct scaling_table *t, size_t row);

#endif
