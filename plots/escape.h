/*
 * Names from strangers' documents, written so that gnuplot, a table file or a browser takes them
 * for text and nothing else.  Control characters, which could end a line or a string, become
 * U+FFFD.
 */
#ifndef PLOTS_ESCAPE_H
#define PLOTS_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Text of HTML or SVG, also inside a double-quoted attribute. */
void escape_html(FILE *out, const char *text);

/* A gnuplot string in single quotes: there neither backquotes nor macros nor backslashes mean
 * anything.  A quote becomes U+2019, since gnuplot 5.4 ends some strings that begin with a doubled
 * one. */
void escape_gnuplot(FILE *out, const char *text);

/* The same for the name of a tick, which gnuplot takes for a number's format: a percent sign is
 * doubled. */
void escape_gnuplot_tick(FILE *out, const char *text);

/* A field of tab-separated values; for words that gnuplot need not read. */
void escape_field(FILE *out, const char *text);

/* In place: '?' for characters beyond the scripts that any font has (Latin, Greek, Cyrillic,
 * symbols).  What cairo draws for a missing glyph covers the figure. */
void escape_rare_glyphs(char *text);

/* The columns that text takes on a screen: wide characters (CJK) count as two. */
size_t label_columns(const char *text);

/* text cut to `columns` with an ellipsis in its middle, since names differ at both ends.
 * A buffer of 4 * columns + 8 bytes holds every result. */
void label_shorten(const char *text, size_t columns, char *out, size_t out_bytes);

/* Appends text to a file name of at most `size` bytes: [A-Za-z0-9.-] stay, others become '_'. */
void file_name_append(char *name, size_t size, const char *text);

#endif
