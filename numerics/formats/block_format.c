#include "numerics/formats/block_format.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "numerics/formats/bf16.h"
#include "numerics/formats/float_format.h"

static const struct {
    const char *name;
    int bits;
    float smallest, largest; /* normal and finite */
} scale_formats[SCALE_FORMATS] = {
    [SCALE_F32] = {"f32", 32, FLT_MIN, FLT_MAX}, [SCALE_BF16] = {"bf16", 16, FLT_MIN, 0x1.fep127f},
    [SCALE_F16] = {"fp16", 16, 0x1p-14f, 65504}, [SCALE_E8M0] = {"e8m0", 8, 0x1p-127f, 0x1p127f},
    [SCALE_E4M3] = {"e4m3", 8, 0, 448},
};

const char *scale_format_name(enum scale_format f)
{
    return scale_formats[f].name;
}

int scale_format_bits(enum scale_format f)
{
    return scale_formats[f].bits;
}

static float narrowed(const char *format, float value)
{
    const struct float_format *f = float_format_find(format);
    return float_format_decode(f, float_format_encode(f, value, FLOAT_RNE, true, 0));
}

float scale_format_round(enum scale_format f, double s)
{
    double size = fabs(s);
    size = fmin(fmax(size, scale_formats[f].smallest), scale_formats[f].largest);
    float value = (float)size;
    switch (f) {
    case SCALE_F32:
    case SCALE_FORMATS:
        break;
    case SCALE_BF16:
        value = bf16_to_f32(bf16_from_f32(value));
        break;
    case SCALE_F16:
        value = narrowed("fp16", value);
        break;
    case SCALE_E4M3:
        value = narrowed("e4m3", value);
        break;
    case SCALE_E8M0:
        if (value < size) /* up, also when f32 rounded down to a power of two */
            value = nextafterf(value, INFINITY);
        value = e8m0_decode(e8m0_encode(value, E8M0_CEIL));
        break;
    }
    return s < 0 ? -value : value;
}

static size_t block_length(const struct block_format *f, size_t cols)
{
    return f->block < cols ? f->block : cols;
}

size_t block_format_scales(const struct block_format *f, size_t rows, size_t cols)
{
    if (!rows || !cols)
        return 0;
    if (f->block == BLOCK_TENSOR)
        return 1;
    size_t length = block_length(f, cols);
    return rows * (cols / length + (cols % length != 0));
}

double block_format_bits(const struct block_format *f, size_t rows, size_t cols)
{
    double n = (double)rows * (double)cols;
    if (!(n > 0))
        return 0;
    double scales = (double)block_format_scales(f, rows, cols);
    return f->codebook->bits + (scales * scale_format_bits(f->scale_format) + f->extra_bits) / n;
}

void block_error_add(struct block_error *to, const struct block_error *part)
{
    to->n += part->n;
    to->nonfinite += part->nonfinite;
    to->clipped += part->clipped;
    to->flushed += part->flushed;
    to->squares += part->squares;
    to->error += part->error;
    to->max_error = fmax(to->max_error, part->max_error);
}

double block_error_ratio(const struct block_error *e)
{
    return e->error == 0 ? 0 : sqrt(e->error / e->squares);
}

struct block_kernels block_kernels_pick(unsigned features)
{
    return (struct block_kernels){
        (quantise_stats_fn *)kernel_pick(quantise_stats_variants, features)->fn,
        (quantise_codes_fn *)kernel_pick(quantise_codes_variants, features)->fn,
        (quantise_error_fn *)kernel_pick(quantise_error_variants, features)->fn};
}

float block_format_scale(const struct block_format *f, const struct quantise_stats *stats,
                         size_t finite)
{
    const struct codebook *c = f->codebook;
    double low = c->low, high = c->high, scale = 0;
    switch (f->rule) {
    case SCALE_RMS:
        scale = finite ? sqrt(stats->squares / (double)finite) / c->rms : 0;
        break;
    case SCALE_ABSMAX:
        scale = fmax(-(double)stats->low, stats->high) / fmin(-low, high);
        break;
    case SCALE_SIGNMAX:
        scale = -(double)stats->low > stats->high ? stats->low : stats->high;
        scale /= -low > high ? low : high;
        break;
    case SCALE_MEAN:
        scale = finite ? stats->sizes / (double)finite : 0;
        break;
    case SCALE_FLOOR:
        scale = fmax(-(double)stats->low, stats->high);
        scale = scale > 0 ? ldexp(1, ilogb(scale) - ilogb(high)) : 0;
        break;
    }
    scale *= f->multiplier;
    if (fabs(scale) < f->least)
        scale = f->least;
    if (f->scale_format == SCALE_E4M3)
        return f->relative > 0 ? scale_format_round(SCALE_E4M3, scale / f->relative) * f->relative
                               : 0;
    return scale_format_round(f->scale_format, scale);
}

float block_format_relative(const struct codebook *c, const struct quantise_stats *tensor)
{
    double end = fmin(-(double)c->low, c->high);
    return (float)(fmax(-(double)tensor->low, tensor->high) /
                   (end * scale_formats[SCALE_E4M3].largest));
}

void quantise_stats_add(struct quantise_stats *to, const struct quantise_stats *part)
{
    to->low = fminf(to->low, part->low);
    to->high = fmaxf(to->high, part->high);
    to->squares += part->squares;
    to->sizes += part->sizes;
    to->nonfinite += part->nonfinite;
}

/* Rows and columns as the kernels see them: a tensor with one scale is one long row. */
struct layout {
    size_t rows, cols, length;
};

static struct layout layout_of(const struct block_format *f, size_t rows, size_t cols)
{
    if (f->block == BLOCK_TENSOR)
        return (struct layout){rows && cols, rows * cols, rows * cols};
    return (struct layout){rows, cols, block_length(f, cols)};
}

size_t block_format_encode(const struct block_format *f, const struct block_kernels *k,
                           const float *x, size_t rows, size_t cols, uint8_t *codes, float *scales)
{
    struct layout l = layout_of(f, rows, cols);
    size_t nonfinite = 0;
    for (size_t r = 0; r < l.rows; r++)
        for (size_t i = 0; i < l.cols; i += l.length) {
            size_t n = l.cols - i < l.length ? l.cols - i : l.length, at = r * l.cols + i;
            struct quantise_stats stats;
            k->stats(x + at, n, &stats);
            nonfinite += stats.nonfinite;
            *scales = block_format_scale(f, &stats, n - stats.nonfinite);
            if (*scales != 0)
                k->codes(f->codebook, x + at, n, *scales, codes + at);
            else
                memset(codes + at, (int)codebook_encode(f->codebook, 0), n);
            scales++;
        }
    return nonfinite;
}

void block_format_decode(const struct block_format *f, const uint8_t *codes, const float *scales,
                         size_t rows, size_t cols, float *x)
{
    struct layout l = layout_of(f, rows, cols);
    for (size_t r = 0; r < l.rows; r++)
        for (size_t i = 0; i < l.cols; i++) {
            size_t at = r * l.cols + i;
            x[at] = f->codebook->level[codes[at]] * *scales;
            if (i + 1 == l.cols || (i + 1) % l.length == 0)
                scales++;
        }
}

size_t block_format_normalise(const struct block_format *f, const struct block_kernels *k,
                              const float *x, size_t rows, size_t cols, const float *given,
                              float *out)
{
    struct layout l = layout_of(f, rows, cols);
    size_t done = 0;
    for (size_t r = 0; r < l.rows; r++)
        for (size_t i = 0; i < l.cols; i += l.length) {
            size_t n = l.cols - i < l.length ? l.cols - i : l.length;
            const float *block = x + r * l.cols + i;
            struct quantise_stats stats;
            k->stats(block, n, &stats);
            float scale = given ? *given : block_format_scale(f, &stats, n - stats.nonfinite);
            for (size_t j = 0; j < n && scale != 0; j++)
                if (isfinite(block[j]))
                    out[done++] = block[j] / scale;
        }
    return done;
}

/* A block whose scale is 0: every value becomes 0. */
static void lose(const float *block, size_t n, const struct quantise_stats *stats,
                 struct quantise_sums *sums)
{
    sums->error[0] += stats->squares;
    sums->max_error = fmax(sums->max_error, fmax(-(double)stats->low, stats->high));
    for (size_t i = 0; i < n; i++)
        sums->flushed += isfinite(block[i]) && block[i] != 0;
}

struct block_error block_format_error(const struct block_format *f, const struct block_kernels *k,
                                      const float *x, size_t rows, size_t cols, const float *given)
{
    struct layout l = layout_of(f, rows, cols);
    struct block_error e = {.n = l.rows * l.cols};
    struct quantise_sums sums = {0};
    for (size_t r = 0; r < l.rows; r++)
        for (size_t i = 0; i < l.cols; i += l.length) {
            size_t n = l.cols - i < l.length ? l.cols - i : l.length;
            const float *block = x + r * l.cols + i;
            struct quantise_stats stats;
            k->stats(block, n, &stats);
            e.nonfinite += stats.nonfinite;
            e.squares += stats.squares;
            float scale = given ? *given : block_format_scale(f, &stats, n - stats.nonfinite);
            if (scale != 0)
                k->error(f->codebook, block, n, scale, &sums);
            else
                lose(block, n, &stats, &sums);
        }
    e.clipped = sums.clipped;
    e.flushed = sums.flushed;
    e.max_error = sums.max_error;
    e.error = quantise_total(sums.error);
    return e;
}

/* Of n elements under one scale, in pieces whose codes stay in the nearest cache. */
static void count_block(const struct block_format *f, const struct block_kernels *k,
                        const float *block, size_t n, float scale, uint64_t *counts)
{
    enum { PIECE = 4096 };
    uint8_t codes[PIECE];
    if (scale == 0)
        counts[codebook_encode(f->codebook, 0)] += n;
    for (size_t i = 0; i < n && scale != 0; i += PIECE) {
        size_t piece = n - i < PIECE ? n - i : PIECE;
        k->codes(f->codebook, block + i, piece, scale, codes);
        for (size_t j = 0; j < piece; j++)
            counts[codes[j]]++;
    }
}

void block_format_count(const struct block_format *f, const struct block_kernels *k, const float *x,
                        size_t rows, size_t cols, const float *given, uint64_t *counts)
{
    struct layout l = layout_of(f, rows, cols);
    for (size_t r = 0; r < l.rows; r++)
        for (size_t i = 0; i < l.cols; i += l.length) {
            size_t n = l.cols - i < l.length ? l.cols - i : l.length;
            const float *block = x + r * l.cols + i;
            struct quantise_stats stats;
            k->stats(block, n, &stats);
            float scale = given ? *given : block_format_scale(f, &stats, n - stats.nonfinite);
            count_block(f, k, block, n, scale, counts);
        }
}

double block_format_multiplier(size_t i)
{
    return exp2(-2 + (double)i / 4);
}

struct block_error block_format_search(struct block_format *f, const struct block_kernels *k,
                                       const float *x, size_t rows, size_t cols)
{
    struct block_error best = {0};
    double multiplier = 1;
    for (size_t i = 0; i < BLOCK_MULTIPLIERS; i++) {
        f->multiplier = block_format_multiplier(i);
        struct block_error e = block_format_error(f, k, x, rows, cols, NULL);
        if (!i || e.error < best.error) {
            best = e;
            multiplier = f->multiplier;
        }
    }
    f->multiplier = multiplier;
    return best;
}
