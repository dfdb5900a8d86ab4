#include "numerics/formats/huffman.h"

#include <stdlib.h>

struct leaf {
    uint64_t weight;
    size_t symbol;
};

static int by_weight(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    return x->symbol < y->symbol ? -1 : 1;
}

/* The lengths, by the two queues of van Leeuwen: leaves ascend, and so do the nodes made of them.
 * Node n + i joins two of the nodes before it; weight and parent are room for 2n nodes. */
static void lengths(const struct leaf *leaf, size_t n, uint64_t *weight, size_t *parent,
                    uint8_t *length)
{
    size_t next_leaf = 0, next_node = n, nodes = n;
    for (size_t i = 0; i < n; i++)
        weight[i] = leaf[i].weight;
    for (; nodes < 2 * n - 1; nodes++) {
        weight[nodes] = 0;
        for (int child = 0; child < 2; child++) {
            size_t least =
                next_leaf < n && (next_node == nodes || weight[next_leaf] <= weight[next_node])
                    ? next_leaf++
                    : next_node++;
            weight[nodes] += weight[least];
            parent[least] = nodes;
        }
    }
    weight[nodes - 1] = n > 1 ? 0 : 1; /* from here on: depth, of the root first */
    for (size_t i = nodes - 1; i-- > 0;)
        weight[i] = weight[parent[i]] + 1;
    for (size_t i = 0; i < n; i++)
        length[leaf[i].symbol] = (uint8_t)weight[i];
}

/* Words, and what finds them, from lengths. */
static void canonical(struct huffman_code *c)
{
    size_t place = 0;
    uint64_t word = 0;
    for (size_t i = 0; i < c->n; i++)
        c->longest = c->length[i] > c->longest ? c->length[i] : c->longest;
    for (int bits = 1; bits <= c->longest; bits++) {
        word <<= 1;
        c->place[bits] = place - (size_t)word; /* may wrap, and wraps back when a word is added */
        for (size_t i = 0; i < c->n; i++)
            if (c->length[i] == bits) {
                c->word[i] = word++;
                c->symbol[place++] = (uint16_t)i;
            }
        c->last[bits] = word ? (word << (64 - bits)) - 1 : 0;
    }
}

enum status huffman_make(const uint64_t *weight, size_t n, struct huffman_code *out,
                         struct err *err)
{
    struct huffman_code c = {.n = n};
    uint64_t total = 0, *node = NULL;
    size_t *parent = NULL;
    struct leaf *leaf = NULL;
    enum status s = OK;
    if (!n || n > HUFFMAN_MAX_SYMBOLS)
        return status_fail(err, E_USAGE, "Huffman code: %zu symbols", n);
    for (size_t i = 0; i < n; i++) {
        if (!weight[i] || weight[i] >= HUFFMAN_MAX_TOTAL - total)
            return status_fail(err, E_USAGE, "Huffman code: weight %zu is 0 or too large", i);
        total += weight[i];
    }
    c.length = malloc(n * sizeof *c.length);
    c.word = malloc(n * sizeof *c.word);
    c.symbol = malloc(n * sizeof *c.symbol);
    leaf = malloc(n * sizeof *leaf);
    node = malloc(2 * n * sizeof *node);
    parent = malloc(2 * n * sizeof *parent);
    if (!c.length || !c.word || !c.symbol || !leaf || !node || !parent) {
        s = status_fail(err, E_NOMEM, "Huffman code: no memory for %zu symbols", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        leaf[i] = (struct leaf){weight[i], i};
    qsort(leaf, n, sizeof *leaf, by_weight);
    lengths(leaf, n, node, parent, c.length);
    canonical(&c);
out:
    free(leaf);
    free(node);
    free(parent);
    if (s)
        huffman_free(&c);
    else
        *out = c;
    return s;
}

void huffman_free(struct huffman_code *code)
{
    free(code->length);
    free(code->word);
    free(code->symbol);
    *code = (struct huffman_code){0};
}

uint64_t huffman_cost(const struct huffman_code *code, const uint64_t *weight)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < code->n; i++)
        sum += weight[i] * code->length[i];
    return sum;
}

uint64_t huffman_bits(const struct huffman_code *code, const uint16_t *symbols, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits += code->length[symbols[i]];
    return bits;
}

static void store(uint8_t *out, uint64_t bits)
{
    bits = huffman_big_endian(bits);
    memcpy(out, &bits, sizeof bits);
}

uint64_t huffman_encode(const struct huffman_code *code, const uint16_t *symbols, size_t n,
                        uint8_t *out)
{
    const uint8_t *begin = out;
    uint64_t pending = 0; /* bits not yet complete bytes, on top */
    int count = 0;        /* of them, below 8 */
    for (size_t i = 0; i < n; i++) {
        int length = code->length[symbols[i]]; /* count + length <= 61 */
        pending |= code->word[symbols[i]] << (64 - count - length);
        count += length;
        store(out, pending); /* up to the padding's end, for a later one to overwrite */
        out += count / 8;
        pending <<= count / 8 * 8;
        count %= 8;
    }
    uint64_t bits = (uint64_t)(out - begin) * 8 + (uint64_t)count;
    store(out, pending);
    if (count) /* the byte behind those 8 */
        out[8] = 0;
    return bits;
}

enum status huffman_decode(const struct huffman_code *code, const uint8_t *stream, size_t bytes,
                           size_t n, uint16_t *symbols, struct err *err)
{
    uint64_t end = bytes > HUFFMAN_PADDING ? (uint64_t)(bytes - HUFFMAN_PADDING) * 8 : 0;
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int length = 0;
        size_t symbol =
            at < end ? huffman_first(code, huffman_window(stream, at), &length) : code->n;
        at += (uint64_t)length;
        if (symbol == code->n || at > end)
            return status_fail(err, E_FORMAT, "Huffman stream: no symbol %zu in its %zu bytes", i,
                               bytes);
        symbols[i] = (uint16_t)symbol;
    }
    return OK;
}
