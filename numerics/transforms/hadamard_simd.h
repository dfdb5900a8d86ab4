/*
 * The fast transform, written once for any vector width.  The including file defines, for its
 * vectors of LANES floats (type vec): vec_load, vec_store (unaligned), vec_fma(a, b, c) = a * b +
 * c, and vec_swap(x, s), x with its lanes i and i ^ s exchanged for s a power of two below LANES;
 * and RADIX, how many vectors it can keep in registers while it combines them.
 *
 * A row makes few passes over its memory: the first does all strides below LANES * RADIX on vectors
 * that lie together, each further one log2(RADIX) more strides.  A butterfly inside a vector costs
 * a shuffle and a multiply-add by +-1, which is exact.
 */
#ifndef NUMERICS_TRANSFORMS_HADAMARD_SIMD_H
#define NUMERICS_TRANSFORMS_HADAMARD_SIMD_H

#include "numerics/transforms/hadamard.h"

enum { MAX_RADIX = 16 };

#define INLINE static inline __attribute__((always_inline))

/* Lane i of signs_of(s): +1 where i & s is clear, -1 where it is set. */
INLINE vec signs_of(int s)
{
    float f[LANES];
    for (int i = 0; i < LANES; i++)
        f[i] = i & s ? -1.0f : 1.0f;
    return vec_load(f);
}

/* All strides below LANES, inside each of count vectors. */
INLINE void within(vec *v, int count)
{
#pragma GCC unroll 4
    for (int s = 1; s < LANES; s *= 2) {
        vec sign = signs_of(s);
#pragma GCC unroll 16
        for (int i = 0; i < count; i++)
            v[i] = vec_fma(v[i], sign, vec_swap(v[i], s));
    }
}

/* All strides of whole vectors, between count of them. */
INLINE void across(vec *v, int count)
{
#pragma GCC unroll 4
    for (int s = 1; s < count; s *= 2)
#pragma GCC unroll 16
        for (int i = 0; i < count; i++)
            if (!(i & s)) {
                vec a = v[i], b = v[i + s];
                v[i] = a + b;
                v[i + s] = a - b;
            }
}

/* The first pass over p floats: strides below LANES * count, p a multiple of that. */
INLINE void first_pass(float *x, const float *signs, size_t p, float scale, int count)
{
    for (size_t i = 0; i < p; i += (size_t)count * LANES) {
        vec v[MAX_RADIX];
#pragma GCC unroll 16
        for (int j = 0; j < count; j++) {
            v[j] = vec_load(x + i + j * LANES);
            if (signs)
                v[j] *= vec_load(signs + i + j * LANES);
        }
        within(v, count);
        across(v, count);
#pragma GCC unroll 16
        for (int j = 0; j < count; j++)
            vec_store(x + i + j * LANES, v[j] * scale);
    }
}

/* One more pass: strides stride .. stride * count / 2, stride a multiple of LANES. */
INLINE void next_pass(float *x, size_t p, size_t stride, float scale, int count)
{
    for (size_t block = 0; block < p; block += stride * (size_t)count)
        for (size_t i = block; i < block + stride; i += LANES) {
            vec v[MAX_RADIX];
#pragma GCC unroll 16
            for (int j = 0; j < count; j++)
                v[j] = vec_load(x + i + (size_t)j * stride);
            across(v, count);
#pragma GCC unroll 16
            for (int j = 0; j < count; j++)
                vec_store(x + i + (size_t)j * stride, v[j] * scale);
        }
}

/* scale * S_p x for p >= LANES; signs may be NULL. */
static void transform(float *x, const float *signs, size_t p, float scale)
{
    size_t vectors = p / LANES, stride;
    float now = vectors <= RADIX ? scale : 1;
    switch (vectors < RADIX ? vectors : RADIX) {
    case 1:
        first_pass(x, signs, p, now, 1);
        break;
    case 2:
        first_pass(x, signs, p, now, 2);
        break;
    case 4:
        first_pass(x, signs, p, now, 4);
        break;
    case 8:
        first_pass(x, signs, p, now, 8);
        break;
    default:
        first_pass(x, signs, p, now, RADIX);
    }
    for (stride = RADIX * LANES; stride < p;) {
        /* The strides that are left, spread evenly over as few passes as can be. */
        int left = __builtin_ctzll(p / stride), most = __builtin_ctz(RADIX);
        int passes = (left + most - 1) / most, radix = 1 << (left + passes - 1) / passes;
        now = passes == 1 ? scale : 1;
        switch (radix) {
        case 2:
            next_pass(x, p, stride, now, 2);
            break;
        case 4:
            next_pass(x, p, stride, now, 4);
            break;
        case 8:
            next_pass(x, p, stride, now, 8);
            break;
        default:
            next_pass(x, p, stride, now, RADIX);
        }
        stride *= (size_t)radix;
    }
}

/* scale * B_k across the blocks of p floats, p a multiple of LANES: for LANES positions at a time,
 * all sums of four inputs, then each output as a quarter as many terms. */
static inline void mix(const struct hadamard *h, float *x)
{
    vec sums[HADAMARD_MAX_BASE / 4 * 8];
    size_t groups = h->k / 4;
    for (size_t i = 0; i < h->p; i += LANES) {
        for (size_t g = 0; g < groups; g++) {
            const float *in = x + i + 4 * g * h->p;
            vec x0 = vec_load(in), x1 = vec_load(in + h->p);
            vec x2 = vec_load(in + 2 * h->p), x3 = vec_load(in + 3 * h->p);
            vec a[2] = {x0 + x1, x0 - x1}, b[2] = {x2 + x3, x2 - x3};
            vec *sum = sums + 8 * g;
#pragma GCC unroll 2
            for (int s = 0; s < 2; s++) {
                sum[s] = a[s] + b[0];     /* + + */
                sum[s + 2] = a[s] - b[1]; /* - + */
                sum[s + 4] = a[s] + b[1]; /* + - */
                sum[s + 6] = a[s] - b[0]; /* - - */
            }
        }
        for (size_t j = 0; j < h->k; j++) {
            const uint16_t *terms = h->terms + j * groups;
            size_t plus = h->plus[j], t = 0;
            vec even = {0}, odd = {0};
            for (; t + 2 <= plus; t += 2) {
                even += sums[terms[t]];
                odd += sums[terms[t + 1]];
            }
            if (t < plus)
                even += sums[terms[t++]];
            for (; t + 2 <= groups; t += 2) {
                even -= sums[terms[t]];
                odd -= sums[terms[t + 1]];
            }
            if (t < groups)
                even -= sums[terms[t]];
            vec_store(x + i + j * h->p, (even + odd) * h->scale);
        }
    }
}

/* mixer: scale * B_k across the blocks. */
INLINE void transform_rows(const struct hadamard *h, const float *signs, float *x, size_t rows,
                           void (*mixer)(const struct hadamard *, float *))
{
    if (h->p < LANES) { /* narrower than a vector: not a size that a model has */
        hadamard_ref(h, signs, x, rows);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += h->n) {
        for (size_t l = 0; l < h->k; l++)
            transform(x + l * h->p, signs ? signs + l * h->p : NULL, h->p, h->k > 1 ? 1 : h->scale);
        if (h->k > 1)
            mixer(h, x);
    }
}

#endif
