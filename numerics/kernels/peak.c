#include "numerics/kernels/peak.h"

const struct kernel_variant peak_fma_f32_variants[] = {KERNEL(peak_fma_f32, ref, 0),
#if defined(__x86_64__)
                                                       KERNEL(peak_fma_f32, avx2, CPU_AVX2),
                                                       KERNEL(peak_fma_f32, avx512, CPU_AVX512),
#endif
                                                       {0}};

const struct kernel_variant peak_dot_i8_variants[] = {KERNEL(peak_dot_i8, ref, 0),
#if defined(__x86_64__)
                                                      KERNEL(peak_dot_i8, avx2, CPU_AVX2),
                                                      KERNEL(peak_dot_i8, avx512, CPU_AVX512),
                                                      KERNEL(peak_dot_i8, vnni, CPU_VNNI),
#endif
                                                      {0}};

const struct kernel_variant peak_lookup_variants[] = {KERNEL(peak_lookup, ref, 0),
#if defined(__x86_64__)
                                                      KERNEL(peak_lookup, avx2, CPU_AVX2),
                                                      KERNEL(peak_lookup, avx512, CPU_AVX512),
#endif
                                                      {0}};

/* Chains that run side by side here, few enough for the registers of any machine. */
enum { SIDE_BY_SIDE = 32, BYTES_SIDE_BY_SIDE = 8 };

/* The compiler must take the value as changed: a step that it knows to be the same as the one
 * before could be taken out of the loop. */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

double peak_fma_f32_ref(size_t n, float x, float y)
{
    double sum = 0;
    for (int first = 0; first < PEAK_CHAINS; first += SIDE_BY_SIDE) {
        float v[SIDE_BY_SIDE];
        for (int c = 0; c < SIDE_BY_SIDE; c++)
            v[c] = (float)(first + c);
        for (size_t i = 0; i < n; i++)
            for (int c = 0; c < SIDE_BY_SIDE; c++)
                v[c] = x * v[c] + y;
        for (int c = 0; c < SIDE_BY_SIDE; c++)
            sum += (double)v[c];
    }
    return sum;
}

uint32_t peak_dot_i8_ref(size_t n, uint8_t u, int8_t s)
{
    uint32_t sum = 0;
    for (int first = 0; first < PEAK_CHAINS; first += SIDE_BY_SIDE) {
        uint32_t v[SIDE_BY_SIDE];
        for (int c = 0; c < SIDE_BY_SIDE; c++)
            v[c] = (uint32_t)(first + c);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 4; k++) {
                int factor = u;
                OPAQUE(factor);
                for (int c = 0; c < SIDE_BY_SIDE; c++)
                    v[c] += (uint32_t)(factor * s);
            }
        for (int c = 0; c < SIDE_BY_SIDE; c++)
            sum += v[c];
    }
    return sum;
}

uint32_t peak_lookup_ref(size_t n, const uint8_t table[16])
{
    uint32_t sum = 0;
    for (int first = 0; first < PEAK_BYTES; first += BYTES_SIDE_BY_SIDE) {
        uint8_t v[BYTES_SIDE_BY_SIDE];
        for (int c = 0; c < BYTES_SIDE_BY_SIDE; c++)
            v[c] = (uint8_t)((first + c) % 16);
        for (size_t i = 0; i < n; i++)
            for (int c = 0; c < BYTES_SIDE_BY_SIDE; c++)
                v[c] = table[v[c]];
        for (int c = 0; c < BYTES_SIDE_BY_SIDE; c++)
            sum += v[c];
    }
    return sum;
}
