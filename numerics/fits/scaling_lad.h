/*
 * Least absolute deviations: the exact minimum of the sum of weight |r| near a start.
 *
 * The band of the Huber loss is narrowed in steps, each solved by Newton from the one before; then
 * as many rows as there are parameters, those of smallest |r| with independent gradients, are given
 * residuals of 0.  At such a vertex the multiplier of row i of them says how the sum changes when r
 * leaves 0: while one exceeds its weight, its row is left along the edge that keeps the others at
 * 0, as far as the sum falls, to the next vertex.
 *
 *   p       [parameters], the start, overwritten with the vertex
 *   sum     of weight |r| there
 *   excess  the largest |multiplier| / weight: <= 1 proves a minimum
 *
 * False when no vertex was found (fewer independent rows than parameters): p is then the minimum of
 * the narrowest band, and excess INFINITY.  E_NOMEM.
 * Source: Barrodale, Roberts, SIAM J. Numer. Anal. 10 (1973) 839; narrowing: the limit of Huber's
 * loss over delta.
 */
#ifndef NUMERICS_FITS_SCALING_LAD_H
#define NUMERICS_FITS_SCALING_LAD_H

#include "numerics/fits/scaling_objective.h"

enum status scaling_lad(const struct scaling_problem *problem, double *p, double *sum,
                        double *excess, struct err *err);

#endif
