/* A journal joined with itself, and with one whose first line differs: accepted or refused, and the
 * inputs are not written to. */
#include <string.h>
#include <sys/stat.h>

#include "bench/merge.h"
#include "tests/faulty.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char parting[] = "\n===\n";
    const uint8_t *middle = memmem(bytes, n, parting, sizeof parting - 1);
    size_t first = middle ? (size_t)(middle - bytes) + 1 : n;
    size_t second = middle ? first + sizeof parting - 2 : 0;
    char one[128], two[128], out[128], path[128];
    struct json *document = NULL;
    struct err err;
    snprintf(one, sizeof one, "%s/one", fuzz_folder());
    snprintf(two, sizeof two, "%s/two", fuzz_folder());
    snprintf(out, sizeof out, "%s/out", fuzz_folder());
    mkdir(one, 0777);
    mkdir(two, 0777);
    fuzz_write("one/journal.jsonl", bytes, first, path);
    fuzz_write("two/journal.jsonl", bytes + second, n - second, path);
    const char *const inputs[] = {one, two};
    enum status s = merge_runs(out, inputs, 2, faulty_techniques, &document, &err);
    FUZZ_HOLDS(s == OK || s == E_FORMAT || s == E_USAGE || s == E_UNAVAILABLE);
    FUZZ_HOLDS(!s == (document != NULL));
    json_free(document);
    snprintf(path, sizeof path, "%s/out/journal.jsonl", fuzz_folder());
    unlink(path);
    rmdir(out);
    return 0;
}
