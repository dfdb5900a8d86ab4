#include "bench/callgrind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sysfile.h"

#if ASSAY_HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

#define CACHE "/sys/devices/system/cpu/cpu0/cache/index%d/"

bool callgrind_cache(const char *root, bool last, struct callgrind_cache *out)
{
    double best = 0, level, kib, ways, line;
    char type[32];
    for (int i = 0; i < 8; i++) {
        if (!sysfile_text(root, type, sizeof type, CACHE "type", i) ||
            !strcmp(type, "Instruction") || !sysfile_number(root, &level, CACHE "level", i) ||
            (last ? level <= best : level != 1) || !sysfile_number(root, &kib, CACHE "size", i) ||
            !sysfile_number(root, &ways, CACHE "ways_of_associativity", i) ||
            !sysfile_number(root, &line, CACHE "coherency_line_size", i) || ways < 1 || line < 16)
            continue;
        size_t sets = 1;
        while (2 * (double)sets * ways * line <= kib * 1024)
            sets *= 2;
        *out = (struct callgrind_cache){sets * (size_t)ways * (size_t)line, (size_t)ways,
                                        (size_t)line};
        best = level;
    }
    return best > 0;
}

/* The number under `name` in the two lines of names and numbers; zeros at the end are left out. */
static bool find_total(const char *names, const char *totals, const char *name, double *out)
{
    size_t n = strlen(name);
    char *end = (char *)totals;
    for (const char *p = names; *p;) {
        size_t word = strcspn(p, " \n");
        const char *from = end;
        double value = strtod(from, &end); /* 0 when the line is over */
        if (word == n && !memcmp(p, name, n)) {
            *out = value;
            return true;
        }
        p += word;
        p += strspn(p, " \n");
    }
    return false;
}

enum status callgrind_read(const char *path, struct callgrind_counts *out, struct err *err)
{
    char names[512] = "", totals[512] = "", line[4096];
    FILE *f = fopen(path, "re");
    if (!f)
        return status_fail(err, E_NOINPUT, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, "events: ", 8))
            snprintf(names, sizeof names, "%.500s", line + 8);
        else if (!strncmp(line, "totals: ", 8))
            snprintf(totals, sizeof totals, "%.500s", line + 8);
    fclose(f);
    struct callgrind_counts c = {0};
    double read_misses, write_misses, code_misses, dirty_reads, dirty_writes;
    if (!totals[0] || !find_total(names, totals, "Ir", &c.instructions) ||
        !find_total(names, totals, "Dr", &c.reads) || !find_total(names, totals, "Dw", &c.writes) ||
        !find_total(names, totals, "ILmr", &code_misses) ||
        !find_total(names, totals, "DLmr", &read_misses) ||
        !find_total(names, totals, "DLmw", &write_misses) ||
        !find_total(names, totals, "DLdmr", &dirty_reads) ||
        !find_total(names, totals, "DLdmw", &dirty_writes))
        return status_fail(err, E_FORMAT, "%s: no totals of a cache simulation", path);
    c.read_lines = code_misses + read_misses + write_misses; /* a write fetches its line first */
    c.written_lines = dirty_reads + dirty_writes;
    *out = c;
    return OK;
}

#if ASSAY_HAVE_CALLGRIND
enum status callgrind_count(void (*work)(void *user), void *user, bool warm, struct err *err)
{
    if (!RUNNING_ON_VALGRIND)
        return status_fail(err, E_UNAVAILABLE, "this process does not run under Valgrind");
    CALLGRIND_START_INSTRUMENTATION;
    if (warm)
        work(user);
    CALLGRIND_ZERO_STATS;
    work(user);
    CALLGRIND_STOP_INSTRUMENTATION;
    return OK;
}
#else
enum status callgrind_count(void (*work)(void *user), void *user, bool warm, struct err *err)
{
    (void)work, (void)user, (void)warm;
    return status_fail(err, E_UNAVAILABLE,
                       "this program was built without valgrind/callgrind.h; install valgrind and "
                       "build it again");
}
#endif
