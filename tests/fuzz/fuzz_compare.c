/* Two bench documents, parted by a line "===", are compared; a lone one with itself, which finds no
 * difference. */
#include <string.h>

#include "bench/compare.h"
#include "tests/fuzz/fuzz.h"

static struct json *parse(const char *text, size_t n)
{
    struct json *root = NULL;
    return json_parse(text, n, "document", &root, NULL) ? NULL : root;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char parting[] = "\n===\n";
    const char *text = (const char *)bytes;
    const char *middle = memmem(text, n, parting, sizeof parting - 1);
    size_t first = middle ? (size_t)(middle - text) : n;
    size_t second = middle ? first + sizeof parting - 1 : 0;
    struct json *base = parse(text, first), *new = parse(text + second, n - second);
    struct json *document = json_new_object();
    struct err err;
    if (base && new) {
        enum status s = compare_stored(base, "base", new, "new", 0.03, document, &err);
        FUZZ_HOLDS(s == OK || s == E_FORMAT);
        const struct json *summary = json_get(document, "summary");
        FUZZ_HOLDS(!s == (summary != NULL));
        if (!s && !middle)
            FUZZ_HOLDS(!json_get_number(summary, "slower", 1) &&
                       !json_get_number(summary, "faster", 1) &&
                       !json_size(json_get(document, "unmatched")));
        char *printed = NULL;
        FUZZ_HOLDS(s || !json_print(document, true, &printed, &err));
        free(printed);
    }
    json_free(document);
    json_free(new);
    json_free(base);
    return 0;
}
