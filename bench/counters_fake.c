/* A backend that counts what it is told to: every fault of the real ones, on any machine. */
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <string.h>
#include <time.h>

#include "bench/counters.h"

static const struct counter_fault right = {.gain = 1, .running = 1};

static const struct counter_fault *fault_of(const struct counter_fake *fake, const char *event)
{
    for (const struct counter_fault *f = fake->faults; f && f->event; f++)
        if (!strcmp(f->event, event))
            return f;
    return &right;
}

static double thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static int fake_open(void *self, const struct counter_event *const *events, size_t n, void **set)
{
    struct counter_fake *fake = self;
    if (n > (fake->room ? fake->room : COUNTER_SET_MAX))
        return -EINVAL; /* as perf_event_open says of a group that does not fit */
    for (size_t i = 0; i < n; i++) {
        const struct counter_fault *fault = fault_of(fake, events[i]->name);
        int error = omp_get_thread_num() ? fault->others_errno : 0;
        if (fault->open_errno || error)
            return -(fault->open_errno ? fault->open_errno : error);
    }
    for (int s = 0; s < COUNTER_FAKE_SETS; s++)
        if (!fake->sets[s].n) {
            memcpy(fake->sets[s].events, events, n * sizeof *events);
            fake->sets[s].n = n;
            *set = &fake->sets[s];
            return 0;
        }
    return -EMFILE;
}

static int fake_begin(void *self, void *handle)
{
    struct counter_fake_set *set = handle;
    set->began_ns = thread_ns();
    for (size_t i = 0; i < set->n; i++) {
        int error = fault_of(self, set->events[i]->name)->begin_errno;
        if (error)
            return -error;
    }
    return 0;
}

static int fake_end(void *self, void *handle, struct counter_raw *raw)
{
    enum { ENABLED_NS = 1000000 };
    struct counter_fake_set *set = handle;
    for (size_t i = 0; i < set->n; i++) {
        const struct counter_event *event = set->events[i];
        const struct counter_fault *fault = fault_of(self, event->name);
        if (fault->end_errno)
            return -fault->end_errno;
        double units = counter_work_units(event);
        double count =
            isnan(units) ? thread_ns() - set->began_ns : units * sqrt(event->low * event->high);
        raw[i].value = fault->wraps ? UINT64_MAX - 5 : (uint64_t)(fault->gain * count);
        raw[i].enabled_ns = ENABLED_NS;
        raw[i].running_ns = (uint64_t)(fault->running * ENABLED_NS);
    }
    return 0;
}

static void fake_close(void *self, void *handle)
{
    (void)self;
    ((struct counter_fake_set *)handle)->n = 0;
}

void counters_fake(struct counter_fake *fake, struct counter_backend *out)
{
    *out = (struct counter_backend){.name = "fake",
                                    .self = fake,
                                    .open = fake_open,
                                    .begin = fake_begin,
                                    .end = fake_end,
                                    .close = fake_close};
}
