/*
 * Inputs for "every path equals the reference": arrays that end at a page that cannot be read, so
 * that a kernel reading past its end faults, and values that are random, huge, tiny or special.
 */
#ifndef TESTS_PARITY_H
#define TESTS_PARITY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numerics/rng.h"

/* n bytes whose next byte is on an unmapped page; the start is aligned only as n allows. */
static inline void *parity_alloc(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page;
    char *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE)) {
        perror("parity_alloc");
        abort();
    }
    return map + body - n;
}

static inline void parity_free(void *p, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page;
    munmap((char *)p - (body - n), body + page);
}

/* n standard normal draws, before an unmapped page. */
static inline float *parity_normal(struct rng *rng, size_t n)
{
    float *x = parity_alloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(rng);
    return x;
}

#endif
