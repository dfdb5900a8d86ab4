/*
 * The one allocator of everything that is timed, and of what the roofs are measured on.
 *
 * Memory is zero, aligned to 64 bytes at least, backed by huge pages where the system allows it,
 * and touched, so that no timed loop takes a page fault.
 */
#ifndef NUMERICS_BUFFER_H
#define NUMERICS_BUFFER_H

#include <stddef.h>

/* NULL when memory is short; bytes == 0 gives a valid pointer to nothing. */
void *buffer_alloc(size_t bytes);

/* bytes as given to buffer_alloc; p may be NULL. */
void buffer_free(void *p, size_t bytes);

#endif
