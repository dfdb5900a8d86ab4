#include "bench/run_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json *run_header_make(const struct run_record *record, const struct runner *runner,
                             enum preset preset, struct json *machine, struct json *environment)
{
    struct json *header = json_new_object();
    json_add_string(header, "schema", JOURNAL_SCHEMA);
    run_record_add(record, header, "interrupted");
    json_add(header, "machine", machine);
    json_add(header, "environment", environment);
    struct json *options = json_add_object(header, "options");
    json_add_string(options, "preset", preset_name(preset));
    json_add_u64(options, "rounds", runner->rounds);
    json_add_u64(options, "seed", runner->seed);
    json_add_number(options, "min_time_s", runner->min_time_s);
    json_add_u64(options, "iterations", runner->iterations);
    json_add_bool(options, "control", runner->control);
    json_add_string(options, "weights", runner->weights);
    char shard[48];
    snprintf(shard, sizeof shard, "%zu/%zu", runner->shard.i, runner->shard.n);
    json_add_string(options, "shard", runner->shard.n ? shard : NULL);
    json_add(header, "plan", plan_record(runner->plan));
    return header;
}

/* What must be the same, as paths of keys, and how to call it. */
static const struct {
    const char *keys[3];
    const char *name;
} fixed[] = {{{"machine", "fingerprint"}, "the machine (its fingerprint)"},
             {{"run", "version"}, "the program's version"},
             {{"run", "git", "revision"}, "the program's revision"},
             {{"run", "compiler"}, "the compiler"},
             {{"run", "flags"}, "the compiler's flags"},
             {{"run", "isa"}, "the instruction set"},
             {{"options", "preset"}, "--preset"},
             {{"options", "rounds"}, "--rounds"},
             {{"options", "seed"}, "--seed"},
             {{"options", "min_time_s"}, "--min-time"},
             {{"options", "iterations"}, "the number of iterations"},
             {{"options", "control"}, "the control measurement"},
             {{"options", "weights"}, "--weights"},
             {{"options", "shard"}, "--shard"}};

static const struct json *find(const struct json *header, const char *const *keys)
{
    for (int i = 0; i < 3 && keys[i]; i++)
        header = json_get(header, keys[i]);
    return header;
}

/* The node as text; an absent one as null. */
static enum status as_text(const struct json *node, char **text, struct err *err)
{
    struct json *copy = json_copy(node);
    enum status s = json_print(copy, false, text, err);
    json_free(copy);
    return s;
}

/* Compares two nodes as they would be written. */
static enum status match(const struct json *a, const struct json *b, const char *name,
                         const char *folder, const char *remedy, struct err *err)
{
    char *old = NULL, *now = NULL;
    enum status s = as_text(a, &old, err);
    if (!s)
        s = as_text(b, &now, err);
    if (!s && strcmp(old, now))
        s = status_fail(err, E_USAGE, "%s holds another run: %s was %.150s and is now %.150s; %s",
                        folder, name, old, now, remedy);
    free(old);
    free(now);
    return s;
}

static enum status match_plans(const struct json *old, const struct json *now, const char *folder,
                               const char *remedy, struct err *err)
{
    const struct json *a = json_first(old), *b = json_first(now);
    enum status s = OK;
    if (json_size(old) != json_size(now))
        return status_fail(err, E_USAGE,
                           "%s holds another run: its plan has %zu blocks, this one %zu; %s",
                           folder, json_size(old), json_size(now), remedy);
    for (; !s && a && b; a = json_next(a), b = json_next(b))
        s = match(a, b, "a block of the plan", folder, remedy, err);
    return s;
}

enum status run_header_match(const struct json *old, const struct json *now, const char *folder,
                             const char *remedy, struct err *err)
{
    enum status s = OK;
    if (strcmp(json_get_string(old, "schema", ""), JOURNAL_SCHEMA))
        return status_fail(err, E_FORMAT, "%s/journal.jsonl: line 1: not a header of %s", folder,
                           JOURNAL_SCHEMA);
    for (size_t i = 0; !s && i < sizeof fixed / sizeof fixed[0]; i++)
        s = match(find(old, fixed[i].keys), find(now, fixed[i].keys), fixed[i].name, folder, remedy,
                  err);
    if (!s)
        s = match_plans(json_get(old, "plan"), json_get(now, "plan"), folder, remedy, err);
    return s;
}
