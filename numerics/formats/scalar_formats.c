#include "numerics/formats/scalar_formats.h"

#include <string.h>

static enum status make_integer(const struct scalar_format *f, enum scale_rule rule, size_t block,
                                double df, struct codebook *out, struct err *err)
{
    (void)block;
    (void)df;
    if (rule == SCALE_SIGNMAX && f->choice != CODEBOOK_INT_TWOS)
        return status_fail(err, E_USAGE, "%s is symmetric: signmax gains nothing", f->name);
    return codebook_integer(f->bits, (enum codebook_int)f->choice, out, err);
}

static enum status make_float(const struct scalar_format *f, enum scale_rule rule, size_t block,
                              double df, struct codebook *out, struct err *err)
{
    (void)block;
    (void)df;
    if (rule == SCALE_SIGNMAX)
        return status_fail(err, E_USAGE, "%s is symmetric: signmax gains nothing", f->name);
    return codebook_float(float_format_find(f->name), out, err);
}

static enum status make_named(const struct scalar_format *f, enum scale_rule rule, size_t block,
                              double df, struct codebook *out, struct err *err)
{
    (void)df;
    if (rule != SCALE_ABSMAX)
        return status_fail(err, E_USAGE, "%s is made for blocks scaled by their absmax", f->name);
    return codebook_named(f->name, block, out, err);
}

static enum status make_cube_root(const struct scalar_format *f, enum scale_rule rule, size_t block,
                                  double df, struct codebook *out, struct err *err)
{
    struct cube_root spec = {
        .family = (enum distribution_family)f->choice,
        .df = df,
        .rule = rule,
        .mode = rule == SCALE_SIGNMAX ? CODEBOOK_ASYMMETRIC : CODEBOOK_SYMMETRIC,
        .alpha = 1.0 / 3,
        .n = (size_t)1 << f->bits,
        .block = block,
    };
    return codebook_cube_root(&spec, out, err);
}

#define INTEGERS(b)                                                                                \
    {"int" #b, "integers -2^(b-1) .. 2^(b-1)-1", b, false, make_integer, CODEBOOK_INT_TWOS},       \
        {"int" #b "-restricted", "integers -(2^(b-1)-1) .. 2^(b-1)-1", b, false, make_integer,     \
         CODEBOOK_INT_RESTRICTED},                                                                 \
    {                                                                                              \
        "int" #b "-half", "2^b half-integers, without 0", b, false, make_integer,                  \
            CODEBOOK_INT_HALF                                                                      \
    }
#define CUBE_ROOTS(b)                                                                              \
    {"crd-normal" #b, "cube root of a normal pdf", b, false, make_cube_root, DISTRIBUTION_NORMAL}, \
        {"crd-laplace" #b, "cube root of a Laplace pdf", b, false,                                 \
         make_cube_root,   DISTRIBUTION_LAPLACE},                                                  \
    {                                                                                              \
        "crd-t" #b, "cube root of a Student-t pdf, df fitted to the tensor", b, true,              \
            make_cube_root, DISTRIBUTION_T                                                         \
    }

const struct scalar_format scalar_formats[] = {
    INTEGERS(2),
    INTEGERS(3),
    INTEGERS(4),
    INTEGERS(5),
    INTEGERS(6),
    INTEGERS(7),
    INTEGERS(8),
    {"nf4", "quantiles of a normal (QLoRA)", 4, false, make_named, 0},
    {"sf4", "quantiles of a Student-t(5)", 4, false, make_named, 0},
    {"af4", "least absolute error of normal blocks", 4, false, make_named, 0},
    CUBE_ROOTS(2),
    CUBE_ROOTS(3),
    CUBE_ROOTS(4),
    CUBE_ROOTS(5),
    CUBE_ROOTS(6),
    CUBE_ROOTS(7),
    CUBE_ROOTS(8),
    {"e2m1", "FP4 (OCP MX)", 4, false, make_float, 0},
    {"e2m3", "FP6 (OCP MX)", 6, false, make_float, 0},
    {"e3m2", "FP6 (OCP MX)", 6, false, make_float, 0},
    {"e4m3", "FP8 (OCP)", 8, false, make_float, 0},
    {"e5m2", "FP8 (OCP)", 8, false, make_float, 0},
    {0},
};

const struct scaling scalings[] = {
    {"tensor-rms", "one f32 scale, the RMS", SCALE_RMS, BLOCK_TENSOR, SCALE_F32},
    {"tensor-absmax", "one f32 scale, the absmax", SCALE_ABSMAX, BLOCK_TENSOR, SCALE_F32},
    {"channel-absmax", "bf16 absmax of a row", SCALE_ABSMAX, BLOCK_CHANNEL, SCALE_BF16},
    {"absmax16", "bf16 absmax of 16", SCALE_ABSMAX, 16, SCALE_BF16},
    {"absmax32", "bf16 absmax of 32", SCALE_ABSMAX, 32, SCALE_BF16},
    {"absmax64", "bf16 absmax of 64", SCALE_ABSMAX, 64, SCALE_BF16},
    {"absmax128", "bf16 absmax of 128", SCALE_ABSMAX, 128, SCALE_BF16},
    {"absmax256", "bf16 absmax of 256", SCALE_ABSMAX, 256, SCALE_BF16},
    {"signmax64", "bf16 element of largest magnitude of 64", SCALE_SIGNMAX, 64, SCALE_BF16},
    {"absmax32-e8m0", "absmax of 32, rounded up to a power of two", SCALE_ABSMAX, 32, SCALE_E8M0},
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

enum status scalar_format_build(const struct scalar_format *f, const struct scaling *scaling,
                                size_t rows, size_t cols, double df, struct codebook *codebook,
                                struct block_format *out, struct err *err)
{
    size_t shared = scaling->block < cols ? scaling->block : cols; /* elements of one scale */
    if (scaling->block == BLOCK_TENSOR)
        shared = rows * cols;
    enum status s = f->make(f, scaling->rule, shared, df, codebook, err);
    if (s)
        return s;
    *out = (struct block_format){.codebook = codebook,
                                 .rule = scaling->rule,
                                 .scale_format = scaling->scale_format,
                                 .block = scaling->block,
                                 .multiplier = 1,
                                 .extra_bits = f->needs_df ? 32 : 0};
    return OK;
}
