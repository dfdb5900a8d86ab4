/*
 * Makes the k-th allocation of an operation fail, for every k, and counts what it does not free.
 *
 * malloc, calloc, realloc, free and mmap of the whole process go through here, so those of libc and
 * of other libraries too.  Those of the OpenMP runtime are left alone: it ends the process when one
 * fails.  Only the thread that asked for the faults gets them.  For one file of a test program.
 */
#ifndef TESTS_ALLOC_FAULT_H
#define TESTS_ALLOC_FAULT_H

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "numerics/status.h"

#if defined(__SANITIZE_ADDRESS__)
#define ALLOC_REAL(name) __interceptor_##name
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALLOC_REAL(name) __interceptor_##name
#endif
#endif
#ifndef ALLOC_REAL
#define ALLOC_REAL(name) __libc_##name
#endif

void *ALLOC_REAL(malloc)(size_t);
void *ALLOC_REAL(calloc)(size_t, size_t);
void *ALLOC_REAL(realloc)(void *, size_t);
void ALLOC_REAL(free)(void *);

/* The sanitizer itself allocates before its shadow memory is there: what then runs here must not
 * look into it. */
#define ALLOC_EARLY __attribute__((no_sanitize("address", "undefined")))

enum { ALLOC_SLOTS = 1 << 16 };
static struct {
    uintptr_t openmp_begin, openmp_end; /* where the runtime's code lies */
    size_t seen, fails;                 /* allocations so far; the one that fails, 0 for none */
    size_t live, used;                  /* allocated and not freed; slots ever taken */
    /* What is live, hashed by its address.  By address, because a free() that is a function's last
     * act has no caller of its own. */
    uintptr_t slots[ALLOC_SLOTS];
} alloc_fault;
static _Thread_local bool alloc_fault_armed;

static int alloc_fault_is_openmp(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (!strstr(info->dlpi_name, "libgomp") && !strstr(info->dlpi_name, "libomp"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            alloc_fault.openmp_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            alloc_fault.openmp_end = alloc_fault.openmp_begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

ALLOC_EARLY static bool alloc_fault_counts(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    return alloc_fault_armed && !(at >= alloc_fault.openmp_begin && at < alloc_fault.openmp_end);
}

ALLOC_EARLY static bool alloc_fault_now(const void *caller)
{
    bool now = alloc_fault_counts(caller) && ++alloc_fault.seen == alloc_fault.fails;
    if (now)
        errno = ENOMEM;
    return now;
}

/* The slot of p, or the first empty one on its way. */
static uintptr_t *alloc_fault_slot(uintptr_t p)
{
    size_t i = (size_t)((p * UINT64_C(0x9E3779B97F4A7C15)) >> 48) % ALLOC_SLOTS;
    while (alloc_fault.slots[i] && alloc_fault.slots[i] != p)
        i = (i + 1) % ALLOC_SLOTS;
    return &alloc_fault.slots[i];
}

ALLOC_EARLY static void *alloc_fault_count(void *p, const void *caller)
{
    if (p && alloc_fault_counts(caller)) {
        if (2 * ++alloc_fault.used > ALLOC_SLOTS)
            abort(); /* the operation is too large for this table */
        *alloc_fault_slot((uintptr_t)p) = (uintptr_t)p;
        alloc_fault.live++;
    }
    return p;
}

ALLOC_EARLY static void alloc_fault_forget(const void *p)
{
    uintptr_t *slot = p && alloc_fault_armed ? alloc_fault_slot((uintptr_t)p) : NULL;
    if (slot && *slot) {
        *slot = 1; /* no address: the way to those behind it stays */
        alloc_fault.live--;
    }
}

ALLOC_EARLY void *malloc(size_t n)
{
    const void *caller = __builtin_return_address(0);
    return alloc_fault_now(caller) ? NULL : alloc_fault_count(ALLOC_REAL(malloc)(n), caller);
}

ALLOC_EARLY void *calloc(size_t n, size_t size)
{
    const void *caller = __builtin_return_address(0);
    return alloc_fault_now(caller) ? NULL : alloc_fault_count(ALLOC_REAL(calloc)(n, size), caller);
}

ALLOC_EARLY void *realloc(void *p, size_t n)
{
    const void *caller = __builtin_return_address(0);
    if (alloc_fault_now(caller))
        return NULL;
    alloc_fault_forget(p);
    return alloc_fault_count(ALLOC_REAL(realloc)(p, n), caller);
}

ALLOC_EARLY void free(void *p)
{
    alloc_fault_forget(p);
    ALLOC_REAL(free)(p);
}

ALLOC_EARLY void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if (alloc_fault_now(__builtin_return_address(0)))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

/* Frees all that it made, and returns how it went; E_INTERNAL with a line when a promise about what
 * a failure leaves behind is broken. */
typedef enum status alloc_fault_fn(void *user, struct err *err);

static inline enum status alloc_fault_run(alloc_fault_fn *operation, void *user, size_t fails,
                                          struct err *err)
{
    alloc_fault.seen = 0;
    alloc_fault.fails = fails;
    alloc_fault.live = alloc_fault.used = 0;
    memset(alloc_fault.slots, 0, sizeof alloc_fault.slots);
    alloc_fault_armed = true;
    enum status s = operation(user, err);
    alloc_fault_armed = false;
    return s;
}

/* Fails the test unless each failure gives E_NOMEM with a line, or is got over, and leaks nothing.
 * What runs first without a fault warms libc's caches.  Returns the number of allocations. */
static inline size_t alloc_fault_each(const char *what, alloc_fault_fn *operation, void *user)
{
    struct err err = {{0}};
    dl_iterate_phdr(alloc_fault_is_openmp, NULL);
    enum status s = alloc_fault_run(operation, user, 0, &err);
    if (s)
        fail_msg("%s: without a fault: status %d, '%s'", what, s, err.text);
    for (size_t k = 1;; k++) {
        err.text[0] = '\0';
        s = alloc_fault_run(operation, user, k, &err);
        bool failed = alloc_fault.seen >= k;
        if (s && (s != E_NOMEM || !err.text[0] || !failed))
            fail_msg("%s: allocation %zu failed: status %d, '%s'", what, k, s, err.text);
        if (alloc_fault.live)
            fail_msg("%s: allocation %zu failed: %zu are left, status %d", what, k,
                     alloc_fault.live, s);
        if (!failed)
            return k - 1;
    }
}

#endif
