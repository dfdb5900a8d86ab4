/*
 * How many bits each tensor of a model is worth.
 *
 * To second order the Kullback-Leibler divergence of a model's outputs is 1/2 sum over tensors of
 * f_t |dtheta_t|^2, with f_t the mean over the tensor of the Fisher information of its elements;
 * and a format of b bits with R 2^b = c has |dtheta_t|^2 = n_t RMS_t^2 c^2 4^-b.  At a given mean
 * number of bits the divergence is least for
 *
 *     b_t = b0 + log2 RMS_t + 1/2 log2 f_t,  b0 such that sum n_t b_t = n b
 *
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_BIT_ALLOCATION_H
#define NUMERICS_FORMATS_BIT_ALLOCATION_H

#include <stddef.h>

#include "numerics/status.h"

struct bit_tensor {
    double count;  /* of elements, > 0 */
    double rms;    /* > 0 */
    double fisher; /* mean over the elements of E[gradient^2], > 0; all 1: squared error alone */
};

/* Real-valued bits [n] of least divergence at the mean `mean`; they may be small, even negative.
 * E_USAGE when n is 0 or a number is not finite and positive. */
enum status bit_allocation(const struct bit_tensor *tensor, size_t n, double mean, double *bits,
                           struct err *err);

/* To whole numbers (ties to even), none below `least`: 2 for integers and codebooks without an
 * entropy code, 3 for floats. */
void bit_allocation_round(double *bits, size_t n, double least);

/* sum n_t bits_t / sum n_t */
double bit_allocation_mean(const struct bit_tensor *tensor, size_t n, const double *bits);

/* The divergence 1/2 sum n_t f_t RMS_t^2 c^2 4^-bits_t; bits NULL: `mean` for every tensor. */
double bit_allocation_divergence(const struct bit_tensor *tensor, size_t n, const double *bits,
                                 double mean, double c);

#endif
