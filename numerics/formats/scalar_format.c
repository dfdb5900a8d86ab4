#include "numerics/formats/scalar_format.h"

#include <math.h>
#include <string.h>

#include "numerics/formats/lloyd_max.h"

#define INTEGERS(b, is_common)                                                                     \
    {"int" #b, "integers, absmax / (2^" #b "/2 - 1), lowest code used", SCALAR_INT_TWOS, b,        \
     is_common},                                                                                   \
        {"int" #b "-restricted", "integers, symmetric: lowest code unused", SCALAR_INT_RESTRICTED, \
         b, false},                                                                                \
    {                                                                                              \
        "int" #b "-half", "half-integers, symmetric: no zero", SCALAR_INT_HALF, b, false           \
    }

#define CUBE_ROOTS(b, is_common)                                                                   \
    {"crd-normal" #b, "cube root of a normal density", SCALAR_CUBE_NORMAL, b, is_common},          \
        {"crd-laplace" #b, "cube root of a Laplace density", SCALAR_CUBE_LAPLACE, b, is_common},   \
    {                                                                                              \
        "crd-t" #b, "cube root of a Student-t density, df fitted to the tensor", SCALAR_CUBE_T, b, \
            is_common                                                                              \
    }

const struct scalar_format scalar_formats[] = {
    INTEGERS(2, false),
    INTEGERS(3, true),
    INTEGERS(4, true),
    INTEGERS(5, false),
    INTEGERS(6, true),
    INTEGERS(7, false),
    INTEGERS(8, true),
    {"nf4", "quantiles of a normal (QLoRA)", SCALAR_NAMED, 4, true},
    {"sf4", "quantiles of Student-t(5)", SCALAR_NAMED, 4, true},
    {"af4", "least absolute error of normal blocks", SCALAR_NAMED, 4, true},
    CUBE_ROOTS(2, false),
    CUBE_ROOTS(3, true),
    CUBE_ROOTS(4, true),
    CUBE_ROOTS(5, false),
    CUBE_ROOTS(6, false),
    CUBE_ROOTS(7, false),
    CUBE_ROOTS(8, false),
    {"e2m1", "FP4", SCALAR_FLOAT, 4, true},
    {"e2m2", "FP5", SCALAR_FLOAT, 5, false},
    {"e2m3", "FP6, more mantissa", SCALAR_FLOAT, 6, true},
    {"e3m2", "FP6, more range", SCALAR_FLOAT, 6, true},
    {"e4m3", "FP8, more mantissa", SCALAR_FLOAT, 8, true},
    {"e5m2", "FP8, more range", SCALAR_FLOAT, 8, true},
    {"q1.2", "fixed point, k / 4, lowest code unused", SCALAR_FIXED, 4, false},
    {"q1.6", "fixed point, k / 64, lowest code unused", SCALAR_FIXED, 8, false},
    {"uni4", "k / 7, lowest code unused: absmax itself is the scale", SCALAR_UNIFORM, 4, false},
    {"sign", "the sign alone", SCALAR_SIGN, 1, false},
    {"ternary", "-1, 0, 1", SCALAR_TERNARY, 2, false},
    {"km1", "two levels fitted to the tensor", SCALAR_KMEANS, 1, false},
    {"km2", "four levels fitted to the tensor", SCALAR_KMEANS, 2, false},
    {"km3", "eight levels fitted to the tensor", SCALAR_KMEANS, 3, false},
    {"km4", "sixteen levels fitted to the tensor", SCALAR_KMEANS, 4, false},
    {0},
};

const struct scaling scalings[] = {
    {"tensor-rms", SCALE_RMS, BLOCK_TENSOR},
    {"tensor-absmax", SCALE_ABSMAX, BLOCK_TENSOR},
    {"channel-rms", SCALE_RMS, BLOCK_CHANNEL},
    {"channel-absmax", SCALE_ABSMAX, BLOCK_CHANNEL},
    {"block-rms", SCALE_RMS, 1},
    {"block-absmax", SCALE_ABSMAX, 1},
    {"block-signmax", SCALE_SIGNMAX, 1},
    {"tensor-mean", SCALE_MEAN, BLOCK_TENSOR},
    {"channel-mean", SCALE_MEAN, BLOCK_CHANNEL},
    {"block-mean", SCALE_MEAN, 1},
    {"block-floor", SCALE_FLOOR, 1},
    {0},
};

/* The mean of |w| is kept from vanishing by 1e-5 where the source does so. */
const struct named_format named_formats[] = {
    {"mxfp4", "OCP MXFP4", "e2m1", "block-floor", SCALE_E8M0, 32, 0},
    {"mxfp4-ceil", "MXFP4, scales that clip nothing", "e2m1", "block-absmax", SCALE_E8M0, 32, 0},
    {"mxfp6-e2m3", "OCP MXFP6, more mantissa", "e2m3", "block-floor", SCALE_E8M0, 32, 0},
    {"mxfp6-e3m2", "OCP MXFP6, more range", "e3m2", "block-floor", SCALE_E8M0, 32, 0},
    {"mxfp8-e4m3", "OCP MXFP8, more mantissa", "e4m3", "block-floor", SCALE_E8M0, 32, 0},
    {"mxfp8-e5m2", "OCP MXFP8, more range", "e5m2", "block-floor", SCALE_E8M0, 32, 0},
    {"mxint4", "MXINT4", "q1.2", "block-floor", SCALE_E8M0, 32, 0},
    {"mxint8", "OCP MXINT8", "q1.6", "block-floor", SCALE_E8M0, 32, 0},
    {"nvfp4", "NVFP4: E4M3 scales below one of the tensor", "e2m1", "block-absmax", SCALE_E4M3, 16,
     0},
    {"fp6-llm", "FP6-LLM: E3M2, a scale for a row", "e3m2", "channel-absmax", SCALE_F16,
     BLOCK_CHANNEL, 0},
    {"fp6-llm-e2m3", "FP6-LLM with more mantissa, a scale for a row", "e2m3", "channel-absmax",
     SCALE_F16, BLOCK_CHANNEL, 0},
    {"fp5-llm", "FP6-LLM in five bits: E2M2, a scale for a row", "e2m2", "channel-absmax",
     SCALE_F16, BLOCK_CHANNEL, 0},
    {"int8-row", "integers, a scale for a row", "int8-restricted", "channel-absmax", SCALE_F32,
     BLOCK_CHANNEL, 0},
    {"b158", "BitNet b1.58: one scale for the tensor", "ternary", "tensor-mean", SCALE_F32,
     BLOCK_TENSOR, 1e-5},
    {"sign-b64", "signs in blocks of 64", "sign", "block-mean", SCALE_BF16, 64, 1e-5},
    {"ternary-b64", "-1, 0, 1 in blocks of 64", "ternary", "block-mean", SCALE_BF16, 64, 1e-5},
    {"km1-b64", "1-Bit Wonder, 1 bit", "km1", "block-mean", SCALE_BF16, 64, 1e-5},
    {"km2-b64", "1-Bit Wonder, 2 bits", "km2", "block-mean", SCALE_BF16, 64, 1e-5},
    {"km4-b64", "1-Bit Wonder, 4 bits", "km4", "block-absmax", SCALE_BF16, 64, 1e-5},
    {"uni4-b64", "its baseline, 4-bit integers", "uni4", "block-absmax", SCALE_BF16, 64, 1e-5},
    {0},
};

const struct scalar_format *scalar_format_find(const char *name)
{
    for (const struct scalar_format *f = scalar_formats; f->name; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

const struct scaling *scaling_find(const char *name)
{
    for (const struct scaling *s = scalings; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

const char *scalar_format_lacks(const struct scalar_format *f, enum scale_rule rule)
{
    if (f->kind == SCALAR_NAMED && rule != SCALE_ABSMAX)
        return "its levels are made for absmax scales";
    if (rule == SCALE_SIGNMAX &&
        (f->kind == SCALAR_FLOAT || f->kind == SCALAR_FIXED || f->kind == SCALAR_UNIFORM ||
         f->kind == SCALAR_INT_RESTRICTED || f->kind == SCALAR_INT_HALF))
        return "a symmetric format gains nothing from the sign of the largest element";
    if (rule == SCALE_SIGNMAX && f->kind >= SCALAR_SIGN)
        return "it has no form for signed scales";
    if (rule == SCALE_MEAN && f->kind != SCALAR_SIGN && f->kind != SCALAR_TERNARY &&
        f->kind != SCALAR_KMEANS)
        return "scales by the mean are for levels near 1";
    if (rule == SCALE_FLOOR && f->kind != SCALAR_FLOAT && f->kind != SCALAR_FIXED)
        return "scales by the binade are for floats and fixed point";
    return NULL;
}

static enum status cube_root(const struct scalar_format *f, enum scale_rule rule, size_t block,
                             double df, struct codebook *out, struct err *err)
{
    static const enum distribution_family families[] = {[SCALAR_CUBE_NORMAL] = DISTRIBUTION_NORMAL,
                                                        [SCALAR_CUBE_LAPLACE] =
                                                            DISTRIBUTION_LAPLACE,
                                                        [SCALAR_CUBE_T] = DISTRIBUTION_T};
    const struct cube_root spec = {
        .family = families[f->kind],
        .df = df,
        .rule = rule,
        .mode = rule == SCALE_SIGNMAX ? CODEBOOK_ASYMMETRIC : CODEBOOK_SYMMETRIC,
        .alpha = 1 / 3.0,
        .n = (size_t)1 << f->bits,
        .block = block,
    };
    return codebook_cube_root(&spec, out, err);
}

/* k / unit, symmetric, ties to even k. */
static enum status symmetric_grid(int bits, int unit, struct codebook *out, struct err *err)
{
    double level[CODEBOOK_MAX];
    int most = (1 << (bits - 1)) - 1;
    for (int k = -most; k <= most; k++)
        level[k + most] = (double)k / unit;
    enum status s = codebook_from_levels(level, 2 * (size_t)most + 1, CODEBOOK_TIES_EVEN,
                                         (size_t)most, out, err);
    if (!s)
        out->bits = bits;
    return s;
}

static enum status ternary(struct codebook *out, struct err *err)
{
    enum status s = codebook_integer(2, CODEBOOK_INT_RESTRICTED, out, err);
    if (!s)
        out->bits = 8 / 5.0;
    return s;
}

/* Levels over the range that any absmax scale leaves. */
static enum status unfitted(const struct scalar_format *f, struct codebook *out, struct err *err)
{
    double level[CODEBOOK_MAX];
    size_t n = (size_t)1 << f->bits;
    for (size_t i = 0; i < n; i++)
        level[i] = 2 * (double)i / (double)(n - 1) - 1;
    return codebook_from_levels(level, n, CODEBOOK_TIES_LOWER, 0, out, err);
}

enum status scalar_format_fit(const struct scalar_format *f, const float *u, size_t n,
                              struct rng *rng, struct codebook *out, struct err *err)
{
    const struct lloyd_max_samples samples = {
        .x = u, .n = n, .start = LLOYD_MAX_PLUS_PLUS, .tolerance = 1e-4};
    enum status s = lloyd_max_fit(&samples, (size_t)1 << f->bits, rng, out, err);
    if (!s) {
        out->low = -1; /* scales were those of unfitted levels */
        out->high = 1;
    }
    return s;
}

enum status scalar_format_codebook(const struct scalar_format *f, enum scale_rule rule,
                                   size_t block, double df, struct codebook *out, struct err *err)
{
    const char *lack = scalar_format_lacks(f, rule);
    if (lack)
        return status_fail(err, E_USAGE, "%s: %s", f->name, lack);
    switch (f->kind) {
    case SCALAR_INT_TWOS:
        return codebook_integer(f->bits, CODEBOOK_INT_TWOS, out, err);
    case SCALAR_INT_RESTRICTED:
        return codebook_integer(f->bits, CODEBOOK_INT_RESTRICTED, out, err);
    case SCALAR_INT_HALF:
        return codebook_integer(f->bits, CODEBOOK_INT_HALF, out, err);
    case SCALAR_NAMED:
        return codebook_named(f->name, block, out, err);
    case SCALAR_CUBE_NORMAL:
    case SCALAR_CUBE_LAPLACE:
    case SCALAR_CUBE_T:
        return cube_root(f, rule, block, df, out, err);
    case SCALAR_FLOAT:
        return codebook_float(float_format_find(f->name), out, err);
    case SCALAR_FIXED:
        return symmetric_grid(f->bits, 1 << (f->bits - 2), out, err);
    case SCALAR_UNIFORM:
        return symmetric_grid(f->bits, (1 << (f->bits - 1)) - 1, out, err);
    case SCALAR_SIGN:
        return codebook_from_levels((const double[]){-1, 1}, 2, CODEBOOK_TIES_EVEN, 1, out, err);
    case SCALAR_TERNARY:
        return ternary(out, err);
    case SCALAR_KMEANS:
        return unfitted(f, out, err);
    }
    return status_fail(err, E_INTERNAL, "%s: unknown kind of format", f->name);
}

enum status named_format_make(const char *name, struct codebook *codebook, struct block_format *out,
                              struct err *err)
{
    const struct named_format *f = named_formats;
    while (f->name && strcmp(f->name, name))
        f++;
    if (!f->name)
        return status_fail(err, E_USAGE, "%s: no format has this name", name);
    const struct scaling *scaling = scaling_find(f->scaling);
    const struct scalar_format *element = scalar_format_find(f->element);
    enum status s = scalar_format_codebook(element, scaling->rule, f->block, 0, codebook, err);
    if (!s)
        *out = (struct block_format){.codebook = codebook,
                                     .rule = scaling->rule,
                                     .scale_format = f->scale_format,
                                     .block = f->block,
                                     .multiplier = 1,
                                     .extra_bits = scalar_format_extra_bits(element),
                                     .least = f->least};
    return s;
}

double scalar_format_df(size_t candidate)
{
    return 3 * pow(100 / 3.0, (double)candidate / (SCALAR_DF_CANDIDATES - 1));
}

double scalar_format_extra_bits(const struct scalar_format *f)
{
    return f->kind == SCALAR_CUBE_T ? 32 : f->kind == SCALAR_KMEANS ? 32 << f->bits : 0;
}
