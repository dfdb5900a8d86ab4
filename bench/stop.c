#include "bench/stop.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum status stop_open(struct stop *out, struct err *err)
{
    struct stop stop = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    stop.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (stop.fd < 0)
        return status_fail(err, E_INTERNAL, "signalfd: %s", strerror(errno));
    sigprocmask(SIG_BLOCK, &signals, &stop.before);
    *out = stop;
    return OK;
}

unsigned stop_asked(struct stop *stop)
{
    struct signalfd_siginfo info;
    if (!stop)
        return 0;
    while (read(stop->fd, &info, sizeof info) == sizeof info)
        stop->asked++;
    return stop->asked;
}

void stop_close(struct stop *stop)
{
    stop_asked(stop);
    close(stop->fd);
    sigprocmask(SIG_SETMASK, &stop->before, NULL);
}
