#include "numerics/kernels/gemm_i8_512.h"

enum { DIRECT_CHAINS = 6, MOST_CHAINS = 6 };

FLATTEN vec four(const int8_t *q)
{
    int32_t dword;
    memcpy(&dword, q, sizeof dword);
    return _mm512_set1_epi32(dword);
}

FLATTEN void dots(vec *sum, int chains, const vec *u, int n, int largest, const int8_t *q)
{
    (void)largest;
#pragma GCC unroll 8
    for (int v = 0; v < n; v++)
        sum[v % chains] = _mm512_dpbusd_epi32(sum[v % chains], u[v], four(q + 4 * v));
}

/* Digits of one token without decoding them.  With x_0 the byte and x_(n+1) = 3 x_n mod 256, digit
 * n is d_n = (3 x_n - x_(n+1)) / 256; so the sum of q_n d_n is (3 a - b) / 256, where a sums
 * q_n x_n and b sums q_n x_(n+1).  Two dot products and two additions a digit, against six
 * operations that decode it and one dot product.  Chains 0 .. 2 are a, 3 .. 5 are b. */
FLATTEN void digit_sums(vec *sum, vec bytes, const int8_t *q)
{
#pragma GCC unroll 5
    for (int n = 0; n < 5; n++) {
        vec next = v_add8(v_add8(bytes, bytes), bytes), activations = four(q + 4 * n);
        sum[n % 3] = _mm512_dpbusd_epi32(sum[n % 3], bytes, activations);
        sum[3 + n % 3] = _mm512_dpbusd_epi32(sum[3 + n % 3], next, activations);
        bytes = next;
    }
}

/* a and b may wrap around; 3 a - b, at most 2^16 * GEMM_I8_MAX_COLS, does not. */
FLATTEN vec digits_total(const vec *sum)
{
    vec a = v_add32(sum[0], v_add32(sum[1], sum[2]));
    vec b = v_add32(sum[3], v_add32(sum[4], sum[5]));
    return _mm512_srai_epi32(v_sub32(v_add32(v_add32(a, a), a), b), 8);
}

/* Bits of one token: a bit is taken in place, as 2^(v % 4), which saves three shifts in four, and
 * chain v % 4 sums that many times too much. */
FLATTEN void bit_sums(vec *sum, vec bytes, const int8_t *q)
{
    vec high = v_shift_right16(bytes, 4);
#pragma GCC unroll 8
    for (int v = 0; v < 8; v++)
        sum[v % 4] = _mm512_dpbusd_epi32(
            sum[v % 4], v_and(v < 4 ? bytes : high, v_set8(1 << v % 4)), four(q + 4 * v));
}

/* Every shift is exact: chain v is a multiple of 2^v. */
FLATTEN vec bits_total(const vec *sum)
{
    vec total = sum[3];
#pragma GCC unroll 3
    for (int v = 2; v >= 0; v--)
        total = v_add32(_mm512_srai_epi32(total, 1), sum[v]);
    return total;
}

FLATTEN void direct_sums(enum kind kind, vec *sum, vec bytes, const int8_t *q)
{
    if (kind == BITS)
        bit_sums(sum, bytes, q);
    else
        digit_sums(sum, bytes, q);
}

FLATTEN vec direct_total(enum kind kind, const vec *sum)
{
    return kind == BITS ? bits_total(sum) : digits_total(sum);
}

#include "numerics/kernels/gemm_i8_simd.h"

void gemm_i8_vnni(const struct gemm_i8_matrix *w, const struct gemm_i8_tokens *x, float *y,
                  size_t row0, size_t row1)
{
    any_format(w, x, y, row0, row1);
}
