/* Energy of the socket from /sys/class/powercap (RAPL on Intel and AMD): the kernel adds up what
 * the processor tells, in microjoules, from a start of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/counters.h"
#include "bench/sysfile.h"

#define POWERCAP "/sys/class/powercap"

enum { MAX_ZONES = 32 };

/* The zones of one event: one for each socket. */
struct powercap_set {
    size_t n;
    char names[MAX_ZONES][32];
    double began_uj[MAX_ZONES], range_uj[MAX_ZONES];
};

/* "package-0" is of the zone "package"; a zone within it ("dram") is named without a number. */
static bool is_zone(const char *name, const char *zone)
{
    size_t n = strlen(zone);
    return !strncmp(name, zone, n) && (!name[n] || name[n] == '-');
}

/* The registers that RAPL shows in memory count the energy of the package a second time. */
static bool is_repetition(const char *folder)
{
    return !strncmp(folder, "intel-rapl-mmio", sizeof "intel-rapl-mmio" - 1);
}

static int read_energy(const char *root, const char *name, double *uj)
{
    char path[PATH_MAX];
    if (sysfile_number(root, uj, POWERCAP "/%s/energy_uj", name))
        return 0;
    snprintf(path, sizeof path, "%s" POWERCAP "/%s/energy_uj", root, name);
    return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? -errno : -EIO;
}

static int find_zones(const char *root, const char *zone, struct powercap_set *s)
{
    char path[PATH_MAX];
    int error = 0;
    snprintf(path, sizeof path, "%s" POWERCAP, root);
    DIR *folder = opendir(path);
    if (!folder)
        return -ENOENT;
    for (struct dirent *d; !error && (d = readdir(folder));) {
        char name[32];
        if (!sysfile_text(root, name, sizeof name, POWERCAP "/%s/name", d->d_name) ||
            !is_zone(name, zone) || is_repetition(d->d_name) ||
            strlen(d->d_name) >= sizeof s->names[0])
            continue;
        if (s->n == MAX_ZONES) {
            error = -E2BIG;
            break;
        }
        snprintf(s->names[s->n], sizeof s->names[0], "%.31s", d->d_name);
        error = read_energy(root, d->d_name, &s->began_uj[s->n]);
        if (!error && !sysfile_number(root, &s->range_uj[s->n], POWERCAP "/%s/max_energy_range_uj",
                                      d->d_name))
            error = -EIO;
        s->n++;
    }
    closedir(folder);
    return error ? error : s->n ? 0 : -ENOENT;
}

static int powercap_open(void *self, const struct counter_event *const *events, size_t n,
                         void **set)
{
    if (n != 1)
        return -E2BIG; /* one zone name is one set: reading it costs no counter */
    if (!events[0]->zone)
        return -EINVAL;
    struct powercap_set *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    int error = find_zones(self, events[0]->zone, s);
    if (error)
        free(s);
    else
        *set = s;
    return error;
}

static int powercap_begin(void *self, void *set)
{
    struct powercap_set *s = set;
    int error = 0;
    for (size_t i = 0; i < s->n && !error; i++)
        error = read_energy(self, s->names[i], &s->began_uj[i]);
    return error;
}

static int powercap_end(void *self, void *set, struct counter_raw *raw)
{
    struct powercap_set *s = set;
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double now;
        int error = read_energy(self, s->names[i], &now);
        if (error)
            return error;
        if (now < s->began_uj[i]) /* it counts modulo its range */
            now += s->range_uj[i];
        sum += now - s->began_uj[i];
    }
    *raw = (struct counter_raw){(uint64_t)(sum > 0 ? sum : 0), 1, 1};
    return 0;
}

static void powercap_close(void *self, void *set)
{
    (void)self;
    free(set);
}

void counters_powercap(const char *root, struct counter_backend *out)
{
    *out = (struct counter_backend){.name = "powercap",
                                    .self = (void *)root,
                                    .open = powercap_open,
                                    .begin = powercap_begin,
                                    .end = powercap_end,
                                    .close = powercap_close};
}
