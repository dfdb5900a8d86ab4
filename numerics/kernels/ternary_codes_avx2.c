#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/ternary.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { HALF = 128, VECTOR = 32, TOKENS = 4, DIGITS = 5, QUINTS = 16, SHORT_BYTES = 20 };

/* Halves of 128 columns whose 16-bit sums fit: a lane gets 4 pairs of products with codes up to 2
 * from each, at least -2048 and at most 2032; and 16 * 2032 < 2^15, 16 * -2048 = -2^15. */
enum { CODE_HALVES = 16 };
/* Five digits: 5 pairs, at least -2560. */
enum { DIGIT_HALVES = 12 };

FLATTEN int32_t total(__m256i v)
{
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

FLATTEN __m256i widened(__m256i sum, __m256i words)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

/* The j-th vector of q of a half. */
FLATTEN __m256i q_of(const uint8_t *q, size_t half, size_t vectors, size_t j)
{
    return _mm256_loadu_si256(
        (const __m256i *)(q + ((half / 2 * vectors + j) * 2 + half % 2) * VECTOR));
}

FLATTEN void finish(const struct ternary_matrix *w, const struct ternary_tokens *x, size_t token,
                    size_t row, __m256i sum, float *y)
{
    y[token * w->rows + row] = (float)(total(sum) - x->sum[token]) * (w->gamma / x->s[token]);
}

/* Pairs of products of four vectors of codes, added as a tree, so that few wait for each other. */
FLATTEN __m256i four_products(const __m256i codes[4], const uint8_t *q, size_t half)
{
    __m256i product[4];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++)
        product[j] = _mm256_maddubs_epi16(codes[j], q_of(q, half, 4, j));
    return _mm256_add_epi16(_mm256_add_epi16(product[0], product[1]),
                            _mm256_add_epi16(product[2], product[3]));
}

/* One row and several tokens, for which each vector of codes is decoded once. */
FLATTEN void code_row(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row, size_t token, int tokens, size_t chunk_bytes)
{
    size_t halves = (w->cols + HALF - 1) / HALF;
    const uint8_t *bytes = w->packed + row * ternary_group_bytes(w->packing, w->cols);
    const uint8_t *q = x->arranged + token * x->arranged_stride;
    __m256i sum[TOKENS], mask = _mm256_set1_epi8(3);
#pragma GCC unroll 4
    for (int t = 0; t < TOKENS; t++)
        sum[t] = _mm256_setzero_si256();
    for (size_t begin = 0; begin < halves; begin += CODE_HALVES) {
        size_t end = halves - begin < CODE_HALVES ? halves : begin + CODE_HALVES;
        __m256i words[TOKENS];
#pragma GCC unroll 4
        for (int t = 0; t < TOKENS; t++)
            words[t] = _mm256_setzero_si256();
        for (size_t h = begin; h < end; h++) {
            __m256i packed =
                _mm256_loadu_si256((const __m256i *)(bytes + h / 2 * chunk_bytes + h % 2 * VECTOR));
            __m256i codes[4];
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                codes[j] = _mm256_and_si256(_mm256_srli_epi16(packed, 2 * j), mask);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++)
                words[t] = _mm256_add_epi16(
                    words[t], four_products(codes, q + (size_t)t * x->arranged_stride, h));
        }
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            sum[t] = widened(sum[t], words[t]);
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++)
        finish(w, x, token + (size_t)t, row, sum[t], y);
}

FLATTEN void code_rows(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                       size_t row0, size_t row1, size_t chunk_bytes)
{
    for (size_t row = row0; row < row1; row++) {
        size_t token = 0;
        for (; token + TOKENS <= x->m; token += TOKENS)
            code_row(w, x, y, row, token, TOKENS, chunk_bytes);
        for (; token < x->m; token++)
            code_row(w, x, y, row, token, 1, chunk_bytes);
    }
}

void ternary_i2s_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    code_rows(w, x, y, row0, row1, 64);
}

void ternary_tq2_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    code_rows(w, x, y, row0, row1, 66);
}

/* The 32 digit bytes of the first half of a chunk, or the 16 + 4 of the second, and zeros. */
FLATTEN __m256i digit_bytes(const uint8_t *row, size_t half)
{
    const uint8_t *bytes = row + half / 2 * 54;
    if (half % 2 == 0)
        return _mm256_loadu_si256((const __m256i *)bytes);
    int32_t last;
    memcpy(&last, bytes + VECTOR + QUINTS, sizeof last);
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(bytes + VECTOR))),
        _mm_cvtsi32_si128(last), 1);
}

/* The leading digit, (3 x) >> 8: how many of 86 and 171 are at most x.  Comparisons are signed. */
FLATTEN __m256i digit(__m256i x)
{
    __m256i biased = _mm256_xor_si256(x, _mm256_set1_epi8((char)128));
    return _mm256_abs_epi8(_mm256_add_epi8(_mm256_cmpgt_epi8(biased, _mm256_set1_epi8(85 - 128)),
                                           _mm256_cmpgt_epi8(biased, _mm256_set1_epi8(170 - 128))));
}

void ternary_tq1_avx2(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    size_t row_bytes = ternary_group_bytes(w->packing, w->cols);
    size_t halves = (w->cols + 2 * HALF - 1) / (2 * HALF) * 2;
    for (size_t token = 0; token < x->m; token++)
        for (size_t row = row0; row < row1; row++) {
            const uint8_t *bytes = w->packed + row * row_bytes;
            const uint8_t *q = x->arranged + token * x->arranged_stride;
            __m256i sum = _mm256_setzero_si256();
            for (size_t begin = 0; begin < halves; begin += DIGIT_HALVES) {
                size_t end = halves - begin < DIGIT_HALVES ? halves : begin + DIGIT_HALVES;
                __m256i words = _mm256_setzero_si256();
                for (size_t h = begin; h < end; h++) {
                    __m256i packed = digit_bytes(bytes, h);
#pragma GCC unroll 5
                    for (size_t n = 0; n < DIGITS; n++) {
                        words = _mm256_add_epi16(
                            words, _mm256_maddubs_epi16(digit(packed), q_of(q, h, DIGITS, n)));
                        packed = _mm256_add_epi8(_mm256_add_epi8(packed, packed), packed);
                    }
                }
                sum = widened(sum, words);
            }
            finish(w, x, token, row, sum, y);
        }
}
