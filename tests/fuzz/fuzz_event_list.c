/* The list of --events, and a list of groups in its first line. */
#include <string.h>

#include "bench/counter_groups.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct counter_cpu cpu = {"GenuineIntel", 6, 106};
    struct counter_choice c = {0};
    struct err err;
    char *text = strndup((const char *)bytes, n), *events = text;
    FUZZ_HOLDS(text);
    const char *groups = strsep(&events, "\n");
    enum status s = counter_choice_make(*groups ? groups : NULL, events, &cpu, &c, &err);
    if (s) {
        FUZZ_HOLDS(s == E_USAGE && !c.groups);
    } else {
        FUZZ_HOLDS(c.n_events <= CHOICE_MAX_EVENTS);
        for (size_t i = 0; i < c.n_events; i++)
            FUZZ_HOLDS(c.events[i]->name[0] && c.events[i]->unit);
        counter_choice_free(&c);
    }
    free(text);
    return 0;
}
