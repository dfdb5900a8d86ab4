#include "numerics/kernels/mx_encode.h"

#include <math.h>
#include <string.h>

enum { F32_INFINITY = 0x7F800000, F32_MAGNITUDE = 0x7FFFFFFF, F32_IMPLICIT_BIT = 1 << 23 };

#if defined(__x86_64__)
#define VARIANTS(family)                                                                           \
    {                                                                                              \
        KERNEL(family, ref, 0), KERNEL(family, avx2, CPU_AVX2),                                    \
            KERNEL(family, avx512, CPU_AVX2 | CPU_AVX512),                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#else
#define VARIANTS(family)                                                                           \
    {                                                                                              \
        KERNEL(family, ref, 0),                                                                    \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#endif

const struct kernel_variant mx_encode_variants[] = VARIANTS(mx_encode);
const struct kernel_variant mx_decode_variants[] = VARIANTS(mx_decode);
const struct kernel_variant nvfp4_encode_variants[] = VARIANTS(nvfp4_encode);
const struct kernel_variant nvfp4_decode_variants[] = VARIANTS(nvfp4_decode);

const struct mx_format mx_formats[] = {{.name = "mxfp4",
                                        .title = "MXFP4: E2M1",
                                        .element_name = "e2m1",
                                        .bits = 4,
                                        .emax = 2,
                                        .max = 6},
                                       {.name = "mxfp6-e3m2",
                                        .title = "MXFP6: E3M2",
                                        .element_name = "e3m2",
                                        .bits = 6,
                                        .emax = 4,
                                        .max = 28},
                                       {.name = "mxfp6-e2m3",
                                        .title = "MXFP6: E2M3",
                                        .element_name = "e2m3",
                                        .bits = 6,
                                        .emax = 2,
                                        .max = 7.5f},
                                       {.name = "mxfp8-e4m3",
                                        .title = "MXFP8: E4M3",
                                        .element_name = "e4m3",
                                        .bits = 8,
                                        .emax = 8,
                                        .max = 448},
                                       {.name = "mxfp8-e5m2",
                                        .title = "MXFP8: E5M2",
                                        .element_name = "e5m2",
                                        .bits = 8,
                                        .emax = 15,
                                        .max = 57344},
                                       {.name = "mxint4",
                                        .title = "MXINT4: quarters (not in OCP 1.0)",
                                        .bits = 4,
                                        .max = 1.75f,
                                        .fraction_bits = 2,
                                        .largest_integer = 7},
                                       {.name = "mxint8",
                                        .title = "MXINT8: 64ths",
                                        .bits = 8,
                                        .max = 1.984375f,
                                        .fraction_bits = 6,
                                        .largest_integer = 127},
                                       {0}};

enum status mx_format_find(const char *name, struct mx_format *out, struct err *err)
{
    for (const struct mx_format *f = mx_formats; f->name; f++)
        if (!strcmp(f->name, name)) {
            *out = *f;
            if (f->element_name)
                out->element = float_format_find(f->element_name);
            return OK;
        }
    return status_fail(err, E_USAGE, "%s: no MX format has this name", name);
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* Twice the significand's fraction of a subnormal is what it would be with exponent field 0 read
 * as 2^-127, so one comparison with that of max serves both. */
uint8_t mx_scale(const struct mx_format *f, enum mx_rule rule, uint32_t largest_bits)
{
    if (largest_bits >= F32_INFINITY)
        return E8M0_NAN;
    uint32_t field = largest_bits >> 23, fraction = largest_bits & (F32_IMPLICIT_BIT - 1);
    int byte = (int)field - f->emax;
    if (byte < 0)
        return 0;
    if (rule == MX_CEIL) {
        uint32_t significand = field ? fraction | F32_IMPLICIT_BIT : 2 * fraction;
        byte += significand > ((bits_of(f->max) & (F32_IMPLICIT_BIT - 1)) | F32_IMPLICIT_BIT);
    }
    return (uint8_t)(byte < E8M0_NAN ? byte : E8M0_NAN - 1);
}

float nvfp4_tensor_scale(float absmax)
{
    return absmax / (6 * 448);
}

/* The bits of the largest magnitude; those of Inf and NaN are above all others. */
static uint32_t largest_bits(const float *x, size_t n)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = bits_of(x[i]) & F32_MAGNITUDE;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

/* The code of an element, which is finite, in the low f->bits bits. */
static uint32_t element_encode(const struct mx_format *f, float element)
{
    if (f->element)
        return float_format_encode(f->element, element, FLOAT_RNE, true, 0);
    double n = nearbyint(ldexp(element, f->fraction_bits)), largest = f->largest_integer;
    int code = (int)fmax(-largest, fmin(n, largest));
    return (uint32_t)code & ((1u << f->bits) - 1);
}

static float element_decode(const struct mx_format *f, uint32_t code)
{
    if (f->element)
        return float_format_decode(f->element, code);
    int n = (int)code, sign = 1 << (f->bits - 1);
    return ldexpf((float)((n ^ sign) - sign), -f->fraction_bits);
}

/* Element i of a string of `bits`-bit codes; put() finds it 0. */
static void put(uint8_t *codes, size_t i, int bits, uint32_t code)
{
    size_t at = i * (size_t)bits;
    code <<= at % 8;
    codes[at / 8] |= (uint8_t)code;
    if (code >> 8)
        codes[at / 8 + 1] |= (uint8_t)(code >> 8);
}

static uint32_t get(const uint8_t *codes, size_t i, int bits)
{
    size_t at = i * (size_t)bits, last = at + (size_t)bits - 1;
    uint32_t two = codes[at / 8] | (uint32_t)codes[last / 8] << 8;
    return two >> at % 8 & ((1u << bits) - 1);
}

void mx_encode_ref(const struct mx_format *f, enum mx_rule rule, const float *x, size_t n,
                   void *codes, uint8_t *scales)
{
    memset(codes, 0, mx_code_bytes(f, n));
    for (size_t first = 0; first < n; first += MX_BLOCK) {
        size_t end = n - first < MX_BLOCK ? n : first + MX_BLOCK;
        uint8_t scale = mx_scale(f, rule, largest_bits(x + first, end - first));
        *scales++ = scale;
        if (scale == E8M0_NAN)
            continue;
        for (size_t i = first; i < end; i++)
            put(codes, i, f->bits, element_encode(f, ldexpf(x[i], 127 - scale)));
    }
}

void mx_decode_ref(const struct mx_format *f, const void *codes, const uint8_t *scales, size_t n,
                   float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = element_decode(f, get(codes, i, f->bits)) * e8m0_decode(scales[i / MX_BLOCK]);
}

void nvfp4_encode_ref(const float *x, size_t n, float tensor_scale, void *codes, uint8_t *scales)
{
    const struct float_format *e2m1 = float_format_find("e2m1"), *e4m3 = float_format_find("e4m3");
    memset(codes, 0, n / 2 + n % 2);
    for (size_t first = 0; first < n; first += NVFP4_BLOCK) {
        size_t end = n - first < NVFP4_BLOCK ? n : first + NVFP4_BLOCK;
        uint32_t bits = largest_bits(x + first, end - first);
        float largest, relative = 0;
        memcpy(&largest, &bits, sizeof largest);
        if (bits >= F32_INFINITY)
            relative = NAN;
        else if (bits)
            relative = largest / 6 / tensor_scale;
        *scales = (uint8_t)float_format_encode(e4m3, relative, FLOAT_RNE, true, 0);
        float scale = float_format_decode(e4m3, *scales++) * tensor_scale;
        for (size_t i = first; i < end && scale > 0; i++)
            put(codes, i, 4, float_format_encode(e2m1, x[i] / scale, FLOAT_RNE, true, 0));
    }
}

void nvfp4_decode_ref(const void *codes, const uint8_t *scales, size_t n, float tensor_scale,
                      float *out)
{
    const struct float_format *e2m1 = float_format_find("e2m1"), *e4m3 = float_format_find("e4m3");
    for (size_t i = 0; i < n; i++) {
        float scale = float_format_decode(e4m3, scales[i / NVFP4_BLOCK]) * tensor_scale;
        out[i] = float_format_decode(e2m1, get(codes, i, 4)) * scale;
    }
}
