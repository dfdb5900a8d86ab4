/*
 * Matrix times vector, y = W x, with weights in a Huffman bit stream that is decoded on the way,
 * and f32 activations.
 *
 *   w        [rows][cols]: the words of a row's symbols are a stream (numerics/formats/huffman.h)
 *            that begins at byte begin[row]; HUFFMAN_PADDING bytes follow the last one
 *   x        [cols], aligned as float
 *   y        [rows]; only row0 .. row1-1 are computed and written, so callers share rows out
 *            among threads.  y overlaps neither w nor x.
 *   result   y[r] = sum over c of level[symbol] * x[c]; 0 when cols == 0.  NaN and inf propagate.
 *
 * The stream is trusted: it is what huffman_encode() wrote for cols symbols a row.
 *
 * Work: 2 flop a weight, and its word read.  gemv_huffman_table looks the next HUFFMAN_LOOKUP_BITS
 * bits up in a table of up to four symbols' levels (16 KiB) and multiplies them as one vector; a
 * look-up must know how long the one before it was, about 7 cycles, and those of four rows overlap.
 * Accuracy: gemv_huffman_table accumulates in f32, in an order of its own, and is within
 * gemv_huffman_bound() of the reference, which accumulates in f64 and rounds once.
 */
#ifndef NUMERICS_KERNELS_GEMV_HUFFMAN_H
#define NUMERICS_KERNELS_GEMV_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/cpu.h"
#include "numerics/formats/huffman.h"

enum { HUFFMAN_LOOKUP_BITS = 10, HUFFMAN_AT_ONCE = 4 };

/* By the next bits of a stream: the levels of the symbols whose words are all there, up to four,
 * then zeros; how many they are (0: the first is longer), and their bits. */
struct huffman_lookup {
    float level[1 << HUFFMAN_LOOKUP_BITS][HUFFMAN_AT_ONCE];
    uint8_t count[1 << HUFFMAN_LOOKUP_BITS], bits[1 << HUFFMAN_LOOKUP_BITS];
};

struct huffman_matrix {
    const uint8_t *stream; /* all borrowed */
    const uint32_t *begin; /* [rows] */
    size_t cols;
    const struct huffman_code *code;
    const float *level; /* [code->n], finite */
    const struct huffman_lookup
        *lookup; /* of the same code and levels; not read by the reference */
};

void huffman_lookup_make(const struct huffman_code *code, const float *level,
                         struct huffman_lookup *out);

typedef void gemv_huffman_fn(const struct huffman_matrix *w, const float *x, float *y, size_t row0,
                             size_t row1);

gemv_huffman_fn gemv_huffman_ref, gemv_huffman_table;
extern const struct kernel_variant gemv_huffman_variants[];

/* The largest distance of y[row] from the reference's.  With n = cols, a term passes through its
 * product, at most n - 1 additions, and one rounding of the reference: gamma_f32(n + 3) *
 * sum |weight x|, two roundings to spare (numerics/kernels/gamma.h).  Each product below the normal
 * range adds F32_TINIEST.  INFINITY when a partial sum may overflow or an operand is not finite. */
double gemv_huffman_bound(const struct huffman_matrix *w, const float *x, size_t row);

#endif
