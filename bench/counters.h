/*
 * Hardware and software event counters behind one face: PAPI, perf_event_open, a fake, or nothing.
 *
 * An event that a library lists may not open, and one that opens may not count.  So no event is
 * trusted before it was opened, run over work whose count is known, read, and found to agree:
 * counters_probe(). What cannot be had keeps its state and reason, and never becomes 0.
 */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/status.h"

enum counter_state {
    COUNTER_OK,
    COUNTER_ABSENT,      /* this processor, hypervisor or kernel does not have it */
    COUNTER_DENIED,      /* it is there, and this user may not */
    COUNTER_BUSY,        /* another user of the hardware holds it */
    COUNTER_NOT_RUNNING, /* it opened, and never ran or ran only part of the time */
    COUNTER_WRONG,       /* it ran, and its value cannot be right for the known work */
    COUNTER_FAILED       /* any other error */
};
const char *counter_state_name(enum counter_state s);

/* Work whose count is known, that an event is checked with. */
enum counter_work {
    WORK_LOOP,   /* WORK_UNITS turns of a loop of two instructions, one of them a taken branch */
    WORK_RANDOM, /* WORK_UNITS branches that a random bit decides */
    WORK_STREAM, /* one read of each of WORK_UNITS cache lines, more than any cache holds */
    WORK_FAULTS, /* WORK_UNITS pages touched for the first time */
    WORK_SLEEP   /* WORK_UNITS times given up the processor */
};

/* One event of the portable table. */
struct counter_event {
    const char *name, *unit, *title;
    bool hardware;
    const char *papi;   /* PAPI's name */
    uint32_t perf_type; /* for perf_event_open */
    uint64_t perf_config;
    enum counter_work work;
    double low, high; /* a right count per unit of that work; for task-clock per nanosecond of it */
};
extern const struct counter_event counter_events[];               /* ends with {0} */
const struct counter_event *counter_event_find(const char *name); /* NULL when there is none */

/* Units of the event's known work: turns, branches, lines, pages, sleeps; NAN for task-clock, whose
 * work is as long as it takes. */
double counter_work_units(const struct counter_event *event);

/* What a backend reads: value counted while running_ns of the enabled_ns. */
struct counter_raw {
    uint64_t value, enabled_ns, running_ns;
};

/* A way to count one event on the calling thread.  A handle is > 0; a negative return is -errno. */
struct counter_backend {
    const char *name;
    void *self;
    int (*open)(void *self, const struct counter_event *event);
    int (*begin)(void *self, int handle); /* from zero */
    int (*end)(void *self, int handle, struct counter_raw *raw);
    void (*close)(void *self, int handle);
};

/* Each returns E_UNAVAILABLE with the reason and the remedy when it cannot be had at all. */
enum status counters_papi(struct counter_backend *out, struct err *err);
enum status counters_perf(struct counter_backend *out, struct err *err);

/* The fake: counts what it is told to, and fails as it is told to. */
struct counter_fault {
    const char *event;                      /* NULL ends the table */
    int open_errno, begin_errno, end_errno; /* 0: no error */
    double gain; /* value = gain * a right count of the known work; 0 is zero for ever */
    double
        running; /* share of the time that the event ran: 1 always, 0 never, between: multiplexed */
    bool wraps;  /* the value comes from a counter that went backwards */
};
struct counter_fake {
    const struct counter_fault *faults; /* events that are not named count right */
    const struct counter_event *open[8];
    double began_ns[8]; /* thread time, for task-clock */
};
void counters_fake(struct counter_fake *fake, struct counter_backend *out);

/* What the probe found out about one event. */
struct counter_probe {
    const struct counter_event *event;
    enum counter_state state;
    double gain;      /* counted over expected, NAN when it did not count */
    char reason[200]; /* "" when the state is OK; else what and the remedy */
};

/* Opens, runs, reads and checks one event.  The backend is left as it was. */
struct counter_probe counter_probe_event(const struct counter_backend *backend,
                                         const struct counter_event *event);

/* How a run counts: choice is "auto", "papi", "perf" or "none". */
struct counters {
    struct counter_backend backend; /* name "none" when nothing counts */
    struct counter_probe *probes;   /* [n], owned; one for each row of counter_events */
    size_t n, n_hardware;           /* how many hardware events can be trusted */
    const char *status;             /* "ok", "unavailable", "off": for the result document */
    char reason[256];
};

/* With "auto" always OK: the first of PAPI and perf whose hardware events count, else what there is
 * and status "unavailable".  With a backend by name E_UNAVAILABLE when no hardware event counts;
 * *out is then filled all the same, so that it can be shown. */
enum status counters_open(const char *choice, struct counters *out, struct err *err);
void counters_close(struct counters *c);

#endif
