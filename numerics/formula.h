/*
 * A formula over named values whose units are checked: "instructions / cycles".
 *
 *   + - * / ( ), names, and numbers, each with a unit in brackets if it has one: 64[byte/line].
 *   A minus stands between spaces, since names may hold one.  A unit is a product of words,
 *   "byte/line*s"; "1" is none.  Sums want equal units.
 *
 * The value is NaN where a value that it needs is NaN (missing names the first of those), or where
 * it divides by 0.  Errors: E_FORMAT for what is no formula, an unknown name, or units that do not
 * agree; *out is untouched then.
 */
#ifndef NUMERICS_FORMULA_H
#define NUMERICS_FORMULA_H

#include "numerics/status.h"

struct formula_symbol {
    const char *name, *unit; /* name NULL ends a table */
    double value;
};

struct formula_result {
    double value;
    const char *missing; /* a symbol's name, or NULL */
};

enum status formula_evaluate(const char *text, const char *unit,
                             const struct formula_symbol *symbols, struct formula_result *out,
                             struct err *err);

#endif
