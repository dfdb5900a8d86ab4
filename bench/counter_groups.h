/*
 * Groups of events and the figures that are computed from them, from the text files in
 * bench/groups/ (cpu.group says how they are written); every formula's units are checked at load.
 *
 * Of the files of one group the one for this processor's vendor, family and model is taken, else
 * the generic one.  Formulas may also name iterations, items and seconds (of the passes' mean).
 */
#ifndef BENCH_COUNTER_GROUPS_H
#define BENCH_COUNTER_GROUPS_H

#include "bench/counters.h"
#include "numerics/formula.h"

enum { GROUP_MAX_EVENTS = 16, GROUP_MAX_METRICS = 8, CHOICE_MAX_EVENTS = 64 };

struct counter_metric {
    const char *name, *formula, *unit;
};

struct counter_group {
    const char *name, *title;
    struct counter_event events[GROUP_MAX_EVENTS];
    struct counter_metric metrics[GROUP_MAX_METRICS];
    size_t n_events, n_metrics;
    bool matches, generic; /* for the processor asked about */
    char *text;            /* owned; the strings point into it */
};

struct counter_cpu {
    const char *vendor;
    int family, model;
};

/* E_FORMAT names file and line, E_NOMEM; *out is untouched then. */
enum status counter_group_parse(const char *file, const char *text, const struct counter_cpu *cpu,
                                struct counter_group *out, struct err *err);
void counter_group_free(struct counter_group *group);

/* What a user asked for. */
struct counter_choice {
    struct counter_group *groups; /* [n_groups], owned */
    size_t n_groups;
    const struct counter_event *events[CHOICE_MAX_EVENTS]; /* [n_events], each name once */
    size_t n_events;
};

/* names: group names, separated by commas; NULL: every group, unless events are given.  events: of
 * the portable table, else of PAPI and perf, separated by commas that are not between slashes; or
 * NULL.  E_USAGE for a name that no group has. */
enum status counter_choice_make(const char *names, const char *events,
                                const struct counter_cpu *cpu, struct counter_choice *out,
                                struct err *err);
void counter_choice_free(struct counter_choice *choice);

/* Fills symbols [capacity >= n_events + 4] with NaN for each event, and the three quantities. */
void counter_group_symbols(const struct counter_group *group, double iterations, double items,
                           double seconds, struct formula_symbol *symbols);

#endif
