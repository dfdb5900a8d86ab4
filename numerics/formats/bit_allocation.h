/*
 * Bits shared out among the tensors of a model so that its output changes least.
 *
 * In the high-rate model a tensor of n elements coded in b bits has squared error proportional to
 * n rms^2 4^-b, and the divergence of the model's output is
 *
 *     D = 1/2 sum_t fisher_t n_t rms_t^2 4^-b_t
 *
 * with fisher_t the mean over the tensor of the squared gradient (1 everywhere: plain squared
 * error).  At a fixed average of bits D is least at b_t = b0 + log2 rms_t + 1/2 log2 fisher_t.
 *
 * A tensor of rms or fisher 0 adds nothing to D at any bits: it gets `least`, and the others share
 * their own average.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_BIT_ALLOCATION_H
#define NUMERICS_FORMATS_BIT_ALLOCATION_H

#include <stddef.h>

struct bit_share {
    double elements, rms, fisher; /* given: finite, not negative */
    double bits;                  /* the optimum, of any size and sign */
    int whole;                    /* rounded, half to even, and kept within the limits */
};

struct bit_allocation {
    double flat, optimal, rounded; /* D at the average, at the optimum and at the whole bits */
    double whole_bits; /* average of the whole bits, which is not quite what was asked */
    double saved_bits; /* 1/2 log2(flat / optimal): what flat bits would need more; 0 when D is */
};

/* Fills bits and whole of shares [n] for `average` bits an element; least and most limit whole. */
struct bit_allocation bit_allocate(struct bit_share *shares, size_t n, double average, int least,
                                   int most);

#endif
