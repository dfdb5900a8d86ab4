/*
 * What follows from a table of runs and a law fitted to it: IsoFLOP optima, compute-optimal sizes,
 * and the model that costs least over its life.
 */
#ifndef ANALYSES_SCALING_DECIDE_H
#define ANALYSES_SCALING_DECIDE_H

#include "analyses/run_table.h"
#include "datasets/json.h"
#include "numerics/fits/inference_optimum.h"
#include "numerics/fits/scaling_bootstrap.h"

/* A fit and how far it is known. */
struct decided {
    const char *name; /* of the fit: "huber" */
    struct scaling_law law;
    const struct scaling_law *laws; /* [replicates] of the bootstrap; NULL with 0 of them */
    size_t replicates;
    double level;
};

/* A line of summary.text, printf-like: what the verb shows. */
void decide_say(struct json *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* summary.isoflop: the parabola of each budget and the lines through their vertices.  budgets:
 * "auto", or FLOPs set apart by commas; a row belongs to one within 15 % of it.  auto: the budgets
 * that most rows share, where at least five do with three sizes.  E_USAGE, E_NOMEM. */
enum status decide_isoflop(const struct run_table *t, const char *budgets, struct json *summary,
                           struct json *text, struct err *err);

void decide_add_score(const char *key, const struct scaling_score *score, struct json *out);

/* summary.extrapolation: the law of the runs of least compute, judged on the share of most; left
 * out where too few runs remain.  Errors as scaling_fit(). */
enum status decide_extrapolation(const struct run_table *t, double share,
                                 const struct scaling_fit_options *options, struct json *summary,
                                 struct json *text, struct err *err);

/* summary.allocation: N, D and D / N of least loss for budgets from below the table's to 1e4 times
 * above, with the bootstrap's bands.  E_NOMEM. */
enum status decide_allocation(const struct run_table *t, const struct decided *d,
                              struct json *allocation, struct err *err);

/* What --loss, --inference-tokens and --cost say. */
struct plan {
    double loss, tokens; /* loss NAN: that of the best run */
    bool priced;         /* in dollars; else FLOPs count alike */
    struct inference_prices prices;
    double written; /* share of the tokens */
};
/* "usual", or KEY=VALUE words over the usual prices: an H100 at 2 dollars an hour, half of its peak
 * in training and reading and a hundredth in writing, 70 tokens read and 215 written.  E_USAGE. */
enum status decide_parse_cost(const char *list, struct plan *plan, struct err *err);
/* summary.plan: the compute-optimal and the inference-adjusted model of that loss, and how both
 * move with demand.  E_USAGE: the law does not reach the loss. */
enum status decide_plan(const struct run_table *t, const struct decided *d, const struct plan *plan,
                        struct json *summary, struct json *text, struct err *err);

#endif
