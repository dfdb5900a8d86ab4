#include "plots/profiled.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *in_document; /* NULL: formed from an event */
    const char *event;
    unsigned rgb;
    int shape;
} tiers[TIERS] = {
    [TIER_MODELLED] = {"modelled", "modelled", NULL, LOOK_NEUTRAL, 7},
    [TIER_WRITE_ALLOCATE] = {"modelled, write-allocate", "modelled-write-allocate", NULL,
                             LOOK_NEUTRAL, 5},
    [TIER_L1] = {"counted, missed L1", NULL, "l1d-misses", 0x56b4e9, 9},
    [TIER_L2] = {"counted, missed L2", NULL, "l2-misses", 0x009e73, 11},
    [TIER_L3] = {"counted, missed last level", "counted-llc", NULL, 0xd55e00, 13},
    [TIER_DRAM] = {"counted, DRAM", "counted-dram", NULL, 0x0072b2, 15},
    [TIER_SIMULATED] = {"simulated, missed last level", "simulated", NULL, 0xd55e00, 12},
};

const char *tier_name(enum tier t)
{
    return tiers[t].name;
}

struct look tier_look(enum tier t)
{
    return (struct look){.rgb = tiers[t].rgb, .shape = tiers[t].shape};
}

static const struct json *find(const struct json *array, const char *key, const char *word)
{
    const struct json *j = json_first(array);
    while (j && strcmp(json_get_string(j, key, ""), word))
        j = json_next(j);
    return j;
}

static double counted(const struct json *cell, const char *event)
{
    return json_get_number(find(json_get(cell, "counters"), "event", event), "per_iteration", NAN);
}

static struct tier_bytes read_tier(const struct json *cell, enum tier t)
{
    const struct json *traffic = json_get(cell, "traffic");
    if (tiers[t].in_document) {
        const struct json *j = find(traffic, "tier", tiers[t].in_document);
        return (struct tier_bytes){.bytes = json_get_number(j, "bytes", NAN),
                                   .reason =
                                       json_get_string(j, "reason", j ? "" : "not in the document"),
                                   .isa = json_get_string(j, "isa", ""),
                                   .causes = json_get(j, "causes")};
    }
    /* The document tells no line size but in what it made of the last level's misses. */
    double line = json_get_number(find(traffic, "tier", "counted-llc"), "bytes", NAN) /
                  counted(cell, "llc-misses");
    double bytes = counted(cell, tiers[t].event) * line;
    return (struct tier_bytes){.bytes = isfinite(bytes) ? bytes : NAN,
                               .reason =
                                   "needs this level's misses and the last level's; see counters",
                               .isa = json_get_string(cell, "isa", "")};
}

static const char *after_task(const char *path)
{
    for (int slashes = 0; *path && slashes < 2; path++)
        slashes += *path == '/';
    return path;
}

struct profiled profiled_read(const struct json *cell)
{
    const struct json *work = json_get(cell, "work");
    double ops = json_get_number(work, "roof_ops", 0);
    double threads = json_get_number(cell, "threads", 1);
    struct profiled p = {.path = json_get_string(cell, "path", ""),
                         .status = json_get_string(cell, "status", ""),
                         .reason = json_get_string(cell, "reason", ""),
                         .reading = json_get_string(cell, "reading", ""),
                         .isa = json_get_string(cell, "isa", ""),
                         .mode = json_get_string(cell, "mode", ""),
                         .threads = threads >= 0 && threads < 1e6 ? (int)threads : 0,
                         .time_s = json_get_number(cell, "time_s", NAN),
                         .limit_s = json_get_number(json_get(cell, "limit"), "limit_s", NAN),
                         .ops = ops > 0 ? ops : json_get_number(work, "flops", NAN),
                         .item = json_get_string(work, "unit", "item"),
                         .json = cell};
    p.name = after_task(p.path);
    for (enum tier t = 0; t < TIERS; t++)
        p.tiers[t] = read_tier(cell, t);
    return p;
}

bool profiled_group_next(const struct json **cell, struct profiled_group *out)
{
    *out = (struct profiled_group){0};
    for (; *cell && out->n < PROFILED_MAX; *cell = json_next(*cell)) {
        struct profiled p = profiled_read(*cell);
        const struct profiled *first = &out->cells[0];
        size_t task = (size_t)(p.name - p.path);
        if (out->n &&
            (p.threads != first->threads || first->name - first->path != p.name - p.path ||
             strncmp(first->path, p.path, task)))
            break;
        out->cells[out->n++] = p;
    }
    if (!out->n)
        return false;
    const char *path = out->cells[0].path;
    size_t technique = strcspn(path, "/");
    const char *task = path[technique] ? path + technique + 1 : "";
    snprintf(out->technique, sizeof out->technique, "%.*s", (int)technique, path);
    snprintf(out->task_name, sizeof out->task_name, "%.*s", (int)strcspn(task, "/"), task);
    return true;
}

void profiled_caption(const struct figures *fs, const struct profiled_group *g, FILE *out)
{
    for (enum tier t = 0; t < TIERS; t++) {
        const struct json *causes = NULL;
        for (size_t i = 0; i < g->n && !causes; i++)
            if (isfinite(g->cells[i].tiers[t].bytes))
                causes = json_first(g->cells[i].tiers[t].causes);
        if (causes)
            fprintf(out, "What sets %s apart from modelled: ", tier_name(t));
        for (; causes; causes = json_next(causes))
            fprintf(out, "%s%s", json_string(causes, ""), json_next(causes) ? "; " : ". ");
    }
    for (size_t i = 0; i < g->n; i++) {
        const struct profiled *p = &g->cells[i];
        if (*p->reason)
            fprintf(out, "%s: %s: %s. ", p->name, p->status, p->reason);
        else if (*p->reading)
            fprintf(out, "%s: %s. ", p->name, p->reading);
    }
    fprintf(out, "Machine %s.",
            json_get_string(json_get(fs->results->profile, "machine"), "fingerprint",
                            "without a fingerprint"));
}
