/*
 * Instruction sets: what this processor has, and which variant of a kernel to run on it.
 *
 * A kernel family exports a table of its variants in measured order, slowest first, ended by {0}. A
 * caller picks once, outside its loop:
 *
 *     dot_fn *dot = (dot_fn *)kernel_pick(dot_variants, features)->fn;
 *
 * `features` is what the caller was allowed to use: cpu_features(), cut down by cpu_at_most() when
 * the user set ASSAY_ISA (read in cli/ and passed down).
 */
#ifndef NUMERICS_CPU_H
#define NUMERICS_CPU_H

#include "numerics/status.h"

enum cpu_feature {
    CPU_AVX2 = 1 << 0,   /* AVX2 + FMA + F16C */
    CPU_AVX512 = 1 << 1, /* AVX-512 F + BW + DQ + VL */
    CPU_VNNI = 1 << 2,   /* AVX-512 VNNI */
    CPU_NEON = 1 << 3    /* Advanced SIMD of AArch64 */
};

typedef void kernel_fn(void);

struct kernel_variant {
    const char *isa;
    kernel_fn *fn;
    unsigned needs; /* features that must all be there */
};

#define KERNEL(family, isa, needs)                                                                 \
    {                                                                                              \
#isa, (kernel_fn *)family##_##isa, needs                                                   \
    }

/* Features of the processor and operating system this runs on. */
unsigned cpu_features(void);

/* The features of `features` that an ASSAY_ISA value allows ("ref", "avx2", "avx512", "vnni",
 * "neon": at most this; each x86 name includes those before it; NULL or "" allows all). E_USAGE for
 * another word; *out is untouched then. */
enum status cpu_at_most(const char *isa, unsigned features, unsigned *out, struct err *err);

/* The name of the best instruction set in features: "ref", "avx2", "avx512", "vnni" or "neon". */
const char *cpu_isa_name(unsigned features);

/* The last variant whose needs are all in features.  The first one (the reference) needs none, so
 * this never returns NULL. */
const struct kernel_variant *kernel_pick(const struct kernel_variant *variants, unsigned features);

#endif
