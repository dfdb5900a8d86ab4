#include <immintrin.h>
#include <string.h>

#include "numerics/kernels/gemv_vector.h"

static inline float total(__m128 v)
{
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)));
}

/* Weights of two codes. */
static inline __m256 two_entries(const uint16_t (*table)[VQ4X3B_DIM], uint64_t first,
                                 uint64_t second)
{
    __m128i narrow = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(table + first)),
                                        _mm_loadl_epi64((const __m128i *)(table + second)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
}

/* Four codes. */
static inline uint64_t load_codes(const uint8_t *at)
{
    uint32_t low;
    uint16_t high;
    memcpy(&low, at, sizeof low);
    memcpy(&high, at + sizeof low, sizeof high);
    return low | (uint64_t)high << 32;
}

/* Two rows, so that the loads of their look-ups overlap. */
void gemv_vq4x3b_avx2(const struct vq4x3b_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    size_t whole = w->cols / 16 * 16, row_bytes = vq4x3b_row_bytes(w->cols);
    uint64_t mask = VQ4X3B_ENTRIES - 1;
    for (size_t r = row0; r < row1; r += 2) {
        size_t rows = row1 - r < 2 ? 1 : 2;
        const uint8_t *at[2] = {w->rows + r * row_bytes, w->rows + (r + rows - 1) * row_bytes};
        __m256 sum[2][2] = {{_mm256_setzero_ps(), _mm256_setzero_ps()},
                            {_mm256_setzero_ps(), _mm256_setzero_ps()}};
        for (size_t c = 0; c < whole; c += 16) {
            __m256 x0 = _mm256_loadu_ps(x + c), x1 = _mm256_loadu_ps(x + c + 8);
            for (size_t i = 0; i < 2; i++, at[i - 1] += 6) {
                uint64_t code = load_codes(at[i]);
                sum[i][0] = _mm256_fmadd_ps(two_entries(w->table, code & mask, code >> 12 & mask),
                                            x0, sum[i][0]);
                sum[i][1] = _mm256_fmadd_ps(two_entries(w->table, code >> 24 & mask, code >> 36),
                                            x1, sum[i][1]);
            }
        }
        for (size_t i = 0; i < rows; i++) {
            __m256 both = _mm256_add_ps(sum[i][0], sum[i][1]);
            float all =
                total(_mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
            for (size_t c = whole; c < w->cols; c++)
                all += (float)vq4x3b_weight(w, r + i, c) * x[c];
            y[r + i] = all;
        }
    }
}

enum { ROWS = 8 };

/* Triple by triple: a byte's three weights and a 0 times three columns and a 0. */
static void eight_rows(const uint8_t *at, const float (*signed_triple)[4], const float *x,
                       size_t cols, float *y)
{
    __m128 sum[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        sum[i] = _mm_setzero_ps();
    for (size_t c = 0; c < cols; c += SIGN3D8_DIM, at += SIGN3D8_TILE_ROWS) {
        float part[4] = {0};
        __m128 three;
        if (cols - c >= 4) {
            three = _mm_loadu_ps(x + c);                      /* the fourth is multiplied by 0 */
            three = _mm_blend_ps(three, _mm_setzero_ps(), 8); /* which inf would make a NaN of */
        } else {
            memcpy(part, x + c, (cols - c < SIGN3D8_DIM ? cols - c : SIGN3D8_DIM) * sizeof *x);
            three = _mm_loadu_ps(part);
        }
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        for (size_t i = 0; i < ROWS; i++)
            sum[i] = _mm_fmadd_ps(_mm_load_ps(signed_triple[bytes >> 8 * i & 255]), three, sum[i]);
    }
    for (size_t i = 0; i < ROWS; i++)
        y[i] = total(sum[i]);
}

void gemv_sign3d8_avx2(const struct sign3d8_matrix *w, const float *x, float *y, size_t row0,
                       size_t row1)
{
    _Alignas(16) float signed_triple[256][4] = {{0}};
    for (size_t code = 0; code < 256; code++)
        for (size_t d = 0; d < SIGN3D8_DIM; d++) {
            float magnitude = w->magnitude[d][code & (SIGN3D8_ENTRIES - 1)];
            signed_triple[code][d] = code >> (5 + d) & 1 ? -magnitude : magnitude;
        }
    for (size_t r = row0; r < row1; r += ROWS) {
        const uint8_t *tile =
            w->tiles + r / SIGN3D8_TILE_ROWS * sign3d8_tile_bytes(w->cols) + r % SIGN3D8_TILE_ROWS;
        float all[ROWS];
        eight_rows(tile, (const float(*)[4])signed_triple, x, w->cols, all);
        memcpy(y + r, all, (row1 - r < ROWS ? row1 - r : ROWS) * sizeof *y);
    }
}
