#include "numerics/kernels/gemv_blas.h"

#include <cblas.h>
#include <omp.h>

void gemv_blas_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                   float *y, int threads)
{
    /* A build of OpenBLAS on OpenMP takes its threads from there, one on pthreads from the call. */
    int before = omp_get_max_threads(), n = (int)rows, k = (int)cols, leading = k ? k : 1;
    openblas_set_num_threads(threads);
    omp_set_num_threads(threads);
    if (tokens == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, leading, x, 1, 0, y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)tokens, n, k, 1, x, leading, w,
                    leading, 0, y, n ? n : 1);
    omp_set_num_threads(before);
}

const char *gemv_blas_core(void)
{
    return openblas_get_corename();
}
