/*
 * What a number format costs a language model, by the precision law: closed forms.
 *
 *   L(N, D, P) = A N_eff^-alpha + B D^-beta + E,   N_eff = N prod_i (1 - exp(-P_i / gamma_i))
 *
 * over weights, activations and KV cache trained in P_i bits, scale overhead included.  Quantising
 * to P bits after training adds C_T D^gamma_D N^-gamma_N exp(-P / gamma_post), which grows with D.
 *
 * All arguments > 0.  Losses have the unit of E.
 * Source: Kumar et al., arXiv 2411.04330; memory budget: Maskey et al., arXiv 2602.15563.
 */
#ifndef NUMERICS_FITS_PRECISION_LAW_H
#define NUMERICS_FITS_PRECISION_LAW_H

#include <stddef.h>

#include "numerics/fits/scaling_law.h"

/* N_eff / N of n tensors; 1 for n = 0. */
double precision_factor(const double *gamma, const double *bits, size_t n);

/*
 * The bits at which training cost, proportional to N D P, reaches a loss at least cost when all n
 * tensors have the same P: the root of sum_i u_i / (exp(u_i) - 1) = 1, u_i = P / gamma_i.  It does
 * not depend on the rest of the law.  NAN for n < 2: the sum of one tensor is below 1 everywhere,
 * fewer bits are always better, and there is no optimum.
 */
double precision_optimal_bits(const double *gamma, size_t n);

struct post_training {
    double C_T, gamma_D, gamma_N, gamma_post;
};
double post_training_loss(const struct post_training *q, double N, double D, double bits);
/* The D beyond which more data raises the quantised loss, at full training precision. */
double post_training_critical_d(const struct scaling_constants *law, const struct post_training *q,
                                double N, double bits);

/* N that reaches the loss from D tokens with weights of so many bits; INFINITY where none does. */
double precision_n_at(const struct scaling_constants *law, double gamma, double loss, double D,
                      double bits);

/*
 * The decoder that fills a number of bytes: width w, w / 128 layers of 12 w^2 weights of so many
 * bits, and an embedding and a head of 128256 w at 16 bits.  effective: N_eff of the layers.
 */
struct memory_model {
    double width, body, embeddings, effective;
};
struct memory_model precision_fill_memory(double gamma, double bytes, double bits);
/* Of low, low + step, .. <= high the bits of largest N_eff. */
double precision_best_bits(double gamma, double bytes, double low, double high, double step);

#endif
