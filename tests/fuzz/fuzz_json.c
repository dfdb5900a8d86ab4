/* What is read is printed, read again and printed the same: a document survives a round trip. */
#include <string.h>

#include "datasets/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct json *first = NULL, *second = NULL;
    char *printed = NULL, *again = NULL;
    struct err err;
    if (json_parse((const char *)bytes, n, "fuzz", &first, &err))
        return 0;
    FUZZ_HOLDS(!json_print(first, n % 2, &printed, &err));
    FUZZ_HOLDS(!json_parse(printed, strlen(printed), "printed", &second, &err));
    FUZZ_HOLDS(!json_print(second, n % 2, &again, &err));
    FUZZ_HOLDS(!strcmp(printed, again));
    free(printed);
    free(again);
    json_free(first);
    json_free(second);
    return 0;
}
