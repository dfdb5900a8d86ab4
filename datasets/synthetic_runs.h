/*
 * A table of training runs drawn from a known scaling law: an IsoFLOP sweep, as an example that
 * needs no file and as a truth that fits are judged by.
 *
 * Each of the SYNTHETIC_BUDGETS compute budgets (synthetic_budgets, in FLOP) has per_budget runs,
 * their N evenly spaced in log N from 10^-0.75 to 10^0.75 times the law's optimum, D = C / (6 N);
 * loss is the law's times exp(sigma * normal draw).  Rows by budget, then by N.
 *
 *   law        without precisions
 *   N, D, loss [SYNTHETIC_BUDGETS * per_budget], per_budget >= 2
 *
 * Source: budgets of Hoffmann et al., arXiv 2203.15556, sec. 3.2.
 */
#ifndef DATASETS_SYNTHETIC_RUNS_H
#define DATASETS_SYNTHETIC_RUNS_H

#include <stddef.h>

#include "numerics/fits/scaling_law.h"
#include "numerics/rng.h"

enum { SYNTHETIC_BUDGETS = 9 };
extern const double synthetic_budgets[SYNTHETIC_BUDGETS];

void synthetic_runs(const struct scaling_law *law, double sigma, size_t per_budget, struct rng *rng,
                    double *N, double *D, double *loss);

/* The constants of the example and of the checks: the least-absolute-deviations fit of Besiroglu et
 * al., arXiv 2404.10102. */
struct scaling_law synthetic_runs_law(void);

/* The example's table: this seed, so many runs a budget, this noise. */
enum { SYNTHETIC_RUNS_SEED = 1, SYNTHETIC_RUNS_PER_BUDGET = 12 };
#define SYNTHETIC_RUNS_SIGMA 5e-3

/* A table of that law with that noise, freed with scaling_table_free().  E_NOMEM. */
enum status synthetic_runs_table(size_t per_budget, struct rng *rng, struct scaling_table *out,
                                 struct err *err);

#endif
