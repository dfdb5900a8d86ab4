/* An array that is accepted ends where the file ends, and every value can be read. */
#include "datasets/npy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tensor t;
    struct err err;
    size_t header_bytes;
    if (npy_parse(bytes, n, "fuzz", &t, &header_bytes, &err))
        return 0;
    FUZZ_HOLDS(t.data == bytes + header_bytes);
    FUZZ_HOLDS(header_bytes + t.count * dtype_bytes(t.dtype) == n);
    float x[64];
    for (size_t k = 0; k < t.count; k += 64)
        tensor_to_f32(&t, k, t.count - k < 64 ? t.count - k : 64, x);
    return 0;
}
