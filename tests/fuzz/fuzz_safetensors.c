/* Tensors of a file that is accepted lie inside its bytes, and every value can be read. */
#include "datasets/safetensors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct safetensors f;
    struct err err;
    if (safetensors_parse(bytes, n, "fuzz", &f, &err))
        return 0;
    FUZZ_HOLDS(f.header_bytes >= 8 && f.header_bytes <= n);
    const uint8_t *at = bytes + f.header_bytes;
    for (size_t i = 0; i < f.n; i++) { /* the tensors cover the data without a gap */
        float x[64];
        const struct tensor *t = &f.tensors[i];
        FUZZ_HOLDS(t->data == at);
        at += t->count * dtype_bytes(t->dtype);
        for (size_t k = 0; k < t->count; k += 64)
            tensor_to_f32(t, k, t->count - k < 64 ? t->count - k : 64, x);
    }
    FUZZ_HOLDS(at == bytes + n);
    safetensors_close(&f);
    return 0;
}
