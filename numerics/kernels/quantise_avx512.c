#include "numerics/kernels/quantise.h"

#include <immintrin.h>
#include <math.h>

#include "numerics/formats/bf16.h"

enum { QUIET_NAN = 0x01, PLUS_INF = 0x08, MINUS_INF = 0x10, SIGNALLING_NAN = 0x80 };

static inline __mmask16 first(size_t n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

static inline __mmask16 is_finite(__m512 x)
{
    return (__mmask16)~_mm512_fpclass_ps_mask(x, QUIET_NAN | PLUS_INF | MINUS_INF | SIGNALLING_NAN);
}

/* How to find the number of boundaries below x among n - 1 < 2^steps: the top four steps in a
 * register that holds every stride-th boundary, the others by gathers. */
struct search {
    __m512 coarse;
    const float *boundary;
    int stride; /* 2^steps / 16; 1 when 16 levels are enough */
};

static inline struct search search_plan(const struct codebook *c)
{
    struct search s = {.boundary = c->boundary, .stride = 1};
    while (16 * (size_t)s.stride < c->n)
        s.stride *= 2;
    __m512i lane = _mm512_set_epi32(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    __m512i at = _mm512_sub_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(s.stride)),
                                  _mm512_set1_epi32(1));
    s.coarse = s.stride == 1 ? _mm512_loadu_ps(c->boundary)
                             : _mm512_i32gather_ps(at, c->boundary, sizeof *c->boundary);
    return s;
}

static inline __m512i search(const struct search *s, __m512 x)
{
    __m512i code = _mm512_setzero_si512();
    for (int step = 8; step; step /= 2) {
        __m512i probe = _mm512_add_epi32(code, _mm512_set1_epi32(step - 1));
        __mmask16 above =
            _mm512_cmp_ps_mask(x, _mm512_permutexvar_ps(probe, s->coarse), _CMP_GT_OQ);
        code = _mm512_mask_add_epi32(code, above, code, _mm512_set1_epi32(step));
    }
    if (s->stride == 1)
        return code;
    code = _mm512_mullo_epi32(code, _mm512_set1_epi32(s->stride));
    for (int step = s->stride / 2; step; step /= 2) {
        __m512i probe = _mm512_add_epi32(code, _mm512_set1_epi32(step - 1));
        __m512 b = _mm512_i32gather_ps(probe, s->boundary, sizeof *s->boundary);
        __mmask16 above = _mm512_cmp_ps_mask(x, b, _CMP_GT_OQ);
        code = _mm512_mask_add_epi32(code, above, code, _mm512_set1_epi32(step));
    }
    return code;
}

static inline __m512 rounded(__m512 x, __m512 low, __m512 high)
{
    return _mm512_roundscale_ps(_mm512_min_ps(_mm512_max_ps(x, low), high),
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline __m512d lower(__m512 x)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}

static inline __m512d upper(__m512 x)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}

void quantise_stats_avx512(const float *x, size_t n, struct quantise_stats *out)
{
    __m512 low = _mm512_setzero_ps(), high = low;
    __m512d sum0 = _mm512_setzero_pd(), sum1 = sum0, sizes0 = sum0, sizes1 = sum0;
    double lane[QUANTISE_LANES], size_lane[QUANTISE_LANES];
    size_t all = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = first(n - i);
        __m512 v = _mm512_maskz_loadu_ps(in, x + i);
        __mmask16 good = is_finite(v) & in;
        all += (size_t)_mm_popcnt_u32(good);
        v = _mm512_maskz_mov_ps(good, v);
        low = _mm512_min_ps(low, v);
        high = _mm512_max_ps(high, v);
        __m512d a = lower(v), b = upper(v);
        sum0 = _mm512_add_pd(sum0, _mm512_mul_pd(a, a));
        sum1 = _mm512_add_pd(sum1, _mm512_mul_pd(b, b));
        sizes0 = _mm512_add_pd(sizes0, _mm512_abs_pd(a));
        sizes1 = _mm512_add_pd(sizes1, _mm512_abs_pd(b));
    }
    _mm512_storeu_pd(lane, sum0);
    _mm512_storeu_pd(lane + 8, sum1);
    _mm512_storeu_pd(size_lane, sizes0);
    _mm512_storeu_pd(size_lane + 8, sizes1);
    *out = (struct quantise_stats){_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high),
                                   quantise_total(lane), quantise_total(size_lane), n - all};
}

void quantise_codes_avx512(const struct codebook *c, const float *x, size_t n, float scale,
                           uint8_t *codes)
{
    __m512 s = _mm512_set1_ps(scale), low = _mm512_set1_ps(c->level[0]);
    __m512 high = _mm512_set1_ps(c->level[c->n - 1]);
    struct search plan = search_plan(c);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = first(n - i);
        __m512 v = _mm512_maskz_loadu_ps(in, x + i);
        __m512 t = _mm512_div_ps(_mm512_maskz_mov_ps(is_finite(v), v), s);
        __m512i code = c->integer ? _mm512_cvtps_epi32(_mm512_sub_ps(rounded(t, low, high), low))
                                  : search(&plan, t);
        _mm512_mask_cvtepi32_storeu_epi8(codes + i, in, code);
    }
}

/* The kinds of codebook differ inside the loop: one loop is made for each. */
enum kind { INTEGER, TABLE16, TABLE };

static inline __attribute__((always_inline)) void error_of(enum kind kind, const struct codebook *c,
                                                           const float *x, size_t n, float scale,
                                                           struct quantise_sums *sums)
{
    __m512 s = _mm512_set1_ps(scale), low = _mm512_set1_ps(c->level[0]);
    __m512 high = _mm512_set1_ps(c->level[c->n - 1]), table = _mm512_loadu_ps(c->level);
    __m512 clip_low = _mm512_set1_ps(c->clip_low), clip_high = _mm512_set1_ps(c->clip_high);
    __m512d sum0 = _mm512_loadu_pd(sums->error), sum1 = _mm512_loadu_pd(sums->error + 8);
    __m512d most = _mm512_set1_pd(sums->max_error);
    struct search plan = {0};
    if (kind != INTEGER)
        plan = search_plan(c);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = first(n - i);
        __m512 v = _mm512_maskz_loadu_ps(in, x + i);
        __mmask16 good = is_finite(v) & in;
        v = _mm512_maskz_mov_ps(good, v);
        __m512 t = _mm512_div_ps(v, s), value;
        if (kind == INTEGER)
            value = rounded(t, low, high);
        else if (kind == TABLE16)
            value = _mm512_permutexvar_ps(search(&plan, t), table);
        else
            value = _mm512_i32gather_ps(search(&plan, t), c->level, sizeof *c->level);
        value = _mm512_mul_ps(value, s);
        __mmask16 out = _mm512_mask_cmp_ps_mask(good, t, clip_low, _CMP_LT_OQ) |
                        _mm512_mask_cmp_ps_mask(good, t, clip_high, _CMP_GT_OQ);
        __mmask16 gone =
            _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_OQ), value,
                                    _mm512_setzero_ps(), _CMP_EQ_OQ);
        sums->clipped += (size_t)_mm_popcnt_u32(out);
        sums->flushed += (size_t)_mm_popcnt_u32(gone);
        __m512d a = _mm512_maskz_sub_pd((__mmask8)good, lower(value), lower(v));
        __m512d b = _mm512_maskz_sub_pd((__mmask8)(good >> 8), upper(value), upper(v));
        most = _mm512_max_pd(most, _mm512_max_pd(_mm512_abs_pd(a), _mm512_abs_pd(b)));
        sum0 = _mm512_add_pd(sum0, _mm512_mul_pd(a, a));
        sum1 = _mm512_add_pd(sum1, _mm512_mul_pd(b, b));
    }
    _mm512_storeu_pd(sums->error, sum0);
    _mm512_storeu_pd(sums->error + 8, sum1);
    sums->max_error = _mm512_reduce_max_pd(most);
}

void quantise_error_avx512(const struct codebook *c, const float *x, size_t n, float scale,
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
    __m512 low = _mm512_set1_ps(c->level[0]), high = _mm512_set1_ps(c->level[c->n - 1]);
    struct search plan = search_plan(c);
    for (size_t b = 0; b < blocks; b++, x += ENCODE4_BLOCK, codes += ENCODE4_BLOCK / 2) {
        __m512 v[4], absmax = _mm512_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm512_loadu_ps(x + 16 * i);
            v[i] = _mm512_maskz_mov_ps(is_finite(v[i]), v[i]);
            absmax = _mm512_max_ps(absmax, _mm512_abs_ps(v[i]));
        }
        scales[b] = encode4_scale(c, _mm512_reduce_max_ps(absmax));
        __m512 s = _mm512_set1_ps(bf16_to_f32(scales[b]));
        for (int i = 0; i < 4; i++) {
            __m512 t = _mm512_div_ps(v[i], s);
            __m512i code = integer ? _mm512_cvtps_epi32(rounded(t, low, high)) : search(&plan, t);
            /* A pair of dwords is one qword: the odd nibble moves down beside the even one. */
            code = _mm512_and_si512(code, _mm512_set1_epi32(15));
            code = _mm512_or_si512(code, _mm512_srli_epi64(code, 28));
            _mm_storel_epi64((__m128i *)(codes + 8 * i), _mm512_cvtepi64_epi8(code));
        }
    }
}

void encode_lut4_avx512(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                        uint16_t *scales)
{
    encode4(0, c, x, blocks, codes, scales);
}

void encode_int4_avx512(const struct codebook *c, const float *x, size_t blocks, uint8_t *codes,
                        uint16_t *scales)
{
    encode4(1, c, x, blocks, codes, scales);
}
