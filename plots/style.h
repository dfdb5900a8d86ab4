/*
 * One look for each variant, the same in every figure and in the report.
 *
 * Colours are those of Okabe and Ito (Color Universal Design, 2008) without black, which is text,
 * and yellow, which is lost on white; more follow from Tol's muted scheme.  Eleven colours and six
 * shapes advance together, so 66 variants differ, and neighbours differ in shape when printed in
 * grey.
 */
#ifndef PLOTS_STYLE_H
#define PLOTS_STYLE_H

#include <stddef.h>

#include "numerics/status.h"
#include "plots/results.h"

struct look {
    unsigned rgb; /* 0xrrggbb */
    int shape;    /* gnuplot's pointtype, a filled one; shape - 1 is its outline */
    int dash;     /* gnuplot's dashtype */
};

enum { LOOK_NEUTRAL = 0x7f7f7f }; /* what everything is compared with */

struct styles {
    const char **names; /* sorted; borrowed from the results */
    bool *baseline;     /* the name is some task's baseline: neutral everywhere */
    size_t n;
};

/* E_NOMEM. */
enum status styles_assign(const struct results *r, struct styles *out, struct err *err);
void styles_free(struct styles *s);

struct look styles_look(const struct styles *s, const char *variant);

/* The i-th look of any other sorted set: format families, verdicts. */
struct look look_at(size_t i);

#endif
