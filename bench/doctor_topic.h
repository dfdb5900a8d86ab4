/*
 * What the topics of the doctor are written with.
 *
 * What the kernel tells goes into commands that a user pastes into a shell: doctor_word() lets
 * nothing pass but a single harmless word.
 */
#ifndef BENCH_DOCTOR_TOPIC_H
#define BENCH_DOCTOR_TOPIC_H

#include "bench/doctor.h"

typedef void doctor_topic_fn(const struct doctor *d, struct diagnosis *x);

/* bench/doctor_processor.c */
doctor_topic_fn doctor_governor, doctor_turbo, doctor_smt, doctor_throttling, doctor_virtualisation,
    doctor_timer, doctor_load, doctor_jitter, doctor_steal, doctor_quota, doctor_cpuset;
/* bench/doctor_memory.c */
doctor_topic_fn doctor_huge_pages, doctor_numa, doctor_layout, doctor_memory_limit, doctor_swap,
    doctor_disk;
/* bench/doctor_counters.c */
doctor_topic_fn doctor_pmu, doctor_paranoid, doctor_watchdog, doctor_rdpmc, doctor_energy;

enum { DOCTOR_WORD_SIZE = 48 };

/* Reads the file's one word of [A-Za-z0-9_.+-] and names the file as the source.  False: the topic
 * is unknown, and the finding says why. */
bool doctor_word(const struct doctor *d, struct diagnosis *x, const char *path,
                 char word[DOCTOR_WORD_SIZE]);
/* The same of a file that must hold a whole number. */
bool doctor_number(const struct doctor *d, struct diagnosis *x, const char *path, long *value);
/* A word of that kind. */
bool doctor_is_word(const char *text);
/* An absolute path that a shell takes as it stands. */
bool doctor_is_path(const char *text);

bool doctor_has_file(const struct doctor *d, const char *path);
bool doctor_is_guest(const struct doctor *d);
bool doctor_in_container(const struct doctor *d);

void doctor_found(struct diagnosis *x, enum diagnosis_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a sentence to the effect, or a clause to the advice. */
void doctor_effect(struct diagnosis *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doctor_advise(struct diagnosis *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Remedy and undo that write to the file, or to all files that `pattern` names (NULL: the file
 * alone); advice instead when nobody may write to it here. */
void doctor_offer(const struct doctor *d, struct diagnosis *x, const char *path,
                  const char *pattern, const char *wanted, const char *found);
/* Remedy and undo of any other kind, each behind sudo where that is needed; false, with neither
 * set, when one is too long. */
bool doctor_commands(const struct doctor *d, struct diagnosis *x, const char *remedy,
                     const char *undo);
/* The same for /proc/sys: key is "kernel.numa_balancing". */
void doctor_offer_sysctl(const struct doctor *d, struct diagnosis *x, const char *key, long wanted,
                         long found);

/* "1.5 GiB" */
const char *doctor_size(double bytes, char text[32]);

#endif
