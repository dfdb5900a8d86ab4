#include "bench/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/comparison.h"
#include "numerics/statistics/mann_whitney.h"

static const double wanted_level = 0.95;

/* ---- Pairing ---- */

struct entry {
    const struct json *cell;
    const char *path;
    double threads, ranks;
};

/* The cells of one document, in its order and sorted by key. */
struct side {
    const char *name;
    const struct json *document;
    struct entry *entries, *sorted; /* [n], owned */
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int paths = strcmp(x->path, y->path);
    if (paths)
        return paths;
    if (x->threads != y->threads)
        return x->threads < y->threads ? -1 : 1;
    return (x->ranks > y->ranks) - (x->ranks < y->ranks);
}

static enum status side_make(const struct json *document, const char *name, struct side *out,
                             struct err *err)
{
    const struct json *cells = json_get(document, "cells");
    size_t n = json_size(cells), i = 0;
    *out = (struct side){.name = name, .document = document, .n = n};
    out->entries = malloc((n + 1) * sizeof *out->entries);
    out->sorted = malloc((n + 1) * sizeof *out->sorted);
    if (!out->entries || !out->sorted)
        return status_fail(err, E_NOMEM, "%s: no memory to compare %zu cells", name, n);
    for (const struct json *c = json_first(cells); c; c = json_next(c)) {
        struct entry e = {c, json_get_string(c, "path", NULL), json_get_number(c, "threads", 1),
                          json_get_number(c, "ranks", 1)};
        if (!e.path)
            return status_fail(err, E_FORMAT, "%s: cells[%zu] has no path", name, i);
        out->entries[i] = out->sorted[i] = e;
        i++;
    }
    qsort(out->sorted, n, sizeof *out->sorted, by_key);
    for (i = 1; i < n; i++)
        if (!by_key(&out->sorted[i - 1], &out->sorted[i]))
            return status_fail(err, E_FORMAT, "%s: %.200s with %.0f threads stands twice", name,
                               out->sorted[i].path, out->sorted[i].threads);
    return OK;
}

static void side_free(struct side *s)
{
    free(s->entries);
    free(s->sorted);
}

static const struct entry *find(const struct side *side, const struct entry *key)
{
    return bsearch(key, side->sorted, side->n, sizeof *side->sorted, by_key);
}

static void add_unmatched(struct json *list, const struct side *side, const struct side *other,
                          const char *in)
{
    for (size_t i = 0; i < side->n; i++) {
        if (find(other, &side->entries[i]))
            continue;
        struct json *object = json_add_object(list, NULL);
        json_add_string(object, "path", side->entries[i].path);
        json_add_number(object, "threads", side->entries[i].threads);
        json_add_number(object, "ranks", side->entries[i].ranks);
        json_add_string(object, "in", in);
    }
}

/* ---- Exact figures ---- */

static void add_value(struct json *object, const char *key, const struct json *value)
{
    if (json_type(value) == JSON_NUMBER)
        json_add(object, key, json_copy(value));
    else
        json_add_null(object, key);
}

static void add_change(struct comparison_cell *c, const char *metric, const struct json *base,
                       const struct json *new)
{
    if (json_type(base) == json_type(new) && json_number(base, 0) == json_number(new, 0))
        return;
    if (!c->changes)
        c->changes = json_new_array();
    struct json *change = json_add_object(c->changes, NULL);
    json_add_string(change, "metric", metric);
    add_value(change, "base", base);
    add_value(change, "new", new);
}

static bool same_row(const struct json *a, const struct json *b)
{
    return !strcmp(json_get_string(a, "subject", ""), json_get_string(b, "subject", "")) &&
           !strcmp(json_get_string(a, "metric", ""), json_get_string(b, "metric", ""));
}

static const struct json *find_row(const struct json *rows, const struct json *wanted)
{
    const struct json *row = json_first(rows);
    while (row && !same_row(row, wanted))
        row = json_next(row);
    return row;
}

/* Rows {subject, metric, value} of both, also those that only one has. */
static void compare_rows(struct comparison_cell *c, const char *list, const struct json *base,
                         const struct json *new)
{
    const struct json *old_rows = json_get(base, list), *new_rows = json_get(new, list);
    char name[200];
    for (int only_new = 0; only_new < 2; only_new++)
        for (const struct json *r = json_first(only_new ? new_rows : old_rows); r;
             r = json_next(r)) {
            const struct json *other = find_row(only_new ? old_rows : new_rows, r);
            const char *subject = json_get_string(r, "subject", "");
            if (only_new && other)
                continue;
            snprintf(name, sizeof name, "%s:%.80s%s%.80s", list, json_get_string(r, "metric", ""),
                     *subject ? ":" : "", subject);
            const struct json *here = json_get(r, "value"), *there = json_get(other, "value");
            add_change(c, name, only_new ? NULL : here, only_new ? here : there);
        }
}

static void compare_exact(struct comparison_cell *c, const struct json *base,
                          const struct json *new)
{
    static const char *const work[] = {"flops", "bytes_read", "bytes_written", "items", NULL};
    for (const char *const *key = work; *key; key++)
        add_change(c, *key, json_get(json_get(base, "work"), *key),
                   json_get(json_get(new, "work"), *key));
    add_change(c, "footprint_bytes", json_get(base, "footprint_bytes"),
               json_get(new, "footprint_bytes"));
    compare_rows(c, "fidelity", base, new);
}

/* ---- Times ---- */

static bool is_measured(const struct json *cell)
{
    const char *status = json_get_string(cell, "status", "");
    return !strcmp(status, "ok") || !strcmp(status, "degraded");
}

/* Seconds of an iteration in each round, their logarithms; owned by the caller. */
struct times {
    double *seconds, *logs;
    size_t n;
};

static enum status read_times(const struct json *cell, struct times *out, struct err *err)
{
    const struct json *samples = json_get(cell, "samples");
    size_t room = json_size(samples);
    *out = (struct times){0};
    out->seconds = malloc((2 * room + 1) * sizeof *out->seconds);
    if (!out->seconds)
        return status_fail(err, E_NOMEM, "no memory for the times of a cell");
    out->logs = out->seconds + room;
    for (const struct json *s = json_first(samples); s; s = json_next(s)) {
        double seconds =
            json_get_number(s, "elapsed_ns", NAN) * 1e-9 / json_get_number(s, "iterations", NAN);
        if (!(seconds > 0) || !isfinite(seconds))
            continue;
        out->logs[out->n] = log(seconds);
        out->seconds[out->n++] = seconds;
    }
    return OK;
}

/* Two cells with times: tested, and the ratio with its interval. */
static enum status compare_times(struct comparison_cell *c, struct times *base, struct times *new,
                                 struct err *err)
{
    struct mann_whitney test;
    struct shift_interval shift;
    enum status s = mann_whitney(base->logs, base->n, new->logs, new->n, &test, err);
    if (!s)
        s = shift_interval(base->logs, base->n, new->logs, new->n, wanted_level, &shift, err);
    if (s)
        return s;
    c->n_base = base->n;
    c->n_new = new->n;
    c->base_s = order_interval(base->seconds, base->n).estimate;
    c->new_s = order_interval(new->seconds, new->n).estimate;
    c->p = test.p;
    double ratio = c->new_s / c->base_s;
    c->ratio = (struct order_interval){.estimate = ratio,
                                       .low = fmin(exp(shift.low), ratio),
                                       .high = fmax(exp(shift.high), ratio),
                                       .level = shift.level,
                                       .n = base->n < new->n ? base->n : new->n};
    if (c->ratio.n < COMPARISON_ROUNDS)
        c->evidence = "few-rounds";
    return OK;
}

static enum status compare_pair(const struct entry *base, const struct entry *new,
                                struct comparison_cell *c, struct err *err)
{
    struct times old_times = {0}, new_times = {0};
    enum status s = OK;
    *c = (struct comparison_cell){.path = base->path,
                                  .threads = base->threads,
                                  .ranks = base->ranks,
                                  .evidence = "stored",
                                  .base_s = NAN,
                                  .new_s = NAN,
                                  .ratio = {.estimate = NAN},
                                  .p = NAN};
    if (!is_measured(base->cell) || !is_measured(new->cell)) {
        snprintf(c->reason, sizeof c->reason, "base is %.80s, new is %.80s",
                 json_get_string(base->cell, "status", "without status"),
                 json_get_string(new->cell, "status", "without status"));
        return OK;
    }
    compare_exact(c, base->cell, new->cell);
    s = read_times(base->cell, &old_times, err);
    if (!s)
        s = read_times(new->cell, &new_times, err);
    if (!s && (!old_times.n || !new_times.n))
        snprintf(c->reason, sizeof c->reason, "%s has no samples", !old_times.n ? "base" : "new");
    else if (!s && strcmp(json_get_string(base->cell, "mode", ""),
                          json_get_string(new->cell, "mode", "")))
        snprintf(c->reason, sizeof c->reason, "base is %.80s, new is %.80s",
                 json_get_string(base->cell, "mode", "without mode"),
                 json_get_string(new->cell, "mode", "without mode"));
    else if (!s)
        s = compare_times(c, &old_times, &new_times, err);
    free(old_times.seconds);
    free(new_times.seconds);
    return s;
}

/* ---- The document ---- */

static const struct {
    const char *object, *key, *note;
} conditions[] = {
    {"machine", "fingerprint", "different machines (fingerprints): the ratios compare machines"},
    {"run", "host", "different hosts"},
    {"run", "isa", "different instruction sets"},
    {"run", "compiler", "different compilers"},
    {"run", "flags", "different compiler flags"},
};

static void add_note(struct json *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_note(struct json *notes, const char *format, ...)
{
    char text[700];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_add_string(notes, NULL, text);
}

static void add_notes(struct json *document, const struct json *base, const struct json *new,
                      const struct comparison_cell *cells, size_t n)
{
    struct json *notes = json_add_array(document, "notes");
    size_t few = 0;
    add_note(notes,
             "stored runs: the rounds of one run share its drift, so this evidence is weaker "
             "than that of --live");
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        const char *a =
            json_get_string(json_get(base, conditions[i].object), conditions[i].key, "unknown");
        const char *b =
            json_get_string(json_get(new, conditions[i].object), conditions[i].key, "unknown");
        if (strcmp(a, b))
            add_note(notes, "%s: %.200s and %.200s", conditions[i].note, a, b);
    }
    for (size_t i = 0; i < n; i++)
        few += !strcmp(cells[i].evidence, "few-rounds");
    if (few)
        add_note(
            notes,
            "%zu cells have fewer than %d rounds: their evidence is weaker still; measure with "
            "--rounds 12",
            few, COMPARISON_ROUNDS);
}

static void add_source(struct json *document, const char *key, const struct side *side)
{
    const struct json *run = json_get(side->document, "run");
    struct json *object = json_add_object(document, key);
    json_add_string(object, "source", side->name);
    json_add_string(object, "run", json_get_string(run, "id", NULL));
    json_add_string(object, "created", json_get_string(run, "created", NULL));
    json_add_string(object, "host", json_get_string(run, "host", NULL));
    json_add_string(object, "version", json_get_string(run, "version", NULL));
    json_add_string(object, "revision", json_get_string(json_get(run, "git"), "revision", NULL));
    json_add_string(object, "fingerprint",
                    json_get_string(json_get(side->document, "machine"), "fingerprint", NULL));
}

enum status compare_stored(const struct json *base, const char *base_name, const struct json *new,
                           const char *new_name, double margin, struct json *document,
                           struct err *err)
{
    struct side old = {0}, now = {0};
    struct comparison_cell *cells = NULL;
    size_t n = 0;
    enum status s = side_make(base, base_name, &old, err);
    if (!s)
        s = side_make(new, new_name, &now, err);
    if (s)
        goto out;
    cells = malloc((old.n + 1) * sizeof *cells);
    if (!cells) {
        s = status_fail(err, E_NOMEM, "no memory to compare %zu cells", old.n);
        goto out;
    }
    for (size_t i = 0; i < old.n && !s; i++) {
        const struct entry *other = find(&now, &old.entries[i]);
        if (other)
            s = compare_pair(&old.entries[i], other, &cells[n++], err);
    }
    if (!s)
        s = comparison_judge(cells, n, margin, err);
    if (s)
        goto out;
    json_add_string(document, "mode", "stored");
    json_add_number(document, "margin", margin);
    add_source(document, "base", &old);
    add_source(document, "new", &now);
    add_notes(document, base, new, cells, n);
    comparison_add(document, cells, n);
    struct json *unmatched = json_add_array(document, "unmatched");
    add_unmatched(unmatched, &old, &now, "base");
    add_unmatched(unmatched, &now, &old, "new");
out:
    for (size_t i = 0; i < n; i++)
        json_free(cells[i].changes);
    free(cells);
    side_free(&now);
    side_free(&old);
    return s;
}
