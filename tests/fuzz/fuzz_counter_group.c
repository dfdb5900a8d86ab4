/* The text of a group of counters; what it accepts, its formulas are evaluated for. */
#include <math.h>
#include <string.h>

#include "bench/counter_groups.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct counter_cpu cpu = {"AuthenticAMD", 25, 17};
    struct counter_group g = {.n_events = 77};
    struct err err;
    char *text = strndup((const char *)bytes, n);
    FUZZ_HOLDS(text);
    enum status s = counter_group_parse("group", text, &cpu, &g, &err);
    free(text);
    if (s) {
        FUZZ_HOLDS(s == E_FORMAT && g.n_events == 77 && !g.text);
        return 0;
    }
    FUZZ_HOLDS(g.name && g.title && g.n_events <= GROUP_MAX_EVENTS &&
               g.n_metrics <= GROUP_MAX_METRICS);
    struct formula_symbol symbols[GROUP_MAX_EVENTS + 4];
    counter_group_symbols(&g, 10, 5, 0.5, symbols);
    for (size_t i = 0; i < g.n_events; i++) {
        const struct counter_event *e = &g.events[i];
        FUZZ_HOLDS(e->name && e->unit && (e->papi || e->perf || e->zone));
        symbols[i].value = (double)i;
    }
    for (size_t i = 0; i < g.n_metrics; i++) {
        struct formula_result r;
        FUZZ_HOLDS(!formula_evaluate(g.metrics[i].formula, g.metrics[i].unit, symbols, &r, &err));
    }
    counter_group_free(&g);
    return 0;
}
