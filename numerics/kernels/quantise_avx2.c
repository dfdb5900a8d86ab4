#include "numerics/kernels/quantise.h"

#include <immintrin.h>
#include <math.h>

#include "numerics/formats/bf16.h"

/* All ones in the lanes below n. */
static inline __m256i first(size_t n)
{
    __m256i lane = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : (int)n), lane);
}

/* All ones where x is neither infinite nor NaN. */
static inline __m256 is_finite(__m256 x)
{
    __m256i exponent = _mm256_set1_epi32(0x7f800000);
    __m256i equal =
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(x), exponent), exponent);
    return _mm256_castsi256_ps(_mm256_xor_si256(equal, _mm256_set1_epi32(-1)));
}

static inline size_t count(__m256 mask)
{
    return (size_t)_mm_popcnt_u32((unsigned)_mm256_movemask_ps(mask));
}

/* Which boundaries are looked at: 15 of them, every stride-th, all at once; then the rest of the
 * way by a binary search with gathers. */
struct search {
    const float *boundary;
    int compares, stride; /* stride = 1 when 16 levels are enough */
};

static inline struct search search_plan(const struct codebook *c)
{
    struct search s = {c->boundary, c->n < 16 ? (int)c->n - 1 : 15, 1};
    while (16 * (size_t)s.stride < c->n)
        s.stride *= 2;
    return s;
}

static inline __m256i search(const struct search *s, __m256 x)
{
    __m256i code = _mm256_setzero_si256();
    for (int i = 0; i < s->compares; i++) {
        __m256 b = _mm256_broadcast_ss(s->boundary + (i + 1) * s->stride - 1);
        code = _mm256_sub_epi32(code, _mm256_castps_si256(_mm256_cmp_ps(x, b, _CMP_GT_OQ)));
    }
    if (s->stride == 1)
        return code;
    code = _mm256_mullo_epi32(code, _mm256_set1_epi32(s->stride));
    for (int step = s->stride / 2; step; step /= 2) {
        __m256i probe = _mm256_add_epi32(code, _mm256_set1_epi32(step - 1));
        __m256 b = _mm256_i32gather_ps(s->boundary, probe, sizeof *s->boundary);
        __m256i above = _mm256_castps_si256(_mm256_cmp_ps(x, b, _CMP_GT_OQ));
        code = _mm256_add_epi32(code, _mm256_and_si256(above, _mm256_set1_epi32(step)));
    }
    return code;
}

static inline __m256 rounded(__m256 x, __m256 low, __m256 high)
{
    return _mm256_round_ps(_mm256_min_ps(_mm256_max_ps(x, low), high),
                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline __m256d lower(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

static inline __m256d upper(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

static inline __m256d magnitude(__m256d x)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), x);
}

static inline float largest(__m256 x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

void quantise_stats_avx2(const float *x, size_t n, struct quantise_stats *out)
{
    __m256 high = _mm256_setzero_ps(), minus_low = high;
    __m256d sum[4], size[4];
    double lane[QUANTISE_LANES], size_lane[QUANTISE_LANES];
    size_t all = 0;
    for (int i = 0; i < 4; i++)
        sum[i] = size[i] = _mm256_setzero_pd();
    for (size_t i = 0; i < n; i += 16)
        for (size_t half = 0; half < 2 && i + 8 * half < n; half++) {
            size_t at = i + 8 * half;
            __m256i in = first(n - at);
            __m256 v = _mm256_maskload_ps(x + at, in);
            __m256 good = _mm256_and_ps(is_finite(v), _mm256_castsi256_ps(in));
            all += count(good);
            v = _mm256_and_ps(v, good);
            high = _mm256_max_ps(high, v);
            minus_low = _mm256_max_ps(minus_low, _mm256_sub_ps(_mm256_setzero_ps(), v));
            __m256d a = lower(v), b = upper(v);
            sum[2 * half] = _mm256_add_pd(sum[2 * half], _mm256_mul_pd(a, a));
            sum[2 * half + 1] = _mm256_add_pd(sum[2 * half + 1], _mm256_mul_pd(b, b));
            size[2 * half] = _mm256_add_pd(size[2 * half], magnitude(a));
            size[2 * half + 1] = _mm256_add_pd(size[2 * half + 1], magnitude(b));
        }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_pd(lane + 4 * i, sum[i]);
        _mm256_storeu_pd(size_lane + 4 * i, size[i]);
    }
    *out = (struct quantise_stats){-largest(minus_low), largest(high), quantise_total(lane),
                                   quantise_total(size_lane), n - all};
}

void quantise_codes_avx2(const struct codebook *c, const float *x, size_t n, float scale,
                         uint8_t *codes)
{
    __m256 s = _mm256_set1_ps(scale), low = _mm256_set1_ps(c->level[0]);
    __m256 high = _mm256_set1_ps(c->level[c->n - 1]);
    struct search plan = search_plan(c);
    for (size_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_maskload_ps(x + i, first(n - i));
        __m256 t = _mm256_div_ps(_mm256_and_ps(v, is_finite(v)), s);
        __m256i code = c->integer ? _mm256_cvtps_epi32(_mm256_sub_ps(rounded(t, low, high), low))
                                  : search(&plan, t);
        uint32_t wide[8];
        _mm256_storeu_si256((__m256i *)wide, code);
        for (size_t j = 0; j < 8 && i + j < n; j++)
            codes[i + j] = (uint8_t)wide[j];
    }
}

/* The kinds of codebook differ inside the loop: one loop is made for each. */
enum kind { INTEGER, TABLE16, TABLE };

static inline __attribute__((always_inline)) void error_of(enum kind kind, const struct codebook *c,
                                                           const float *x, size_t n, float scale,
                                                           struct quantise_sums *sums)
{
    __m256 s = _mm256_set1_ps(scale), low = _mm256_set1_ps(c->level[0]);
    __m256 high = _mm256_set1_ps(c->level[c->n - 1]), zero = _mm256_setzero_ps();
    __m256 table0 = _mm256_loadu_ps(c->level), table1 = _mm256_loadu_ps(c->level + 8);
    __m256 clip_low = _mm256_set1_ps(c->clip_low), clip_high = _mm256_set1_ps(c->clip_high);
    __m256d sum[4], most = _mm256_set1_pd(sums->max_error);
    struct search plan = search_plan(c);
    for (int i = 0; i < 4; i++)
        sum[i] = _mm256_loadu_pd(sums->error + 4 * i);
    for (size_t i = 0; i < n; i += 16)
        for (size_t half = 0; half < 2 && i + 8 * half < n; half++) {
            size_t at = i + 8 * half;
            __m256i in = first(n - at);
            __m256 v = _mm256_maskload_ps(x + at, in);
            __m256 good = _mm256_and_ps(is_finite(v), _mm256_castsi256_ps(in));
            v = _mm256_and_ps(v, good);
            __m256 t = _mm256_div_ps(v, s), value;
            if (kind == INTEGER) {
                value = rounded(t, low, high);
            } else if (kind == TABLE16) {
                __m256i code = search(&plan, t);
                value = _mm256_blendv_ps(_mm256_permutevar8x32_ps(table0, code),
                                         _mm256_permutevar8x32_ps(table1, code),
                                         _mm256_castsi256_ps(_mm256_slli_epi32(code, 28)));
            } else {
                value = _mm256_i32gather_ps(c->level, search(&plan, t), sizeof *c->level);
            }
            value = _mm256_mul_ps(value, s);
            __m256 out = _mm256_or_ps(_mm256_cmp_ps(t, clip_low, _CMP_LT_OQ),
                                      _mm256_cmp_ps(t, clip_high, _CMP_GT_OQ));
            __m256 gone = _mm256_and_ps(_mm256_cmp_ps(v, zero, _CMP_NEQ_OQ),
                                        _mm256_cmp_ps(value, zero, _CMP_EQ_OQ));
            sums->clipped += count(_mm256_and_ps(out, good));
            sums->flushed += count(gone);
            /* a lane that is left out: 0 - 0 */
            value = _mm256_and_ps(value, good);
            __m256d a = _mm256_sub_pd(lower(value), lower(v));
            __m256d b = _mm256_sub_pd(upper(value), upper(v));
            most = _mm256_max_pd(most, _mm256_max_pd(magnitude(a), magnitude(b)));
            sum[2 * half] = _mm256_add_pd(sum[2 * half], _mm256_mul_pd(a, a));
            sum[2 * half + 1] = _mm256_add_pd(sum[2 * half + 1], _mm256_mul_pd(b, b));
        }
    for (int i = 0; i < 4; i++)
        _mm256_storeu_pd(sums->error + 4 * i, sum[i]);
    __m128d m = _mm_max_pd(_mm256_castpd256_pd128(most), _mm256_extractf128_pd(most, 1));
    sums->max_error = _mm_cvtsd_f64(_mm_max_sd(m, _mm_unpackhi_pd(m, m)));
}

void quantise_error_avx2(const struct codebook *c, const float *x, size_t n, float scale,
                         struct quantise_sums *sums)
{
    if (c->integer)
        error_of(INTEGER, c, x, n, scale, sums);
    else if (c->n <= 16)
        error_of(TABLE16, c, x, n, scale, sums);
    else
        error_of(TABLE, c, x, n, scale, sums);
}

static inline __attribute__((always_inline)) void encode4(int integer, const struct codebook *c,
                                                          const float *x, size_t blocks,
                                                          uint8_t *codes, uint16_t *scales)
{
    __m256 low = _mm256_set1_ps(c->level[0]), high = _mm256_set1_ps(c->level[c->n - 1]);
    __m256 no_sign = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    struct search plan = search_plan(c);
    for (size_t b = 0; b < blocks; b++, x += ENCODE4_BLOCK, codes += ENCODE4_BLOCK / 2) {
        __m256 v[8], absmax = _mm256_setzero_ps();
        for (int i = 0; i < 8; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            v[i] = _mm256_and_ps(v[i], is_finite(v[i]));
            absmax = _mm256_max_ps(absmax, _mm256_and_ps(v[i], no_sign));
        }
        scales[b] = encode4_scale(c, largest(absmax));
        __m256 s = _mm256_set1_ps(bf16_to_f32(scales[b]));
        for (int i = 0; i < 8; i++) {
            __m256 t = _mm256_div_ps(v[i], s);
            __m256i code = integer ? _mm256_cvtps_epi32(rounded(t, low, high)) : search(&plan, t);
            /* A pair of dwords is one qword: the odd nibble moves down beside the even one, and the
             * low bytes of the four qwords together. */
            code = _mm256_and_si256(code, _mm256_set1_epi32(15));
            code = _mm256_or_si256(code, _mm256_srli_epi64(code, 28));
            const __m256i bytes =
                _mm256_setr_epi8(0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                 -1, 0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
            code = _mm256_shuffle_epi8(code, bytes);
            __m128i four =
                _mm_or_si128(_mm256_castsi256_si128(code), _mm256_extracti128_si256(code, 1));
            _mm_storeu_si32(codes + 4 * i, four);
        }
    }
}

void encode_lut4_avx2(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                      uint16_t *scales)
{
    encode4(0, c, x, blocks, codes, scales);
}

void encode_int4_avx2(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                      uint16_t *scales)
{
    encode4(1, c, x, blocks, codes, scales);
}
