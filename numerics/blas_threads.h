/*
 * One thread for a while: where products are small, or several computations run side by side, or
 * the order of additions must not depend on the number of threads.
 *
 *     struct blas_threads before = blas_one_thread();
 *     ...
 *     blas_restore(before);
 *
 * Affects the calls of the BLAS library from now on, and the parallel regions of this thread.
 */
#ifndef NUMERICS_BLAS_THREADS_H
#define NUMERICS_BLAS_THREADS_H

#include <cblas.h>
#include <omp.h>

struct blas_threads {
    int openmp, blas;
};

static inline struct blas_threads blas_one_thread(void)
{
    struct blas_threads before = {omp_get_max_threads(), openblas_get_num_threads()};
    openblas_set_num_threads(1);
    omp_set_num_threads(1);
    return before;
}

static inline void blas_restore(struct blas_threads before)
{
    openblas_set_num_threads(before.blas);
    omp_set_num_threads(before.openmp);
}

#endif
