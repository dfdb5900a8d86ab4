#include "datasets/synthetic_runs.h"

#include <math.h>

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
