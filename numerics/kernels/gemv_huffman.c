#include "numerics/kernels/gemv_huffman.h"

#include <string.h>

#include "numerics/kernels/gamma.h"

const struct kernel_variant gemv_huffman_variants[] = {
    KERNEL(gemv_huffman, ref, 0),
    KERNEL(gemv_huffman, table, 0),
    {0},
};

void huffman_lookup_make(const struct huffman_code *code, const float *level,
                         struct huffman_lookup *out)
{
    for (size_t i = 0; i < 1 << HUFFMAN_LOOKUP_BITS; i++) {
        uint64_t window = (uint64_t)i << (64 - HUFFMAN_LOOKUP_BITS);
        int bits = 0, length, count = 0;
        memset(out->level[i], 0, sizeof out->level[i]);
        for (; count < HUFFMAN_AT_ONCE; count++, bits += length) {
            size_t symbol = huffman_first(code, window << bits, &length);
            if (symbol == code->n || bits + length > HUFFMAN_LOOKUP_BITS)
                break;
            out->level[i][count] = level[symbol];
        }
        out->count[i] = (uint8_t)count;
        out->bits[i] = (uint8_t)bits;
    }
}

/* The next symbol of a stream, from bit *at on. */
static inline size_t next_symbol(const struct huffman_matrix *w, uint64_t *at)
{
    int length;
    size_t symbol = huffman_first(w->code, huffman_window(w->stream, *at), &length);
    *at += (uint64_t)length;
    return symbol;
}

void gemv_huffman_ref(const struct huffman_matrix *w, const float *x, float *y, size_t row0,
                      size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        uint64_t at = 8 * (uint64_t)w->begin[r];
        double sum = 0;
        for (size_t c = 0; c < w->cols; c++)
            sum += (double)w->level[next_symbol(w, &at)] * x[c];
        y[r] = (float)sum;
    }
}

double gemv_huffman_bound(const struct huffman_matrix *w, const float *x, size_t row)
{
    struct block_bound bound = {.unit = 1};
    uint64_t at = 8 * (uint64_t)w->begin[row];
    double absolute = 0;
    for (size_t c = 0; c < w->cols; c++)
        absolute += fabs((double)w->level[next_symbol(w, &at)] * x[c]);
    block_bound_add(&bound, absolute, 1, w->cols);
    return block_bound_of(&bound, 1, w->cols);
}

typedef float four __attribute__((vector_size(4 * HUFFMAN_AT_ONCE)));

/* How far a row is. */
struct cursor {
    uint64_t at; /* bit of the stream */
    size_t col;
    four sum;
};

/* Look-ups that one window of the stream serves, and the columns that they may take. */
enum { ROWS = 4, LOOKUPS = 57 / HUFFMAN_LOOKUP_BITS, REACH = LOOKUPS * HUFFMAN_AT_ONCE };

static inline __attribute__((always_inline)) void advance(const struct huffman_matrix *w,
                                                          const float *x, struct cursor *c)
{
    uint64_t window = huffman_window(w->stream, c->at);
    for (int i = 0; i < LOOKUPS; i++) {
        size_t index = (size_t)(window >> (64 - HUFFMAN_LOOKUP_BITS));
        if (__builtin_expect(!w->lookup->count[index], 0)) {
            c->sum[0] += w->level[next_symbol(w, &c->at)] * x[c->col++];
            return; /* the window may be used up */
        }
        four level, part;
        memcpy(&level, w->lookup->level[index], sizeof level);
        memcpy(&part, x + c->col, sizeof part);
        c->sum += level * part;
        c->col += w->lookup->count[index];
        c->at += w->lookup->bits[index];
        window <<= w->lookup->bits[index];
    }
}

static float finish(const struct huffman_matrix *w, const float *x, struct cursor *c)
{
    while (w->cols - c->col >= REACH)
        advance(w, x, c);
    while (c->col < w->cols)
        c->sum[0] += w->level[next_symbol(w, &c->at)] * x[c->col++];
    return (c->sum[0] + c->sum[1]) + (c->sum[2] + c->sum[3]);
}

void gemv_huffman_table(const struct huffman_matrix *w, const float *x, float *y, size_t row0,
                        size_t row1)
{
    for (size_t r = row0; r < row1; r += ROWS) {
        struct cursor cursor[ROWS] = {{0}};
        size_t rows = row1 - r < ROWS ? row1 - r : ROWS, furthest = 0;
        for (size_t i = 0; i < rows; i++)
            cursor[i].at = 8 * (uint64_t)w->begin[r + i];
        while (rows == ROWS && w->cols - furthest >= REACH) {
            for (size_t i = 0; i < ROWS; i++)
                advance(w, x, cursor + i);
            for (size_t i = 0; i < ROWS; i++)
                furthest = cursor[i].col > furthest ? cursor[i].col : furthest;
        }
        for (size_t i = 0; i < rows; i++)
            y[r + i] = finish(w, x, cursor + i);
    }
}
