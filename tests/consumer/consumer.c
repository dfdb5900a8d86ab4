/* What a user of the installed libraries writes: a kernel is picked, a codebook made, a row turned.
 */
#include <math.h>
#include <stdio.h>

#include "numerics/cpu.h"
#include "numerics/formats/codebook.h"
#include "numerics/kernels/gemv_dense.h"
#include "numerics/transforms/hadamard.h"
#ifdef WITH_NUMERICS
#include "numerics/kernels/gemv_blas.h"
#include "numerics/statistics/order_interval.h"
#endif

int main(void)
{
    enum { ROWS = 3, COLS = 40 };
    float w[ROWS * COLS], x[COLS], y[ROWS], row[8] = {1};
    struct codebook nf4;
    struct hadamard h;
    struct err err;
    int wrong = 0;
    for (int i = 0; i < ROWS * COLS; i++)
        w[i] = (float)(i / COLS + 1);
    for (int i = 0; i < COLS; i++)
        x[i] = 1;
    const struct kernel_variant *gemv = kernel_pick(gemv_f32_variants, cpu_features());
    ((gemv_f32_fn *)gemv->fn)(w, COLS, x, y, 0, ROWS);
    for (int r = 0; r < ROWS; r++) /* small whole numbers: every order of adding is exact */
        wrong += y[r] != (float)(COLS * (r + 1));
    codebook_nf4(&nf4);
    wrong += nf4.n != 16 || nf4.level[0] != -1 || nf4.level[7] != 0 || nf4.level[15] != 1;
    if (hadamard_init(&h, 8, false, &err)) {
        printf("%s\n", err.text);
        return 1;
    }
    const struct kernel_variant *turn = kernel_pick(hadamard_variants, cpu_features());
    ((hadamard_fn *)turn->fn)(&h, NULL, row, 1);
    for (int i = 0; i < 8; i++) /* the first column of H_8 / sqrt(8) */
        wrong += !(fabs(row[i] - sqrt(0.125)) <= hadamard_bound(&h));
    hadamard_free(&h);
#ifdef WITH_NUMERICS
    gemv_blas_f32(w, ROWS, COLS, x, 1, y, 1);
    for (int r = 0; r < ROWS; r++)
        wrong += y[r] != (float)(COLS * (r + 1));
    double values[6] = {6, 1, 5, 2, 4, 3}; /* [min, max] of six: 1 - 2 / 2^6 */
    wrong += !(fabs(order_interval(values, 6).level - 0.96875) <= 1e-12);
#endif
    printf("gemv %s, %d wrong\n", gemv->isa, wrong);
    return wrong != 0;
}
