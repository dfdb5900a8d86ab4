/*
 * The normalised Walsh-Hadamard transform of rows of length n = k * p, p a power of two.
 *
 *   H_n = B_k (x) S_p,  x  <-  H_n (signs . x) / sqrt(n)
 *
 * S_p is Sylvester's matrix, B_k a Hadamard matrix of order k (k = 1 when n is a power of two):
 * Paley I if k-1 is a prime = 3 mod 4, else Paley II if k/2-1 is a prime = 1 mod 4, else Williamson
 * for k = 52, 156, 172.  k is the smallest 4 * odd(n) * 2^i that has one of these and divides n.
 *
 * H_n / sqrt(n) is orthogonal, so it keeps norms.  It is symmetric only when k = 1: undo it with a
 * `transposed` plan.
 *
 * Source: Ashkboos et al., QuaRot, arXiv 2404.00456, sec. 3; Paley 1933; Williamson 1944.
 */
#ifndef NUMERICS_TRANSFORMS_HADAMARD_H
#define NUMERICS_TRANSFORMS_HADAMARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/status.h"

enum { HADAMARD_MAX_BASE = 1024 }; /* largest k: a kernel keeps k / 4 * 8 vectors on its stack */

struct hadamard {
    size_t n, k, p;
    float scale;       /* 1 / sqrt(n) */
    signed char *base; /* B_k, [k][k] of +1 and -1, owned; NULL when k == 1 */
    /* B_k by groups of four inputs.  Group g has a table of its sums x0 +- x1 +- x2 +- x3 (x0 =
     * input 4g); bit i of a sum's index is set where x[i+1] is subtracted.  Output output[j] adds
     * the sums terms[j][0 .. plus[j]-1] and subtracts terms[j][plus[j] .. k/4-1], each 8 g + index:
     * a quarter of the additions of B_k taken entry by entry.  plus ascends, so that loops over
     * it are of a length the processor predicts.  Owned; NULL when k == 1. */
    uint16_t *terms;         /* [k][k / 4] */
    uint16_t *plus, *output; /* [k] */
};

/* The order of the base matrix and the power of two; false when no construction here divides n. */
bool hadamard_split(size_t n, size_t *k, size_t *p);

/* Makes a plan; transposed: of the inverse.  E_USAGE when n has no split, E_NOMEM; *h is then
 * untouched. */
enum status hadamard_init(struct hadamard *h, size_t n, bool transposed, struct err *err);
void hadamard_free(struct hadamard *h);

/* Entry (i, j) of H_n: +1 or -1. */
int hadamard_entry(const struct hadamard *h, size_t i, size_t j);

/*
 * Transforms rows in place.
 *   signs  [n] of +1 and -1 ("randomised"), or NULL for all +1
 *   x      [rows][n], aligned as float; NaN and inf spread over their row
 * Work: rows * n * (log2 p + k - 1) additions by the definition; 8 bytes moved per element.
 * Each output is within hadamard_bound(h) * sum |x_i| / sqrt(n) of the exact value.
 */
typedef void hadamard_fn(const struct hadamard *h, const float *signs, float *x, size_t rows);

hadamard_fn hadamard_ref, hadamard_avx2, hadamard_avx512;
extern const struct kernel_variant hadamard_variants[];

/* What the fast transform is compared with: one pass over the row for each stride above a vector,
 * then every output of B_k term by term.  The reference itself where there is no AVX2.  Same
 * contract. */
hadamard_fn hadamard_radix2_avx2;
extern const struct kernel_variant hadamard_radix2_variants[];

/* gamma(log2 p + k - 1 + 2): any order of summing n terms through log2 p butterflies and k - 1
 * additions, the product with the scale, and the rounding of the scale itself.
 * Source: Higham, Accuracy and Stability of Numerical Algorithms, sec. 4.2. */
double hadamard_bound(const struct hadamard *h);

#endif
