/*
 * dots() of gemm_i8_simd.h without an instruction for it: products of bytes are added in pairs and
 * then in 16-bit lanes, as many as cannot overflow, before they are widened.
 *
 * Its includer defines v_pairs(u, s) (unsigned times signed bytes, adjacent products added,
 * saturated to 16 bits), v_add16, v_widen(a, n) (adjacent 16-bit lanes added in 32 bits, times n),
 * beside the operations of gemm_i8_simd.h.
 */
#ifndef NUMERICS_KERNELS_GEMM_I8_WORDS_H
#define NUMERICS_KERNELS_GEMM_I8_WORDS_H

enum { MOST_CHAINS = 4, DIRECT_CHAINS = 0 };

FLATTEN void narrow_dots(vec *sum, int chains, const vec *u, int n, int largest, const int8_t *q)
{
    int most = 32767 / (2 * 128 * largest); /* pairs whose sum fits */
    vec words = v_zero();
#pragma GCC unroll 8
    for (int v = 0; v < n; v++) {
        vec pairs = v_pairs(u[v], v_four(q + 4 * v));
        words = v % most ? v_add16(words, pairs) : pairs;
        if (v % most == most - 1 || v == n - 1)
            sum[v / most % chains] = v_add32(sum[v / most % chains], v_widen(words, 1));
    }
}

FLATTEN void dots(vec *sum, int chains, const vec *u, int n, int largest, const int8_t *q)
{
    if (largest < 128) {
        narrow_dots(sum, chains, u, n, largest, q);
        return;
    }
    /* bytes in halves: a pair of products of the whole would not fit in 16 bits */
    vec low = v_zero(), high = v_zero(), nibble = v_set8(15);
#pragma GCC unroll 8
    for (int v = 0; v < n; v++) {
        vec four = v_four(q + 4 * v);
        low = v_add16(low, v_pairs(v_and(u[v], nibble), four));
        high = v_add16(high, v_pairs(v_and(v_shift_right16(u[v], 4), nibble), four));
    }
    sum[0] = v_add32(sum[0], v_add32(v_widen(low, 1), v_widen(high, 16)));
}

FLATTEN void direct_sums(enum kind kind, vec *sum, vec bytes, const int8_t *q)
{
    (void)kind, (void)sum, (void)bytes, (void)q;
}

FLATTEN vec direct_total(enum kind kind, const vec *sum)
{
    (void)kind;
    return sum[0];
}

#endif
