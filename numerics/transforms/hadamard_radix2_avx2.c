#include "numerics/transforms/hadamard_textbook.h"
#include "numerics/transforms/hadamard_vec256.h"

/* The strides inside a vector. */
static inline vec within(vec x)
{
    x = vec_fma(x, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1), vec_swap(x, 1));
    x = vec_fma(x, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1), vec_swap(x, 2));
    return vec_fma(x, _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1), vec_swap(x, 4));
}

static inline vec load_signed(const float *x, const float *signs, size_t i)
{
    vec v = vec_load(x + i);
    return signs ? (vec)(v * vec_load(signs + i)) : v;
}

/* scale * S_p x for p >= 2 * LANES; signs may be NULL. */
static void butterflies(float *x, const float *signs, size_t p, float scale)
{
    for (size_t i = 0; i < p; i += 2 * LANES) {
        vec a = within(load_signed(x, signs, i)), b = within(load_signed(x, signs, i + LANES));
        vec_store(x + i, (a + b) * scale);
        vec_store(x + i + LANES, (a - b) * scale);
    }
    for (size_t stride = 2 * LANES; stride < p; stride *= 2)
        for (size_t block = 0; block < p; block += 2 * stride)
            for (size_t i = block; i < block + stride; i += LANES) {
                vec a = vec_load(x + i), b = vec_load(x + i + stride);
                vec_store(x + i, a + b);
                vec_store(x + i + stride, a - b);
            }
}

void hadamard_radix2_avx2(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    if (h->p < 2 * LANES) {
        hadamard_ref(h, signs, x, rows);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += h->n) {
        for (size_t l = 0; l < h->k; l++)
            butterflies(x + l * h->p, signs ? signs + l * h->p : NULL, h->p, h->scale);
        if (h->k > 1)
            textbook_mix_row(h, x);
    }
}
