/* What passes into a page has no script, no handler and no outer reference. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "plots/inline_svg.h"
#include "tests/fuzz/fuzz.h"

/* Whether a tag has an attribute that acts; in text and in other values such words are harmless. */
static bool acts(const char *text)
{
    bool tag = false;
    char quote = 0;
    for (const char *p = text; *p; p++) {
        if (quote && !strncasecmp(p, "script:", 7))
            return true;
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (tag && (*p == '"' || *p == '\''))
            quote = *p;
        else if (*p == '<' || *p == '>')
            tag = *p == '<';
        else if (tag && *p == ' ' && !strncasecmp(p + 1, "on", 2))
            return true;
    }
    return false;
}

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
        FUZZ_HOLDS(!acts(text));
    }
    free(text);
    return 0;
}
