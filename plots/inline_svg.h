/*
 * A drawing from a file, made fit to stand inside a page.
 *
 * Only what gnuplot draws with may pass: a whitelist of elements, no event handlers, references to
 * the drawing itself alone.  Anything else, or markup that does not balance, refuses the whole
 * file, so a file that a stranger left in the folder cannot act in the page.
 */
#ifndef PLOTS_INLINE_SVG_H
#define PLOTS_INLINE_SVG_H

#include <stddef.h>
#include <stdio.h>

#include "numerics/status.h"

/* Writes the <svg> element of svg [n bytes] to out.  Ids, which only things to refer to keep, begin
 * with prefix, so that several drawings can share a page; label is what a screen reader says.
 * Titles within (gnuplot puts its commands there) are left out.  E_FORMAT says what was refused;
 * out may have got a part of it then. */
enum status inline_svg(const char *svg, size_t n, const char *prefix, const char *label, FILE *out,
                       struct err *err);

#endif
