#include "cli/bench_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 48 };

void bench_table_time(double seconds, char *text, size_t size)
{
    static const struct {
        double scale;
        const char *unit;
    } units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
    size_t i = 0;
    while (i < 3 && seconds < units[i].scale)
        i++;
    if (isfinite(seconds))
        snprintf(text, size, "%.3g %s", seconds / units[i].scale, units[i].unit);
    else
        snprintf(text, size, "-");
}

void bench_table_bytes(double bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    for (; i < 4 && bytes >= 1000; i++)
        bytes /= 1024;
    if (isfinite(bytes))
        snprintf(text, size, "%.3g %s", bytes, units[i]);
    else
        snprintf(text, size, "-");
}

static bool same_block(const struct json *a, const struct json *b)
{
    return !strcmp(json_get_string(a, "technique", ""), json_get_string(b, "technique", "")) &&
           !strcmp(json_get_string(a, "task", ""), json_get_string(b, "task", "")) &&
           !strcmp(json_get_string(a, "case", ""), json_get_string(b, "case", "")) &&
           json_get_number(a, "threads", 0) == json_get_number(b, "threads", 0);
}

static void print_heading(const struct json *cell)
{
    const char *mode = json_get_string(cell, "mode", NULL);
    double threads = json_get_number(cell, "threads", 0);
    printf("\n%s/%s/*/%s, %.0f thread%s%s%s\n", json_get_string(cell, "technique", ""),
           json_get_string(cell, "task", ""), json_get_string(cell, "case", ""), threads,
           threads == 1 ? "" : "s", mode ? ", " : "", mode ? mode : "");
    printf("  %-24s %10s  %-22s %-20s %s\n", "variant", "time", "speed-up", "of the roof",
           "status");
}

/* "2.81x [2.75, 2.90]" */
static void speedup_text(const struct json *metric, char text[CELL])
{
    const struct json *low = json_first(json_get(metric, "interval"));
    double estimate = json_get_number(metric, "estimate", NAN);
    if (!isfinite(estimate))
        snprintf(text, CELL, "-");
    else if (low)
        snprintf(text, CELL, "%.2fx [%.2f, %.2f]", estimate, json_number(low, NAN),
                 json_number(json_next(low), NAN));
    else
        snprintf(text, CELL, "%.2fx", estimate);
}

static void roof_text(const struct json *roofline, char text[CELL])
{
    double fraction = json_get_number(roofline, "fraction", NAN);
    const char *level = json_get_string(roofline, "level", "");
    if (isfinite(fraction))
        snprintf(text, CELL, "%.0f %% %s%s%s", 100 * fraction,
                 json_get_string(roofline, "bound", ""), *level ? " " : "", level);
    else
        snprintf(text, CELL, "-");
}

static void print_row(const struct json *cell)
{
    char time[CELL], speedup[CELL], roof[CELL];
    const struct json *metrics = json_get(cell, "metrics");
    const char *status = json_get_string(cell, "status", "");
    const char *reason = strcmp(status, "degraded") ? json_get_string(cell, "reason", NULL) : NULL;
    bench_table_time(json_get_number(json_get(metrics, "time"), "estimate", NAN), time,
                     sizeof time);
    speedup_text(json_get(metrics, "speedup"), speedup);
    roof_text(json_get(cell, "roofline"), roof);
    printf("  %-24s %10s  %-22s %-20s %s%s%s\n", json_get_string(cell, "variant", ""), time,
           speedup, roof, status, reason ? ": " : "", reason ? reason : "");
}

void bench_table_print(const struct json *document)
{
    const struct json *before = NULL;
    size_t degraded = 0;
    for (const struct json *c = json_first(json_get(document, "cells")); c; c = json_next(c)) {
        if (!before || !same_block(before, c))
            print_heading(c);
        print_row(c);
        degraded += !strcmp(json_get_string(c, "status", ""), "degraded");
        before = c;
    }
    if (degraded)
        printf("\ndegraded: other work or the hypervisor took processor time in some of the rounds;"
               " bench.json says how much.\n");
}
