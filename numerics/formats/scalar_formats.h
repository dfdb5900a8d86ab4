/*
 * The scalar element formats that are ready, and the ways to scale them, by name.
 *
 * An element format is a codebook, or a rule that makes one for a scale rule, a block and a number
 * of degrees of freedom.  A scaling says what shares a scale and how the scale is kept.  Any pair
 * that scalar_format_build() accepts is a block format of numerics/formats/block_format.h.
 */
#ifndef NUMERICS_FORMATS_SCALAR_FORMATS_H
#define NUMERICS_FORMATS_SCALAR_FORMATS_H

#include "numerics/formats/block_format.h"

struct scalar_format {
    const char *name, *title;
    int bits;      /* of a stored code */
    bool needs_df; /* made for a Student-t whose df is fitted to each tensor and kept in f32 */
    enum status (*make)(const struct scalar_format *f, enum scale_rule rule, size_t block,
                        double df, struct codebook *out, struct err *err);
    int choice; /* of make(): a convention or a family */
};
extern const struct scalar_format scalar_formats[]; /* ends in {0} */

struct scaling {
    const char *name, *title;
    enum scale_rule rule;
    size_t block; /* elements of a row, BLOCK_CHANNEL or BLOCK_TENSOR */
    enum scale_format scale_format;
};
extern const struct scaling scalings[]; /* ends in {0} */

/* The row of that name, or NULL. */
const struct scalar_format *scalar_format_find(const char *name);
const struct scaling *scaling_find(const char *name);

/*
 * The codebook of f for a tensor [rows][cols] under that scaling, and the block format that borrows
 * it.  df > 2 is used when f->needs_df.  E_USAGE when f has no such form: NF4, SF4 and AF4 exist
 * under absmax only, signmax needs a codebook that is not symmetric, and the expected absmax a
 * block of more than 3.
 */
enum status scalar_format_build(const struct scalar_format *f, const struct scaling *scaling,
                                size_t rows, size_t cols, double df, struct codebook *codebook,
                                struct block_format *out, struct err *err);

#endif
