/*
 * A view of a tensor as it lies in a file or in memory, and its values as f32.
 */
#ifndef NUMERICS_TENSOR_H
#define NUMERICS_TENSOR_H

#include <stddef.h>

enum dtype {
    DTYPE_F64,
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F8_E4M3,
    DTYPE_F8_E5M2,
    DTYPE_I64,
    DTYPE_I32,
    DTYPE_I16,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL,
    DTYPE_COUNT
};

enum { TENSOR_MAX_RANK = 8 };

struct tensor {
    const char *name; /* borrowed from the file that was opened */
    enum dtype dtype;
    int rank;                      /* 0 for a scalar */
    size_t shape[TENSOR_MAX_RANK]; /* outermost first, row-major */
    size_t count;                  /* product of the shape */
    const void *data;              /* little-endian, borrowed, any alignment */
};

size_t dtype_bytes(enum dtype dtype);
const char *dtype_name(enum dtype dtype); /* as safetensors spells it */

/* Elements first .. first+n-1 as f32 (round to nearest even from F64 and I64/I32; BOOL gives 0 and
 * 1; NaN stays NaN).  first + n <= t->count. */
void tensor_to_f32(const struct tensor *t, size_t first, size_t n, float *out);

#endif
