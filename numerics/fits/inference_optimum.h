/*
 * The model that reaches a loss at least cost over its life: training and inference together.
 *
 *   minimise 6 N D + 2 N T  subject to  E + A N^-alpha + B D^-beta = loss
 *
 * T is the number of tokens, read and written, that the model will be used for.  Without N it is
 * one equation in D, whose left side falls strictly:
 *
 *   (beta/alpha + 1) B D^-beta + (beta/alpha) B (T/3) D^(-beta-1) = loss - E,
 *   N = (A / (loss - E - B D^-beta))^(1/alpha)
 *
 * For T = 0 it is closed: the compute-optimal model of that loss.  The logarithm of the left side
 * is convex in u = ln D, so Newton's steps from below the root never pass it.
 *
 * A solver returns u = ln D for loss > E and T >= 0, all constants > 0; NAN otherwise.
 *   inference_ln_d_newton   on the logarithm, from the root of the larger term alone: 2 to 6 steps
 *   inference_ln_d_bisect   between that and where both terms are halved: about 50 halvings
 *   inference_ln_d_linear   Newton on the equation in D itself, from 1e8, as the authors released
 *                           it; a step below the least D is halved
 *   inference_ln_d_search   golden section of the cost itself: the definition, about 75
 * evaluations, and half the digits, since a minimum is flat
 *
 * Accuracy: newton and bisect leave a residual of a few roundings; linear ends at 1e-12 of loss -
 * E; search is right to about 1e-7 in u. Source: Sardana et al., arXiv 2401.00448, sec. 2 and 3.
 */
#ifndef NUMERICS_FITS_INFERENCE_OPTIMUM_H
#define NUMERICS_FITS_INFERENCE_OPTIMUM_H

#include "numerics/fits/scaling_law.h"
#include "numerics/status.h"

typedef double inference_solver_fn(const struct scaling_constants *law, double loss, double T);
inference_solver_fn inference_ln_d_newton, inference_ln_d_bisect, inference_ln_d_linear,
    inference_ln_d_search;

/* (left side - (loss - E)) of the equation above at u = ln D. */
double inference_residual(const struct scaling_constants *law, double loss, double T, double u);
/* N on the contour of that loss; INFINITY where D alone does not reach it. */
double inference_n_at(const struct scaling_constants *law, double loss, double D);
/* 6 N D + 2 N T. */
double inference_flops(double N, double D, double T);

struct inference_optimum {
    double N, D, flops;
    double N_compute, D_compute, flops_compute; /* of the model that training alone would choose;
                                                   flops_compute with its inference */
    double residual;
};
/* By inference_ln_d_newton.  E_USAGE when the loss is not above E, or T is not finite or < 0. */
enum status inference_optimise(const struct scaling_constants *law, double loss, double T,
                               struct inference_optimum *out, struct err *err);

/* What operations cost where they run: dollars an hour, peak operations a second, and the share of
 * the peak that is reached in training, in reading a prompt and in writing. */
struct inference_prices {
    double train_dollars, train_peak, train_share;
    double infer_dollars, infer_peak, input_share, output_share;
};
/* The tokens T whose 2 N T at training's price are what T_in read and T_out written tokens cost. */
double inference_effective_tokens(const struct inference_prices *p, double T_in, double T_out);
/* 6 N D in training and 2 N (T_in, T_out) in use, in dollars. */
double inference_dollars(const struct inference_prices *p, double N, double D, double T_in,
                         double T_out);

#endif
