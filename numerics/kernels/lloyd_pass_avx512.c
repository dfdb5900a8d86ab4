#include <immintrin.h>
#include "numerics/kernels/lloyd_pass_lanes.h"

/* Boundaries whose sums and counts stay in registers. */
enum { TOGETHER = 8 };

/* The samples are widened once; a comparison's mask adds them and counts them. */
FLATTEN void chunk_above(const float *x, size_t n, const float *boundary, size_t together,
                         struct lanes *lanes)
{
    __m512d low[TOGETHER], high[TOGETHER];
    __m512i count[TOGETHER], one = _mm512_set1_epi32(1);
    for (size_t j = 0; j < together; j++) {
        low[j] = _mm512_loadu_pd(lanes[j].sum);
        high[j] = _mm512_loadu_pd(lanes[j].sum + 8);
        count[j] = _mm512_setzero_si512();
    }
    for (size_t i = 0; i < n; i += LLOYD_PASS_LANES) {
        __m512 v = _mm512_loadu_ps(x + i);
        __m512d v_low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
        __m512d v_high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
        for (size_t j = 0; j < together; j++) {
            __mmask16 above = _mm512_cmp_ps_mask(v, _mm512_set1_ps(boundary[j]), _CMP_GT_OQ);
            low[j] = _mm512_mask_add_pd(low[j], (__mmask8)above, low[j], v_low);
            high[j] = _mm512_mask_add_pd(high[j], (__mmask8)(above >> 8), high[j], v_high);
            count[j] = _mm512_mask_add_epi32(count[j], above, count[j], one);
        }
    }
    for (size_t j = 0; j < together; j++) {
        _mm512_storeu_pd(lanes[j].sum, low[j]);
        _mm512_storeu_pd(lanes[j].sum + 8, high[j]);
        lanes[j].count += (uint64_t)_mm512_reduce_add_epi32(count[j]);
    }
}

#include "numerics/kernels/lloyd_pass_simd.h"

void lloyd_pass_avx512(const float *x, size_t n, const float *boundary, size_t levels,
                       struct lloyd_above *above)
{
    lloyd_pass(x, n, boundary, levels, above);
}
