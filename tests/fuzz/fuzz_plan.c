/* Patterns of cells, one a line, and in the first line the threads. */
#include <string.h>

#include "bench/plan.h"
#include "tests/faulty.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_PATTERNS = 16, MAX_THREADS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *patterns[MAX_PATTERNS];
    char *text = strndup((const char *)bytes, n), *rest = text;
    int threads[MAX_THREADS];
    struct err err;
    struct plan plan;
    FUZZ_HOLDS(text);
    struct plan_request request = {.registry = faulty_techniques,
                                   .patterns = patterns,
                                   .preset = n % 2 ? PRESET_FULL : PRESET_QUICK,
                                   .threads = threads,
                                   .max_threads = 16};
    if (plan_threads(strsep(&rest, "\n"), 16, threads, MAX_THREADS, &request.n_threads, &err))
        request.n_threads = 0;
    FUZZ_HOLDS(request.n_threads <= MAX_THREADS);
    for (size_t i = 0; i < request.n_threads; i++)
        FUZZ_HOLDS(threads[i] >= 1 && threads[i] <= 16 && (!i || threads[i] > threads[i - 1]));
    while (rest && request.n_patterns < MAX_PATTERNS)
        patterns[request.n_patterns++] = strsep(&rest, "\n");
    if (!plan_make(&request, &plan, &err)) {
        FUZZ_HOLDS(plan.n_blocks && plan.n_cells >= plan.n_blocks);
        plan_free(&plan);
    }
    free(text);
    return 0;
}
