#include "numerics/cpu.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct {
    const char *name;
    unsigned allows; /* every feature up to and including this one */
} isas[] = {
    {"ref", 0},
    {"neon", CPU_NEON},
    {"avx2", CPU_AVX2},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"vnni", CPU_AVX2 | CPU_AVX512 | CPU_VNNI},
};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

#if defined(__x86_64__)
/* Half-precision conversion: a name that not every compiler's __builtin_cpu_supports() knows. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

unsigned cpu_features(void)
{
    unsigned features = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        features |= CPU_AVX2;
    if (features && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        features |= CPU_AVX512;
    if ((features & CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
        features |= CPU_VNNI;
#elif defined(__aarch64__)
    features |= CPU_NEON; /* part of the base architecture */
#endif
    return features;
}

enum status cpu_at_most(const char *isa, unsigned features, unsigned *out, struct err *err)
{
    if (!isa || !*isa) {
        *out = features;
        return OK;
    }
    for (int i = 0; i < N_ISAS; i++)
        if (!strcmp(isa, isas[i].name)) {
            *out = features & isas[i].allows;
            return OK;
        }
    return status_fail(err, E_USAGE, "ASSAY_ISA=%s: not one of ref, avx2, avx512, vnni, neon", isa);
}

const char *cpu_isa_name(unsigned features)
{
    const char *name = isas[0].name;
    for (int i = 1; i < N_ISAS; i++)
        if (!(isas[i].allows & ~features))
            name = isas[i].name;
    return name;
}

const struct kernel_variant *kernel_pick(const struct kernel_variant *variants, unsigned features)
{
    const struct kernel_variant *best = variants;
    for (const struct kernel_variant *v = variants; v->isa; v++)
        if (!(v->needs & ~features))
            best = v;
    return best;
}
