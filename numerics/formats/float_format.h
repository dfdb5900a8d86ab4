/*
 * Narrow floating-point formats: their parameters, and conversion from and to binary32 one value
 * at a time.  This is the definition that every vectorised conversion is held to.
 *
 * A code is sign | exponent | mantissa, most significant first, in the low `bits` bits.  With
 * exponent field e and mantissa field m its value is (-1)^s 2^(1-bias) m/2^M when e == 0, else
 * (-1)^s 2^(e-bias) (1 + m/2^M), but for the infinities and NaNs named by the row.
 *
 * Source: OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; IEEE 754-2019;
 * the FNUZ formats as in LLVM and ml_dtypes; FP5 E2M2: Xia et al., FP6-LLM, arXiv 2401.14112.
 */
#ifndef NUMERICS_FORMATS_FLOAT_FORMAT_H
#define NUMERICS_FORMATS_FLOAT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

enum float_nan {
    FLOAT_NAN_NONE,         /* every code is a number */
    FLOAT_NAN_IEEE,         /* exponent all ones, mantissa not zero */
    FLOAT_NAN_TOP,          /* exponent and mantissa all ones */
    FLOAT_NAN_NEGATIVE_ZERO /* the code that elsewhere is -0, and no other: there is no -0 */
};

struct float_format {
    const char *name, *title;
    int bits, exponent_bits, mantissa_bits, bias;
    bool has_inf; /* exponent all ones, mantissa zero */
    enum float_nan nan;
    uint32_t nan_code; /* what NaN becomes: the canonical NaN, or -0 where there is no NaN */
    uint32_t max_code; /* of the largest finite value */
};

/* bf16, fp16, e4m3 (OCP: E4M3FN), e5m2, e4m3fnuz, e5m2fnuz, e3m2, e2m3, e2m2, e2m1; ends in
 * {0}. */
extern const struct float_format float_formats[];

/* The row of that name, or NULL. */
const struct float_format *float_format_find(const char *name);

enum float_rounding {
    FLOAT_RNE, /* to nearest, a tie to the even code */
    FLOAT_RTZ, /* toward zero */
    FLOAT_SR   /* stochastic: the magnitude goes up iff floor(2^32 * discarded fraction) + r >= 2^32
                */
};

/*
 * The code of x, exactly rounded from its bits by integer arithmetic, so that neither the rounding
 * direction nor the subnormal handling of the floating-point unit matters.
 *
 *   r         FLOAT_SR: 32 uniform random bits; else ignored
 *   saturate  what is out of range after rounding, and infinity, becomes the largest finite value;
 *             otherwise infinity, or NaN where there is none, or the largest finite value where
 *             there is neither.  Under FLOAT_RTZ no finite x is out of range.
 *
 * The sign of zero is kept where the format has -0.  NaN gives nan_code.
 */
uint32_t float_format_encode(const struct float_format *f, float x, enum float_rounding rounding,
                             bool saturate, uint32_t r);

/* The value of a code (its low f->bits bits); exact.  Every NaN code gives the same quiet NaN. */
float float_format_decode(const struct float_format *f, uint32_t code);

/* ---- E8M0, the scale of the MX formats: 2^(code - 127) for code 0..254, 255 is NaN. ---- */
enum { E8M0_NAN = 255 };
enum e8m0_rounding {
    E8M0_FLOOR, /* the exponent of x: the MX default */
    E8M0_CEIL,  /* the smallest power of two >= x */
    E8M0_RNE    /* to nearest by significand: up above 1.5, at 1.5 to the even code */
};

/* x > 0 and finite; the result is clamped to 0..254. */
uint8_t e8m0_encode(float x, enum e8m0_rounding rounding);

/* 2^(code - 127), a subnormal binary32 for code 0; NaN for 255. */
float e8m0_decode(uint8_t code);

/* ---- MXINT8: two's complement code / 64, nearest even. ---- */

/* Clamped to -127..127 (symmetric) or -128..127.  NaN gives 0. */
int8_t mxint8_encode(float x, bool symmetric);

#endif
