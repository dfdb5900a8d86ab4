/*
 * One number for each tensor, by name: mean squared gradients, importances.
 *
 *   JSON   an object, {"layers.0.wq.weight": 3.2e-8, ...}
 *   CSV    a line `name,value` for each; a name ends at the last comma of its line, and may
 *          stand in double quotes; empty lines, and a first line whose value is no number, are
 *          passed over
 *
 * A file whose first character is `{` is JSON.
 */
#ifndef DATASETS_NAMED_VALUES_H
#define DATASETS_NAMED_VALUES_H

#include <stddef.h>

#include "numerics/status.h"

struct named_value {
    char *name;
    double value;
};
struct named_values {
    struct named_value *list; /* [n], by name */
    size_t n;
};

/* Values must be finite and not negative, names different: E_FORMAT says which is not.  E_NOINPUT,
 * E_IO, E_NOMEM.  *out is untouched then. */
enum status named_values_read(const char *path, struct named_values *out, struct err *err);
void named_values_free(struct named_values *v); /* also of a zeroed one */

/* NULL: there is none of that name. */
const double *named_values_find(const struct named_values *v, const char *name);

#endif
