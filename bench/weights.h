/*
 * The user's weights, as --weights FILE[:TENSOR] names them.
 *
 * FILE is all that checkpoint_open() takes.  Without TENSOR, or when the whole word is a file's
 * name, the largest matrix is meant; of several the first.
 */
#ifndef BENCH_WEIGHTS_H
#define BENCH_WEIGHTS_H

#include "datasets/checkpoint.h"

struct weights {
    struct checkpoint checkpoint;
    const struct tensor *tensor; /* a matrix with at least one value; lives in checkpoint */
    char *name;                  /* FILE:TENSOR, owned */
};

/* E_USAGE when there is no such tensor or it is no matrix, else as checkpoint_open(); *out is
 * untouched then. */
enum status weights_open(const char *spec, struct weights *out, struct err *err);
void weights_close(struct weights *w); /* also of a zeroed one */

#endif
