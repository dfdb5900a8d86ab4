/* Counting through PAPI: portable names on every processor that it knows. */
#include "bench/counters.h"

#if ASSAY_HAVE_PAPI

#include <errno.h>
#include <papi.h>

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

static int papi_open(void *self, const struct counter_event *event)
{
    (void)self;
    int set = PAPI_NULL, code = PAPI_create_eventset(&set);
    if (code != PAPI_OK)
        return -errno_of(code);
    code = PAPI_add_named_event(set, event->papi);
    if (code != PAPI_OK) {
        PAPI_destroy_eventset(&set);
        return -errno_of(code);
    }
    return set + 1; /* PAPI counts its sets from 0 */
}

static int papi_begin(void *self, int handle)
{
    (void)self;
    int code = PAPI_start(handle - 1);
    return code == PAPI_OK ? 0 : -errno_of(code);
}

static int papi_end(void *self, int handle, struct counter_raw *raw)
{
    (void)self;
    long long value = 0;
    int code = PAPI_stop(handle - 1, &value);
    if (code != PAPI_OK)
        return -errno_of(code);
    if (value < 0) /* a counter that went backwards */
        return -ERANGE;
    /* Without multiplexing PAPI counts all the time, or fails to start. */
    *raw = (struct counter_raw){(uint64_t)value, 1, 1};
    return 0;
}

static void papi_close(void *self, int handle)
{
    (void)self;
    int set = handle - 1;
    PAPI_cleanup_eventset(set);
    PAPI_destroy_eventset(&set);
}

enum status counters_papi(struct counter_backend *out, struct err *err)
{
    int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        return status_fail(err, E_UNAVAILABLE, "PAPI does not start: %s",
                           version > 0
                               ? "the library is not of the version this program was built for"
                               : PAPI_strerror(version));
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
