#include "numerics/kernels/gemm_fp6_panel.h"

enum { ROWS = 2, MANY_ROWS = 1, WORDS = 16 /* of a register: an eighth of a chunk */ };

/* 16 words, whose highest bits are a code, number q (0 .. 7) of a chunk; lower bits are others'. */
typedef __m256i words_fn(const uint8_t *row, size_t plane, size_t chunk, int q);

/* 128 bits of 8 codes each from six bytes; each word from the two bytes that have its code. */
FP6_INLINE __m256i words_contiguous(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    (void)plane;
    const uint8_t *from = row + chunk * 96 + q * 12;
    __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)from));
    __m256i two_bytes =
        _mm256_shuffle_epi8(bytes, _mm256_set_epi64x(0x0a0b0a0b090a090a, 0x0708070806070607,
                                                     0x0405040503040304, 0x0102010200010001));
    return _mm256_mullo_epi16(two_bytes, _mm256_set1_epi64x(0x0400001000400001));
}

/* q: of 64 columns j, j + 32, j + 1, j + 33 of the even j, and the same of the other 64.  The plane
 * of top bits is put so that word by word bits 0, 4, 8 and 12 on are theirs. */
FP6_INLINE __m256i words_planes(const uint8_t *row, size_t plane, size_t chunk, int q, bool five)
{
    size_t group = 2 * chunk + (size_t)q / 4;
    unsigned of = (unsigned)q % 4;
    const uint8_t *upper = row + plane + group * (five ? 8 : 16);
    __m256i nibbles = _mm256_loadu_si256((const __m256i *)(row + group * 32)), top;
    if (five) {
        long long eight;
        memcpy(&eight, upper, sizeof eight);
        top = _mm256_srlv_epi64(_mm256_set1_epi64x(eight), _mm256_setr_epi64x(0, 1, 2, 3));
    } else {
        top = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)upper));
        top = _mm256_srlv_epi64(top, _mm256_setr_epi64x(0, 0, 2, 2));
    }
    nibbles = of ? _mm256_srli_epi16(nibbles, (int)(4 * of)) : nibbles;
    top = of == 0   ? _mm256_slli_epi16(top, 4)
          : of == 1 ? top
                    : _mm256_srli_epi16(top, (int)(4 * of - 4));
    __m256i low = _mm256_set1_epi16(15);
    __m256i codes = _mm256_or_si256(_mm256_and_si256(low, nibbles), _mm256_andnot_si256(low, top));
    return _mm256_slli_epi16(codes, five ? 11 : 10);
}

FP6_INLINE __m256i words_planes6(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_planes(row, plane, chunk, q, false);
}

FP6_INLINE __m256i words_planes5(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_planes(row, plane, chunk, q, true);
}

/* q: the even bytes of 32, the odd ones, and so on */
FP6_INLINE __m256i words_bytes(const uint8_t *row, size_t plane, size_t chunk, int q, int left)
{
    (void)plane;
    const uint8_t *from = row + chunk * FP6_CHUNK + q / 2 * 32;
    __m256i two = _mm256_loadu_si256((const __m256i *)from);
    two = q % 2 ? _mm256_srli_epi16(two, 8) : two;
    return _mm256_slli_epi16(two, left);
}

FP6_INLINE __m256i words_bytes6(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_bytes(row, plane, chunk, q, 10);
}

FP6_INLINE __m256i words_bytes5(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_bytes(row, plane, chunk, q, 11);
}

static const struct fp6_order orders[] = {
    [FP6_CONTIGUOUS] = {{0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120}, 8, 1, 0},
    [FP6_PLANES] = {{0, 16, 32, 48, 1, 17, 33, 49, 64, 80, 96, 112, 65, 81, 97, 113}, 8, 2, 0},
    [FP6_BYTES] = {{0, 16, 1, 17, 32, 48, 33, 49, 64, 80, 65, 81, 96, 112, 97, 113}, 8, 2, 0},
};

FP6_INLINE float total(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

FP6_INLINE void tile(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *out,
                     int rows, int tokens, words_fn *words)
{
    int sums = tokens == 1 ? 2 : tokens; /* a single token's rows have two each */
    const struct float_format *f = w->format;
    int magnitude = (1 << (f->bits - 1)) - 1;
    /* the product's upper half shifts right by binary16's exponent bits that the format lacks; what
     * that copies of the sign beside it, the mask clears */
    __m256i right = _mm256_set1_epi16((short)(1 << (11 + f->exponent_bits)));
    __m256i mask = _mm256_set1_epi16((short)(0x8000 | magnitude << (10 - f->mantissa_bits)));
    size_t row_bytes = fp6_row_bytes(f, w->layout, w->cols), chunk = p->col / FP6_CHUNK;
    const uint8_t *codes = w->tiles + row / FP6_TILE * fp6_tile_bytes(f, w->layout, w->cols) +
                           row % FP6_TILE * row_bytes;
    __m256 sum[ROWS][FP6_TOKENS];
    const float *x = p->x;
    size_t plane = fp6_padded_cols(w->cols) / 2;
#pragma GCC unroll 2
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int s = 0; s < sums; s++)
            sum[r][s] = _mm256_setzero_ps();
    for (size_t c = chunk; c < chunk + p->chunks; c++, x += tokens * FP6_CHUNK)
#pragma GCC unroll 8
        for (int q = 0; q < 8; q++)
#pragma GCC unroll 2
            for (int r = 0; r < rows; r++) {
                __m256i half = words(codes + (size_t)r * row_bytes, plane, c, q);
                half = _mm256_and_si256(_mm256_mulhi_epi16(half, right), mask);
                __m256 v[2] = {_mm256_cvtph_ps(_mm256_castsi256_si128(half)),
                               _mm256_cvtph_ps(_mm256_extracti128_si256(half, 1))};
#pragma GCC unroll 8
                for (int t = 0; t < tokens; t++)
#pragma GCC unroll 2
                    for (int i = 0; i < 2; i++) {
                        __m256 *to = &sum[r][tokens == 1 ? i : t];
                        *to = _mm256_fmadd_ps(
                            v[i], _mm256_loadu_ps(x + t * FP6_CHUNK + (2 * q + i) * 8), *to);
                    }
            }
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < rows; r++)
            out[t * rows + r] =
                total(tokens == 1 ? _mm256_add_ps(sum[r][0], sum[r][1]) : sum[r][t]);
}

/* One token's and eight tokens' tile of a layout. */
#define TILES(name, words)                                                                         \
    static void name##_one(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row,      \
                           float *sum)                                                             \
    {                                                                                              \
        tile(w, p, row, sum, ROWS, 1, words);                                                      \
    }                                                                                              \
    static void name##_many(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row,     \
                            float *sum)                                                            \
    {                                                                                              \
        tile(w, p, row, sum, MANY_ROWS, FP6_TOKENS, words);                                        \
    }

TILES(contiguous, words_contiguous)
TILES(planes6, words_planes6)
TILES(planes5, words_planes5)
TILES(bytes6, words_bytes6)
TILES(bytes5, words_bytes5)

void gemm_fp6_cvt_avx2(const struct fp6_matrix *w, const float *x, size_t m, float *y, size_t row0,
                       size_t row1)
{
    static fp6_tile_fn *const ones[] = {contiguous_one, planes6_one, bytes6_one,
                                        NULL,           planes5_one, bytes5_one};
    static fp6_tile_fn *const manys[] = {contiguous_many, planes6_many, bytes6_many, NULL,
                                         planes5_many,    bytes5_many};
    struct fp6_kernel k = {.order = orders[w->layout],
                           .rows = ROWS,
                           .many_rows = MANY_ROWS,
                           .exponent = 15 - w->format->bias};
    /* those of five bits, which have no first layout, stand behind the others */
    size_t way = (size_t)w->layout + (w->format->bits == 5 ? 3 : 0);
    fp6_gemm(w, x, m, y, row0, row1, &k, ones[way], manys[way]);
}
