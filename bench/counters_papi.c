/* Counting through PAPI: portable names on every processor that it knows. */
#include "bench/counters.h"

#if ASSAY_HAVE_PAPI

#include <errno.h>
#include <papi.h>
#include <pthread.h>
#include <stdlib.h>

/* The errno that a PAPI code stands for, so that states and remedies are found in one place. */
static int errno_of(int papi)
{
    switch (papi) {
    case PAPI_EPERM:
        return EPERM;
    case PAPI_ENOEVNT:
    case PAPI_ENOEVST:
    case PAPI_ENOCMP:
        return ENOENT;
    case PAPI_ECNFLCT:
    case PAPI_EISRUN:
        return EBUSY;
    case PAPI_ENOMEM:
        return ENOMEM;
    case PAPI_ENOSUPP:
    case PAPI_ECMP:
        return EOPNOTSUPP;
    case PAPI_EINVAL:
        return EINVAL;
    default:
        return EIO;
    }
}

struct papi_set {
    int set;
    size_t n;
};

static void papi_close(void *self, void *set)
{
    (void)self;
    struct papi_set *s = set;
    PAPI_cleanup_eventset(s->set);
    PAPI_destroy_eventset(&s->set);
    free(s);
}

static int papi_open(void *self, const struct counter_event *const *events, size_t n, void **set)
{
    (void)self;
    if (n > COUNTER_SET_MAX)
        return -E2BIG;
    struct papi_set *s = malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct papi_set){PAPI_NULL, n};
    int code = PAPI_create_eventset(&s->set);
    for (size_t i = 0; i < n && code == PAPI_OK; i++)
        code = events[i]->papi ? PAPI_add_named_event(s->set, events[i]->papi) : PAPI_ENOEVNT;
    if (code != PAPI_OK) {
        papi_close(NULL, s);
        return -errno_of(code);
    }
    *set = s;
    return 0;
}

static int papi_begin(void *self, void *set)
{
    (void)self;
    int code = PAPI_start(((struct papi_set *)set)->set);
    return code == PAPI_OK ? 0 : -errno_of(code);
}

static int papi_end(void *self, void *set, struct counter_raw *raw)
{
    (void)self;
    const struct papi_set *s = set;
    long long values[COUNTER_SET_MAX] = {0};
    int code = PAPI_stop(s->set, values);
    if (code != PAPI_OK)
        return -errno_of(code);
    for (size_t i = 0; i < s->n; i++) {
        if (values[i] < 0) /* a counter that went backwards */
            return -ERANGE;
        /* Without multiplexing PAPI counts all the time, or fails to start. */
        raw[i] = (struct counter_raw){(uint64_t)values[i], 1, 1};
    }
    return 0;
}

enum status counters_papi(struct counter_backend *out, struct err *err)
{
    int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        return status_fail(err, E_UNAVAILABLE, "PAPI does not start: %s",
                           version > 0
                               ? "the library is not of the version this program was built for"
                               : PAPI_strerror(version));
    /* Each thread of a cell opens sets of its own. */
    int code = PAPI_thread_init((unsigned long (*)(void))pthread_self);
    if (code != PAPI_OK)
        return status_fail(err, E_UNAVAILABLE, "PAPI does not count threads: %s",
                           PAPI_strerror(code));
    /* In its default domain PAPI counts user code alone, and a page fault or a switch of context,
     * which happen in the kernel, would read 0 for ever. */
    PAPI_set_domain(PAPI_DOM_ALL);
    *out = (struct counter_backend){.name = "papi",
                                    .open = papi_open,
                                    .begin = papi_begin,
                                    .end = papi_end,
                                    .close = papi_close};
    return OK;
}

#else

enum status counters_papi(struct counter_backend *out, struct err *err)
{
    (void)out;
    return status_fail(err, E_UNAVAILABLE,
                       "this program was built without PAPI; install libpapi-dev "
                       "and build it again");
}

#endif
