#include <immintrin.h>
#include <stdint.h>

enum { LANES = 8 };
typedef double vec __attribute__((vector_size(64)));
typedef uint64_t vec_u64 __attribute__((vector_size(64)));

static inline vec v_load(const double *p)
{
    return _mm512_loadu_pd(p);
}

static inline void v_store(double *p, vec v)
{
    _mm512_storeu_pd(p, v);
}

static inline vec v_all(double x)
{
    return _mm512_set1_pd(x);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_pd(a, b, c);
}

static inline vec v_max(vec a, vec b)
{
    return _mm512_max_pd(a, b);
}

static inline vec v_min(vec a, vec b)
{
    return _mm512_min_pd(a, b);
}

static inline vec v_where_equal(vec a, vec b, vec yes, vec no)
{
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ), no, yes);
}

#include "numerics/kernels/law_sums_simd.h"

void law_eval_avx512(const struct law_rows *rows, const struct law_point *point, double *out)
{
    eval_all(rows, point, out);
}

void law_sums_avx512(const struct law_rows *rows, const struct law_point *point, double delta,
                     double out[LAW_SUMS])
{
    sums_all(rows, point, delta, out);
}
