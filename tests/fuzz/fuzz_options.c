/* Words of a command line, one a line of the input: each ends up as an option or as a word. */
#include <math.h>
#include <string.h>

#include "cli/options.h"
#include "tests/fuzz/fuzz.h"

struct parsed {
    bool flag;
    const char *text, *choice;
    size_t size;
    uint64_t seed;
    double seconds;
};

static const struct option_row rows[] = {
    {"flag", OPTION_FLAG, NULL, "a flag", offsetof(struct parsed, flag), NULL},
    {"text", OPTION_TEXT, "TEXT", "any text", offsetof(struct parsed, text), NULL},
    {"size", OPTION_COUNT, "N", "a size", offsetof(struct parsed, size), NULL},
    {"seed", OPTION_U64, "N", "a seed", offsetof(struct parsed, seed), NULL},
    {"seconds", OPTION_DOUBLE, "S", "a time", offsetof(struct parsed, seconds), NULL},
    {"choice", OPTION_CHOICE, NULL, "a word", offsetof(struct parsed, choice), "auto|papi|none"},
    {0}};
static const struct verb_help help = {"fuzz [WORD ...] [options]", "Takes any words.", rows,
                                      WORD_NONE, NULL};

enum { MAX_WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *argv[MAX_WORDS + 2] = {(char *)"fuzz"}, *text = strndup((const char *)bytes, n);
    int argc = 1, n_words = 0;
    bool helped;
    struct parsed parsed = {.choice = "auto"};
    struct err err;
    FUZZ_HOLDS(text);
    for (char *rest = text; rest && argc <= MAX_WORDS;)
        argv[argc++] = strsep(&rest, "\n");
    if (!options_parse(&help, argc, argv, &parsed, &n_words, &helped, &err) && !helped) {
        FUZZ_HOLDS(n_words >= 0 && n_words < argc);
        FUZZ_HOLDS(isfinite(parsed.seconds) && parsed.seconds >= 0);
        FUZZ_HOLDS(strstr(rows[5].choices, parsed.choice) && !strchr(parsed.choice, '|'));
    }
    free(text);
    return 0;
}
