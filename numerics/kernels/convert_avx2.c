#include <immintrin.h>
#include <stdint.h>

enum { LANES = 8 };
typedef uint32_t vec __attribute__((vector_size(32)));
typedef int32_t vec_signed __attribute__((vector_size(32)));
typedef float vec_float __attribute__((vector_size(32)));
typedef uint64_t vec_64 __attribute__((vector_size(32)));

static inline vec v_load(const void *p)
{
    return (vec)_mm256_loadu_si256(p);
}

static inline void v_store(void *p, vec v)
{
    _mm256_storeu_si256(p, (__m256i)v);
}

static inline vec v_min(vec a, vec b)
{
    return (vec)_mm256_min_epu32((__m256i)a, (__m256i)b);
}

static inline vec v_min_signed(vec a, vec b)
{
    return (vec)_mm256_min_epi32((__m256i)a, (__m256i)b);
}

static inline vec v_max_signed(vec a, vec b)
{
    return (vec)_mm256_max_epi32((__m256i)a, (__m256i)b);
}

static inline vec v_shift_left(vec v, vec count)
{
    return (vec)_mm256_sllv_epi32((__m256i)v, (__m256i)count);
}

static inline vec v_shift_right(vec v, vec count)
{
    return (vec)_mm256_srlv_epi32((__m256i)v, (__m256i)count);
}

/* There is no unsigned comparison: both sides move down by 2^31. */
static inline vec v_add_carry(vec n, vec a, vec b)
{
    vec low = a ^ 0x80000000, high = ~b ^ 0x80000000;
    return n - (vec)_mm256_cmpgt_epi32((__m256i)low, (__m256i)high);
}

static inline vec v_select_greater(vec a, vec b, vec yes, vec no)
{
    __m256i greater = _mm256_cmpgt_epi32((__m256i)a, (__m256i)b);
    return (vec)_mm256_blendv_epi8((__m256i)no, (__m256i)yes, greater);
}

static inline vec v_half_from_float(vec v)
{
    return (vec)_mm256_cvtepu16_epi32(_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}

static inline vec v_pack_words(vec a, vec b)
{
    return (vec)_mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)a, (__m256i)b), 0xD8);
}

static inline vec v_float_from_half(vec v)
{
    return (vec)_mm256_cvtph_ps(_mm256_castsi256_si128((__m256i)v_pack_words(v, v)));
}

static inline vec v_pack_bytes(const vec v[4])
{
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_packus_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i high = _mm256_packus_epi32((__m256i)v[2], (__m256i)v[3]);
    return (vec)_mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

static inline vec v_widen_words(const void *p)
{
    return (vec)_mm256_cvtepu16_epi32(_mm_loadu_si128(p));
}

static inline vec v_widen_bytes(const void *p)
{
    return (vec)_mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}

/* 32 bytes of 6 bits to 24 bytes: pairs to 12 bits, pairs of those to 24, and the gaps closed. */
static inline void pack_6(vec bytes, uint8_t *out)
{
    __m256i pairs = _mm256_maddubs_epi16((__m256i)bytes, _mm256_set1_epi16(64 << 8 | 1));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(4096 << 16 | 1));
    __m256i three = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    __m256i order = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    __m256i packed = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, three), order);
    _mm_storeu_si128((void *)out, _mm256_castsi256_si128(packed));
    _mm_storel_epi64((void *)(out + 16), _mm256_extracti128_si256(packed, 1));
}

/* The upper half is read from byte 8, so that nothing after the 24 bytes is touched. */
static inline void unpack_6(const uint8_t *in, uint8_t *bytes)
{
    __m256i packed = _mm256_setr_m128i(_mm_loadu_si128((const void *)in),
                                       _mm_loadu_si128((const void *)(in + 8)));
    __m256i four = _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 4, 5, 6,
                                    -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1);
    vec fours = (vec)_mm256_shuffle_epi8(packed, four);
    v_store(bytes, (fours & 0x3F) | (fours << 2 & 0x3F00) | (fours << 4 & 0x3F0000) |
                       (fours << 6 & 0x3F000000));
}

static inline void pack_4(vec bytes, uint8_t *out)
{
    __m256i pairs = _mm256_maddubs_epi16((__m256i)bytes, _mm256_set1_epi16(16 << 8 | 1));
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(pairs, pairs), 0xD8);
    _mm_storeu_si128((void *)out, _mm256_castsi256_si128(packed));
}

static inline void unpack_4(const uint8_t *in, uint8_t *bytes)
{
    vec pairs = (vec)_mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)in));
    v_store(bytes, (pairs | pairs << 4) & 0x0F0F0F0F);
}

#include "numerics/kernels/convert_simd.h"

void convert_rne_avx2(const struct float_format *f, const float *x, size_t n, void *codes)
{
    encode_any(f, x, n, NULL, codes);
}

void convert_sr_avx2(const struct float_format *f, const float *x, size_t n, uint64_t seed,
                     void *codes)
{
    struct stream stream = stream_at(seed);
    encode_any(f, x, n, &stream, codes);
}

void convert_decode_avx2(const struct float_format *f, const void *codes, size_t n, float *out)
{
    decode_any(f, codes, n, out);
}

void convert_copy_avx2(const float *x, size_t n, float *out)
{
    copy_all(x, n, out);
}
