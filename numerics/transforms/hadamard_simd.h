/*
 * The fast transform, written once for any vector width.  The including file defines, for its
 * vectors of LANES floats (type vec): vec_load, vec_store (unaligned), vec_set (all lanes alike),
 * vec_fma(a, b, c) = a * b + c, and vec_swap(x, s), x with its lanes i and i ^ s exchanged for s a
 * power of two below LANES; and RADIX <= 16, how many vectors it can keep in registers while it
 * combines them.
 *
 * A row makes few passes over its memory, each for log2(RADIX) strides of whole vectors and its
 * share of the strides inside a vector.  A pass is bound by arithmetic, not by loads and stores, so
 * the work is spread over all its pipes: a butterfly between vectors is two additions, one inside a
 * vector a shuffle and a multiply-add by +-1, which is exact, and the two kinds take turns.
 */
#ifndef NUMERICS_TRANSFORMS_HADAMARD_SIMD_H
#define NUMERICS_TRANSFORMS_HADAMARD_SIMD_H

#include <string.h>

#include "numerics/transforms/hadamard.h"

enum {
    MAX_RADIX = 16,
    AHEAD_BYTES = 16 << 10,    /* how far signed rows are prefetched: the processor's own prefetcher
                                  does not follow rows and signs at once */
    MIX_WIDTH = 2,             /* vectors of positions that B_k mixes together */
    MIX_TABLE_BYTES = 24 << 10 /* of a table of sums, so that it stays in L1 */
};

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline))

/* Lane i of signs_of(s): +1 where i & s is clear, -1 where it is set. */
INLINE vec signs_of(int s)
{
    float f[LANES];
    for (int i = 0; i < LANES; i++)
        f[i] = i & s ? -1.0f : 1.0f;
    return vec_load(f);
}

/* Stride s below LANES, inside each of count vectors. */
INLINE void within(vec *v, int count, int s)
{
    vec sign = signs_of(s);
    UNROLL
    for (int i = 0; i < count; i++)
        v[i] = vec_fma(v[i], sign, vec_swap(v[i], s));
}

/* Stride s of whole vectors, between count of them. */
INLINE void across(vec *v, int count, int s)
{
    UNROLL
    for (int i = 0; i < count / 2; i++) {
        int first = i + (i & -s); /* every index without bit s */
        vec a = v[first], b = v[first + s];
        v[first] = a + b;
        v[first + s] = a - b;
    }
}

/* The same, times scale. */
INLINE void across_scaled(vec *v, int count, int s, float scale)
{
    vec plus = vec_set(scale), minus = vec_set(-scale);
    UNROLL
    for (int i = 0; i < count / 2; i++) {
        int first = i + (i & -s);
        vec a = v[first] * plus, b = v[first + s];
        v[first] = vec_fma(b, plus, a);
        v[first + s] = vec_fma(b, minus, a);
    }
}

/* Stride `inside` if lanes has it, then stride `between` if there are vectors so far apart. */
INLINE void step(vec *v, int count, int inside, int lanes, int between, bool scaled, float scale)
{
    if (lanes & inside)
        within(v, count, inside);
    if (2 * between == count && scaled)
        across_scaled(v, count, between, scale);
    else if (2 * between <= count)
        across(v, count, between);
}

/* One pass over p floats: the strides inside a vector that are set in lanes, and stride * 1, 2, ..
 * count / 2; times scale when scaled.  signs may be NULL. */
INLINE void pass(float *x, const float *signs, size_t p, size_t stride, int count, int lanes,
                 bool scaled, float scale)
{
    for (size_t block = 0; block < p; block += stride * (size_t)count)
        for (size_t i = block; i < block + stride; i += LANES) {
            vec v[MAX_RADIX];
            UNROLL
            for (int j = 0; j < count; j++)
                v[j] = vec_load(x + i + (size_t)j * stride);
            if (signs) {
                UNROLL
                for (int j = 0; j < count; j++) {
                    size_t at = i + (size_t)j * stride;
                    __builtin_prefetch((const void *)((uintptr_t)(x + at) + AHEAD_BYTES), 0, 2);
                    v[j] *= vec_load(signs + at);
                }
            }
            step(v, count, 8, lanes, 1, scaled, scale);
            step(v, count, 2, lanes, 2, scaled, scale);
            step(v, count, 4, lanes, 4, scaled, scale);
            step(v, count, 1, lanes, 8, scaled, scale);
            if (count == 1 && scaled)
                v[0] *= vec_set(scale);
            UNROLL
            for (int j = 0; j < count; j++)
                vec_store(x + i + (size_t)j * stride, v[j]);
        }
}

/* A function for each kind of pass, so that all but the data is constant to the compiler; name[b]
 * is the pass of 2^b vectors, at most RADIX. */
typedef void pass_fn(float *x, const float *signs, size_t p, size_t stride, float scale);
#define PASS(name, count, lanes, scaled)                                                           \
    static void name##_##count(float *x, const float *signs, size_t p, size_t stride, float scale) \
    {                                                                                              \
        pass(x, signs, p, stride, count < RADIX ? count : RADIX, lanes, scaled, scale);            \
    }
#define PASSES(name, lanes, scaled)                                                                \
    PASS(name, 1, lanes, scaled)                                                                   \
    PASS(name, 2, lanes, scaled)                                                                   \
    PASS(name, 4, lanes, scaled)                                                                   \
    PASS(name, 8, lanes, scaled)                                                                   \
    PASS(name, 16, lanes, scaled)                                                                  \
    static pass_fn *const name[] = {name##_1, name##_2, name##_4, name##_8, name##_16};

enum { LOW_LANES = 3, HIGH_LANES = LANES - 1 - LOW_LANES };
PASSES(only_pass, LANES - 1, true)
PASSES(first_pass, HIGH_LANES, false)
PASSES(second_pass, LOW_LANES, true)
PASSES(further_pass, 0, true)

/* scale * S_p x for p >= LANES; signs may be NULL. */
static void transform(float *x, const float *signs, size_t p, float scale)
{
    int left = __builtin_ctzll(p / LANES), most = __builtin_ctz(RADIX);
    if (left <= most) {
        only_pass[left](x, signs, p, LANES, scale);
        return;
    }
    /* The strides between vectors are spread evenly over as few passes as can be. */
    size_t stride = LANES;
    int passes = (left + most - 1) / most;
    for (int done = 0; done < passes; done++) {
        int bits = (left + passes - done - 1) / (passes - done);
        pass_fn *const *kind = done == 0 ? first_pass : done == 1 ? second_pass : further_pass;
        kind[bits](x, done ? NULL : signs, p, stride, done == passes - 1 ? scale : 1);
        left -= bits;
        stride <<= bits;
    }
}

/* out[w] += (or -=) the sum of sums[terms[t]][w] over all t < n.  It is bound by loads, so one load
 * brings four indices. */
INLINE void add_terms(vec *out, const vec *sums, const uint16_t *terms, size_t n, int width,
                      bool add)
{
    vec part[4 * MIX_WIDTH];
    UNROLL
    for (int i = 0; i < 4 * width; i++)
        part[i] = vec_set(0);
    size_t t = 0;
    for (; t + 4 <= n; t += 4) {
        uint64_t four;
        memcpy(&four, terms + t, sizeof four);
        UNROLL
        for (int i = 0; i < 4 * width; i++)
            part[i] += sums[(four >> 16 * (i / width) & 0xffff) * width + i % width];
    }
    for (; t < n; t++)
        UNROLL
    for (int w = 0; w < width; w++)
        part[w] += sums[(size_t)terms[t] * width + w];
    UNROLL
    for (int w = 0; w < width; w++) {
        vec sum = (part[w] + part[width + w]) + (part[2 * width + w] + part[3 * width + w]);
        out[w] = add ? out[w] + sum : out[w] - sum;
    }
}

/* scale * B_k across the blocks of p floats, for width vectors of positions of each: all sums of
 * four inputs, then each output as a quarter as many terms. */
INLINE void mix_some(const struct hadamard *h, float *x, vec *sums, int width)
{
    size_t groups = h->k / 4;
    for (size_t g = 0; g < groups; g++)
        UNROLL
    for (int w = 0; w < width; w++) {
        const float *in = x + 4 * g * h->p + w * LANES;
        vec x0 = vec_load(in), x1 = vec_load(in + h->p);
        vec x2 = vec_load(in + 2 * h->p), x3 = vec_load(in + 3 * h->p);
        vec a[2] = {x0 + x1, x0 - x1}, b[2] = {x2 + x3, x2 - x3};
        vec *sum = sums + 8 * g * width + w;
        UNROLL
        for (int s = 0; s < 2; s++) {
            sum[s * width] = a[s] + b[0];       /* + + */
            sum[(s + 2) * width] = a[s] - b[1]; /* - + */
            sum[(s + 4) * width] = a[s] + b[1]; /* + - */
            sum[(s + 6) * width] = a[s] - b[0]; /* - - */
        }
    }
    for (size_t j = 0; j < h->k; j++) {
        const uint16_t *terms = h->terms + j * groups;
        vec out[MIX_WIDTH];
        UNROLL
        for (int w = 0; w < width; w++)
            out[w] = vec_set(0);
        add_terms(out, sums, terms, h->plus[j], width, true);
        add_terms(out, sums, terms + h->plus[j], groups - h->plus[j], width, false);
        UNROLL
        for (int w = 0; w < width; w++)
            vec_store(x + h->output[j] * h->p + w * LANES, out[w] * h->scale);
    }
}

/* scale * B_k across the blocks of p floats, p a multiple of LANES. */
static void mix(const struct hadamard *h, float *x)
{
    vec sums[HADAMARD_MAX_BASE / 4 * 8];
    size_t i = 0;
    if (h->k * 2 * MIX_WIDTH * sizeof *sums <= MIX_TABLE_BYTES)
        for (; i + MIX_WIDTH * LANES <= h->p; i += MIX_WIDTH * LANES)
            mix_some(h, x + i, sums, MIX_WIDTH);
    for (; i < h->p; i += LANES)
        mix_some(h, x + i, sums, 1);
}

INLINE void transform_rows(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    if (h->p < LANES) { /* narrower than a vector: not a size that a model has */
        hadamard_ref(h, signs, x, rows);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += h->n) {
        for (size_t l = 0; l < h->k; l++)
            transform(x + l * h->p, signs ? signs + l * h->p : NULL, h->p, h->k > 1 ? 1 : h->scale);
        if (h->k > 1)
            mix(h, x);
    }
}

#endif
