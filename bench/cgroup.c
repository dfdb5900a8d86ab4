#include "bench/cgroup.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/sysfile.h"

enum { GROUP_MAX = 1024 };

/* What version 1 writes where there is no memory limit is this or more: LONG_MAX rounded down to
 * a page of at most 64 KiB. */
static const double v1_no_limit = 0x1p63 - 0x1p16;

/* One limit while the groups are walked: the least so far, where it stands, and whether a file was
 * there that says neither a number nor "max". */
struct limit {
    double *value;
    char *file;
    bool *unclear;
};

/* Reads the file into text; false when it is not there, or cannot be read. */
static bool read_limit(const char *root, const char *file, char text[64], const struct limit *limit)
{
    char full[PATH_MAX];
    bool there = sysfile_text(root, text, 64, "%s", file);
    if (!there && snprintf(full, sizeof full, "%s%s", root, file) < (int)sizeof full)
        *limit->unclear |= !access(full, F_OK);
    return there;
}

static void tighten(const struct limit *limit, double found, const char *file)
{
    if (!(found > 0) || (*limit->value != 0 && found >= *limit->value))
        return;
    *limit->value = found;
    size_t size = strlen(file) + 1;
    if (size <= CGROUP_FILE_MAX)
        memcpy(limit->file, file, size);
    else
        limit->file[0] = '\0';
}

static void read_memory(const char *root, const char *file, const struct limit *limit)
{
    char text[64];
    double bytes;
    if (!read_limit(root, file, text, limit))
        return;
    if (sscanf(text, "%lf", &bytes) == 1 && isfinite(bytes)) {
        if (bytes < v1_no_limit)
            tighten(limit, bytes, file);
    } else
        *limit->unclear |= strcmp(text, "max") != 0;
}

/* The path of the process's group in the hierarchy of controller; "" names version 2. */
static bool group_path(const char *root, const char *controller, char path[GROUP_MAX])
{
    char text[SYSFILE_MAX_BYTES];
    size_t n = strlen(controller);
    if (!sysfile_text(root, text, sizeof text, "/proc/self/cgroup"))
        return false;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *names = strchr(line, ':');
        char *group = names ? strchr(names + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        names++;
        bool ours = !*names && !n;
        for (char *name = names; n && !ours && name; name = strchr(name, ',')) {
            name += *name == ',';
            ours = !strncmp(name, controller, n) && (name[n] == ',' || !name[n]);
        }
        if (ours) {
            /* "/" is the root, and joins to a path as nothing */
            snprintf(path, GROUP_MAX, "%s", strcmp(group, "/") ? group : "");
            return true;
        }
    }
    return false;
}

/* Cuts the last part off; false when there was none. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

static void read_v2(const char *root, const struct limit *cpus, const struct limit *memory,
                    double *throttled_s)
{
    char path[GROUP_MAX], file[GROUP_MAX + 64], text[4096], limit[64];
    double quota, period, us;
    if (!group_path(root, "", path))
        return;
    if (sysfile_text(root, text, sizeof text, "/sys/fs/cgroup%s/cpu.stat", path) &&
        sysfile_field(text, "throttled_usec", &us))
        *throttled_s = us / 1e6;
    do {
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", path);
        if (read_limit(root, file, limit, cpus)) {
            if (sscanf(limit, "%lf %lf", &quota, &period) == 2 && period > 0 && isfinite(quota))
                tighten(cpus, quota / period, file);
            else
                *cpus->unclear |= strncmp(limit, "max", 3) != 0;
        }
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/memory.max", path);
        read_memory(root, file, memory);
    } while (to_parent(path));
}

static void read_v1(const char *root, const struct limit *cpus, const struct limit *memory,
                    double *throttled_s)
{
    char path[GROUP_MAX], file[GROUP_MAX + 64], text[4096], limit[64];
    double quota, period, ns;
    if (group_path(root, "cpu", path)) {
        if (sysfile_text(root, text, sizeof text, "/sys/fs/cgroup/cpu%s/cpu.stat", path) &&
            sysfile_field(text, "throttled_time", &ns))
            *throttled_s = ns / 1e9;
        do {
            snprintf(file, sizeof file, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path);
            if (!read_limit(root, file, limit, cpus))
                continue;
            if (sscanf(limit, "%lf", &quota) == 1 && isfinite(quota) &&
                sysfile_number(root, &period, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", path) &&
                period > 0)
                tighten(cpus, quota / period, file); /* a quota of -1 is none */
            else
                *cpus->unclear = true;
        } while (to_parent(path));
    }
    if (group_path(root, "memory", path))
        do {
            snprintf(file, sizeof file, "/sys/fs/cgroup/memory%s/memory.limit_in_bytes", path);
            read_memory(root, file, memory);
        } while (to_parent(path));
}

struct cgroup cgroup_read(const char *root)
{
    struct cgroup g = {.throttled_s = NAN};
    struct limit cpus = {&g.cpus, g.cpus_file, &g.cpus_unclear};
    struct limit memory = {&g.memory_bytes, g.memory_file, &g.memory_unclear};
    read_v2(root, &cpus, &memory, &g.throttled_s);
    read_v1(root, &cpus, &memory, &g.throttled_s);
    return g;
}
