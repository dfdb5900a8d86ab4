/*
 * Scalar element formats by name, each under any scaling: what a tensor is compared in.
 *
 * A new format is a row of scalar_formats[] and, where its codebook is made in a new way, a case of
 * scalar_format_codebook().
 */
#ifndef NUMERICS_FORMATS_SCALAR_FORMAT_H
#define NUMERICS_FORMATS_SCALAR_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "numerics/formats/block_format.h"
#include "numerics/formats/codebook.h"
#include "numerics/rng.h"

enum scalar_kind {
    SCALAR_INT_TWOS,
    SCALAR_INT_RESTRICTED,
    SCALAR_INT_HALF,
    SCALAR_NAMED, /* a fixed 16-level codebook of absmax blocks */
    SCALAR_CUBE_NORMAL,
    SCALAR_CUBE_LAPLACE,
    SCALAR_CUBE_T, /* df fitted to the tensor */
    SCALAR_FLOAT,
    SCALAR_FIXED,   /* whole multiples of 2^-(bits-2), symmetric: MXINT's elements */
    SCALAR_UNIFORM, /* k / (2^(bits-1) - 1): the grid of an absmax that is itself the scale */
    SCALAR_SIGN,    /* -1 and 1; 0 becomes 1 */
    SCALAR_TERNARY, /* -1, 0 and 1, five to a byte */
    SCALAR_KMEANS   /* levels fitted to the tensor's normalised elements */
};

struct scalar_format {
    const char *name, *title;
    enum scalar_kind kind;
    int bits;    /* of a code in a byte of its own; codebook->bits says what a packed one takes */
    bool common; /* in the default comparison */
};
extern const struct scalar_format scalar_formats[]; /* ends with {0} */

/* How blocks are scaled. */
struct scaling {
    const char *name;
    enum scale_rule rule;
    size_t block; /* BLOCK_TENSOR, BLOCK_CHANNEL, or 1: blocks of a size that is chosen */
};

/* Formats that fix all of it, by the name that their authors gave them. */
struct named_format {
    const char *name, *title;
    const char *element; /* of scalar_formats[] */
    const char *scaling; /* of scalings[] */
    enum scale_format scale_format;
    size_t block; /* as in struct block_format */
    double least; /* likewise */
};
extern const struct named_format named_formats[]; /* ends with {0} */
/* The codebook and the block format of that name, which borrows it.  Where levels are fitted they
 * are a place-holder, as in scalar_format_codebook().  E_USAGE when there is no such name. */
enum status named_format_make(const char *name, struct codebook *codebook, struct block_format *out,
                              struct err *err);
extern const struct scaling scalings[];               /* ends with {0} */
const struct scaling *scaling_find(const char *name); /* NULL when there is none */

/* NULL, or why the format has no such scaling ("nf4 is made for absmax scales"). */
const char *scalar_format_lacks(const struct scalar_format *f, enum scale_rule rule);

/* Candidates for the df of a SCALAR_CUBE_T tensor: log-spaced from 3 to 100.  The one of least
 * error under the scaling in use is the fit; a likelihood over the whole tensor would mistake rows
 * or blocks of different scale, which the scales of a block format take care of, for heavy tails.
 */
enum { SCALAR_DF_CANDIDATES = 12 };
double scalar_format_df(size_t candidate);

/* The row of that name, or NULL. */
const struct scalar_format *scalar_format_find(const char *name);

/* The codebook for `block` elements that share a scale (more than 3 for the cube root and AF4 under
 * absmax) and, for SCALAR_CUBE_T, a df above 2.  E_USAGE for a scaling that the format lacks, or
 * too small a block.  SCALAR_KMEANS: a place-holder of the right size, whose scales are those of
 * the fit; scalar_format_fit() makes the levels. */
enum status scalar_format_codebook(const struct scalar_format *f, enum scale_rule rule,
                                   size_t block, double df, struct codebook *out, struct err *err);

/* Lloyd-Max levels of the normalised elements u [n] of a tensor (block_format_normalise()), from a
 * k-means++ start: the codebook of a SCALAR_KMEANS format.  E_USAGE when n == 0; E_NOMEM. */
enum status scalar_format_fit(const struct scalar_format *f, const float *u, size_t n,
                              struct rng *rng, struct codebook *out, struct err *err);

/* Bits kept once for a tensor: 32 for a fitted df or each fitted level, else 0. */
double scalar_format_extra_bits(const struct scalar_format *f);

#endif
