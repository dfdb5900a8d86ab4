/*
 * The vectorised kernels of law_sums.h, written once for every vector length.
 *
 * Private to law_sums_<isa>.c, which first defines LANES (doubles of a register), the vector types
 * vec (double) and vec_u64, and the operations that C's vector types lack: v_load, v_store
 * (unaligned), v_all(x), v_fma(a, b, c) = a b + c rounded once, v_max(a, b) (b where either is
 * NaN), v_min (the same), v_where_equal(a, b, yes, no).
 *
 * exp: x = k ln 2 + r, |r| <= 0.35 (ln 2 in two parts: the high one has 11 low bits of 0, so k
 * times it is exact for |k| <= 1022), and exp(r) - 1 = r + r^2 (1/2 + r/6 + ...) up to r^13/13!,
 * which leaves out less than 0.35^14/14! < 5e-18.  Rounding: the tail is below 0.07, so its errors
 * are below 0.2 * 2^-53, r + tail rounds once to 2^-54 absolute, 1 + (exp(r) - 1) once, relative,
 * and r itself is off by 2^-55: in all below 3 * 2^-53 relative, also with the scaling, which is
 * exact above 2^-1022.
 * log: x = 2^k m, m in [sqrt(1/2), sqrt(2)], s = (m - 1)/(m + 1), log m = 2 s + 2 s^3/3 + ... up to
 * s^21: left out is 2 s^23/23 / (1 - s^2) < 3e-19 |s|.  m - 1 is exact, m + 1 and the quotient
 * round once each, the tail is below s/100; with k the part k ln 2 in two parts is the larger.  In
 * all below 4 * 2^-53 relative.
 */
#ifndef NUMERICS_KERNELS_LAW_SUMS_SIMD_H
#define NUMERICS_KERNELS_LAW_SUMS_SIMD_H

#include <stdint.h>
#include <string.h>

#include "numerics/kernels/law_sums.h"

#define INLINE static inline __attribute__((always_inline))

#define LN2_HIGH 0x1.62e42fefa38p-1 /* ln 2 to 42 bits */
#define LN2_LOW 0x1.ef35793c7673p-45
#define LOWEST (-708.0) /* below, exp is taken as exp(-708) = 3e-308 */

/* exp(x) for x <= 0 and, exact to relative rounding for small x, exp(x) - 1. */
INLINE vec exp_and_less_one(vec x, vec *less_one)
{
    const vec to_integer = v_all(0x1.8p52); /* its last bit is 1: adding it rounds to an integer */
    x = v_max(v_all(LOWEST), x);
    vec shifted = v_fma(x, v_all(0x1.71547652b82fep0), to_integer), k = shifted - to_integer;
    vec r = v_fma(k, v_all(-LN2_HIGH), x);
    r = v_fma(k, v_all(-LN2_LOW), r);
    vec r2 = r * r, r4 = r2 * r2;
    /* 1/(j+2)! r^j in pairs, for shorter chains of dependent steps */
    vec p01 = v_fma(r, v_all(1.0 / 6), v_all(0.5));
    vec p23 = v_fma(r, v_all(1.0 / 120), v_all(1.0 / 24));
    vec p45 = v_fma(r, v_all(1.0 / 5040), v_all(1.0 / 720));
    vec p67 = v_fma(r, v_all(1.0 / 362880), v_all(1.0 / 40320));
    vec p89 = v_fma(r, v_all(1.0 / 39916800), v_all(1.0 / 3628800));
    vec pab = v_fma(r, v_all(1.0 / 6227020800), v_all(1.0 / 479001600));
    vec low = v_fma(r2, p23, p01), middle = v_fma(r2, p67, p45), high = v_fma(r2, pab, p89);
    vec tail = v_fma(r4, v_fma(r4, high, middle), low);
    vec q = v_fma(r2, tail, r); /* exp(r) - 1 */
    vec_u64 bits = ((vec_u64)shifted << 52) + ((vec_u64)v_all(1.0));
    vec scale = (vec)bits; /* 2^k: the low bits of shifted are those of k */
    *less_one = v_fma(scale, q, scale - 1.0);
    return v_fma(scale, q, scale);
}

/* ln x for normal x > 0. */
INLINE vec log_of(vec x)
{
    const uint64_t root_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
    vec_u64 bits = (vec_u64)x + (one - root_half);
    vec k = (vec)((bits >> 52) | 0x4330000000000000) - (0x1p52 + 1023); /* 2^52 + exponent */
    vec m = (vec)((bits & 0x000fffffffffffff) + root_half);
    vec s = (m - 1.0) / (m + 1.0), s2 = s * s, s4 = s2 * s2, s8 = s4 * s4;
    vec p01 = v_fma(s2, v_all(2.0 / 5), v_all(2.0 / 3));
    vec p23 = v_fma(s2, v_all(2.0 / 9), v_all(2.0 / 7));
    vec p45 = v_fma(s2, v_all(2.0 / 13), v_all(2.0 / 11));
    vec p67 = v_fma(s2, v_all(2.0 / 17), v_all(2.0 / 15));
    vec p89 = v_fma(s2, v_all(2.0 / 21), v_all(2.0 / 19));
    vec tail = v_fma(s8, v_fma(s8, p89, v_fma(s4, p67, p45)), v_fma(s4, p23, p01));
    vec low = v_fma(k, v_all(LN2_LOW), s * s2 * tail);
    return v_fma(k, v_all(LN2_HIGH), 2.0 * s + low) + (x - x); /* NaN and inf stay no number */
}

/* What depends on the point alone. */
struct point_vectors {
    vec a, b, e, alpha, beta, per_gamma[LAW_PRECISIONS];
};

INLINE struct point_vectors spread(const struct law_rows *rows, const struct law_point *p)
{
    struct point_vectors v = {v_all(p->a),     v_all(p->b),    v_all(p->e),
                              v_all(p->alpha), v_all(p->beta), {{0}}};
    for (size_t k = 0; k < rows->precisions; k++)
        v.per_gamma[k] = v_all(1 / p->gamma[k]);
    return v;
}

struct terms {
    vec f, share[3], u, v, steepness[LAW_PRECISIONS];
};

INLINE struct terms terms_of(const struct law_rows *rows, const struct point_vectors *p,
                             size_t precisions, size_t i)
{
    struct terms t = {.u = v_load(rows->u + i), .v = v_load(rows->v + i)};
    for (size_t k = 0; k < precisions; k++) {
        vec x = v_load(rows->bits[k] + i) * p->per_gamma[k], less_one;
        vec e = exp_and_less_one(-x, &less_one);
        t.u += log_of(-less_one);
        t.steepness[k] = x * e / -less_one;
    }
    vec x0 = v_fma(-p->alpha, t.u, p->a), x1 = v_fma(-p->beta, t.v, p->b), x2 = p->e;
    vec largest = v_max(v_max(x0, x1), x2), one = v_all(1), unused;
    /* The exponentials of the other two: where x0 is largest of x1 and x2, and so on. */
    vec first = exp_and_less_one(v_where_equal(x0, largest, x1, x0) - largest, &unused);
    vec second = exp_and_less_one(v_where_equal(x2, largest, x1, x2) - largest, &unused);
    vec e0 = v_where_equal(x0, largest, one, first);
    vec e2 = v_where_equal(x2, largest, one, second);
    vec e1 = v_where_equal(x0, largest, first, v_where_equal(x2, largest, second, one));
    vec sum = e0 + e1 + e2, part = 1.0 / sum;
    t.share[0] = e0 * part;
    t.share[1] = e1 * part;
    t.share[2] = e2 * part;
    t.f = largest + log_of(sum);
    return t;
}

/* The last rows, fewer than LANES, followed by harmless ones of weight 0. */
struct rest {
    double column[4 + LAW_PRECISIONS][LANES];
    struct law_rows rows;
};

INLINE void fill_rest(const struct law_rows *rows, size_t first, struct rest *rest)
{
    size_t n = rows->n - first, bytes = n * sizeof(double);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < 4; j++)
            rest->column[j][i] = 0;
        for (int k = 0; k < LAW_PRECISIONS; k++)
            rest->column[4 + k][i] = 1;
    }
    for (size_t i = 0; i < n; i++)
        rest->column[3][i] = rows->w ? rows->w[first + i] : 1;
    memcpy(rest->column[0], rows->u + first, bytes);
    memcpy(rest->column[1], rows->v + first, bytes);
    if (rows->y)
        memcpy(rest->column[2], rows->y + first, bytes);
    for (size_t k = 0; k < rows->precisions; k++)
        memcpy(rest->column[4 + k], rows->bits[k] + first, bytes);
    rest->rows = (struct law_rows){.u = rest->column[0],
                                   .v = rest->column[1],
                                   .y = rest->column[2],
                                   .w = rest->column[3],
                                   .bits = {rest->column[4], rest->column[5], rest->column[6]},
                                   .precisions = rows->precisions,
                                   .n = LANES};
}

INLINE void eval_all(const struct law_rows *rows, const struct law_point *point, double *out)
{
    const struct point_vectors p = spread(rows, point);
    size_t whole = rows->n - rows->n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        v_store(out + i, terms_of(rows, &p, rows->precisions, i).f);
    if (whole < rows->n) {
        struct rest rest;
        double f[LANES];
        fill_rest(rows, whole, &rest);
        v_store(f, terms_of(&rest.rows, &p, rows->precisions, 0).f);
        memcpy(out + whole, f, (rows->n - whole) * sizeof *f);
    }
}

INLINE void add_rows(const struct law_rows *rows, const struct point_vectors *p, size_t precisions,
                     double delta, size_t i, vec sums[LAW_SUMS])
{
    struct terms t = terms_of(rows, p, precisions, i);
    vec r = t.f - v_load(rows->y + i);
    vec psi = v_max(v_all(-delta), v_min(v_all(delta), r));
    vec slope = rows->w ? psi * v_load(rows->w + i) : psi;
    vec g0 = slope * t.share[0], g1 = slope * t.share[1];
    sums[0] = v_fma(slope, v_fma(v_all(-0.5), psi, r), sums[0]);
    sums[1] += g0;
    sums[2] += g1;
    sums[3] = v_fma(slope, t.share[2], sums[3]);
    sums[4] = v_fma(-g0, t.u, sums[4]);
    sums[5] = v_fma(-g1, t.v, sums[5]);
    for (size_t k = 0; k < precisions; k++)
        sums[6 + k] = v_fma(g0, p->alpha * t.steepness[k], sums[6 + k]);
}

/* precisions: a constant where there are none, so that the loop is without them. */
INLINE void sums_of(const struct law_rows *rows, const struct law_point *point, size_t precisions,
                    double delta, double out[LAW_SUMS])
{
    const struct point_vectors p = spread(rows, point);
    size_t whole = rows->n - rows->n % LANES;
    vec sums[LAW_SUMS] = {{0}};
    for (size_t i = 0; i < whole; i += LANES)
        add_rows(rows, &p, precisions, delta, i, sums);
    if (whole < rows->n) {
        struct rest rest;
        fill_rest(rows, whole, &rest);
        add_rows(&rest.rows, &p, precisions, delta, 0, sums);
    }
    for (size_t j = 0; j < LAW_SUMS; j++) {
        out[j] = 0;
        for (int lane = 0; lane < LANES; lane++)
            out[j] += sums[j][lane];
    }
}

INLINE void sums_all(const struct law_rows *rows, const struct law_point *point, double delta,
                     double out[LAW_SUMS])
{
    if (rows->precisions)
        sums_of(rows, point, rows->precisions, delta, out);
    else
        sums_of(rows, point, 0, delta, out);
}

#endif
