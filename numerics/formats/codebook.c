#include "numerics/formats/codebook.h"

#include <math.h>
#include <string.h>

#include "numerics/formats/lloyd_max.h"

/* The largest f32 that is not above m, so that x > m and x > floor_f32(m) agree for every f32 x. */
static float floor_f32(double m)
{
    float f = (float)m;
    return f > m ? nextafterf(f, -INFINITY) : f;
}

/* The boundary below which, or at which, x takes the lower of two neighbours: at b, so that x = b
 * takes the lower one, or just before it, so that x = b takes the upper one. */
static float boundary_at(double b, bool upper_at_tie)
{
    float f = floor_f32(b);
    return upper_at_tie && f == b ? nextafterf(f, -INFINITY) : f;
}

static float boundary_between(float low, float high, enum codebook_rounding rounding,
                              bool high_is_even)
{
    double middle = ((double)low + high) / 2;
    switch (rounding) {
    case CODEBOOK_TIES_LOWER:
        break;
    case CODEBOOK_TIES_TO_ZERO:
        return boundary_at(middle, middle < 0);
    case CODEBOOK_TIES_EVEN:
        return boundary_at(middle, high_is_even);
    case CODEBOOK_TO_ZERO:
        return low < 0 ? boundary_at(low, false) : boundary_at(high, true);
    case CODEBOOK_AWAY:
        return low < 0 ? boundary_at(high, true) : boundary_at(low, false);
    case CODEBOOK_UP:
        return boundary_at(low, false);
    }
    return boundary_at(middle, false);
}

enum status codebook_from_levels(const double *level, size_t n, enum codebook_rounding rounding,
                                 size_t even, struct codebook *out, struct err *err)
{
    if (n < 2 || n > CODEBOOK_MAX)
        return status_fail(err, E_USAGE, "a codebook of %zu levels: 2 to %d are possible", n,
                           CODEBOOK_MAX);
    struct codebook c = {.n = n, .bits = log2((double)n), .rms = 1};
    for (size_t i = 0; i < n; i++) {
        c.level[i] = (float)level[i];
        if (!isfinite(c.level[i]) || (i && c.level[i] < c.level[i - 1]))
            return status_fail(err, E_USAGE, "level %zu of a codebook is %g after %g", i, level[i],
                               i ? level[i - 1] : NAN);
    }
    for (size_t i = 0; i + 1 < n; i++)
        c.boundary[i] =
            boundary_between(c.level[i], c.level[i + 1], rounding, (i + 1 - even) % 2 == 0);
    for (size_t i = n - 1; i < CODEBOOK_MAX; i++)
        c.boundary[i] = INFINITY;
    c.low = c.level[0];
    c.high = c.level[n - 1];
    c.clip_low = c.level[0] - (c.level[1] - c.level[0]) / 2;
    c.clip_high = c.level[n - 1] + (c.level[n - 1] - c.level[n - 2]) / 2;
    *out = c;
    return OK;
}

size_t codebook_encode(const struct codebook *c, float x)
{
    size_t code = 0;
    for (size_t i = 0; i + 1 < c->n; i++)
        code += c->boundary[i] < x;
    return code;
}

/* ---- Density powers ---- */

/* Point i of n + (ends left out) equally spaced ones over [from, to]. */
static double spaced(double from, double to, bool with_from, bool with_to, size_t n, size_t i)
{
    size_t first = with_from ? 0 : 1, points = n + first + (with_to ? 0 : 1);
    return from + (to - from) * (double)(i + first) / (double)(points - 1);
}

/* Which ends the halves [0, 1/2] and [1/2, 1] of the probabilities keep. */
static void kept_ends(enum codebook_mode mode, enum scale_rule rule, bool keep[4])
{
    bool absmax = rule == SCALE_ABSMAX, signmax = rule == SCALE_SIGNMAX;
    keep[0] = absmax;
    keep[1] = true;
    keep[2] = mode == CODEBOOK_REPEAT_ZERO;
    keep[3] = absmax || signmax;
}

static double probability(const struct cube_root *spec, size_t i)
{
    bool ends = spec->rule != SCALE_RMS, keep[4];
    if (spec->mode == CODEBOOK_SYMMETRIC)
        return spaced(0, 1, ends, ends, spec->n, i);
    size_t half = spec->n / 2;
    kept_ends(spec->mode, spec->rule, keep);
    return i < half ? spaced(0, 0.5, keep[0], keep[1], half, i)
                    : spaced(0.5, 1, keep[2], keep[3], half, i - half);
}

static const char *impossible(const struct cube_root *s)
{
    if (s->n < 2 || s->n > CODEBOOK_MAX)
        return "the number of levels must be 2 to 256";
    if (s->mode != CODEBOOK_SYMMETRIC && (s->n % 2 || s->n < 4))
        return "two halves need an even number of levels, 4 at least";
    if (s->rule == SCALE_SIGNMAX && s->mode != CODEBOOK_ASYMMETRIC)
        return "signmax exists for the asymmetric mode only";
    if (s->rule == SCALE_RMS ? !(s->alpha > 0) : !(s->alpha >= 0))
        return "alpha must be positive (or 0 where the range is bounded)";
    if (s->rule != SCALE_RMS && s->block <= 3)
        return "the expected absmax needs blocks of more than 3";
    if (s->family == DISTRIBUTION_T && !(s->df > 2))
        return "Student-t needs df > 2";
    if (s->family == DISTRIBUTION_T && s->alpha > 0 && !(s->alpha * (s->df + 1) > 1))
        return "alpha (df + 1) must be above 1";
    return NULL;
}

double codebook_expected_absmax(enum distribution_family family, double df, size_t block)
{
    const double euler_gamma = 0.57721566490153286;
    double b = (double)block, normal = sqrt(2 * log(b / M_PI));
    switch (family) {
    case DISTRIBUTION_NORMAL:
        return normal;
    case DISTRIBUTION_LAPLACE:
        return euler_gamma + log(b);
    case DISTRIBUTION_T:
        return pow(normal, (df - 3) / df) * pow(b, 1 / df) * sqrt(df / (df - 2));
    }
    return NAN;
}

enum status codebook_cube_root(const struct cube_root *spec, struct codebook *out, struct err *err)
{
    const char *why = impossible(spec);
    if (why)
        return status_fail(err, E_USAGE, "cube-root codebook: %s", why);
    double level[CODEBOOK_MAX];
    struct distribution unit = {spec->family, 1, spec->df}, powered;
    double m = 0;
    if (spec->rule == SCALE_RMS)
        unit = distribution_unit_rms(spec->family, spec->df);
    else
        m = codebook_expected_absmax(spec->family, spec->df, spec->block);
    powered = distribution_power(&unit, spec->alpha);
    for (size_t i = 0; i < spec->n; i++) {
        double p = probability(spec, i);
        if (spec->rule == SCALE_RMS)
            level[i] = distribution_quantile(&powered, p);
        else if (spec->alpha > 0)
            level[i] = distribution_truncated_quantile(&powered, m, p) / m;
        else
            level[i] = 2 * p - 1;
    }
    return codebook_from_levels(level, spec->n, CODEBOOK_TIES_LOWER, 0, out, err);
}

/* ---- Fixed element formats ---- */

enum status codebook_integer(int bits, enum codebook_int convention, struct codebook *out,
                             struct err *err)
{
    if (bits < 2 || bits > 8)
        return status_fail(err, E_USAGE, "integers of %d bits: 2 to 8 are possible", bits);
    double level[CODEBOOK_MAX];
    size_t n = (size_t)1 << bits, half = n / 2;
    double first = -(double)half; /* the level at index half is the even one: 0, or -1/2 */
    size_t even = half;
    if (convention == CODEBOOK_INT_RESTRICTED) {
        n--;
        first++;
        even--;
    } else if (convention == CODEBOOK_INT_HALF) {
        first += 0.5;
        even--;
    }
    for (size_t i = 0; i < n; i++)
        level[i] = first + (double)i;
    enum status s = codebook_from_levels(level, n, CODEBOOK_TIES_EVEN, even, out, err);
    if (s)
        return s;
    out->bits = bits;
    out->integer = convention != CODEBOOK_INT_HALF;
    out->rms = out->level[n - 1] / sqrt(3);
    return OK;
}

/* The codebook of +-magnitude[0..n-1], of which the first is 0. */
static enum status mirrored(const double *magnitude, size_t n, enum codebook_rounding rounding,
                            double bits, struct codebook *out, struct err *err)
{
    double level[CODEBOOK_MAX];
    for (size_t i = 0; i < n; i++) {
        level[n - 1 - i] = -magnitude[i];
        level[n - 1 + i] = magnitude[i];
    }
    level[n - 1] = 0;
    enum status s = codebook_from_levels(level, 2 * n - 1, rounding, n - 1, out, err);
    if (!s)
        out->bits = bits;
    return s;
}

enum status codebook_float(const struct float_format *f, struct codebook *out, struct err *err)
{
    if (f->bits > 8 || f->max_code >= CODEBOOK_MAX / 2)
        return status_fail(err, E_USAGE, "%s: a codebook holds formats of at most 8 bits", f->name);
    double magnitude[CODEBOOK_MAX / 2];
    for (uint32_t code = 0; code <= f->max_code; code++)
        magnitude[code] = float_format_decode(f, code);
    return mirrored(magnitude, f->max_code + 1, CODEBOOK_TIES_EVEN, f->bits, out, err);
}

enum status codebook_float_grid(int exponent_bits, int mantissa_bits,
                                enum codebook_rounding rounding, struct codebook *out,
                                struct err *err)
{
    if (exponent_bits < 1 || mantissa_bits < 0 || exponent_bits + mantissa_bits > 7)
        return status_fail(err, E_USAGE, "E%dM%d: a float grid has 1 to 7 bits beside the sign",
                           exponent_bits, mantissa_bits);
    double magnitude[CODEBOOK_MAX / 2];
    int bias = 1 << (exponent_bits - 1), per_binade = 1 << mantissa_bits;
    size_t n = (size_t)1 << (exponent_bits + mantissa_bits);
    for (size_t i = 0; i < n; i++) {
        int e = (int)i / per_binade, m = (int)i % per_binade;
        magnitude[i] = e ? ldexp(1 + (double)m / per_binade, e - bias)
                         : ldexp((double)m / per_binade, 1 - bias);
    }
    return mirrored(magnitude, n, rounding, 1 + exponent_bits + mantissa_bits, out, err);
}

enum status codebook_exponent(int k, struct codebook *out, struct err *err)
{
    if (k < 1 || k > 7)
        return status_fail(err, E_USAGE, "EXP%d: 1 to 7 bits are possible", k);
    double level[CODEBOOK_MAX];
    size_t n = (size_t)1 << k;
    for (size_t i = 0; i < n; i++)
        level[i] = ldexp(1, (int)i - (int)n / 2 + 1);
    return codebook_from_levels(level, n, CODEBOOK_UP, 0, out, err);
}

void codebook_nf4(struct codebook *out)
{
    /* binary32 constants of bitsandbytes, functional.py */
    static const double level[16] = {
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    };
    codebook_from_levels(level, 16, CODEBOOK_TIES_LOWER, 0, out, NULL);
}

void codebook_sf4(struct codebook *out)
{
    const struct distribution t5 = {DISTRIBUTION_T, 1, 5};
    const double o = 1 - (1.0 / 30 + 1.0 / 32) / 2; /* the last probability: NF4's */
    double level[16], largest = distribution_quantile(&t5, o);
    for (size_t i = 0; i < 16; i++) {
        double p =
            i < 7 ? 1 - spaced(o, 0.5, true, true, 8, i) : spaced(0.5, o, true, true, 9, i - 7);
        level[i] = distribution_quantile(&t5, p) / largest;
    }
    codebook_from_levels(level, 16, CODEBOOK_TIES_LOWER, 0, out, NULL);
}

enum status codebook_nf_approx(size_t n, struct codebook *out, struct err *err)
{
    double level[CODEBOOK_MAX];
    if (n < 2 || n > CODEBOOK_MAX)
        return status_fail(err, E_USAGE, "NF-approx of %zu levels: 2 to %d are possible", n,
                           CODEBOOK_MAX);
    for (size_t i = 0; i < n; i++) {
        double x = spaced(-1, 1, true, true, n, i);
        level[i] = (x + x * x * x) / 2;
    }
    return codebook_from_levels(level, n, CODEBOOK_TIES_LOWER, 0, out, err);
}

/* ---- By name ---- */

const char *const codebook_names[] = {"nf4",    "sf4",    "af4",       "crd-normal", "crd-laplace",
                                      "crd-t5", "crd-t7", "lloyd-max", NULL};

enum status codebook_named(const char *name, size_t block, struct codebook *out, struct err *err)
{
    static const struct {
        const char *name;
        enum distribution_family family;
        double df;
    } densities[] = {{"crd-normal", DISTRIBUTION_NORMAL, 0},
                     {"crd-laplace", DISTRIBUTION_LAPLACE, 0},
                     {"crd-t5", DISTRIBUTION_T, 5},
                     {"crd-t7", DISTRIBUTION_T, 7},
                     {0}};
    for (size_t i = 0; densities[i].name; i++)
        if (!strcmp(name, densities[i].name)) {
            struct cube_root spec = {.family = densities[i].family,
                                     .df = densities[i].df,
                                     .rule = block ? SCALE_ABSMAX : SCALE_RMS,
                                     .mode = CODEBOOK_SYMMETRIC,
                                     .alpha = 1.0 / 3,
                                     .n = 16,
                                     .block = block};
            return codebook_cube_root(&spec, out, err);
        }
    if (!strcmp(name, "lloyd-max")) {
        struct distribution normal = distribution_unit_rms(DISTRIBUTION_NORMAL, 0);
        return block ? lloyd_max_absmax(&normal, block, 16, out, err)
                     : lloyd_max_rms(&normal, 16, out, err);
    }
    bool nf4 = !strcmp(name, "nf4"), sf4 = !strcmp(name, "sf4"), af4 = !strcmp(name, "af4");
    if (!nf4 && !sf4 && !af4)
        return status_fail(err, E_USAGE, "no 4-bit codebook is named '%s'", name);
    if (!block)
        return status_fail(err, E_USAGE, "%s is made for blocks scaled by their absmax", name);
    if (af4)
        return codebook_af4(block, out, err);
    (nf4 ? codebook_nf4 : codebook_sf4)(out);
    return OK;
}
