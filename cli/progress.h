/*
 * How far it is, on standard error: a bar with the time left on a terminal, else a line now and
 * then.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "bench/stop.h"
#include "cli/verbs.h"
#include "numerics/progress.h"

struct progress_bar {
    struct progress progress; /* stands first: what is passed down */
    const struct context *context;
    struct stop *stop;          /* a request in it makes report() return false */
    double begun_s, begun_done; /* at the first report: a resumed run does not begin at 0 */
    double said_s, said_done;   /* of the last line, where no bar is drawn */
    bool has_begun, said_stop;
};

/* stop may be NULL. */
struct progress_bar progress_bar_new(const struct context *context, struct stop *stop);

/* Removes the bar, so that what is printed next begins a line. */
void progress_bar_end(struct progress_bar *bar);

#endif
