/* A file of Callgrind: its totals are finite and not negative, or it is refused. */
#include <math.h>

#include "bench/callgrind.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct callgrind_counts c;
    struct err err;
    char path[128];
    fuzz_write("callgrind.out", bytes, n, path);
    enum status s = callgrind_read(path, &c, &err);
    FUZZ_HOLDS(s == OK || s == E_FORMAT);
    if (!s)
        FUZZ_HOLDS(c.instructions >= 0 && c.reads >= 0 && c.writes >= 0 && c.read_lines >= 0 &&
                   c.written_lines >= 0 && isfinite(c.instructions));
    return 0;
}
