#include <immintrin.h>
#include <stdint.h>

enum { LANES = 4 };
typedef double vec __attribute__((vector_size(32)));
typedef uint64_t vec_u64 __attribute__((vector_size(32)));

static inline vec v_load(const double *p)
{
    return _mm256_loadu_pd(p);
}

static inline void v_store(double *p, vec v)
{
    _mm256_storeu_pd(p, v);
}

static inline vec v_all(double x)
{
    return _mm256_set1_pd(x);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_pd(a, b, c);
}

static inline vec v_max(vec a, vec b)
{
    return _mm256_max_pd(a, b);
}

static inline vec v_min(vec a, vec b)
{
    return _mm256_min_pd(a, b);
}

static inline vec v_where_equal(vec a, vec b, vec yes, vec no)
{
    return _mm256_blendv_pd(no, yes, _mm256_cmp_pd(a, b, _CMP_EQ_OQ));
}

#include "numerics/kernels/law_sums_simd.h"

void law_eval_avx2(const struct law_rows *rows, const struct law_point *point, double *out)
{
    eval_all(rows, point, out);
}

void law_sums_avx2(const struct law_rows *rows, const struct law_point *point, double delta,
                   double out[LAW_SUMS])
{
    sums_all(rows, point, delta, out);
}
