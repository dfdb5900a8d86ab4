#include "numerics/kernels/nearest_vector.h"

const struct kernel_variant nearest_vector_variants[] = {
    KERNEL(nearest_vector, ref, 0),
#if defined(__x86_64__)
    KERNEL(nearest_vector, avx2, CPU_AVX2),
    KERNEL(nearest_vector, avx512, CPU_AVX512),
#endif
    {0},
};

void nearest_vector_ref(const struct nearest_vectors *c, const float *x, size_t count,
                        uint16_t *codes)
{
    for (size_t v = 0; v < count; v++, x += c->dim) {
        float least = 0;
        codes[v] = 0;
        for (size_t i = 0; i < c->padded; i++) {
            float distance = c->half[i];
            for (size_t d = 0; d < c->dim; d++)
                distance -= x[d] * c->plane[d * c->padded + i];
            if (!i || distance < least) {
                least = distance;
                codes[v] = (uint16_t)i;
            }
        }
    }
}
