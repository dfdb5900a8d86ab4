/* What passes into a page has no script, no handler and no outer reference. */
#include <string.h>

#include "plots/inline_svg.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = NULL;
    size_t length;
    struct err err;
    FILE *out = open_memstream(&text, &length);
    FUZZ_HOLDS(out);
    enum status s = inline_svg((const char *)bytes, n, "p-", "label", out, &err);
    FUZZ_HOLDS(!fclose(out));
    if (!s) {
        FUZZ_HOLDS(!strncmp(text, "<svg", 4));
        FUZZ_HOLDS(!strcasestr(text, "<script") && !strcasestr(text, "<foreignobject"));
        FUZZ_HOLDS(!strcasestr(text, " onload=") && !strcasestr(text, "javascript:"));
    }
    free(text);
    return 0;
}
