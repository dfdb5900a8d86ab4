#include "numerics/kernels/convert.h"

#include <string.h>

#include "numerics/rng.h"

const struct kernel_variant convert_rne_variants[] = {
    KERNEL(convert_rne, ref, 0),
#if defined(__x86_64__)
    KERNEL(convert_rne, avx2, CPU_AVX2),
    KERNEL(convert_rne, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant convert_sr_variants[] = {
    KERNEL(convert_sr, ref, 0),
#if defined(__x86_64__)
    KERNEL(convert_sr, avx2, CPU_AVX2),
    KERNEL(convert_sr, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant convert_decode_variants[] = {
    KERNEL(convert_decode, ref, 0),
#if defined(__x86_64__)
    KERNEL(convert_decode, avx2, CPU_AVX2),
    KERNEL(convert_decode, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant convert_copy_variants[] = {
    KERNEL(convert_copy, ref, 0),
#if defined(__x86_64__)
    KERNEL(convert_copy, avx2, CPU_AVX2),
    KERNEL(convert_copy, avx512, CPU_AVX2 | CPU_AVX512),
#endif
    {0},
};

uint64_t convert_sr_seed(uint64_t seed, size_t first)
{
    return seed + first * RNG_STEP;
}

/* A little-endian string of bits under construction. */
struct bit_string {
    uint8_t *at;
    uint32_t held; /* bits that do not fill a byte yet */
    int count;     /* of them */
};

static void put(struct bit_string *s, uint32_t code, int bits)
{
    s->held |= code << s->count;
    for (s->count += bits; s->count >= 8; s->count -= 8, s->held >>= 8)
        *s->at++ = (uint8_t)s->held;
}

static void encode(const struct float_format *f, const float *x, size_t n,
                   enum float_rounding rounding, struct rng rng, void *codes)
{
    struct bit_string s = {codes, 0, 0};
    for (size_t i = 0; i < n; i++) {
        uint32_t r = rounding == FLOAT_SR ? (uint32_t)(rng_u64(&rng) >> 32) : 0;
        put(&s, float_format_encode(f, x[i], rounding, true, r), f->bits);
    }
    if (s.count)
        *s.at = (uint8_t)s.held;
}

void convert_rne_ref(const struct float_format *f, const float *x, size_t n, void *codes)
{
    encode(f, x, n, FLOAT_RNE, (struct rng){0}, codes);
}

void convert_sr_ref(const struct float_format *f, const float *x, size_t n, uint64_t seed,
                    void *codes)
{
    encode(f, x, n, FLOAT_SR, (struct rng){seed}, codes);
}

void convert_decode_ref(const struct float_format *f, const void *codes, size_t n, float *out)
{
    const uint8_t *at = codes;
    uint32_t held = 0;
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        for (; count < f->bits; count += 8)
            held |= (uint32_t)*at++ << count;
        out[i] = float_format_decode(f, held & ((1u << f->bits) - 1));
        held >>= f->bits;
        count -= f->bits;
    }
}

void convert_copy_ref(const float *x, size_t n, float *out)
{
    memcpy(out, x, n * sizeof *x);
}
