#include "numerics/kernels/gemv_vector.h"

#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/kernels/gamma.h"

const struct kernel_variant gemv_vq4x3b_variants[] = {
    KERNEL(gemv_vq4x3b, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_vq4x3b, avx2, CPU_AVX2),
#endif
    {0},
};

const struct kernel_variant gemv_sign3d8_variants[] = {
    KERNEL(gemv_sign3d8, ref, 0),
#if defined(__x86_64__)
    KERNEL(gemv_sign3d8, avx2, CPU_AVX2),
    KERNEL(gemv_sign3d8, avx512, CPU_AVX512),
#endif
    {0},
};

void vq4x3b_pack(const uint16_t *codes, size_t rows, size_t cols, uint8_t *out)
{
    size_t per_row = (cols + VQ4X3B_DIM - 1) / VQ4X3B_DIM, row_bytes = vq4x3b_row_bytes(cols);
    memset(out, 0, rows * row_bytes);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < per_row; i++) {
            unsigned code = codes[r * per_row + i];
            uint8_t *at = out + r * row_bytes + i * 3 / 2;
            at[0] = (uint8_t)(at[0] | code << 4 * (i % 2));
            at[1] = (uint8_t)(code << 4 * (i % 2) >> 8);
        }
}

void sign3d8_pack(const uint16_t *codes, size_t rows, size_t cols, uint8_t *out)
{
    size_t per_row = (cols + SIGN3D8_DIM - 1) / SIGN3D8_DIM;
    size_t tiles = (rows + SIGN3D8_TILE_ROWS - 1) / SIGN3D8_TILE_ROWS;
    memset(out, 0, tiles * sign3d8_tile_bytes(cols));
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < per_row; i++)
            out[r / SIGN3D8_TILE_ROWS * sign3d8_tile_bytes(cols) + i * SIGN3D8_TILE_ROWS +
                r % SIGN3D8_TILE_ROWS] = (uint8_t)codes[r * per_row + i];
}

double vq4x3b_weight(const struct vq4x3b_matrix *w, size_t row, size_t col)
{
    size_t i = col / VQ4X3B_DIM;
    const uint8_t *at = w->rows + row * vq4x3b_row_bytes(w->cols) + i * 3 / 2;
    unsigned code = (at[0] | (unsigned)at[1] << 8) >> 4 * (i % 2) & (VQ4X3B_ENTRIES - 1);
    return bf16_to_f32(w->table[code][col % VQ4X3B_DIM]);
}

double sign3d8_weight(const struct sign3d8_matrix *w, size_t row, size_t col)
{
    unsigned code = w->tiles[row / SIGN3D8_TILE_ROWS * sign3d8_tile_bytes(w->cols) +
                             col / SIGN3D8_DIM * SIGN3D8_TILE_ROWS + row % SIGN3D8_TILE_ROWS];
    double magnitude = w->magnitude[col % SIGN3D8_DIM][code & (SIGN3D8_ENTRIES - 1)];
    return code >> (5 + col % SIGN3D8_DIM) & 1 ? -magnitude : magnitude;
}

void gemv_vq4x3b_ref(const struct vq4x3b_matrix *w, const float *x, float *y, size_t row0,
                     size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < w->cols; c++)
            sum += vq4x3b_weight(w, r, c) * x[c];
        y[r] = (float)sum;
    }
}

void gemv_sign3d8_ref(const struct sign3d8_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        double sum = 0;
        for (size_t c = 0; c < w->cols; c++)
            sum += sign3d8_weight(w, r, c) * x[c];
        y[r] = (float)sum;
    }
}

static double bound_of(double absolute, size_t cols)
{
    struct block_bound bound = {.unit = 1};
    block_bound_add(&bound, absolute, 1, cols);
    return block_bound_of(&bound, 1, cols);
}

double gemv_vq4x3b_bound(const struct vq4x3b_matrix *w, const float *x, size_t row)
{
    double absolute = 0;
    for (size_t c = 0; c < w->cols; c++)
        absolute += fabs(vq4x3b_weight(w, row, c) * x[c]);
    return bound_of(absolute, w->cols);
}

double gemv_sign3d8_bound(const struct sign3d8_matrix *w, const float *x, size_t row)
{
    double absolute = 0;
    for (size_t c = 0; c < w->cols; c++)
        absolute += fabs(sign3d8_weight(w, row, c) * x[c]);
    return bound_of(absolute, w->cols);
}
