#include "bench/perf_event_name.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sysfile.h"

#define DEVICES "/sys/bus/event_source/devices"
#define CACHE(cache, result)                                                                       \
    PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_READ << 8 |           \
                            PERF_COUNT_HW_CACHE_RESULT_##result << 16

static const struct {
    const char *name;
    uint32_t type;
    uint64_t config;
} generic[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    {"stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    {"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
    {"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    {"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    {"L1-dcache-loads", CACHE(L1D, ACCESS)},
    {"L1-dcache-load-misses", CACHE(L1D, MISS)},
    {"LLC-loads", CACHE(LL, ACCESS)},
    {"LLC-load-misses", CACHE(LL, MISS)},
    {"dTLB-loads", CACHE(DTLB, ACCESS)},
    {"dTLB-load-misses", CACHE(DTLB, MISS)},
    {"iTLB-load-misses", CACHE(ITLB, MISS)},
};

/* Whether a device is the unit or one of its pieces: "amd_umc", "amd_umc_3". */
static bool is_piece(const char *device, const char *pmu)
{
    size_t n = strlen(pmu);
    if (strncmp(device, pmu, n))
        return false;
    if (!device[n])
        return true;
    const char *digits = device + n + 1;
    return device[n] == '_' && *digits && strspn(digits, "0123456789") == strlen(digits);
}

/* Puts the bits of value into the places that a format "config1:0-7,32-35" names. */
static int place_bits(const char *format, uint64_t value, struct perf_selector *s)
{
    unsigned word = 0;
    int read = 0;
    if (!strncmp(format, "config:", 7))
        read = 7;
    else if (sscanf(format, "config%1u:%n", &word, &read) != 1 || !read || word > 2)
        return -EINVAL;
    for (const char *p = format + read; *p;) {
        unsigned low, high;
        if (sscanf(p, "%u%n", &low, &read) != 1)
            return -EINVAL;
        p += read;
        high = low;
        if (*p == '-') {
            if (sscanf(p + 1, "%u%n", &high, &read) != 1)
                return -EINVAL;
            p += 1 + read;
        }
        if (low > high || high > 63)
            return -EINVAL;
        for (unsigned bit = low; bit <= high; bit++, value >>= 1)
            s->config[word] |= (value & 1) << bit;
        if (*p && *p++ != ',')
            return -EINVAL;
    }
    return value ? -EINVAL : 0;
}

/* A number of 64 bits without a sign, to the end of the text. */
static bool parse_u64(const char *text, int base, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, base);
    return isxdigit((unsigned char)*text) && !*end && !errno;
}

static int add_terms(const char *root, const char *device, const char *terms, bool may_name,
                     struct perf_selector *s)
{
    char copy[256], *rest = copy, *term;
    if (snprintf(copy, sizeof copy, "%s", terms) >= (int)sizeof copy)
        return -EINVAL;
    int error = 0;
    while (!error && (term = strsep(&rest, ","))) {
        char text[256], *value = strchr(term, '=');
        if (!*term || *term == '=' || strchr(term, '/') || strstr(term, ".."))
            return -EINVAL;
        if (!value && may_name &&
            sysfile_text(root, text, sizeof text, DEVICES "/%s/events/%s", device, term)) {
            error = add_terms(root, device, text, false, s);
            continue;
        }
        if (value)
            *value++ = '\0';
        if (!sysfile_text(root, text, sizeof text, DEVICES "/%s/format/%s", device, term))
            return -ENOENT;
        uint64_t number = 1;
        error = value && !parse_u64(value, 0, &number) ? -EINVAL : place_bits(text, number, s);
    }
    return error;
}

/* One selector for each processor of a list "0,32" at which the device is counted; the calling
 * thread when there is no list. */
static int add_places(const char *root, const char *device, struct perf_selector selector,
                      struct perf_selector *out, size_t capacity, size_t *n)
{
    char list[256];
    if (!sysfile_text(root, list, sizeof list, DEVICES "/%s/cpumask", device)) {
        if (*n == capacity)
            return -E2BIG;
        out[(*n)++] = selector;
        return 0;
    }
    for (const char *p = list; *p;) {
        int low, high, read;
        if (sscanf(p, "%d%n", &low, &read) != 1 || low < 0)
            return -EINVAL;
        p += read;
        high = low;
        if (*p == '-') {
            if (sscanf(p + 1, "%d%n", &high, &read) != 1 || high < low)
                return -EINVAL;
            p += 1 + read;
        }
        for (selector.cpu = low; selector.cpu <= high; selector.cpu++) {
            if (*n == capacity)
                return -E2BIG;
            out[(*n)++] = selector;
        }
        if (*p && *p++ != ',')
            return -EINVAL;
    }
    return 0;
}

static int find_unit(const char *root, const char *pmu, const char *terms,
                     struct perf_selector *out, size_t capacity, size_t *n)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s" DEVICES, root) >= (int)sizeof path)
        return -ENAMETOOLONG;
    DIR *folder = opendir(path);
    if (!folder)
        return -ENOENT;
    int error = 0;
    for (struct dirent *d; !error && (d = readdir(folder));) {
        double type;
        struct perf_selector selector = {.cpu = -1};
        if (!is_piece(d->d_name, pmu) ||
            !sysfile_number(root, &type, DEVICES "/%s/type", d->d_name) ||
            !(type >= 0 && type <= UINT32_MAX))
            continue;
        selector.type = (uint32_t)type;
        error = add_terms(root, d->d_name, terms, true, &selector);
        if (!error)
            error = add_places(root, d->d_name, selector, out, capacity, n);
    }
    closedir(folder);
    return error ? error : *n ? 0 : -ENOENT;
}

int perf_event_name(const char *root, const char *name, struct perf_selector *out, size_t capacity,
                    size_t *n)
{
    uint64_t raw;
    *n = 0;
    for (size_t i = 0; i < sizeof generic / sizeof generic[0]; i++)
        if (!strcmp(name, generic[i].name)) {
            *n = 1;
            *out = (struct perf_selector){generic[i].type, {generic[i].config}, -1};
            return 0;
        }
    if (name[0] == 'r' && parse_u64(name + 1, 16, &raw)) {
        *n = 1;
        *out = (struct perf_selector){PERF_TYPE_RAW, {raw}, -1};
        return 0;
    }
    char copy[256];
    if (snprintf(copy, sizeof copy, "%s", name) >= (int)sizeof copy)
        return -EINVAL;
    char *slash = strchr(copy, '/'), *last = slash ? strchr(slash + 1, '/') : NULL;
    if (!slash)
        return -ENOENT;
    if (slash == copy || !last || last[1] || last == slash + 1)
        return -EINVAL;
    *slash = *last = '\0';
    return find_unit(root, copy, slash + 1, out, capacity, n);
}
