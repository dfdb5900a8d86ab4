#include "plots/results.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/document.h"

static struct estimate read_estimate(const struct json *metric)
{
    const struct json *low = json_first(json_get(metric, "interval"));
    return (struct estimate){.value = json_get_number(metric, "estimate", NAN),
                             .low = json_number(low, NAN),
                             .high = json_number(low ? json_next(low) : NULL, NAN),
                             .level = json_get_number(metric, "level", NAN),
                             .n = (size_t)json_u64(json_get(metric, "n"), 0)};
}

static int small_int(const struct json *node)
{
    double value = json_number(node, 0);
    return value >= 0 && value < 1e6 ? (int)value : 0;
}

static struct cell read_cell(const struct json *j)
{
    const struct json *metrics = json_get(j, "metrics"), *work = json_get(j, "work"),
                      *roofline = json_get(j, "roofline"), *interval;
    double flops = json_get_number(work, "flops", NAN), ops = json_get_number(work, "roof_ops", 0);
    struct cell c = {
        .path = json_get_string(j, "path", ""),
        .family = json_get_string(j, "family", ""),
        .technique = json_get_string(j, "technique", ""),
        .task = json_get_string(j, "task", ""),
        .variant = json_get_string(j, "variant", ""),
        .case_name = json_get_string(j, "case", ""),
        .title = json_get_string(j, "title", ""),
        .role = json_get_string(j, "role", ""),
        .isa = json_get_string(j, "isa", ""),
        .mode = json_get_string(j, "mode", ""),
        .status = json_get_string(j, "status", ""),
        .reason = json_get_string(j, "reason", ""),
        .threads = small_int(json_get(j, "threads")),
        .ranks = small_int(json_get(j, "ranks")),
        .time = read_estimate(json_get(metrics, "time")),
        .speedup = read_estimate(json_get(metrics, "speedup")),
        .ops = ops > 0 ? ops : flops,
        .ops_unit = ops > 0 && strcmp(json_get_string(work, "roof", ""), "fma-f32") ? "op" : "flop",
        .bytes =
            json_get_number(work, "bytes_read", NAN) + json_get_number(work, "bytes_written", NAN),
        .limit_s = json_get_number(roofline, "limit_s", NAN),
        .fraction = json_get_number(roofline, "fraction", NAN),
        .bound = json_get_string(roofline, "bound", ""),
        .bound_level = json_get_string(roofline, "level", ""),
        .fidelity = json_get(j, "fidelity"),
        .json = j};
    interval = json_first(json_get(roofline, "interval"));
    c.fraction_low = json_number(interval, NAN);
    c.fraction_high = json_number(interval ? json_next(interval) : NULL, NAN);
    return c;
}

static int compare_index(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_task_names(const struct cell *a, const struct cell *b)
{
    int d = strcmp(a->technique, b->technique);
    return d ? d : strcmp(a->task, b->task);
}

static int compare_block_names(const struct cell *a, const struct cell *b)
{
    int d = compare_task_names(a, b);
    if (!d)
        d = strcmp(a->case_name, b->case_name);
    if (!d)
        d = (a->threads > b->threads) - (a->threads < b->threads);
    return d ? d : (a->ranks > b->ranks) - (a->ranks < b->ranks);
}

static int by_task(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int d = compare_task_names(x, y);
    return d ? d : compare_index(x->index, y->index);
}

static int by_block(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int d = compare_block_names(x, y);
    return d ? d : compare_index(x->index, y->index);
}

static int by_first(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int d = compare_index(x->task_index, y->task_index);
    if (!d)
        d = compare_index(x->block, y->block);
    return d ? d : compare_index(x->index, y->index);
}

bool cell_same_task(const struct cell *a, const struct cell *b)
{
    return !compare_task_names(a, b);
}

bool cell_same_block(const struct cell *a, const struct cell *b)
{
    return !compare_block_names(a, b);
}

bool cell_has_time(const struct cell *c)
{
    return c->time.value > 0 && isfinite(c->time.value);
}

static enum status read_cells(struct results *r, struct err *err)
{
    const struct json *cells = json_get(r->bench, "cells");
    struct cell *c = r->cells = calloc(json_size(cells) + 1, sizeof *c);
    if (!c)
        return status_fail(err, E_NOMEM, "bench.json: not enough memory for its cells");
    for (const struct json *j = json_first(cells); j; j = json_next(j)) {
        c[r->n_cells] = read_cell(j);
        c[r->n_cells].index = r->n_cells;
        r->n_cells++;
    }
    qsort(c, r->n_cells, sizeof *c, by_task);
    for (size_t i = 0; i < r->n_cells; i++)
        c[i].task_index = i && cell_same_task(&c[i], &c[i - 1]) ? c[i - 1].task_index : c[i].index;
    qsort(c, r->n_cells, sizeof *c, by_block);
    for (size_t i = 0; i < r->n_cells; i++)
        c[i].block = i && cell_same_block(&c[i], &c[i - 1]) ? c[i - 1].block : c[i].index;
    qsort(c, r->n_cells, sizeof *c, by_first);
    return OK;
}

/* A document that is not there is no error: *out stays NULL. */
static enum status read_optional(const char *folder, const char *file, const char *kind,
                                 struct json **out, struct err *err)
{
    char path[4096];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return status_fail(err, E_NOINPUT, "%.200s: name too long", folder);
    if (stat(path, &st) && errno == ENOENT)
        return OK;
    return document_read(path, kind, out, err);
}

/* Takes json. */
static void add_analysis(struct results *r, struct json *json, const char *stem, size_t n)
{
    struct analysis_document *a = &r->analyses[r->n_analyses++];
    snprintf(a->stem, sizeof a->stem, "%.*s", (int)n, stem);
    a->name = json_get_string(json, "analysis", "");
    a->json = json;
}

static int is_analysis(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return !strncmp(entry->d_name, "analysis-", 9) && n > 14 &&
           !strcmp(entry->d_name + n - 5, ".json");
}

static enum status read_analyses(const char *folder, struct results *r, struct err *err)
{
    struct dirent **entries = NULL;
    enum status s = OK;
    int n = scandir(folder, &entries, is_analysis, alphasort);
    if (n < 0)
        return status_fail(err, errno == ENOMEM ? E_NOMEM : E_NOINPUT, "%s: %s", folder,
                           strerror(errno));
    r->analyses = calloc((size_t)n + 1, sizeof *r->analyses);
    if (!r->analyses)
        s = status_fail(err, E_NOMEM, "%s: not enough memory", folder);
    for (int i = 0; i < n && !s; i++) {
        struct json *json = NULL;
        s = read_optional(folder, entries[i]->d_name, "analysis", &json, err);
        if (!s && json)
            add_analysis(r, json, entries[i]->d_name + 9, strlen(entries[i]->d_name) - 14);
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    return s;
}

static enum status load_folder(const char *folder, struct results *r, struct err *err)
{
    enum status s = read_analyses(folder, r, err);
    if (!s)
        s = read_optional(folder, "bench.json", "bench", &r->bench, err);
    if (!s)
        s = read_optional(folder, "check.json", "check", &r->check, err);
    if (!s)
        s = read_optional(folder, "profile.json", "profile", &r->profile, err);
    if (!s)
        s = read_optional(folder, "compare.json", "compare", &r->compare, err);
    if (!s && !r->bench && !r->check && !r->profile && !r->compare && !r->n_analyses)
        s = status_fail(err, E_NOINPUT,
                        "%s: holds no bench.json, check.json, profile.json, compare.json or "
                        "analysis-*.json; give the folder that a run wrote, or a document",
                        folder);
    return s;
}

static enum status load_document(const char *path, struct results *r, struct err *err)
{
    struct json *json;
    enum status s = document_read(path, NULL, &json, err);
    if (s)
        return s;
    const struct {
        const char *kind;
        struct json **place;
    } places[] = {{"bench", &r->bench},
                  {"check", &r->check},
                  {"profile", &r->profile},
                  {"compare", &r->compare}};
    const char *kind = json_get_string(json, "kind", "");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (!strcmp(kind, places[i].kind)) {
            *places[i].place = json;
            return OK;
        }
    if (strcmp(kind, "analysis")) {
        s = status_fail(err, E_NOINPUT, "%s: a document of kind '%.40s' has no figure", path, kind);
        json_free(json);
        return s;
    }
    r->analyses = calloc(1, sizeof *r->analyses);
    if (!r->analyses) {
        json_free(json);
        return status_fail(err, E_NOMEM, "%s: not enough memory", path);
    }
    const char *stem = json_get_string(json, "analysis", "");
    add_analysis(r, json, stem, strnlen(stem, sizeof r->analyses->stem - 1));
    return OK;
}

enum status results_load(const char *path, struct results *out, struct err *err)
{
    struct results r = {0};
    struct stat st;
    bool is_file = !stat(path, &st) && !S_ISDIR(st.st_mode);
    enum status s = is_file ? load_document(path, &r, err) : load_folder(path, &r, err);
    if (!s)
        s = read_cells(&r, err);
    if (s)
        results_free(&r);
    else
        *out = r;
    return s;
}

void results_free(struct results *r)
{
    json_free(r->bench);
    json_free(r->check);
    json_free(r->profile);
    json_free(r->compare);
    for (size_t i = 0; i < r->n_analyses; i++)
        json_free(r->analyses[i].json);
    free(r->analyses);
    free(r->cells);
    *r = (struct results){0};
}

static const struct json *first_with(const struct results *r, const char *key)
{
    const struct json *const documents[] = {r->bench, r->check, r->profile, r->compare};
    const struct json *found = NULL;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0] && !found; i++)
        found = json_get(documents[i], key);
    for (size_t i = 0; i < r->n_analyses && !found; i++)
        found = json_get(r->analyses[i].json, key);
    return found;
}

const struct json *results_machine(const struct results *r)
{
    return first_with(r, "machine");
}

const struct json *results_run(const struct results *r)
{
    return first_with(r, "run");
}
