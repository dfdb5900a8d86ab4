/*
 * How long work says how far it is, and learns that it should stop.
 */
#ifndef NUMERICS_PROGRESS_H
#define NUMERICS_PROGRESS_H

#include <stdbool.h>

struct progress {
    /* done in [0, 1]; what names the part under way.  May be called from one thread at a time.
     * Returns false when the user asked to stop. */
    bool (*report)(struct progress *self, double done, const char *what);
};

/* Does nothing and says "go on" when p is NULL. */
static inline bool progress_report(struct progress *p, double done, const char *what)
{
    return !p || p->report(p, done, what);
}

#endif
