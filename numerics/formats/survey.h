/*
 * One matrix in many formats: the error of each, with the matrix read only twice.
 *
 * The first reading sees how the values are spread (the scale of the whole tensor, a sketch), the
 * second codes them in every format, part by part, so that a part is still in cache when the next
 * format looks at it.  Sums of parts are added in the order of the parts, whatever thread made
 * them: results do not depend on the number of threads.
 *
 * The df of a cube-root Student-t format is fitted: of scalar_format_df() the one of least error
 * under the scaling in use, on at most 2^20 elements that are spread over the matrix.  Levels that
 * are fitted are fitted to those elements, in their order, from a start that is the same each time.
 * SURVEY_SEARCH fits a multiplier of the scales in the same way, for rows that no name fixes and
 * whose levels are not themselves fitted to the scales: BLOCK_MULTIPLIERS of them, and for a
 * Student-t every second one with each df.
 * Source: D. Orr, L. Ribar, C. Luschi, Optimal Formats for Weight Quantisation, arXiv 2505.12988.
 */
#ifndef NUMERICS_FORMATS_SURVEY_H
#define NUMERICS_FORMATS_SURVEY_H

#include <stddef.h>

#include "numerics/formats/scalar_format.h"
#include "numerics/statistics/value_sketch.h"
#include "numerics/status.h"
#include "numerics/tensor.h"

enum { SURVEY_MAX_COLS = 1 << 24 }; /* a row is never split */

/* A format under a scaling. */
struct survey_row {
    const struct scalar_format *format;
    const struct scaling *scaling;
    size_t block; /* BLOCK_TENSOR, BLOCK_CHANNEL, or elements */
    enum scale_format scale_format;
    double least;     /* as in struct block_format */
    const char *name; /* of named_formats[]; NULL: a combination that has none */
};

/* What one row gave. */
struct survey_cell {
    struct block_error error;
    double bits;           /* for a weight, with its share of every side cost */
    double df;             /* that was fitted, else 0 */
    double multiplier;     /* of the scales, that was fitted, else 0 */
    double element_bits;   /* of a stored code */
    const uint64_t *codes; /* [n_codes] uses of each code, until the next matrix; or NULL */
    size_t n_codes;
    char reason[160]; /* not "": the format cannot code this matrix, and why; the rest is then zero
                       */
};

struct survey;

enum survey_flags {
    SURVEY_SEARCH = 1, /* fit the scales' multipliers */
    SURVEY_CODES = 2   /* count codes: one more look-up and increment an element and row */
};

/* rows [n] must outlive the survey.  flags: of enum survey_flags.  E_NOMEM. */
enum status survey_open(const struct survey_row *rows, size_t n, unsigned flags, unsigned features,
                        int threads, struct survey **out, struct err *err);
void survey_close(struct survey *s); /* NULL is fine */

/* Codes t, seen as [t->count / cols][cols] with 0 < cols <= SURVEY_MAX_COLS dividing a count that
 * is not 0.
 *   cells   [n]
 *   sketch  how the values are spread
 * Memory: for each thread 512 KB of a sketch and the f32 of a part (2^17 elements, or one row);
 * 2 KB a row and thread where codes are counted.  E_NOMEM. */
enum status survey_matrix(struct survey *s, const struct tensor *t, size_t cols,
                          struct survey_cell *cells, struct value_sketch *sketch, struct err *err);

#endif
