#include "bench/stop.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int requests[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_REQUESTS = sizeof requests / sizeof requests[0] };

void stop_signals(sigset_t *out)
{
    sigemptyset(out);
    for (size_t i = 0; i < N_REQUESTS; i++)
        sigaddset(out, requests[i]);
}

enum status stop_open(struct stop *out, struct err *err)
{
    struct stop stop = {0};
    struct sigaction action;
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < N_REQUESTS; i++)
        if (!sigaction(requests[i], NULL, &action) && action.sa_handler != SIG_IGN)
            sigaddset(&signals, requests[i]);
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
