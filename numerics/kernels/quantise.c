#include "numerics/kernels/quantise.h"

#include <math.h>
#include <string.h>

#include "numerics/formats/bf16.h"

const struct kernel_variant quantise_stats_variants[] = {
    KERNEL(quantise_stats, ref, 0),
#if defined(__x86_64__)
    KERNEL(quantise_stats, avx2, CPU_AVX2),
    KERNEL(quantise_stats, avx512, CPU_AVX512),
#endif
    {0},
};
const struct kernel_variant quantise_codes_variants[] = {
    KERNEL(quantise_codes, ref, 0),
#if defined(__x86_64__)
    KERNEL(quantise_codes, avx2, CPU_AVX2),
    KERNEL(quantise_codes, avx512, CPU_AVX512),
#endif
    {0},
};
const struct kernel_variant quantise_error_variants[] = {
    KERNEL(quantise_error, ref, 0),
#if defined(__x86_64__)
    KERNEL(quantise_error, avx2, CPU_AVX2),
    KERNEL(quantise_error, avx512, CPU_AVX512),
#endif
    {0},
};
const struct kernel_variant encode_lut4_variants[] = {
    KERNEL(encode_lut4, ref, 0),
#if defined(__x86_64__)
    KERNEL(encode_lut4, avx2, CPU_AVX2),
    KERNEL(encode_lut4, avx512, CPU_AVX512),
#endif
    {0},
};
const struct kernel_variant encode_int4_variants[] = {
    KERNEL(encode_int4, ref, 0),
#if defined(__x86_64__)
    KERNEL(encode_int4, avx2, CPU_AVX2),
    KERNEL(encode_int4, avx512, CPU_AVX512),
#endif
    {0},
};

void quantise_stats_ref(const float *x, size_t n, struct quantise_stats *out)
{
    double lane[QUANTISE_LANES] = {0}, size_lane[QUANTISE_LANES] = {0};
    struct quantise_stats s = {0};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            s.nonfinite++;
            continue;
        }
        s.low = x[i] < s.low ? x[i] : s.low;
        s.high = x[i] > s.high ? x[i] : s.high;
        lane[i % QUANTISE_LANES] += (double)x[i] * x[i];
        size_lane[i % QUANTISE_LANES] += fabs((double)x[i]);
    }
    s.squares = quantise_total(lane);
    s.sizes = quantise_total(size_lane);
    *out = s;
}

void quantise_codes_ref(const struct codebook *c, const float *x, size_t n, float scale,
                        uint8_t *codes)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)codebook_encode(c, isfinite(x[i]) ? x[i] / scale : 0);
}

void quantise_error_ref(const struct codebook *c, const float *x, size_t n, float scale,
                        struct quantise_sums *sums)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        float t = x[i] / scale, value = c->level[codebook_encode(c, t)] * scale;
        double e = (double)value - x[i];
        sums->error[i % QUANTISE_LANES] += e * e;
        sums->max_error = fabs(e) > sums->max_error ? fabs(e) : sums->max_error;
        sums->clipped += t < c->clip_low || t > c->clip_high;
        sums->flushed += x[i] != 0 && value == 0;
    }
}

uint16_t encode4_scale(const struct codebook *c, float absmax)
{
    const float largest = 0x1.fep127f, smallest = 0x1p-126f;
    float s = absmax / fminf(-c->low, c->high);
    return bf16_from_f32(s > largest ? largest : s > smallest ? s : smallest);
}

/* Codes go to nibbles as code + shift mod 16: 0, or -8 to make a code a two's complement number. */
static void encode4(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                    uint16_t *scales, int shift)
{
    for (size_t b = 0; b < blocks; b++, x += ENCODE4_BLOCK, codes += ENCODE4_BLOCK / 2) {
        struct quantise_stats s;
        uint8_t code[ENCODE4_BLOCK];
        quantise_stats_ref(x, ENCODE4_BLOCK, &s);
        scales[b] = encode4_scale(c, fmaxf(-s.low, s.high));
        quantise_codes_ref(c, x, ENCODE4_BLOCK, bf16_to_f32(scales[b]), code);
        for (size_t i = 0; i < ENCODE4_BLOCK / 2; i++) {
            int low = code[2 * i] + shift, high = code[2 * i + 1] + shift;
            codes[i] = (uint8_t)((low & 15) | (high & 15) << 4);
        }
    }
}

void encode_lut4_ref(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                     uint16_t *scales)
{
    encode4(c, x, blocks, codes, scales, 0);
}

void encode_int4_ref(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                     uint16_t *scales)
{
    encode4(c, x, blocks, codes, scales, (int)c->level[0]);
}
