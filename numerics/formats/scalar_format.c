#include "numerics/formats/scalar_format.h"

#include <math.h>
#include <string.h>

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
    {"e2m3", "FP6, more mantissa", SCALAR_FLOAT, 6, true},
    {"e3m2", "FP6, more range", SCALAR_FLOAT, 6, true},
    {"e4m3", "FP8, more mantissa", SCALAR_FLOAT, 8, true},
    {"e5m2", "FP8, more range", SCALAR_FLOAT, 8, true},
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
    {0},
};

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
        (f->kind == SCALAR_FLOAT || f->kind == SCALAR_INT_RESTRICTED || f->kind == SCALAR_INT_HALF))
        return "a symmetric format gains nothing from the sign of the largest element";
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
    }
    return status_fail(err, E_INTERNAL, "%s: unknown kind of format", f->name);
}

double scalar_format_df(size_t candidate)
{
    return 3 * pow(100 / 3.0, (double)candidate / (SCALAR_DF_CANDIDATES - 1));
}

double scalar_format_extra_bits(const struct scalar_format *f)
{
    return f->kind == SCALAR_CUBE_T ? 32 : 0;
}
