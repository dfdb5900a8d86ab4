#include "numerics/kernels/quantise_token.h"

#include <math.h>
#include <string.h>

const struct kernel_variant quantise_token_variants[] = {
    KERNEL(quantise_token, ref, 0),
#if defined(__x86_64__)
    KERNEL(quantise_token, avx2, CPU_AVX2),
    KERNEL(quantise_token, avx512, CPU_AVX512),
#endif
    {0},
};

enum { MAGNITUDE = 0x7fffffff, INFINITE = 0x7f800000 };

float quantise_token_scale(uint32_t largest_bits)
{
    float largest;
    memcpy(&largest, &largest_bits, sizeof largest);
    return largest_bits >= INFINITE ? NAN : 127 / fmaxf(largest, 1e-5f);
}

/* Bit patterns of magnitudes are in the order of the magnitudes, with infinity and NaN on top. */
static uint32_t largest_magnitude(const float *x, size_t n)
{
    uint32_t largest = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, x + i, sizeof bits);
        bits &= MAGNITUDE;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

float quantise_token_ref(const float *x, size_t n, size_t padded, size_t block, int8_t *q,
                         int32_t *block_sums, int32_t *sum)
{
    float s = quantise_token_scale(largest_magnitude(x, n));
    *sum = 0;
    for (size_t i = 0; i < padded; i++) {
        q[i] = i < n && !isnan(s) ? (int8_t)rintf(x[i] * s) : 0;
        *sum += q[i];
    }
    for (size_t b = 0; block && b < padded / block; b++) {
        block_sums[b] = 0;
        for (size_t i = b * block; i < (b + 1) * block; i++)
            block_sums[b] += q[i];
    }
    return s;
}
