#include "numerics/kernels/gemv_blas.h"

#include <cblas.h>
#include <omp.h>

void gemv_blas_f32(const float *w, size_t rows, size_t cols, const float *x, float *y, int threads)
{
    /* A build of OpenBLAS on OpenMP takes its threads from there, one on pthreads from the call. */
    int before = omp_get_max_threads();
    openblas_set_num_threads(threads);
    omp_set_num_threads(threads);
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)rows, (int)cols, 1, w, cols ? (int)cols : 1, x, 1,
                0, y, 1);
    omp_set_num_threads(before);
}

const char *gemv_blas_core(void)
{
    return openblas_get_corename();
}
