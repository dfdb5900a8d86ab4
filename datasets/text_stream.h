/*
 * A stream that writes into memory and tells when memory was short.
 *
 * glibc's open_memstream() does not: when its buffer cannot grow the text ends early, and neither
 * ferror() nor fclose() says so.
 */
#ifndef DATASETS_TEXT_STREAM_H
#define DATASETS_TEXT_STREAM_H

#include <stddef.h>
#include <stdio.h>

/* NULL when memory is short.  fclose() sets *text, which is freed with free() and ends in a NUL
 * that *n does not count; when memory was short it returns EOF and sets *text to NULL.  Both must
 * stay where they are until then. */
FILE *text_stream(char **text, size_t *n);

#endif
