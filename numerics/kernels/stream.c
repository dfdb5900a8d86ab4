#include "numerics/kernels/stream.h"

#include <string.h>

const struct kernel_variant stream_read_variants[] = {KERNEL(stream_read, ref, 0),
#if defined(__x86_64__)
                                                      KERNEL(stream_read, avx2, CPU_AVX2),
                                                      KERNEL(stream_read, avx512, CPU_AVX512),
#endif
                                                      {0}};

const struct kernel_variant stream_write_variants[] = {KERNEL(stream_write, ref, 0),
#if defined(__x86_64__)
                                                       KERNEL(stream_write, avx2, CPU_AVX2),
                                                       KERNEL(stream_write, avx512, CPU_AVX512),
#endif
                                                       {0}};

const struct kernel_variant stream_triad_variants[] = {KERNEL(stream_triad, ref, 0),
#if defined(__x86_64__)
                                                       KERNEL(stream_triad, avx2, CPU_AVX2),
                                                       KERNEL(stream_triad, avx512, CPU_AVX512),
#endif
                                                       {0}};

uint32_t stream_read_ref(const float *x, size_t begin, size_t end)
{
    uint32_t all = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        all ^= bits;
    }
    return all;
}

void stream_write_ref(float *x, float value, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        x[i] = value;
}

void stream_triad_ref(float *restrict a, const float *restrict b, const float *restrict c, float s,
                      size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        a[i] = b[i] + s * c[i];
}
