#include <immintrin.h>

#include "numerics/kernels/ternary.h"

#define FLATTEN static inline __attribute__((always_inline))

enum { CHUNK = 256, VECTOR = 64, ROWS = 4, TOKENS = 4, DIGITS = 5, DIGIT_BYTES = 52 };

/* How far ahead DRAM is asked for: 16 rows' worth at the same column, so that every byte is
 * asked for once, whatever the length of a row; into L2, as the token fills L1. */
enum { ROWS_AHEAD = 16 };

/* Where the codes of a chunk of 256 columns lie in a row, and how many of its bytes are codes.  The
 * last chunk of i2s may have half as many. */
struct layout {
    size_t row_bytes, chunk_bytes, code_bytes, chunks;
};

FLATTEN struct layout layout_of(const struct ternary_matrix *w, size_t chunk_bytes,
                                size_t code_bytes)
{
    return (struct layout){ternary_group_bytes(w->packing, w->cols), chunk_bytes, code_bytes,
                           (w->cols + CHUNK - 1) / CHUNK};
}

FLATTEN __m512i load(const struct layout *l, const uint8_t *row, size_t chunk)
{
    size_t at = chunk * l->chunk_bytes, left = l->row_bytes - at;
    size_t n = left < l->code_bytes ? left : l->code_bytes;
    const uint8_t *bytes = row + at;
    _mm_prefetch((const char *)bytes + ROWS_AHEAD * l->row_bytes, _MM_HINT_T1);
    if (l->chunk_bytes > VECTOR) /* some lines have no chunk's first byte */
        _mm_prefetch((const char *)bytes + ROWS_AHEAD * l->row_bytes + VECTOR, _MM_HINT_T1);
    if (n == VECTOR)
        return _mm512_loadu_si512(bytes);
    return _mm512_maskz_loadu_epi8(~0ull >> (VECTOR - n), bytes);
}

FLATTEN __m512i four_sums_of_two(__m512i a, __m512i b)
{
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}

/* The sums of the lanes of four vectors. */
FLATTEN __m128i totals(const __m512i v[ROWS])
{
    __m512i ab = four_sums_of_two(v[0], v[1]), cd = four_sums_of_two(v[2], v[3]);
    __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* The results of `rows` adjacent rows from their sums of codes times q. */
FLATTEN void finish(const struct ternary_matrix *w, const struct ternary_tokens *x, size_t token,
                    const __m512i sum[ROWS], int shift, int rows, float *y)
{
    __m128i codes = _mm_srai_epi32(totals(sum), shift);
    __m128i dots = _mm_sub_epi32(codes, _mm_set1_epi32(x->sum[token]));
    __m128 out = _mm_mul_ps(_mm_cvtepi32_ps(dots), _mm_set1_ps(w->gamma / x->s[token]));
    _mm_mask_storeu_ps(y, (__mmask8)((1 << rows) - 1), out);
}

/* One token: codes stay where they are in their bytes, and so count 1, 4, 16 or 64 times. */
FLATTEN void codes_of_one(const struct ternary_matrix *w, const struct layout *l,
                          const struct ternary_tokens *x, size_t token, size_t row, float *y,
                          int rows)
{
    const uint8_t *q = x->arranged + token * x->arranged_stride;
    __m512i sum[ROWS][4], total[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
        sum[r][0] = sum[r][1] = sum[r][2] = sum[r][3] = total[r] = _mm512_setzero_si512();
    for (size_t c = 0; c < l->chunks; c++, q += 4 * VECTOR)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m512i bytes = load(l, w->packed + (row + (size_t)r) * l->row_bytes, c);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                sum[r][j] = _mm512_dpbusd_epi32(
                    sum[r][j], _mm512_and_si512(bytes, _mm512_set1_epi8((char)(3 << 2 * j))),
                    _mm512_loadu_si512(q + VECTOR * j));
        }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        total[r] = _mm512_add_epi32(
            _mm512_add_epi32(sum[r][0], _mm512_srai_epi32(sum[r][1], 2)),
            _mm512_add_epi32(_mm512_srai_epi32(sum[r][2], 4), _mm512_srai_epi32(sum[r][3], 6)));
    finish(w, x, token, total, 0, rows, y + token * w->rows + row);
}

/* Several tokens: each vector of codes is decoded once for all of them. */
FLATTEN void codes_of_many(const struct ternary_matrix *w, const struct layout *l,
                           const struct ternary_tokens *x, size_t token, size_t row, float *y,
                           int rows, int tokens)
{
    const uint8_t *q = x->arranged + token * x->arranged_stride;
    __m512i sum[TOKENS][ROWS], bytes[ROWS], mask = _mm512_set1_epi8(3);
#pragma GCC unroll 4
    for (int t = 0; t < TOKENS; t++)
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++)
            sum[t][r] = _mm512_setzero_si512();
    for (size_t c = 0; c < l->chunks; c++, q += 4 * VECTOR) {
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            bytes[r] = load(l, w->packed + (row + (size_t)r) * l->row_bytes, c);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            __m512i codes[ROWS];
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                codes[r] = _mm512_and_si512(_mm512_srli_epi16(bytes[r], (unsigned)(2 * j)), mask);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++) {
                __m512i one = _mm512_loadu_si512(q + (size_t)t * x->arranged_stride + VECTOR * j);
#pragma GCC unroll 4
                for (int r = 0; r < rows; r++)
                    sum[t][r] = _mm512_dpbusd_epi32(sum[t][r], codes[r], one);
            }
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++)
        finish(w, x, token + (size_t)t, sum[t], 0, rows, y + (token + (size_t)t) * w->rows + row);
}

FLATTEN void code_rows(const struct ternary_matrix *w, const struct layout *l,
                       const struct ternary_tokens *x, float *y, size_t row, int rows)
{
    size_t token = 0;
    for (; token + TOKENS <= x->m; token += TOKENS)
        codes_of_many(w, l, x, token, row, y, rows, TOKENS);
    for (; token < x->m; token++)
        codes_of_one(w, l, x, token, row, y, rows);
}

FLATTEN void codes(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                   size_t row0, size_t row1, size_t chunk_bytes)
{
    struct layout l = layout_of(w, chunk_bytes, VECTOR);
    size_t row = row0;
    for (; row + ROWS <= row1; row += ROWS)
        code_rows(w, &l, x, y, row, ROWS);
    for (; row < row1; row++)
        code_rows(w, &l, x, y, row, 1);
}

void ternary_i2s_vnni(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    codes(w, x, y, row0, row1, 64);
}

void ternary_tq2_vnni(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    codes(w, x, y, row0, row1, 66);
}

/* With x_0 the byte and x_(n+1) = 3 x_n mod 256, the sum of q_n d_n is (3 a - b) / 256, where a
 * sums q_n x_n and b sums q_n x_(n+1).  Either may wrap around; 3 a - b, at most 2^16 cols, does
 * not. */
FLATTEN void digit_rows(const struct ternary_matrix *w, const struct layout *l,
                        const struct ternary_tokens *x, size_t token, size_t row, float *y,
                        int rows)
{
    const uint8_t *q = x->arranged + token * x->arranged_stride;
    __m512i a[ROWS], b[ROWS], total[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
        a[r] = b[r] = total[r] = _mm512_setzero_si512();
    for (size_t c = 0; c < l->chunks; c++, q += DIGITS * VECTOR) {
        __m512i bytes[ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            bytes[r] = load(l, w->packed + (row + (size_t)r) * l->row_bytes, c);
#pragma GCC unroll 5
        for (int n = 0; n < DIGITS; n++) {
            __m512i one = _mm512_loadu_si512(q + VECTOR * n);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                __m512i next = _mm512_add_epi8(_mm512_add_epi8(bytes[r], bytes[r]), bytes[r]);
                a[r] = _mm512_dpbusd_epi32(a[r], bytes[r], one);
                b[r] = _mm512_dpbusd_epi32(b[r], next, one);
                bytes[r] = next;
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        total[r] = _mm512_sub_epi32(_mm512_add_epi32(_mm512_add_epi32(a[r], a[r]), a[r]), b[r]);
    finish(w, x, token, total, 8, rows, y + token * w->rows + row);
}

void ternary_tq1_vnni(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                      size_t row0, size_t row1)
{
    struct layout l = layout_of(w, 54, DIGIT_BYTES);
    for (size_t token = 0; token < x->m; token++) {
        size_t row = row0;
        for (; row + ROWS <= row1; row += ROWS)
            digit_rows(w, &l, x, token, row, y, ROWS);
        for (; row < row1; row++)
            digit_rows(w, &l, x, token, row, y, 1);
    }
}
