/* A journal that opens takes another line and opens again with it; its rounds fold into a document
 * whatever they say. */
#include <string.h>

#include "bench/fold.h"
#include "bench/journal.h"
#include "tests/faulty.h"
#include "tests/fuzz/fuzz.h"

static void fold_it(const struct journal *j)
{
    struct plan_request request = {
        .registry = faulty_techniques, .preset = PRESET_SMOKE, .max_threads = 2};
    struct plan plan;
    struct json *document = NULL;
    struct err err;
    FUZZ_HOLDS(!plan_make(&request, &plan, &err));
    struct fold_input in = {.plan = &plan, .header = j->header, .rounds = j->rounds};
    if (!fold(&in, &document, &err))
        json_free(document);
    plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[128];
    struct journal j;
    struct err err;
    fuzz_write("journal.jsonl", bytes, n, path);
    if (journal_open(fuzz_folder(), true, &j, &err))
        return 0;
    size_t rounds = json_size(j.rounds), lines = rounds + (j.header != NULL);
    fold_it(&j);
    FUZZ_HOLDS(!(lines ? journal_append : journal_begin)(&j, json_new_object(), &err));
    journal_close(&j);
    FUZZ_HOLDS(!journal_open(fuzz_folder(), true, &j, &err));
    FUZZ_HOLDS(json_size(j.rounds) == lines);
    journal_close(&j);
    return 0;
}
