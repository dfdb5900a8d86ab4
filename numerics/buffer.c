#include "numerics/buffer.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21, SMALL_PAGE = 1 << 12 };

static size_t mapped_bytes(size_t bytes)
{
    size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : SMALL_PAGE;
    return bytes ? (bytes + page - 1) / page * page : page;
}

void *buffer_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t size = mapped_bytes(bytes);
    size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0; /* room to begin on a huge page */
    char *map =
        mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    size_t head = slack ? (HUGE_PAGE - (uintptr_t)map % HUGE_PAGE) % HUGE_PAGE : 0;
    if (head)
        munmap(map, head);
    if (slack - head)
        munmap(map + head + size, slack - head);
    map += head;
    if (slack)
        madvise(map, size, MADV_HUGEPAGE); /* a wish: small pages serve too */
#pragma omp parallel for schedule(static) if (size >= 64 * (size_t)HUGE_PAGE)
    for (size_t i = 0; i < size; i += SMALL_PAGE)
        *(volatile char *)(map + i) = 0;
    return map;
}

void buffer_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, mapped_bytes(bytes));
}
