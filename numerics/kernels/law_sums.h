/*
 * A scaling law over the rows of a table: its logarithm, and the Huber loss of its residuals with
 * the gradient.
 *
 *   rows    u = ln N, v = ln D, y = ln L [n], w [n] weights >= 0 or NULL (all 1), bits[k] [n] > 0
 *           for k < precisions; law_eval reads neither y nor w
 *   point   f = ln( exp(a - alpha u') + exp(b - beta v) + exp(e) ),
 *           u' = u + sum_k ln(1 - exp(-bits_k / gamma_k)), gamma in [1e-300, 1e300]
 *   law_eval   out[i] = f
 *   law_sums   out[0] = sum of w rho(f - y), rho(r) = r^2/2 for |r| <= delta, else delta (|r| -
 *              delta/2); out[1..5] its derivative by a, b, e, alpha, beta; out[6..] by ln gamma_k
 *
 * A point or a row that is not finite makes out[0] infinite or NaN.
 *
 * Work: 8 (3 + w + precisions) bytes read a row; about 60 flop a row and 40 for each precision,
 * counting an exp as 15 and a log as 12.  Two exponentials and one logarithm a row: the largest
 * term's exponential is 1.
 * Accuracy: variants add in different orders and have their own exp and log.  law_sums_bound() is
 * what any two of them may differ by; its derivation is beside it.
 * Source: Hoffmann et al., arXiv 2203.15556, sec. 3.3; Kumar et al., arXiv 2411.04330.
 */
#ifndef NUMERICS_KERNELS_LAW_SUMS_H
#define NUMERICS_KERNELS_LAW_SUMS_H

#include <stddef.h>

#include "numerics/cpu.h"

enum { LAW_PRECISIONS = 3, LAW_SUMS = 6 + LAW_PRECISIONS };

struct law_rows {
    const double *u, *v, *y, *w, *bits[LAW_PRECISIONS];
    size_t precisions, n;
};

struct law_point {
    double a, b, e, alpha, beta, gamma[LAW_PRECISIONS];
};

typedef void law_eval_fn(const struct law_rows *rows, const struct law_point *point, double *out);
typedef void law_sums_fn(const struct law_rows *rows, const struct law_point *point, double delta,
                         double out[LAW_SUMS]);

law_eval_fn law_eval_ref, law_eval_avx2, law_eval_avx512;
law_sums_fn law_sums_ref, law_sums_avx2, law_sums_avx512;
extern const struct kernel_variant law_eval_variants[], law_sums_variants[];

/* The rows from first on, n of them. */
struct law_rows law_rows_part(const struct law_rows *rows, size_t first, size_t n);

/* One row by the C library's exp and log, as the reference has it. */
struct law_term {
    double f, share[3];               /* of the terms in the sum of exponentials: their sum is 1 */
    double u;                         /* u' */
    double steepness[LAW_PRECISIONS]; /* -d u' / d ln gamma_k: in [0, 1] */
};
struct law_term law_term(const struct law_rows *rows, const struct law_point *point, size_t i);

/* What two variants' f of row i may differ by. */
double law_eval_bound(const struct law_rows *rows, const struct law_point *point, size_t i);
/* The same of the sums of rows, also when they are added up in parts; bound [LAW_SUMS]. */
void law_sums_bound(const struct law_rows *rows, const struct law_point *point, double delta,
                    double *bound);

#endif
