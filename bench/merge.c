#include "bench/merge.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/fold.h"
#include "bench/journal.h"
#include "bench/run_header.h"
#include "datasets/document.h"

/* A round of one input. */
struct part {
    const struct json *round;
    double number, threads;
    const char *block, *from;
    size_t place; /* among all that were read: keeps the order of equals */
};

struct merger {
    const char *const *inputs;
    struct journal *journals; /* [n] */
    size_t n;
    struct json **headers; /* [n] without their shards; NULL: not read yet */
    struct part *parts;
    size_t n_parts;
};

/* A copy whose options say no shard. */
static struct json *whole_header(const struct json *header)
{
    struct json *copy = json_new_object();
    for (const struct json *m = json_first(header); m; m = json_next(m)) {
        if (strcmp(json_key(m), "options")) {
            json_add(copy, json_key(m), json_copy(m));
            continue;
        }
        struct json *options = json_copy(m);
        json_add_null(options, "shard");
        json_add(copy, "options", options);
    }
    return copy;
}

/* Opening makes what is not there, and an input is never made. */
static enum status open_input(const char *folder, struct journal *journal, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/journal.jsonl", folder) >= (int)sizeof path ||
        access(path, R_OK))
        return status_fail(err, E_NOINPUT, "%.200s: no journal.jsonl of a run in it", folder);
    enum status s = journal_open(folder, true, journal, err);
    if (!s && !journal->header)
        s = status_fail(err, E_FORMAT, "%s/journal.jsonl: no header", folder);
    return s;
}

static enum status read_inputs(struct merger *m, struct err *err)
{
    enum status s = OK;
    for (size_t i = 0; i < m->n && !s; i++) {
        s = open_input(m->inputs[i], &m->journals[i], err);
        if (s)
            break;
        m->headers[i] = whole_header(m->journals[i].header);
        if (!json_is_whole(m->headers[i])) {
            s = status_fail(err, E_NOMEM, "%.200s: no memory for its header", m->inputs[i]);
            break;
        }
        m->n_parts += json_size(m->journals[i].rounds);
        s = run_header_match(m->headers[0], m->headers[i], m->inputs[0],
                             "only runs of one plan can be joined", err);
    }
    return s;
}

static int by_round(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    int blocks = strcmp(x->block, y->block);
    if (blocks)
        return blocks;
    if (x->threads != y->threads)
        return x->threads < y->threads ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static enum status is_same(const struct part *a, const struct part *b, struct err *err)
{
    char *x = NULL, *y = NULL;
    enum status s = json_print(a->round, false, &x, err);
    if (!s)
        s = json_print(b->round, false, &y, err);
    if (!s && strcmp(x, y))
        s = status_fail(err, E_FORMAT,
                        "%.200s and %.200s conflict: round %.0f of %.200s with %.0f threads is in "
                        "both, and differs",
                        a->from, b->from, a->number, a->block, a->threads);
    free(x);
    free(y);
    return s;
}

/* All rounds by number; of equal ones the first stays. */
static enum status gather(struct merger *m, struct err *err)
{
    size_t n = 0, kept = 0;
    m->parts = malloc((m->n_parts + 1) * sizeof *m->parts);
    if (!m->parts)
        return status_fail(err, E_NOMEM, "no memory to join %zu rounds", m->n_parts);
    for (size_t i = 0; i < m->n; i++)
        for (const struct json *r = json_first(m->journals[i].rounds); r; r = json_next(r), n++)
            m->parts[n] = (struct part){r,
                                        json_get_number(r, "round", 0),
                                        json_get_number(r, "threads", 0),
                                        json_get_string(r, "block", ""),
                                        m->inputs[i],
                                        n};
    qsort(m->parts, n, sizeof *m->parts, by_round);
    for (size_t i = 0; i < n; i++) {
        struct part *last = kept ? &m->parts[kept - 1] : NULL, *now = &m->parts[i];
        if (last && last->number == now->number && last->threads == now->threads &&
            !strcmp(last->block, now->block)) {
            enum status s = is_same(last, now, err);
            if (s)
                return s;
        } else {
            m->parts[kept++] = *now;
        }
    }
    m->n_parts = kept;
    return OK;
}

/* The first input's header, which also says whom it was joined from. */
static struct json *joint_header(const struct merger *m)
{
    struct json *header = json_copy(m->headers[0]);
    struct json *run = json_copy(json_get(header, "run")), *merged = json_add_array(run, "merged");
    for (size_t i = 0; i < m->n; i++)
        json_add_string(merged, NULL,
                        json_get_string(json_get(m->headers[i], "run"), "id", "unknown"));
    json_add(header, "run", run);
    return header;
}

static enum status write_journal(const struct merger *m, struct journal *journal, struct err *err)
{
    enum status s = journal_begin(journal, joint_header(m), err);
    for (size_t i = 0; i < m->n_parts && !s; i++)
        s = journal_append(journal, json_copy(m->parts[i].round), err);
    return s;
}

/* Whether a cell that could still be measured lacks a round. */
static bool is_incomplete(const struct plan *plan, const struct journal *journal)
{
    unsigned rounds = (unsigned)json_get_number(json_get(journal->header, "options"), "rounds", 0);
    for (size_t i = 0; i < plan->n_blocks; i++) {
        const struct plan_block *block = &plan->blocks[i];
        bool alive = false;
        for (size_t v = 0; v < block->n_variants; v++) {
            const char *status =
                fold_cell_status(journal->rounds, block, block->variants[v]->name, NULL);
            alive = alive || !status || !strcmp(status, "ok");
        }
        for (unsigned r = 0; r < rounds && alive; r++)
            if (!fold_find_round(journal->rounds, block, r))
                return true;
    }
    return false;
}

/* What the end of the first run saw, as its result tells. */
static enum status fold_joint(const struct merger *m, const struct plan *plan,
                              const struct journal *journal, struct json **document,
                              struct err *err)
{
    struct json *first = NULL, *none = json_new_object();
    json_add_string(none, "backend", "none");
    json_add_string(none, "status", "off");
    json_add_string(none, "reason", "the first of the joined runs has no result");
    json_add_null(none, "after");
    if (document_read_in(m->inputs[0], "bench", &first, NULL))
        first = NULL;
    const struct json *stored = json_get(first, "counters");
    struct json *counters = stored ? json_copy(stored) : json_new_object();
    for (const struct json *x = json_first(none); x && !stored; x = json_next(x))
        if (strcmp(json_key(x), "after"))
            json_add(counters, json_key(x), json_copy(x));
    const struct json *after = json_get(json_get(first, "environment"), "after");
    struct fold_input input = {.plan = plan,
                               .header = journal->header,
                               .rounds = journal->rounds,
                               .environment = after ? after : json_get(none, "after"),
                               .counters = counters,
                               .interrupted = is_incomplete(plan, journal)};
    enum status s = json_is_whole(counters) && json_is_whole(none)
                        ? fold(&input, document, err)
                        : status_fail(err, E_NOMEM, "no memory to join the runs");
    json_free(counters);
    json_free(none);
    json_free(first);
    return s;
}

enum status merge_runs(const char *out, const char *const *inputs, size_t n,
                       const struct registry_row *rows, struct json **document, struct err *err)
{
    struct merger m = {.inputs = inputs,
                       .n = n,
                       .journals = calloc(n + 1, sizeof *m.journals),
                       .headers = calloc(n + 1, sizeof *m.headers)};
    struct journal joint = {.fd = -1};
    struct plan plan = {0};
    enum status s = OK;
    if (!m.journals || !m.headers)
        s = status_fail(err, E_NOMEM, "no memory to join %zu runs", n);
    for (size_t i = 0; i < n && m.journals; i++)
        m.journals[i].fd = -1;
    if (!s)
        s = read_inputs(&m, err);
    if (!s)
        s = plan_from_record(rows, json_get(m.headers[0], "plan"), &plan, err);
    if (!s)
        s = gather(&m, err);
    if (!s)
        s = journal_open(out, false, &joint, err);
    if (!s)
        s = write_journal(&m, &joint, err);
    if (!s)
        s = fold_joint(&m, &plan, &joint, document, err);
    journal_close(&joint);
    plan_free(&plan);
    for (size_t i = 0; i < n && m.journals && m.headers; i++) {
        journal_close(&m.journals[i]);
        json_free(m.headers[i]);
    }
    free(m.parts);
    free(m.headers);
    free(m.journals);
    return s;
}
