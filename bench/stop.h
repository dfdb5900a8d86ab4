/*
 * Ctrl-C without a handler: SIGINT, SIGTERM and SIGHUP are blocked and read from a descriptor, so
 * that nothing is interrupted half-way and no state is global.  One that this process was started
 * to ignore (by nohup, say) stays ignored.
 *
 * By convention the first request ends work at the next good place, the second at once.
 */
#ifndef BENCH_STOP_H
#define BENCH_STOP_H

#include <signal.h>

#include "numerics/status.h"

struct stop {
    int fd;         /* readable when a request is waiting */
    unsigned asked; /* requests taken so far */
    sigset_t before;
};

/* The signals that are requests. */
void stop_signals(sigset_t *out);

/* Call before any thread is started.  E_INTERNAL when the system refuses; *out is untouched then.
 */
enum status stop_open(struct stop *out, struct err *err);

/* Takes the waiting requests and returns how many there were in all; never waits.  0 for NULL. */
unsigned stop_asked(struct stop *stop);

/* Restores the signals as they were; a request that came after the last look is dropped. */
void stop_close(struct stop *stop);

#endif
