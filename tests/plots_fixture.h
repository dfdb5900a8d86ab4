/*
 * A copy of the fixture of results in the scratch folder of a test.
 */
#ifndef TESTS_PLOTS_FIXTURE_H
#define TESTS_PLOTS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scratch.h"

/* A file as a string, NULL when there is none; freed with free(). */
static inline char *fixture_read(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0, capacity = 0;
    if (!in)
        return NULL;
    for (int c; (c = fgetc(in)) != EOF; text[n++] = (char)c)
        if (n + 2 > capacity)
            text = realloc(text, capacity = 2 * capacity + 4096);
    fclose(in);
    if (text)
        text[n] = 0;
    return text;
}

static inline void fixture_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "wb");
    if (out) {
        fputs(text, out);
        fclose(out);
    }
}

/* Copies one document of tests/fixtures/FOLDER into the scratch folder with every `old` (NULL:
 * none) replaced. */
static inline void fixture_copy_from(const char *folder, const char *name, const char *old,
                                     const char *replacement)
{
    char source[128];
    snprintf(source, sizeof source, "tests/fixtures/%s/%s", folder, name);
    char *text = fixture_read(source);
    FILE *out = fopen(scratch_path(name), "wb");
    for (char *at = text; at && out && *at;) {
        char *found = old ? strstr(at, old) : NULL;
        size_t n = found ? (size_t)(found - at) : strlen(at);
        fwrite(at, 1, n, out);
        at += n;
        if (found) {
            fputs(replacement, out);
            at += strlen(old);
        }
    }
    if (out)
        fclose(out);
    free(text);
}

static inline void fixture_copy(const char *name, const char *old, const char *replacement)
{
    fixture_copy_from("results", name, old, replacement);
}

static inline void fixture_copy_all(void)
{
    fixture_copy("bench.json", NULL, NULL);
    fixture_copy("check.json", NULL, NULL);
    fixture_copy("analysis-quant-error.json", NULL, NULL);
    fixture_copy("profile.json", NULL, NULL);
    fixture_copy("compare.json", NULL, NULL);
}

#endif
