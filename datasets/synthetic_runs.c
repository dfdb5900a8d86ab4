#include "datasets/synthetic_runs.h"

#include <math.h>
#include <stdlib.h>

const double synthetic_budgets[SYNTHETIC_BUDGETS] = {6e18, 1e19, 3e19, 6e19, 1e20,
                                                     3e20, 6e20, 1e21, 3e21};

struct scaling_law synthetic_runs_law(void)
{
    const struct scaling_form form = {.shared = false};
    const struct scaling_constants c = {482.00605,  2085.43625, 1.81686413,
                                        0.34781307, 0.36585416, {0}};
    return scaling_law_of(&form, &c);
}

void synthetic_runs(const struct scaling_law *law, double sigma, size_t per_budget, struct rng *rng,
                    double *N, double *D, double *loss)
{
    for (size_t b = 0; b < SYNTHETIC_BUDGETS; b++) {
        double C = synthetic_budgets[b], best = scaling_allocate(law, C, NULL).N;
        for (size_t i = 0; i < per_budget; i++) {
            size_t row = b * per_budget + i;
            N[row] = best * pow(10, 1.5 * (double)i / (double)(per_budget - 1) - 0.75);
            D[row] = C / (6 * N[row]);
            loss[row] = scaling_loss(law, N[row], D[row], NULL) * exp(sigma * rng_normal(rng));
        }
    }
}

enum status synthetic_runs_table(size_t per_budget, struct rng *rng, struct scaling_table *out,
                                 struct err *err)
{
    size_t n = SYNTHETIC_BUDGETS * per_budget;
    const struct scaling_law law = synthetic_runs_law();
    double *columns = malloc(3 * n * sizeof *columns);
    if (!columns)
        return status_fail(err, E_NOMEM, "no memory for %zu runs", n);
    double *N = columns, *D = columns + n, *loss = columns + 2 * n;
    synthetic_runs(&law, SYNTHETIC_RUNS_SIGMA, per_budget, rng, N, D, loss);
    enum status s = scaling_table_make(N, D, loss, NULL, 0, n, out, err);
    free(columns);
    return s;
}
