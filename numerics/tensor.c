#include "numerics/tensor.h"

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are little-endian, and so is every machine this is built for"
#endif

static const struct {
    const char *name;
    size_t bytes;
} dtypes[DTYPE_COUNT] = {
    [DTYPE_F64] = {"F64", 8},   [DTYPE_F32] = {"F32", 4},         [DTYPE_F16] = {"F16", 2},
    [DTYPE_BF16] = {"BF16", 2}, [DTYPE_F8_E4M3] = {"F8_E4M3", 1}, [DTYPE_F8_E5M2] = {"F8_E5M2", 1},
    [DTYPE_I64] = {"I64", 8},   [DTYPE_I32] = {"I32", 4},         [DTYPE_I16] = {"I16", 2},
    [DTYPE_I8] = {"I8", 1},     [DTYPE_U8] = {"U8", 1},           [DTYPE_BOOL] = {"BOOL", 1},
};

size_t dtype_bytes(enum dtype dtype)
{
    return dtypes[dtype].bytes;
}

const char *dtype_name(enum dtype dtype)
{
    return dtypes[dtype].name;
}

static inline float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A narrow float with its exponent and fraction moved to where f32 has them is its magnitude times
 * a power of two, subnormals too: one exact multiplication puts the bias right.  Infinity and NaN
 * come out finite, and get their exponent by a mask: with a branch the loops below do not
 * vectorise. */
static inline float f16_value(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7FFF) << 13, sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t special = -(uint32_t)((h & 0x7C00) == 0x7C00) & 0x7F800000;
    return float_of(sign | special | bits_of(float_of(magnitude) * 0x1p112f));
}

static inline float bf16_value(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}

/* E4M3FN: no infinity, and NaN is all ones. */
static inline float e4m3_value(uint8_t b)
{
    uint32_t magnitude = (uint32_t)(b & 0x7F) << 20, sign = (uint32_t)(b & 0x80) << 24;
    uint32_t nan = -(uint32_t)((b & 0x7F) == 0x7F) & 0x7FC00000;
    return float_of(sign | nan | bits_of(float_of(magnitude) * 0x1p120f));
}

/* E5M2 is the upper half of an F16. */
static inline float e5m2_value(uint8_t b)
{
    return f16_value((uint16_t)(b << 8));
}

/* Elements as they lie in a file: of any alignment. */
#define UNALIGNED __attribute__((packed, may_alias))
struct file_f64 {
    double x;
} UNALIGNED;
struct file_u16 {
    uint16_t x;
} UNALIGNED;
struct file_i64 {
    int64_t x;
} UNALIGNED;
struct file_i32 {
    int32_t x;
} UNALIGNED;
struct file_i16 {
    int16_t x;
} UNALIGNED;

void tensor_to_f32(const struct tensor *t, size_t first, size_t n, float *out)
{
    if (!n)
        return; /* an empty tensor may have no data */
    const void *in = (const unsigned char *)t->data + first * dtype_bytes(t->dtype);
    const uint8_t *u8 = in;
    const int8_t *i8 = in;
    const struct file_f64 *f64 = in;
    const struct file_u16 *u16 = in;
    const struct file_i64 *i64 = in;
    const struct file_i32 *i32 = in;
    const struct file_i16 *i16 = in;
    switch (t->dtype) {
    case DTYPE_F64:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)f64[i].x;
        break;
    case DTYPE_F32:
        memcpy(out, in, n * sizeof *out);
        break;
    case DTYPE_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = f16_value(u16[i].x);
        break;
    case DTYPE_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = bf16_value(u16[i].x);
        break;
    case DTYPE_F8_E4M3:
        for (size_t i = 0; i < n; i++)
            out[i] = e4m3_value(u8[i]);
        break;
    case DTYPE_F8_E5M2:
        for (size_t i = 0; i < n; i++)
            out[i] = e5m2_value(u8[i]);
        break;
    case DTYPE_I64:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)i64[i].x;
        break;
    case DTYPE_I32:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)i32[i].x;
        break;
    case DTYPE_I16:
        for (size_t i = 0; i < n; i++)
            out[i] = i16[i].x;
        break;
    case DTYPE_I8:
        for (size_t i = 0; i < n; i++)
            out[i] = i8[i];
        break;
    case DTYPE_U8:
        for (size_t i = 0; i < n; i++)
            out[i] = u8[i];
        break;
    case DTYPE_BOOL:
        for (size_t i = 0; i < n; i++)
            out[i] = u8[i] != 0;
        break;
    case DTYPE_COUNT:
        break;
    }
}
