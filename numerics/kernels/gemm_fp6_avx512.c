#include "numerics/kernels/gemm_fp6_panel.h"

enum { ROWS = 4, MANY_ROWS = 2 };

/* What turns 32 words, whose low bits are a code, into values. */
struct decoder {
    bool table;
    __m512i left, right, mask; /* of a conversion */
    __m512i low, high;         /* 64 bf16; of a 5-bit format twice the same 32 */
};

struct pair {
    __m512 v[2];
};

FP6_INLINE struct pair decode(const struct decoder *d, __m512i words)
{
    if (d->table) { /* the even words and the odd ones */
        __m512i two = _mm512_permutex2var_epi16(d->low, words, d->high);
        __m512i odd = _mm512_and_si512(two, _mm512_set1_epi32((int)0xffff0000));
        return (struct pair){
            {_mm512_castsi512_ps(_mm512_slli_epi32(two, 16)), _mm512_castsi512_ps(odd)}};
    }
    /* the first half and the second; what the shift copies of the sign beside it, the mask clears
     */
    __m512i half = _mm512_mulhi_epi16(_mm512_sllv_epi16(words, d->left), d->right);
    half = _mm512_and_si512(half, d->mask);
    return (struct pair){{_mm512_cvtph_ps(_mm512_castsi512_si256(half)),
                          _mm512_cvtph_ps(_mm512_extracti64x4_epi64(half, 1))}};
}

/* 32 values as bf16, which is exact: they have at most 3 bits of mantissa. */
FP6_INLINE __m512i bf16_table(const float *value)
{
    __m512i first = _mm512_srli_epi32(_mm512_castps_si512(_mm512_loadu_ps(value)), 16);
    __m512i second = _mm512_srli_epi32(_mm512_castps_si512(_mm512_loadu_ps(value + 16)), 16);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(first)),
                              _mm512_cvtepi32_epi16(second), 1);
}

FP6_INLINE struct decoder decoder_of(const struct fp6_matrix *w, bool table)
{
    const struct float_format *f = w->format;
    int magnitude = (1 << (f->bits - 1)) - 1;
    return (struct decoder){
        .table = table,
        .left = _mm512_set1_epi16((short)(16 - f->bits)),
        .right = _mm512_set1_epi16((short)(1 << (11 + f->exponent_bits))),
        .mask = _mm512_set1_epi16((short)(0x8000 | magnitude << (10 - f->mantissa_bits))),
        .low = bf16_table(w->value),
        .high = bf16_table(w->value + 32)};
}

/* Words that hold codes in their low bits, number q (0 .. 3) of a chunk; higher bits are others'.
 */
typedef __m512i words_fn(const uint8_t *row, size_t plane, size_t chunk, int q);

/* Words of two bytes: 128 bits of 8 codes each from six bytes, which begin in the middle of a dword
 * or not; then each word from the two bytes that have its code. */
FP6_INLINE __m512i words_contiguous(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    (void)plane;
    const uint8_t *from = row + chunk * 96 + q * 24;
    __m512i dwords = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)from));
    __m512i lanes = _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 4, 5, 0, 0), dwords);
    __m512i two_bytes = _mm512_shuffle_epi8(
        lanes, _mm512_set_epi64(0x0607060705060506, 0x0304030402030203, 0x0405040503040304,
                                0x0102010200010001, 0x0607060705060506, 0x0304030402030203,
                                0x0405040503040304, 0x0102010200010001));
    __m512i by = _mm512_set1_epi64((long long)0x000000060004000a);
    return _mm512_srlv_epi16(two_bytes, by);
}

/* words >> by as a product's upper half, on pipes (AMD Zen 4) that neither shifts nor permutes use.
 */
FP6_INLINE __m512i right(__m512i words, int by)
{
    return _mm512_mulhi_epu16(words, _mm512_set1_epi16((short)(1 << (16 - by))));
}

/* q: columns j, j + 32, j + 1, j + 33 of the even j of 64.  The plane of top bits is put so that
 * word by word bits 0, 4, 8 and 12 on are theirs. */
FP6_INLINE __m512i words_planes(const uint8_t *row, size_t plane, size_t chunk, int q, bool five)
{
    __m512i nibbles = _mm512_loadu_si512(row + chunk * 64), top, by;
    const uint8_t *upper = row + plane + chunk * (five ? 16 : 32);
    if (five) {
        top = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)upper));
        top = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1), top);
        by = _mm512_setr_epi64(0, 1, 2, 3, 0, 1, 2, 3);
    } else {
        top = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)upper));
        top = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3), top);
        by = _mm512_setr_epi64(0, 0, 2, 2, 0, 0, 2, 2);
    }
    top = _mm512_srlv_epi64(top, by); /* what crosses words lands on no bit that is read */
    nibbles = q ? right(nibbles, 4 * q) : nibbles;
    top = q == 0  ? _mm512_mullo_epi16(top, _mm512_set1_epi16(16))
          : q > 1 ? right(top, 4 * q - 4)
                  : top;
    return _mm512_ternarylogic_epi32(_mm512_set1_epi16(15), nibbles, top, 0xca);
}

FP6_INLINE __m512i words_planes6(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_planes(row, plane, chunk, q, false);
}

FP6_INLINE __m512i words_planes5(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    return words_planes(row, plane, chunk, q, true);
}

/* q: the even bytes of 64, the odd ones, and the same of the other 64 */
FP6_INLINE __m512i words_bytes(const uint8_t *row, size_t plane, size_t chunk, int q)
{
    (void)plane;
    __m512i two = _mm512_loadu_si512(row + chunk * FP6_CHUNK + q / 2 * 64);
    return q % 2 ? _mm512_srli_epi16(two, 8) : two;
}

/* The values that decode() makes of words_*(): [layout][by table] */
static const struct fp6_order orders[][2] = {
    [FP6_CONTIGUOUS] = {{{0, 16, 32, 48, 64, 80, 96, 112}, 16, 1, 0},
                        {{0, 1, 32, 33, 64, 65, 96, 97}, 16, 2, 0}},
    [FP6_PLANES] = {{{0, 64, 32, 96, 1, 65, 33, 97}, 16, 2, 0},
                    {{0, 2, 32, 34, 1, 3, 33, 35}, 16, 4, 32}},
    [FP6_BYTES] = {{{0, 32, 1, 33, 64, 96, 65, 97}, 16, 2, 0},
                   {{0, 2, 1, 3, 64, 66, 65, 67}, 16, 4, 0}},
};

FP6_INLINE void tile(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row, float *out,
                     int rows, int tokens, bool table, words_fn *words)
{
    enum { SUMS = 8 };
    int sums = tokens == 1 ? 2 : tokens; /* a single token's rows have two each */
    struct decoder d = decoder_of(w, table);
    size_t row_bytes = fp6_row_bytes(w->format, w->layout, w->cols);
    const uint8_t *codes = w->tiles +
                           row / FP6_TILE * fp6_tile_bytes(w->format, w->layout, w->cols) +
                           row % FP6_TILE * row_bytes;
    __m512 sum[ROWS][SUMS];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int s = 0; s < sums; s++)
            sum[r][s] = _mm512_setzero_ps();
    const float *x = p->x;
    size_t plane = fp6_padded_cols(w->cols) / 2;
    size_t chunk = p->col / FP6_CHUNK;
    size_t chunk_bytes = fp6_row_bytes(w->format, w->layout, FP6_CHUNK);
    for (size_t c = chunk; c < chunk + p->chunks; c++, x += tokens * FP6_CHUNK) {
        for (int r = 0; r < rows && p->far; r++) {
            const uint8_t *ahead = codes + (size_t)(r + rows) * row_bytes + c * chunk_bytes;
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
            _mm_prefetch((const char *)ahead + 64, _MM_HINT_T1);
        }
#pragma GCC unroll 4
        for (int q = 0; q < 4; q++)
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                struct pair v = decode(&d, words(codes + (size_t)r * row_bytes, plane, c, q));
#pragma GCC unroll 8
                for (int t = 0; t < tokens; t++)
#pragma GCC unroll 2
                    for (int i = 0; i < 2; i++) {
                        __m512 *to = &sum[r][tokens == 1 ? i : t];
                        *to = _mm512_fmadd_ps(
                            v.v[i], _mm512_load_ps(x + t * FP6_CHUNK + (2 * q + i) * 16), *to);
                    }
            }
    }
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < rows; r++)
            out[t * rows + r] =
                _mm512_reduce_add_ps(tokens == 1 ? _mm512_add_ps(sum[r][0], sum[r][1]) : sum[r][t]);
}

/* One token's and eight tokens' tile of a way to decode. */
#define TILES(name, table, words)                                                                  \
    static void name##_one(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row,      \
                           float *sum)                                                             \
    {                                                                                              \
        tile(w, p, row, sum, ROWS, 1, table, words);                                               \
    }                                                                                              \
    static void name##_many(const struct fp6_matrix *w, const struct fp6_panel *p, size_t row,     \
                            float *sum)                                                            \
    {                                                                                              \
        tile(w, p, row, sum, MANY_ROWS, FP6_TOKENS, table, words);                                 \
    }

TILES(cvt_contiguous, false, words_contiguous)
TILES(cvt_planes6, false, words_planes6)
TILES(cvt_planes5, false, words_planes5)
TILES(cvt_bytes, false, words_bytes)
TILES(lut_contiguous, true, words_contiguous)
TILES(lut_planes6, true, words_planes6)
TILES(lut_planes5, true, words_planes5)
TILES(lut_bytes, true, words_bytes)

static fp6_tile_fn *const ones[][2] = {{cvt_contiguous_one, lut_contiguous_one},
                                       {cvt_planes6_one, lut_planes6_one},
                                       {cvt_bytes_one, lut_bytes_one},
                                       {cvt_planes5_one, lut_planes5_one}};
static fp6_tile_fn *const manys[][2] = {{cvt_contiguous_many, lut_contiguous_many},
                                        {cvt_planes6_many, lut_planes6_many},
                                        {cvt_bytes_many, lut_bytes_many},
                                        {cvt_planes5_many, lut_planes5_many}};

static void gemm(const struct fp6_matrix *w, const float *x, size_t m, float *y, size_t row0,
                 size_t row1, bool table)
{
    struct fp6_kernel k = {.order = orders[w->layout][table],
                           .rows = ROWS,
                           .many_rows = MANY_ROWS,
                           .exponent = table ? 0 : 15 - w->format->bias};
    /* planes of five bits stand behind the layouts */
    size_t way = w->layout == FP6_PLANES && w->format->bits == 5 ? 3 : (size_t)w->layout;
    fp6_gemm(w, x, m, y, row0, row1, &k, ones[way][table], manys[way][table]);
}

void gemm_fp6_cvt_avx512(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1)
{
    gemm(w, x, m, y, row0, row1, false);
}

void gemm_fp6_lut_avx512(const struct fp6_matrix *w, const float *x, size_t m, float *y,
                         size_t row0, size_t row1)
{
    gemm(w, x, m, y, row0, row1, true);
}
