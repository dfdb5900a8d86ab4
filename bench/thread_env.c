#include "bench/thread_env.h"

#include <stdio.h>
#include <string.h>

enum status thread_env_make(const struct machine *m, size_t threads, struct thread_env *env,
                            struct err *err)
{
    static const char name[] = "OMP_PLACES=";
    strcpy(env->places, name);
    enum status s = machine_omp_places(m, threads, env->places + strlen(name),
                                       sizeof env->places - strlen(name), err);
    if (s)
        return s;
    snprintf(env->count, sizeof env->count, "OMP_NUM_THREADS=%zu", threads);
    snprintf(env->blas_count, sizeof env->blas_count, "OPENBLAS_NUM_THREADS=%zu", threads);
    env->names[0] = env->places;
    env->names[1] = env->count;
    env->names[2] = env->blas_count;
    env->names[3] = "OMP_PROC_BIND=close";
    env->names[4] = "OMP_WAIT_POLICY=passive";
    env->names[5] = "GOMP_SPINCOUNT=30000"; /* of GCC's OpenMP: goes before the policy */
    env->names[6] = "KMP_BLOCKTIME=1";      /* of LLVM's: milliseconds */
    env->names[7] = NULL;
    return OK;
}
