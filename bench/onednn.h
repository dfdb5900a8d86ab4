/*
 * Matrix products by oneDNN, the library that inference engines on CPUs call: a peer.
 *
 * y [tokens][rows] = x [tokens][cols] times the transpose of w [rows][cols].
 *
 *   ONEDNN_BF16   x and w in bf16, y in f32
 *   ONEDNN_I8     x and w in 8-bit integers, y in 32-bit integers, exact
 *
 * The library chooses how weights lie in memory: onednn_reorder() brings a row-major matrix there.
 * It takes its threads from OpenMP; the caller must not be inside a parallel region.
 */
#ifndef BENCH_ONEDNN_H
#define BENCH_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/status.h"

enum onednn_type { ONEDNN_BF16, ONEDNN_I8 };
struct onednn_matmul;

/* E_SKIP when this program was built without the library, or it has no such product here. */
enum status onednn_open(enum onednn_type type, size_t rows, size_t cols, size_t tokens, int threads,
                        struct onednn_matmul **out, struct err *err);
void onednn_close(struct onednn_matmul *m); /* NULL is fine */

/* Bytes of the weights in the library's layout. */
size_t onednn_weight_bytes(const struct onednn_matmul *m);

/* w [rows][cols] to that layout; out [onednn_weight_bytes()].  E_INTERNAL. */
enum status onednn_reorder(struct onednn_matmul *m, void *w, void *out, struct err *err);

/* weights as onednn_reorder() made them.  Returns whether the library did it. */
bool onednn_run(struct onednn_matmul *m, const void *weights, void *x, void *y);

/* The instruction set that the library uses, by its own name. */
const char *onednn_isa(void);

#endif
