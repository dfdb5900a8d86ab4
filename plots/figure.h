/*
 * A figure: a gnuplot script, its data, its caption, and the table that says the same in words.
 *
 * A builder begins one, prints into its streams, and ends it.  The script that is written to disk
 * is the parameters printed here between plots/prelude.gp and a template of plots/, so that a user
 * can redraw or restyle it with gnuplot alone.
 */
#ifndef PLOTS_FIGURE_H
#define PLOTS_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "numerics/status.h"
#include "plots/results.h"
#include "plots/style.h"
#include "plots/table.h"

struct figure {
    char name[96];           /* of its files, without the ending */
    char *title;             /* not escaped */
    const char *template_gp; /* borrowed: an embedded file */
    struct table table;
    char *parameters, *data, *caption; /* complete once the figure has ended */
    FILE *script, *rows, *words;       /* the streams they are written through */
    size_t bytes[3];
    int width, height;            /* pixels */
    int left, right, top, bottom; /* margins around the axes, pixels */
};

enum { FIGURES_MAX = 400, CELLS_COMPARED_MAX = 1000 }; /* what a page and a minute can hold */

struct figures {
    struct figure *list;
    size_t n, capacity;
    size_t left_out; /* beyond FIGURES_MAX; their cells are in the table of all cells */
    bool out_of_memory;
    const struct results *results;
    const struct styles *styles;
};

/* The documents of a folder and every figure they allow, in the order of the report.  The members
 * point into each other: it stays where it is. */
struct drawing {
    struct results results;
    struct styles styles;
    struct figures figures;
};

/* Errors as results_load(); E_NOMEM. */
enum status drawing_load(const char *folder, struct drawing *d, struct err *err);
void drawing_free(struct drawing *d);

/* kind and the (possibly hostile) words after it make the name; title is printf-like.  NULL when
 * memory is short or there are too many, which is noted in fs: the builder just returns. */
struct figure *figure_begin(struct figures *fs, const char *kind, const char *word,
                            const char *other_word, const char *template_gp,
                            const char *const *headers, size_t n_headers, const char *title, ...)
    __attribute__((format(printf, 8, 9)));
void figure_end(struct figures *fs, struct figure *f);

void figure_size(struct figure *f, int width, int height, int left, int right, int top, int bottom);
/* `name = 'text'`, escaped. */
void figure_string(struct figure *f, const char *name, const char *text);
/* `array name[n] = [values]` */
void figure_array(struct figure *f, const char *name, const double *values, size_t n);
/* A label at pixel (x, y from the top); options are gnuplot's. */
void figure_label(struct figure *f, const char *text, double x, double y, const char *options);

/* "Median of n = 12 rounds; ... level 0.961; cold; 2 threads; avx512; machine ..." of the cells
 * that have a time. */
void caption_measured(FILE *out, const struct results *r, const struct cell *cells, size_t n);
/* value with `digits` significant digits and no exponent while it has at most six before the point:
 * "1.90", "0.0421", "1024".  A buffer of 32 bytes. */
void format_value(double value, int digits, char text[32]);
/* With three digits and a prefix: "24.0 GB/s", "1.25 ms". */
void format_si(double value, const char *unit, char text[32]);
/* Positive and within 1e-60 and 1e60: a logarithmic axis has room for it and what is around it. */
bool fits_log_axis(double value);
/* 1, 2 or 5 times a power of ten: four to nine steps of it lie between low and high. */
double tick_step(double low, double high);
/* Sets the ticks of an axis ('x', 'y') at multiples of step, or, on a logarithmic one, at 1, 2 and
 * 5 times powers of ten, fewer over many decades.  How many: none, and the axis keeps its own. */
size_t print_even_ticks(FILE *out, char axis, double low, double high, double step);
size_t print_log_ticks(FILE *out, char axis, double low, double high);
/* "2 threads" or "1 thread, 4 ranks" */
void print_threads(FILE *out, const struct cell *c);

/* The builders, one a file. */
void figures_speed(struct figures *fs);
void figures_limits(struct figures *fs);
void figures_roofline(struct figures *fs);
void figures_pareto(struct figures *fs);
/* Of tasks with a matrix: weights a second against bits a weight; time a token against tokens. */
void figures_bits(struct figures *fs);
void figures_batch(struct figures *fs);
void figures_claims(struct figures *fs);
void figures_compare(struct figures *fs);
/* Of a profile: bytes by tier and their roofline, a few cells a figure; the counters of each. */
void figures_traffic(struct figures *fs);
void figures_tiers(struct figures *fs);
void figures_counters(struct figures *fs);
/* Of an analysis called quant-error: error against bits, and against block size; use of codes; bits
 * shared out; tensor by format; weights. */
void figures_quant_error(struct figures *fs, const struct analysis_document *a);
void figures_block_size(struct figures *fs, const struct analysis_document *a);
void figures_codes(struct figures *fs, const struct analysis_document *a);
void figures_allocation(struct figures *fs, const struct analysis_document *a);
void figures_heat_map(struct figures *fs, const struct analysis_document *a);
void figures_weights(struct figures *fs, const struct analysis_document *a);
/* Of an analysis called scaling-law: IsoFLOP parabolas, frontiers, doubt, contours, demand. */
void figures_scaling(struct figures *fs, const struct analysis_document *a);

#endif
