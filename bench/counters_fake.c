/* A backend that counts what it is told to: every fault of the real ones, on any machine. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "bench/counters.h"

enum {
    HANDLES = sizeof((struct counter_fake *)0)->open / sizeof((struct counter_fake *)0)->open[0]
};

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

static int fake_open(void *self, const struct counter_event *event)
{
    struct counter_fake *fake = self;
    const struct counter_fault *fault = fault_of(fake, event->name);
    if (fault->open_errno)
        return -fault->open_errno;
    for (int h = 0; h < HANDLES; h++)
        if (!fake->open[h]) {
            fake->open[h] = event;
            return h + 1;
        }
    return -EMFILE;
}

static int fake_begin(void *self, int handle)
{
    struct counter_fake *fake = self;
    fake->began_ns[handle - 1] = thread_ns();
    return -fault_of(fake, fake->open[handle - 1]->name)->begin_errno;
}

static int fake_end(void *self, int handle, struct counter_raw *raw)
{
    enum { ENABLED_NS = 1000000 };
    struct counter_fake *fake = self;
    const struct counter_event *event = fake->open[handle - 1];
    const struct counter_fault *fault = fault_of(fake, event->name);
    if (fault->end_errno)
        return -fault->end_errno;
    double units = counter_work_units(event);
    double count = isnan(units) ? thread_ns() - fake->began_ns[handle - 1]
                                : units * sqrt(event->low * event->high);
    raw->value = fault->wraps ? UINT64_MAX - 5 : (uint64_t)(fault->gain * count);
    raw->enabled_ns = ENABLED_NS;
    raw->running_ns = (uint64_t)(fault->running * ENABLED_NS);
    return 0;
}

static void fake_close(void *self, int handle)
{
    ((struct counter_fake *)self)->open[handle - 1] = NULL;
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
