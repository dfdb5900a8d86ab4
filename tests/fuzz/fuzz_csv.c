/* A table that is accepted holds its cells within its own text, each row after the one before. */
#include <string.h>

#include "datasets/csv.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct csv t;
    struct err err = {{0}};
    double x;
    if (csv_parse((const char *)bytes, n, "fuzz", &t, &err)) {
        FUZZ_HOLDS(*err.text && !strchr(err.text, '\n'));
        return 0;
    }
    FUZZ_HOLDS(t.columns > 0 && t.columns <= CSV_MAX_COLUMNS);
    FUZZ_HOLDS(t.rows * t.columns <= n + 1);
    size_t text = 0;
    for (size_t i = 0; i < t.columns; i++) {
        text += strlen(t.header[i]) + 1;
        size_t found = csv_column(&t, t.header[i]);
        FUZZ_HOLDS(found < t.columns && !strcmp(t.header[found], t.header[i]));
    }
    for (size_t i = 0; i < t.rows; i++) {
        FUZZ_HOLDS(t.line[i] > (i ? t.line[i - 1] : 1));
        for (size_t j = 0; j < t.columns; j++) {
            const char *cell = t.cells[i * t.columns + j];
            text += strlen(cell) + 1;
            FUZZ_HOLDS(!csv_number(cell, &x) || !csv_missing(cell));
        }
    }
    FUZZ_HOLDS(text <= n + 2);
    csv_free(&t);
    return 0;
}
