#include <immintrin.h>

#include "numerics/kernels/peak.h"

enum { VECTORS = 12, LANES = 8, BYTES = 32, PASSES = 2 };
/* Two more registers are needed per product, so fewer chains run side by side. */
enum { DOT_VECTORS = 8, DOT_PASSES = 3 };
_Static_assert(PEAK_CHAINS == PASSES * VECTORS * LANES && PEAK_BYTES == PASSES * VECTORS * BYTES,
               "two passes");
_Static_assert(PEAK_CHAINS == DOT_PASSES * DOT_VECTORS * LANES, "three passes");

/* The steps are written as instructions, so that none is shared between chains or kept from one
 * step to the next, and nothing but them is in the loop. */
static inline __m256 fma_step(__m256 v, __m256 factor, __m256 addend)
{
    __asm__ volatile("vfmadd213ps %2, %1, %0" : "+x"(v) : "x"(factor), "x"(addend));
    return v;
}

static inline __m256i dot_step(__m256i v, __m256i factor, __m256i weight, __m256i ones)
{
    __m256i products;
    __asm__ volatile("vpmaddubsw %3, %2, %1; vpmaddwd %4, %1, %1; vpaddd %1, %0, %0"
                     : "+x"(v), "=&x"(products)
                     : "x"(factor), "x"(weight), "x"(ones));
    return v;
}

static inline __m256i lookup_step(__m256i v, __m256i entries)
{
    __asm__ volatile("vpshufb %0, %1, %0" : "+x"(v) : "x"(entries));
    return v;
}

/* The numbers of the chains in a vector. */
static inline __m256i chains(int vector)
{
    __m256i lane = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_add_epi32(lane, _mm256_set1_epi32(vector * LANES));
}

static inline uint32_t sum_lanes(__m256i v)
{
    __m128i w = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    w = _mm_add_epi32(w, _mm_shuffle_epi32(w, 0x4E));
    w = _mm_add_epi32(w, _mm_shuffle_epi32(w, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(w);
}

double peak_fma_f32_avx2(size_t n, float x, float y)
{
    __m256 factor = _mm256_set1_ps(x), addend = _mm256_set1_ps(y);
    __m256d sum = _mm256_setzero_pd();
    for (int pass = 0; pass < PASSES; pass++) {
        __m256 v[VECTORS];
        for (int j = 0; j < VECTORS; j++)
            v[j] = _mm256_cvtepi32_ps(chains(pass * VECTORS + j));
        for (size_t i = 0; i < n; i++)
            for (int j = 0; j < VECTORS; j++)
                v[j] = fma_step(v[j], factor, addend);
        for (int j = 0; j < VECTORS; j++) {
            sum = _mm256_add_pd(sum, _mm256_cvtps_pd(_mm256_castps256_ps128(v[j])));
            sum = _mm256_add_pd(sum, _mm256_cvtps_pd(_mm256_extractf128_ps(v[j], 1)));
        }
    }
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd(sum, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

uint32_t peak_dot_i8_avx2(size_t n, uint8_t u, int8_t s)
{
    __m256i factor = _mm256_set1_epi8((char)u), weight = _mm256_set1_epi8(s);
    __m256i ones = _mm256_set1_epi16(1), sum = _mm256_setzero_si256();
    for (int pass = 0; pass < DOT_PASSES; pass++) {
        __m256i v[DOT_VECTORS];
        for (int j = 0; j < DOT_VECTORS; j++)
            v[j] = chains(pass * DOT_VECTORS + j);
        for (size_t i = 0; i < n; i++)
            for (int j = 0; j < DOT_VECTORS; j++)
                v[j] = dot_step(v[j], factor, weight, ones);
        for (int j = 0; j < DOT_VECTORS; j++)
            sum = _mm256_add_epi32(sum, v[j]);
    }
    return sum_lanes(sum);
}

uint32_t peak_lookup_avx2(size_t n, const uint8_t table[16])
{
    __m256i entries =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
    __m256i start = _mm256_broadcastsi128_si256(
        _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    __m256i sum = _mm256_setzero_si256();
    for (int pass = 0; pass < PASSES; pass++) {
        __m256i v[VECTORS];
        for (int j = 0; j < VECTORS; j++)
            v[j] = start;
        for (size_t i = 0; i < n; i++)
            for (int j = 0; j < VECTORS; j++)
                v[j] = lookup_step(v[j], entries);
        for (int j = 0; j < VECTORS; j++)
            sum = _mm256_add_epi32(sum, _mm256_sad_epu8(v[j], _mm256_setzero_si256()));
    }
    return sum_lanes(sum);
}
