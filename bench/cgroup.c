#include "bench/cgroup.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/sysfile.h"

enum { GROUP_MAX = 1024 };

/* What version 1 writes where there is no memory limit is this or more: LONG_MAX rounded down to
 * a page of at most 64 KiB. */
static const double v1_no_limit = 0x1p63 - 0x1p16;

/* format gives the name of the file that the limit was found in, with the group's path in it. */
__attribute__((format(printf, 4, 5))) static void tighten(double *limit, char file[CGROUP_FILE_MAX],
                                                          double found, const char *format, ...)
{
    if (!(found > 0) || (*limit != 0 && found >= *limit))
        return;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(file, CGROUP_FILE_MAX, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= CGROUP_FILE_MAX)
        file[0] = '\0';
    *limit = found;
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

static void read_v2(const char *root, struct cgroup *limits)
{
    char path[GROUP_MAX], text[4096];
    double quota, period, bytes, us;
    if (!group_path(root, "", path))
        return;
    if (sysfile_text(root, text, sizeof text, "/sys/fs/cgroup%s/cpu.stat", path) &&
        sysfile_field(text, "throttled_usec", &us))
        limits->throttled_s = us / 1e6;
    do {
        if (sysfile_text(root, text, sizeof text, "/sys/fs/cgroup%s/cpu.max", path) &&
            sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0 && isfinite(quota))
            tighten(&limits->cpus, limits->cpus_file, quota / period, "/sys/fs/cgroup%s/cpu.max",
                    path);
        if (sysfile_number(root, &bytes, "/sys/fs/cgroup%s/memory.max", path))
            tighten(&limits->memory_bytes, limits->memory_file, bytes,
                    "/sys/fs/cgroup%s/memory.max", path);
    } while (to_parent(path));
}

static void read_v1(const char *root, struct cgroup *limits)
{
    char path[GROUP_MAX], text[4096];
    double quota, period, bytes, ns;
    if (group_path(root, "cpu", path)) {
        if (sysfile_text(root, text, sizeof text, "/sys/fs/cgroup/cpu%s/cpu.stat", path) &&
            sysfile_field(text, "throttled_time", &ns))
            limits->throttled_s = ns / 1e9;
        do
            if (sysfile_number(root, &quota, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path) &&
                sysfile_number(root, &period, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", path) &&
                period > 0)
                tighten(&limits->cpus, limits->cpus_file,
                        quota / period, /* a quota of -1 is none */
                        "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path);
        while (to_parent(path));
    }
    if (group_path(root, "memory", path))
        do
            if (sysfile_number(root, &bytes, "/sys/fs/cgroup/memory%s/memory.limit_in_bytes",
                               path) &&
                bytes < v1_no_limit)
                tighten(&limits->memory_bytes, limits->memory_file, bytes,
                        "/sys/fs/cgroup/memory%s/memory.limit_in_bytes", path);
        while (to_parent(path));
}

struct cgroup cgroup_read(const char *root)
{
    struct cgroup limits = {.throttled_s = NAN};
    read_v2(root, &limits);
    read_v1(root, &limits);
    return limits;
}
