/* Files of a unit of perf and a name that asks for them.  The lines are: the name, the unit's type,
 * cpumask, format of "event", text of the event "named". */
#include <string.h>
#include <sys/stat.h>

#include "bench/perf_event_name.h"
#include "tests/fuzz/fuzz.h"

enum { CAPACITY = 8 };

/* A root whose unit "cpu" has these texts. */
static const char *make_root(char **rest)
{
    static char root[64];
    static const char *const folders[] = {"/sys",
                                          "/sys/bus",
                                          "/sys/bus/event_source",
                                          "/sys/bus/event_source/devices",
                                          "/sys/bus/event_source/devices/cpu",
                                          "/sys/bus/event_source/devices/cpu/format",
                                          "/sys/bus/event_source/devices/cpu/events"};
    static const char *const files[] = {"type", "cpumask", "format/event", "events/named"};
    char name[56], path[128];
    if (!root[0]) {
        snprintf(root, sizeof root, "%s", fuzz_folder());
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
            snprintf(path, sizeof path, "%s%s", root, folders[i]);
            FUZZ_HOLDS(!mkdir(path, 0777));
        }
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *text = strsep(rest, "\n");
        snprintf(name, sizeof name, "%s/%s", folders[4] + 1, files[i]);
        if (text && *text) {
            fuzz_write(name, (const uint8_t *)text, strlen(text), path);
        } else {
            snprintf(path, sizeof path, "%s/%s", root, name);
            unlink(path);
        }
    }
    return root;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct perf_selector found[CAPACITY];
    size_t n_found = 77;
    char *text = strndup((const char *)bytes, n), *rest = text;
    FUZZ_HOLDS(text);
    const char *name = strsep(&rest, "\n");
    int error = perf_event_name(make_root(&rest), name, found, CAPACITY, &n_found);
    FUZZ_HOLDS(error <= 0 && n_found <= CAPACITY && (error || n_found));
    for (size_t i = 0; i < n_found; i++)
        FUZZ_HOLDS(found[i].cpu >= -1);
    free(text);
    return 0;
}
