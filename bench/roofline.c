#include "bench/roofline.h"

#include <math.h>
#include <string.h>

/* The highest value of a roof for this many threads; one of the cell's own instruction set goes
 * before.  NAN when there is none. */
static double find_roof(const struct json *machine, const char *name, const char *level,
                        const char *isa, int threads)
{
    double best = NAN;
    for (const struct json *r = json_first(json_get(machine, "roofs")); r; r = json_next(r)) {
        double value = json_get_number(r, "value", NAN);
        if (strcmp(json_get_string(r, "name", ""), name) ||
            strcmp(json_get_string(r, "level", ""), level) || !(value > 0) ||
            json_get_number(r, "threads", 0) != threads)
            continue;
        if (!strcmp(json_get_string(r, "isa", ""), isa))
            return value;
        best = fmax(best, value); /* the other operand of fmax when one is NAN */
    }
    return best;
}

/* The smallest level whose caches, as far as these threads reach them, hold the footprint. */
static const char *level_of(const struct json *machine, double footprint, int threads)
{
    const struct json *caches = json_get(json_get(machine, "facts"), "caches");
    const char *level = "DRAM";
    double smallest = INFINITY;
    for (const struct json *c = json_first(caches); c; c = json_next(c)) {
        double sharing = fmax(1, json_get_number(c, "cores_sharing", 1));
        /* threads are pinned to one core after the other */
        double reached = fmin(json_get_number(c, "count", 1), ceil(threads / sharing));
        double bytes = json_get_number(c, "bytes", 0) * reached;
        if (bytes >= footprint && bytes < smallest) {
            smallest = bytes;
            level = json_get_string(c, "level", "DRAM");
        }
    }
    return level;
}

static bool is_compute(const char *roof)
{
    return !strcmp(roof, "fma-f32") || !strcmp(roof, "dot-i8") || !strcmp(roof, "lookup");
}

static bool memory_limit(const struct json *machine, const struct json *cell, int threads,
                         double control, struct roofline *out)
{
    const struct json *work = json_get(cell, "work");
    const char *roof = json_get_string(work, "roof", ""), *mode = json_get_string(cell, "mode", "");
    double bytes =
        json_get_number(work, "bytes_read", NAN) + json_get_number(work, "bytes_written", NAN);
    bool cold = !strcmp(mode, "cold");
    if (!cold && strcmp(mode, "warm"))
        return false;
    struct roofline r = {.bound = is_compute(roof) ? "read" : roof, .level = "DRAM"};
    double bandwidth = control;
    r.from_block = cold && !strcmp(r.bound, "read");
    if (!cold)
        r.level = level_of(machine, json_get_number(cell, "footprint_bytes", INFINITY), threads);
    if (!r.from_block)
        bandwidth = find_roof(machine, !strcmp(r.bound, "copy") ? "triad" : r.bound, r.level,
                              json_get_string(cell, "isa", ""), threads);
    r.limit_s = bytes / bandwidth;
    *out = r;
    return r.limit_s > 0 && isfinite(r.limit_s);
}

bool roofline_limit(const struct json *machine, const struct json *cell, int threads,
                    double control, struct roofline *out)
{
    const struct json *work = json_get(cell, "work");
    const char *roof = json_get_string(work, "roof", "");
    struct roofline memory, compute = {0};
    bool has_memory = memory_limit(machine, cell, threads, control, &memory);
    if (is_compute(roof)) {
        compute.limit_s = json_get_number(work, "roof_ops", NAN) /
                          find_roof(machine, roof, "", json_get_string(cell, "isa", ""), threads);
        compute.bound = roof;
        if (!(compute.limit_s > 0) || !isfinite(compute.limit_s))
            return false; /* whether memory or this is the limit cannot be told */
        if (!has_memory || compute.limit_s > memory.limit_s) {
            *out = compute;
            return true;
        }
    }
    if (has_memory)
        *out = memory;
    return has_memory;
}
