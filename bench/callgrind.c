#include "bench/callgrind.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
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

enum { MAX_EVENTS = 32, MAX_LINE = 4096 };

/* The lines "events: " and "totals: " of a file, ended by their newlines. */
struct totals {
    char names[MAX_LINE], numbers[MAX_LINE];
};

/* The events' numbers, in the order of their names; zeros at the end are left out.  False when a
 * number is none, or there are more of them than names. */
static bool parse_numbers(const struct totals *t, double values[MAX_EVENTS])
{
    size_t n = 0, n_names = 0;
    for (const char *p = t->names; *p && *p != '\n'; n_names++) {
        p += strcspn(p, " \n");
        p += strspn(p, " ");
    }
    const char *p = t->numbers;
    for (; *p && *p != '\n' && n < n_names && n < MAX_EVENTS; n++) {
        char *end;
        values[n] = strtod(p, &end);
        if (!isdigit((unsigned char)*p) || !isfinite(values[n]) || !strchr(" \n", *end))
            return false;
        p = end + strspn(end, " ");
    }
    return *p == '\n'; /* a file that ends within the line lacks numbers */
}

static bool find_total(const struct totals *t, const double *values, const char *name, double *out)
{
    size_t n = strlen(name), i = 0;
    for (const char *p = t->names; *p && *p != '\n' && i < MAX_EVENTS; i++) {
        size_t word = strcspn(p, " \n");
        if (word == n && !memcmp(p, name, n)) {
            *out = values[i];
            return true;
        }
        p += word;
        p += strspn(p, " ");
    }
    return false;
}

enum status callgrind_read(const char *path, struct callgrind_counts *out, struct err *err)
{
    struct totals t = {.names = ""};
    double values[MAX_EVENTS] = {0};
    char line[MAX_LINE + 8];
    bool begins = true;
    FILE *f = fopen(path, "re");
    if (!f)
        return status_fail(err, E_NOINPUT, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, f)) {
        if (begins && !strncmp(line, "events: ", 8))
            strcpy(t.names, line + 8);
        else if (begins && !strncmp(line, "totals: ", 8))
            strcpy(t.numbers, line + 8);
        begins = strchr(line, '\n') != NULL;
    }
    fclose(f);
    struct callgrind_counts c = {0};
    double read_misses, write_misses, code_misses, dirty_reads, dirty_writes;
    if (!parse_numbers(&t, values) || !find_total(&t, values, "Ir", &c.instructions) ||
        !find_total(&t, values, "Dr", &c.reads) || !find_total(&t, values, "Dw", &c.writes) ||
        !find_total(&t, values, "ILmr", &code_misses) ||
        !find_total(&t, values, "DLmr", &read_misses) ||
        !find_total(&t, values, "DLmw", &write_misses) ||
        !find_total(&t, values, "DLdmr", &dirty_reads) ||
        !find_total(&t, values, "DLdmw", &dirty_writes))
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
