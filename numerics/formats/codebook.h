/*
 * Scalar codebooks: the values an element of a quantised tensor can take, and where the decision
 * between two neighbours falls.
 *
 * A codebook is the definition of an element format.  level[] ascends; boundary[i] separates level
 * i from level i + 1, and
 *
 *     code(x) = number of boundaries strictly below x
 *
 * for every f32 x.  The rounding rule (ties, directed rounding) is in the boundaries, each the f32
 * that decides every f32 x as exact arithmetic would; so an arithmetic encoder of the same format
 * must agree with this count on every input.
 *
 * What x is: an element divided by the scale of its block, see numerics/formats/block_format.h.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988;
 * NF4: arXiv 2305.14314; SF4: arXiv 2405.03103; AF4: arXiv 2306.06965; EeMm: OCP Microscaling
 * Formats 1.0.
 */
#ifndef NUMERICS_FORMATS_CODEBOOK_H
#define NUMERICS_FORMATS_CODEBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/formats/float_format.h"
#include "numerics/statistics/distribution.h"
#include "numerics/status.h"

enum { CODEBOOK_MAX = 256 };

/* What a block is divided by. */
enum scale_rule {
    SCALE_RMS,     /* its root mean square (over the codebook's own) */
    SCALE_ABSMAX,  /* its largest magnitude over the smaller end of the codebook */
    SCALE_SIGNMAX, /* its element of largest magnitude, with sign, over the larger end */
    SCALE_MEAN,    /* the mean of its magnitudes */
    SCALE_FLOOR /* the power of two that brings its largest magnitude into the binade of the end */
};

struct codebook {
    size_t n;    /* 2 .. CODEBOOK_MAX */
    double bits; /* of a stored code */
    float level[CODEBOOK_MAX];
    float boundary[CODEBOOK_MAX]; /* n - 1, then +inf: "strictly below x" is never true of it */
    /* What absmax scales bring the largest magnitudes to: the end levels, or the range of the data
     * that the levels were fitted to. */
    float low, high;
    /* Beyond these a value is clipped: more than half a cell outside the end levels. */
    float clip_low, clip_high;
    /* Of the data it is made for, what SCALE_RMS divides by: 1, or the rms of a uniform density
     * over the range of an integer grid. */
    double rms;
    bool integer; /* consecutive integers, ties to even: rint() and a clamp encode it */
};

enum codebook_rounding {
    CODEBOOK_TIES_LOWER,   /* nearest; a tie takes the lower level */
    CODEBOOK_TIES_TO_ZERO, /* nearest; a tie takes the smaller magnitude */
    CODEBOOK_TIES_EVEN,    /* nearest; a tie takes the level an even number of places from `even` */
    CODEBOOK_TO_ZERO,      /* the nearest level that is not larger in magnitude */
    CODEBOOK_AWAY,         /* the nearest level that is not smaller in magnitude */
    CODEBOOK_UP            /* the nearest level that is not smaller */
};

/* Ascending levels [n] to a codebook (rms 1, bits log2 n).  E_USAGE when n is out of range or the
 * levels do not ascend or are not finite in f32. */
enum status codebook_from_levels(const double *level, size_t n, enum codebook_rounding rounding,
                                 size_t even, struct codebook *out, struct err *err);

/* The code of x by the definition above; NaN takes level 0. */
size_t codebook_encode(const struct codebook *c, float x);

/* ---- Codebooks whose level density follows a power of a density ---- */

enum codebook_mode {
    CODEBOOK_SYMMETRIC,  /* mirrored about 0; an even number of levels has no 0 */
    CODEBOOK_ASYMMETRIC, /* a 0, and one level more on one side */
    CODEBOOK_REPEAT_ZERO /* two halves that both have 0 */
};

struct cube_root {
    enum distribution_family family;
    double df; /* of Student-t, > 2 */
    enum scale_rule rule;
    enum codebook_mode mode;
    double alpha; /* exponent of the density: 1/3 is optimal, 1 gives quantiles, 0 a uniform grid */
    size_t n;     /* levels: even, and >= 4, but for CODEBOOK_SYMMETRIC */
    size_t block; /* elements that share a scale, > 3; not used under SCALE_RMS */
};

/*
 * Levels are quantiles of the density p^alpha, cut at the expected absmax of a block and divided by
 * it unless the rule is SCALE_RMS.  E_USAGE for a combination that does not exist: SCALE_SIGNMAX
 * other than asymmetric, alpha = 0 under SCALE_RMS, alpha (df + 1) <= 1, a block of 3 or less.
 */
enum status codebook_cube_root(const struct cube_root *spec, struct codebook *out, struct err *err);

/* Approximate expected absmax of `block` > 3 draws of scale 1 (t: of unit scale, df > 2). */
double codebook_expected_absmax(enum distribution_family family, double df, size_t block);

/* ---- Fixed element formats ---- */

enum codebook_int {
    CODEBOOK_INT_TWOS,       /* -2^(b-1) .. 2^(b-1)-1 */
    CODEBOOK_INT_RESTRICTED, /* -(2^(b-1)-1) .. 2^(b-1)-1: one code is never used */
    CODEBOOK_INT_HALF        /* 2^b half-integers, symmetric, without 0 */
};
/* bits 2..8; ties to even. */
enum status codebook_integer(int bits, enum codebook_int convention, struct codebook *out,
                             struct err *err);

/* Every finite value of a format of at most 8 bits, ties to the even code; -0 is 0's. */
enum status codebook_float(const struct float_format *f, struct codebook *out, struct err *err);

/* ExMy without specials: bias 2^(E-1), so its E2M1 is OCP's halved; exponent_bits + mantissa_bits
 * in 1..7, exponent_bits >= 1, under any rounding (CODEBOOK_TIES_TO_ZERO is its "nearest"). */
enum status codebook_float_grid(int exponent_bits, int mantissa_bits,
                                enum codebook_rounding rounding, struct codebook *out,
                                struct err *err);

/* 2^k powers of two from 2^-(2^(k-1)-1) on, rounded up; k in 1..7 (k = 8 is E8M0, a scale). */
enum status codebook_exponent(int k, struct codebook *out, struct err *err);

void codebook_nf4(struct codebook *out);
void codebook_sf4(struct codebook *out); /* NF4's construction on t(5), unrounded */
/* (x + x^3) / 2 of n points from -1 to 1. */
enum status codebook_nf_approx(size_t n, struct codebook *out, struct err *err);
/* Least expected |error| of normal blocks of `block` >= 4 scaled by their absmax. */
enum status codebook_af4(size_t block, struct codebook *out, struct err *err);

/* ---- The 4-bit codebooks that one look-up kernel serves ---- */

/* "nf4", "sf4", "af4", "crd-normal", "crd-laplace", "crd-t5", "crd-t7", "lloyd-max" (of a normal);
 * ends in NULL. */
extern const char *const codebook_names[];

/* The 16-level codebook of that name for blocks of `block` > 3 elements scaled by their absmax; or,
 * when block is 0, for data scaled by its rms (nf4, sf4 and af4 have no such form: E_USAGE). */
enum status codebook_named(const char *name, size_t block, struct codebook *out, struct err *err);

#endif
