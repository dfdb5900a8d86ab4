/*
 * Ternary weights in their published packings times 8-bit tokens: y = gamma / s * (t q), where the
 * sum t q is an exact integer.
 *
 *   w        [rows][cols] of -1, 0, 1, packed by ternary_pack(); cols <= TERNARY_MAX_COLS
 *   x        m >= 1 tokens, made by ternary_prepare()
 *   y        [m][w->rows]; columns row0 .. row1-1 are computed and written, so callers share rows
 *            out among threads.  row0 is a multiple of the packing's row_group; row1 is one too, or
 *            w->rows.
 *   result   y[m][r] = d * (gamma / s[m]), d = sum over c of q[m][c] t[r][c], an exact integer
 * below 2^24: one division, one product, the same bits on every instruction set. "tmac_int8": (S_0
 * + 2 S_1) (gamma step / 2) - sum x (gamma / 2), S_b the exact sum over groups of four columns of
 * table entries; the same bits too.  NaN where a token is not finite.
 *
 * Schemes, of one packing and one way to multiply each:
 *
 *   i2s_vnni, i2s_maddubs, tq2_vnni   codes t + 1 = 0, 1, 2 as unsigned bytes times q; the sum of
 * q, made once for a token, is taken off at the end. tq1_vnni     the same with digits: with x_0
 * the byte and x_(n+1) = 3 x_n mod 256, digit n is (3 x_n - x_(n+1)) / 256, so sums of q_n x_n and
 * q_n x_(n+1) suffice. tl1, tl2     16-bit tables of the sums of q over a pair (triple) of columns
 * for its nine values (its fourteen magnitudes), looked up for 64 rows at a time. tmac_int16 tables
 * of +-q_0 +-q_1 +-q_2 +-q_3 (a set bit is +), for both bit planes of t + 2: d = (S_0 + 2 S_1 - sum
 * q) / 2. tmac_int8    tables of +-x_0 .. +-x_3 themselves, in 8 bits with one step, the largest
 * sum of four magnitudes / 127: the one that is not exact. add_sub_ref  +q or -q by masks, a weight
 * at a time: the portable reference of i2s.
 *
 * Work: 2 m operations a weight; ternary_group_bytes() read for a group of rows.  256 weights take,
 * in vectors of 64 bytes: i2s and tq2 4 byte dot products and 4 masks; tq1 10 dot products and 10
 * additions; tl1 and tmac_int16 8 shuffles (look-ups and unpacking), tl2 5.3 and 9 operations for
 * signs, tmac_int8 4.  Where a cycle does one of either (AMD Zen 4), i2s and tmac_int8 are bound by
 * memory on a core that gets less than 16 bytes a cycle of it, tq1 below 5.4, tl1 and tmac_int16
 * below 8.
 * Source: as for numerics/kernels/ternary_packing.h.
 */
#ifndef NUMERICS_KERNELS_TERNARY_H
#define NUMERICS_KERNELS_TERNARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/kernels/quantise_token.h"
#include "numerics/kernels/ternary_packing.h"
#include "numerics/status.h"

/* 256 times the largest sum of digits, 2 * 128 * cols, is kept below 2^31. */
enum { TERNARY_MAX_COLS = 32767 };

struct ternary_scheme {
    const char *name, *title;
    const struct ternary_packing *packing;
    const struct kernel_variant *kernels; /* ternary_fn */
    const struct kernel_variant *arrange; /* ternary_arrange_fn */
    size_t arranged_bytes;                /* of a token, at most, for 256 columns */
    bool exact;                           /* all but tmac_int8, which does not quantise x */
};
extern const struct ternary_scheme ternary_schemes[];               /* ends in {0} */
const struct ternary_scheme *ternary_scheme_find(const char *name); /* NULL when there is none */

struct ternary_matrix {
    const struct ternary_packing *packing;
    const uint8_t *packed; /* borrowed; a multiple of 64 makes loads fast */
    size_t rows, cols;
    float gamma;
};

struct ternary_tokens {
    size_t m, cols, stride, arranged_stride;
    int8_t *q;          /* [m][stride]; 0 from cols on */
    uint8_t *arranged;  /* [m][arranged_stride]: q in the order of the codes, or tables */
    float *s;           /* [m] */
    float *step, *half; /* [m] tmac_int8: of its table; sum x / 2 */
    int32_t *sum;       /* [m], of each token's q */
};

typedef void ternary_fn(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                        size_t row0, size_t row1);

/* Makes x->arranged of token i: from q, or of x [cols] for tmac_int8, which also sets step and
 * half. */
typedef void ternary_arrange_fn(const float *x, struct ternary_tokens *tokens, size_t i);

struct ternary_kernels {
    const struct ternary_scheme *scheme;
    const char *isa;
    ternary_fn *multiply;
    ternary_arrange_fn *arrange;
    quantise_token_fn *quantise;
};
struct ternary_kernels ternary_pick(const struct ternary_scheme *scheme, unsigned features);

/* Room for m tokens of a scheme.  E_USAGE when cols is above TERNARY_MAX_COLS; E_NOMEM; *out is
 * then {0}, which may be freed too. */
enum status ternary_tokens_alloc(const struct ternary_scheme *scheme, size_t cols, size_t m,
                                 struct ternary_tokens *out, struct err *err);
void ternary_tokens_free(struct ternary_tokens *x);

/* Quantises x [x->m][x->cols] and arranges it: what a decode step does before the first row. */
void ternary_prepare(const struct ternary_kernels *k, const float *x, struct ternary_tokens *out);

/* The kernels.  exact_ref unpacks any packing; i2s_ref is add_sub_ref. */
ternary_fn ternary_exact_ref, ternary_i2s_ref, ternary_tmac_int8_ref;
ternary_fn ternary_i2s_avx2, ternary_tq2_avx2, ternary_tq1_avx2;
ternary_fn ternary_i2s_vnni, ternary_tq2_vnni, ternary_tq1_vnni;
ternary_fn ternary_tl1_avx2, ternary_tl2_avx2, ternary_tmac_int16_avx2, ternary_tmac_int8_avx2;
ternary_fn ternary_tl1_avx512, ternary_tl2_avx512, ternary_tmac_int16_avx512,
    ternary_tmac_int8_avx512;
ternary_arrange_fn ternary_arrange_tl1_avx2, ternary_arrange_tl2_avx2,
    ternary_arrange_tmac_int16_avx2, ternary_arrange_tmac_int8_avx2;
ternary_arrange_fn ternary_arrange_tl1_avx512, ternary_arrange_tl2_avx512,
    ternary_arrange_tmac_int16_avx512, ternary_arrange_tmac_int8_avx512;

#endif
