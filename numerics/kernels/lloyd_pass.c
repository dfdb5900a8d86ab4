#include "numerics/kernels/lloyd_pass.h"

#include "numerics/kernels/quantise.h"

const struct kernel_variant lloyd_pass_variants[] = {
    KERNEL(lloyd_pass, ref, 0),
#if defined(__x86_64__)
    KERNEL(lloyd_pass, avx2, CPU_AVX2),
    KERNEL(lloyd_pass, avx512, CPU_AVX512),
#endif
    {0},
};

void lloyd_pass_ref(const float *x, size_t n, const float *boundary, size_t levels,
                    struct lloyd_above *above)
{
    for (size_t j = 0; j < levels; j++) {
        double lane[LLOYD_PASS_LANES] = {0};
        for (size_t i = 0; i < n; i++)
            if (!j || boundary[j - 1] < x[i]) {
                above[j].count++;
                lane[i % LLOYD_PASS_LANES] += x[i];
            }
        above[j].sum += quantise_total(lane);
    }
}

void lloyd_pass_update(const struct lloyd_above *above, size_t levels, float *level)
{
    for (size_t j = 0; j < levels; j++) {
        struct lloyd_above next = j + 1 < levels ? above[j + 1] : (struct lloyd_above){0};
        if (above[j].count > next.count)
            level[j] = (float)((above[j].sum - next.sum) / (double)(above[j].count - next.count));
        if (j && level[j] < level[j - 1])
            level[j] = level[j - 1];
    }
}
