/*
 * Canonical Huffman codes of symbols 0 .. n-1, and bit streams of them.
 *
 * A code is fixed by its lengths: words ascend with length and, among equal lengths, with the
 * symbol, and each is the one before it plus 1, widened by zeros.  A stream begins with the most
 * significant bit of its first byte, and HUFFMAN_PADDING zero bytes follow its last one, so that a
 * decoder may load 64 bits wherever a symbol begins.
 *
 * Source: D. A. Huffman, A Method for the Construction of Minimum-Redundancy Codes, 1952; canonical
 * form: E. S. Schwartz and B. Kallick, 1964.
 */
#ifndef NUMERICS_FORMATS_HUFFMAN_H
#define NUMERICS_FORMATS_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "numerics/status.h"

enum {
    HUFFMAN_MAX_SYMBOLS = 1 << 16,
    /* A word of d bits takes weights that sum to the Fibonacci number d + 2 at least, and that of
     * 57 is above HUFFMAN_MAX_TOTAL. */
    HUFFMAN_MAX_BITS = 54,
    HUFFMAN_PADDING = 8
};
#define HUFFMAN_MAX_TOTAL (UINT64_C(1) << 38)

struct huffman_code {
    size_t n;
    uint8_t *length;  /* [n], 1 .. HUFFMAN_MAX_BITS */
    uint64_t *word;   /* [n], in the low bits */
    uint16_t *symbol; /* [n], in the order of their words */
    int longest;
    /* By length: the last word of at most so many bits, followed by ones up to 64 (0: there is no
     * such word), and what added to a word of that length gives its place in symbol[]. */
    uint64_t last[HUFFMAN_MAX_BITS + 1];
    size_t place[HUFFMAN_MAX_BITS + 1];
};

/* The code of least mean length for weights > 0 [n].  A single symbol has a word of one bit.
 * E_USAGE when n is 0 or above HUFFMAN_MAX_SYMBOLS, or a weight is 0, or they sum to
 * HUFFMAN_MAX_TOTAL or more; E_NOMEM.  Freed with huffman_free(), which a zeroed code may be given.
 */
enum status huffman_make(const uint64_t *weight, size_t n, struct huffman_code *out,
                         struct err *err);
void huffman_free(struct huffman_code *code);

/* Sum of weight times length. */
uint64_t huffman_cost(const struct huffman_code *code, const uint64_t *weight);

/* Bits of the words of symbols [n], each below code->n. */
uint64_t huffman_bits(const struct huffman_code *code, const uint16_t *symbols, size_t n);

/* Bytes that a stream of so many bits takes with its padding. */
static inline size_t huffman_bytes(uint64_t bits)
{
    return (size_t)((bits + 7) / 8) + HUFFMAN_PADDING;
}

/* Writes the stream of symbols [n] to out [huffman_bytes(huffman_bits())]; returns its bits. */
uint64_t huffman_encode(const struct huffman_code *code, const uint16_t *symbols, size_t n,
                        uint8_t *out);

/* Reads n symbols of a stream of `bytes` bytes, its padding included.  E_FORMAT when it ends before
 * them or has a word that the code has not. */
enum status huffman_decode(const struct huffman_code *code, const uint8_t *stream, size_t bytes,
                           size_t n, uint16_t *symbols, struct err *err);

/* 64 bits as a stream has them, the first on top, from or to their order in memory. */
static inline uint64_t huffman_big_endian(uint64_t bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(bits);
#else
    return bits;
#endif
}

/* 57 bits or more of a stream from bit `at` on, the first on top; 0 is behind them. */
static inline uint64_t huffman_window(const uint8_t *stream, uint64_t at)
{
    uint64_t bytes;
    memcpy(&bytes, stream + at / 8, sizeof bytes);
    return huffman_big_endian(bytes) << at % 8;
}

/* The symbol on top of a window and its length; code->n when no word is there. */
static inline size_t huffman_first(const struct huffman_code *code, uint64_t window, int *length)
{
    int bits = 1;
    while (bits <= code->longest && (window > code->last[bits] || !code->last[bits]))
        bits++;
    *length = bits;
    return bits > code->longest ? code->n
                                : code->symbol[code->place[bits] + (size_t)(window >> (64 - bits))];
}

#endif
