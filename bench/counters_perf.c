/* Counting through perf_event_open itself: where PAPI was not there to build with, or does not
 * work. */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/counters.h"

static int perf_open(void *self, const struct counter_event *event)
{
    (void)self;
    struct perf_event_attr attr = {
        .type = event->perf_type,
        .size = sizeof attr,
        .config = event->perf_config,
        .disabled = 1,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        /* User code alone, so that an unprivileged user can count; but a page fault and a switch of
         * context happen in the kernel. */
        .exclude_kernel = event->hardware,
        .exclude_hv = 1,
    };
    long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int perf_begin(void *self, int fd)
{
    (void)self;
    if (ioctl(fd, PERF_EVENT_IOC_RESET, 0) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
        return -errno;
    return 0;
}

static int perf_end(void *self, int fd, struct counter_raw *raw)
{
    (void)self;
    uint64_t words[3]; /* value, time enabled, time running */
    if (ioctl(fd, PERF_EVENT_IOC_DISABLE, 0))
        return -errno;
    ssize_t n = read(fd, words, sizeof words);
    if (n != sizeof words)
        return n < 0 ? -errno : -EIO;
    *raw = (struct counter_raw){words[0], words[1], words[2]};
    return 0;
}

static void perf_close(void *self, int fd)
{
    (void)self;
    close(fd);
}

enum status counters_perf(struct counter_backend *out, struct err *err)
{
    struct counter_backend backend = {.name = "perf",
                                      .open = perf_open,
                                      .begin = perf_begin,
                                      .end = perf_end,
                                      .close = perf_close};
    int fd = perf_open(NULL, counter_event_find("task-clock"));
    if (fd < 0 && -fd != ENOENT && -fd != EOPNOTSUPP)
        return status_fail(err, E_UNAVAILABLE, "perf_event_open: %s", strerror(-fd));
    if (fd >= 0)
        close(fd);
    *out = backend;
    return OK;
}
