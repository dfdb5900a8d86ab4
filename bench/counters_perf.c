/* Counting through perf_event_open itself: where PAPI was not there to build with, or does not
 * work. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/counters.h"
#include "bench/perf_event_name.h"

enum { MAX_FDS = 64 };

/* Events of the calling thread are one group, which the hardware holds whole or not at all; those
 * of a socket have a descriptor for each unit that counts a part. */
struct perf_set {
    size_t n, n_fds;
    int fds[MAX_FDS];
    size_t event_of[MAX_FDS];
};

static void perf_close(void *self, void *set)
{
    (void)self;
    struct perf_set *s = set;
    while (s->n_fds)
        close(s->fds[--s->n_fds]);
    free(s);
}

static int add_fd(struct perf_set *s, const struct counter_event *event, size_t i,
                  const struct perf_selector *selector)
{
    bool leads = !s->n_fds || event->socket;
    bool hardware = event->hardware && selector->type != PERF_TYPE_SOFTWARE;
    struct perf_event_attr attr = {
        .type = selector->type,
        .size = sizeof attr,
        .config = selector->config[0],
        .config1 = selector->config[1],
        .config2 = selector->config[2],
        .disabled = leads,
        /* Not in turns with others: the leader fails to start instead. */
        .pinned = leads && hardware && !event->socket,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        /* User code alone, so that an unprivileged user can count; but a page fault and a switch of
         * context happen in the kernel, and a memory controller knows of no privilege. */
        .exclude_kernel = hardware && !event->socket,
        .exclude_hv = !event->socket,
    };
    if (s->n_fds == MAX_FDS)
        return -E2BIG;
    long fd = syscall(SYS_perf_event_open, &attr, event->socket ? -1 : 0, selector->cpu,
                      leads ? -1 : s->fds[0], PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    s->event_of[s->n_fds] = i;
    s->fds[s->n_fds++] = (int)fd;
    return 0;
}

static int add_event(struct perf_set *s, const struct counter_event *event, size_t i)
{
    struct perf_selector selectors[MAX_FDS] = {{event->perf_type, {event->perf_config}, -1}};
    size_t n = 1;
    if (!event->perf && event->perf_type == COUNTER_NO_TYPE)
        return -ENOENT; /* PAPI alone knows it */
    int error = event->perf ? perf_event_name("", event->perf, selectors, MAX_FDS, &n) : 0;
    for (size_t k = 0; k < n && !error; k++)
        error =
            event->socket == (selectors[k].cpu >= 0) ? add_fd(s, event, i, &selectors[k]) : -EINVAL;
    return error;
}

static int perf_open(void *self, const struct counter_event *const *events, size_t n, void **set)
{
    (void)self;
    struct perf_set *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->n = n;
    int error = n > COUNTER_SET_MAX ? -E2BIG : 0;
    for (size_t i = 0; i < n && !error; i++)
        error = events[i]->socket == events[0]->socket ? add_event(s, events[i], i) : -EINVAL;
    if (error)
        perf_close(NULL, s);
    else
        *set = s;
    return error;
}

static int control(const struct perf_set *s, unsigned long request)
{
    for (size_t k = 0; k < s->n_fds; k++)
        if (ioctl(s->fds[k], request, 0))
            return -errno;
    return 0;
}

static int perf_begin(void *self, void *set)
{
    (void)self;
    int error = control(set, PERF_EVENT_IOC_RESET);
    /* Backwards, a group's leader last: until then none of it counts. */
    const struct perf_set *s = set;
    for (size_t k = s->n_fds; k-- > 0 && !error;)
        error = ioctl(s->fds[k], PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
    return error;
}

static int perf_end(void *self, void *set, struct counter_raw *raw)
{
    (void)self;
    const struct perf_set *s = set;
    int error = control(s, PERF_EVENT_IOC_DISABLE); /* the leader first */
    if (error)
        return error;
    memset(raw, 0, s->n * sizeof *raw);
    for (size_t k = 0; k < s->n_fds; k++) {
        uint64_t words[3]; /* value, time enabled, time running */
        struct counter_raw *sum = &raw[s->event_of[k]];
        ssize_t n = read(s->fds[k], words, sizeof words);
        if (n != sizeof words)
            return n < 0 ? -errno
                         : -EBUSY; /* nothing to read: a pinned group that lost its place */
        sum->value += words[0];
        sum->enabled_ns += words[1];
        sum->running_ns += words[2];
    }
    return 0;
}

enum status counters_perf(struct counter_backend *out, struct err *err)
{
    struct counter_backend backend = {.name = "perf",
                                      .open = perf_open,
                                      .begin = perf_begin,
                                      .end = perf_end,
                                      .close = perf_close};
    const struct counter_event *clock = counter_event_find("task-clock");
    void *set = NULL;
    int error = perf_open(NULL, &clock, 1, &set);
    if (error && -error != ENOENT && -error != EOPNOTSUPP)
        return status_fail(err, E_UNAVAILABLE, "perf_event_open: %s", strerror(-error));
    if (!error)
        perf_close(NULL, set);
    *out = backend;
    return OK;
}
