/* Every tensor of an index is found in it, and no file of it is outside its folder. */
#include <string.h>

#include "datasets/shard_index.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct shard_index index;
    struct err err;
    if (shard_index_parse((const char *)bytes, n, "fuzz", &index, &err))
        return 0;
    FUZZ_HOLDS(index.n && index.n_files && index.n_files <= index.n);
    for (size_t i = 0; i < index.n; i++) {
        const char *file = index.entries[i].file;
        FUZZ_HOLDS(shard_index_file(&index, index.entries[i].tensor) == file);
        FUZZ_HOLDS(file[0] != '/' && strncmp(file, "../", 3) && !strstr(file, "/../"));
    }
    shard_index_close(&index);
    return 0;
}
