#include <immintrin.h>
#include <stdint.h>

enum { LANES = 16 };
typedef uint32_t vec __attribute__((vector_size(64)));
typedef int32_t vec_signed __attribute__((vector_size(64)));
typedef float vec_float __attribute__((vector_size(64)));
typedef uint64_t vec_64 __attribute__((vector_size(64)));

static inline vec v_load(const void *p)
{
    return (vec)_mm512_loadu_si512(p);
}

static inline void v_store(void *p, vec v)
{
    _mm512_storeu_si512(p, (__m512i)v);
}

static inline vec v_min(vec a, vec b)
{
    return (vec)_mm512_min_epu32((__m512i)a, (__m512i)b);
}

static inline vec v_min_signed(vec a, vec b)
{
    return (vec)_mm512_min_epi32((__m512i)a, (__m512i)b);
}

static inline vec v_max_signed(vec a, vec b)
{
    return (vec)_mm512_max_epi32((__m512i)a, (__m512i)b);
}

static inline vec v_shift_left(vec v, vec count)
{
    return (vec)_mm512_sllv_epi32((__m512i)v, (__m512i)count);
}

static inline vec v_shift_right(vec v, vec count)
{
    return (vec)_mm512_srlv_epi32((__m512i)v, (__m512i)count);
}

static inline vec v_add_carry(vec n, vec a, vec b)
{
    __mmask16 carry = _mm512_cmpgt_epu32_mask((__m512i)a, (__m512i)~b);
    return (vec)_mm512_mask_add_epi32((__m512i)n, carry, (__m512i)n, _mm512_set1_epi32(1));
}

static inline vec v_select_greater(vec a, vec b, vec yes, vec no)
{
    __mmask16 greater = _mm512_cmpgt_epi32_mask((__m512i)a, (__m512i)b);
    return (vec)_mm512_mask_blend_epi32(greater, (__m512i)no, (__m512i)yes);
}

static inline vec v_half_from_float(vec v)
{
    return (vec)_mm512_cvtepu16_epi32(
        _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline vec v_float_from_half(vec v)
{
    return (vec)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)v));
}

static inline vec v_pack_words(vec a, vec b)
{
    __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return (vec)_mm512_permutexvar_epi64(order, _mm512_packus_epi32((__m512i)a, (__m512i)b));
}

static inline vec v_pack_bytes(const vec v[4])
{
    __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_packus_epi32((__m512i)v[0], (__m512i)v[1]);
    __m512i high = _mm512_packus_epi32((__m512i)v[2], (__m512i)v[3]);
    return (vec)_mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}

static inline vec v_widen_words(const void *p)
{
    return (vec)_mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
}

static inline vec v_widen_bytes(const void *p)
{
    return (vec)_mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}

/* 64 bytes of 6 bits to 48 bytes: pairs to 12 bits, pairs of those to 24, and the gaps closed. */
static inline void pack_6(vec bytes, uint8_t *out)
{
    __m512i pairs = _mm512_maddubs_epi16((__m512i)bytes, _mm512_set1_epi16(64 << 8 | 1));
    __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(4096 << 16 | 1));
    __m512i three = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    __m512i order = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    __m512i packed = _mm512_permutexvar_epi32(order, _mm512_shuffle_epi8(fours, three));
    _mm256_storeu_si256((void *)out, _mm512_castsi512_si256(packed));
    _mm_storeu_si128((void *)(out + 32), _mm512_extracti32x4_epi32(packed, 2));
}

static inline void unpack_6(const uint8_t *in, uint8_t *bytes)
{
    __m512i packed = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)in));
    packed = _mm512_inserti32x4(packed, _mm_loadu_si128((const void *)(in + 32)), 2);
    __m512i order = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    __m512i four =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    vec fours = (vec)_mm512_shuffle_epi8(_mm512_permutexvar_epi32(order, packed), four);
    v_store(bytes, (fours & 0x3F) | (fours << 2 & 0x3F00) | (fours << 4 & 0x3F0000) |
                       (fours << 6 & 0x3F000000));
}

static inline void pack_4(vec bytes, uint8_t *out)
{
    __m512i pairs = _mm512_maddubs_epi16((__m512i)bytes, _mm512_set1_epi16(16 << 8 | 1));
    _mm256_storeu_si256((void *)out, _mm512_cvtepi16_epi8(pairs));
}

static inline void unpack_4(const uint8_t *in, uint8_t *bytes)
{
    vec pairs = (vec)_mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)in));
    v_store(bytes, (pairs | pairs << 4) & 0x0F0F0F0F);
}

#include "numerics/kernels/convert_simd.h"

void convert_rne_avx512(const struct float_format *f, const float *x, size_t n, void *codes)
{
    encode_any(f, x, n, NULL, codes);
}

void convert_sr_avx512(const struct float_format *f, const float *x, size_t n, uint64_t seed,
                       void *codes)
{
    struct stream stream = stream_at(seed);
    encode_any(f, x, n, &stream, codes);
}

void convert_decode_avx512(const struct float_format *f, const void *codes, size_t n, float *out)
{
    decode_any(f, codes, n, out);
}

void convert_copy_avx512(const float *x, size_t n, float *out)
{
    copy_all(x, n, out);
}
