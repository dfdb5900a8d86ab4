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
    COUNTER_UNCHECKED,   /* it ran, and there is no known work to check its value with */
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
    WORK_SLEEP,  /* WORK_UNITS times given up the processor */
    WORK_FP,     /* WORK_UNITS additions of two doubles, one after the other */
    WORK_UNKNOWN /* no work whose count of this event is known */
};

#define COUNTER_NO_TYPE UINT32_MAX

/* One event of the portable table. */
struct counter_event {
    const char *name, *unit, *title;
    bool hardware;
    const char *papi;   /* PAPI's name; NULL: it has none */
    uint32_t perf_type; /* for perf_event_open; COUNTER_NO_TYPE: only by the name `perf`, if any */
    uint64_t perf_config;
    enum counter_work work;
    double low, high; /* a right count per unit of that work; for task-clock per nanosecond of it */
    const char *perf; /* a name for perf_event_name(), instead of type and config; or NULL */
    const char *zone; /* counted by counters_powercap(): "package", "dram"; else NULL */
    bool socket;      /* counts what the whole socket does, not the calling thread alone */
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

enum { COUNTER_SET_MAX = 16 }; /* events that are counted together */

/* A way to count events on the calling thread.  A set is events that count at the same time; it
 * belongs to the thread that opened it.  Calls return 0 or -errno; -E2BIG from open: more events
 * than a set may have.  Sets are opened and closed by one thread at a time. */
struct counter_backend {
    const char *name;
    void *self;
    int (*open)(void *self, const struct counter_event *const *events, size_t n, void **set);
    int (*begin)(void *self, void *set);                        /* from zero */
    int (*end)(void *self, void *set, struct counter_raw *raw); /* raw [n] */
    void (*close)(void *self, void *set);
};

/* Each returns E_UNAVAILABLE with the reason and the remedy when it cannot be had at all. */
enum status counters_papi(struct counter_backend *out, struct err *err);
enum status counters_perf(struct counter_backend *out, struct err *err);

/* Energy in microjoules from the kernel's powercap zones, of events with a zone.  root: see
 * bench/sysfile.h; borrowed.  Always to be had; a zone that is not there fails to open. */
void counters_powercap(const char *root, struct counter_backend *out);

/* The fake: counts what it is told to, and fails as it is told to. */
struct counter_fault {
    const char *event;                      /* NULL ends the table */
    int open_errno, begin_errno, end_errno; /* 0: no error */
    double gain; /* value = gain * a right count of the known work; 0 is zero for ever */
    double
        running; /* share of the time that the event ran: 1 always, 0 never, between: multiplexed */
    bool wraps;  /* the value comes from a counter that went backwards */
    int others_errno; /* of open on all OpenMP threads but the first: cores of another type */
};
enum { COUNTER_FAKE_SETS = 64 };
struct counter_fake {
    const struct counter_fault *faults; /* events that are not named count right */
    size_t room;                        /* events that open together; 0: COUNTER_SET_MAX */
    struct counter_fake_set {
        const struct counter_event *events[COUNTER_SET_MAX];
        size_t n;        /* 0: free */
        double began_ns; /* thread time, for task-clock */
    } sets[COUNTER_FAKE_SETS];
};
void counters_fake(struct counter_fake *fake, struct counter_backend *out);

/* What the probe found out about one event. */
struct counter_probe {
    const struct counter_event *event;
    enum counter_state state;
    double gain;      /* counted over expected, NAN when it did not count */
    char reason[200]; /* "" when the state is OK; else what and the remedy */
};

/* Opens, runs, reads and checks one event.  The backend is left as it was.  An event of unknown
 * work is COUNTER_UNCHECKED at best. */
struct counter_probe counter_probe_event(const struct counter_backend *backend,
                                         const struct counter_event *event);

/* Sets state and reason for an errno of p->event: "STEP: WHAT: REMEDY". */
void counter_probe_fail(struct counter_probe *p, const char *step, int error);

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
