/* Reads of golden files, which end a test when something is not there.  After cmocka.h. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <math.h>

#include "datasets/json.h"

/* The document, for json_free(). */
static inline struct json *golden_read(const char *path)
{
    struct json *root;
    struct err err;
    if (json_read(path, 1 << 20, &root, &err))
        fail_msg("%s", err.text);
    return root;
}

/* All numbers of an array, at most `most`; null is NaN.  Returns how many. */
static inline size_t golden_numbers(const struct json *array, double *out, size_t most)
{
    size_t n = 0;
    for (const struct json *v = json_first(array); v; v = json_next(v)) {
        assert_true(n < most);
        out[n++] = json_number(v, NAN);
    }
    return n;
}

#endif
