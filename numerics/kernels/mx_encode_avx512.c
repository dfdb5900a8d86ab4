#include "numerics/kernels/mx_encode_simd.h"

void mx_encode_avx512(const struct mx_format *f, enum mx_rule rule, const float *x, size_t n,
                      void *codes, uint8_t *scales)
{
    encode_any(convert_rne_avx512, f, rule, x, n, codes, scales);
}

void mx_decode_avx512(const struct mx_format *f, const void *codes, const uint8_t *scales, size_t n,
                      float *out)
{
    decode_any(convert_decode_avx512, f, codes, scales, n, out);
}

void nvfp4_encode_avx512(const float *x, size_t n, float tensor_scale, void *codes, uint8_t *scales)
{
    nvfp4_encode_any(convert_rne_avx512, convert_decode_avx512, x, n, tensor_scale, codes, scales);
}

void nvfp4_decode_avx512(const void *codes, const uint8_t *scales, size_t n, float tensor_scale,
                         float *out)
{
    nvfp4_decode_any(convert_decode_avx512, codes, scales, n, tensor_scale, out);
}
