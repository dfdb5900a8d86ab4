#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { REPLY_FD = 3, READ_BYTES = 1 << 16, MAX_PIPE_BYTES = 1 << 20 };

struct line_buffer {
    char *bytes; /* [capacity], owned */
    size_t n, capacity;
    bool skipping, no_memory; /* inside a line that is too long */
};

/* All that child_run holds, for one way out. */
struct session {
    const struct child_job *job;
    struct child_outcome outcome;
    char **env; /* owned array of borrowed strings */
    int input, output[2], reply[2], pidfd;
    pid_t pid;
    bool killed; /* by us */
    struct line_buffer line;
    size_t tail_n;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The descriptor, moved above those that the child's own will have: a dup2 onto 0..3 would else
 * overwrite one that is still to be used when the caller runs with some of 0..3 closed. */
static int above_child_fds(int fd)
{
    if (fd < 0 || fd > REPLY_FD)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, REPLY_FD + 1);
    close(fd);
    return high;
}

static bool open_pipe(int ends[2])
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC))
        return false;
    ends[0] = above_child_fds(raw[0]);
    ends[1] = above_child_fds(raw[1]);
    return ends[0] >= 0 && ends[1] >= 0 && !fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/* The job as a file in memory: a child that never reads it cannot block us, nor raise SIGPIPE. */
static int open_input(const char *text)
{
    size_t n = text ? strlen(text) : 0, done = 0;
    int fd = above_child_fds(memfd_create("job", MFD_CLOEXEC));
    while (fd >= 0 && done < n) {
        ssize_t wrote = write(fd, text + done, n - done);
        if (wrote < 0 && errno != EINTR)
            close_fd(&fd);
        else if (wrote > 0)
            done += (size_t)wrote;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return !strncmp(a, b, n) && b[n] == '=';
}

/* This process's environment with `extra` set on top; NULL when memory is short. */
static char **merge_env(const char *const *extra)
{
    size_t n = 0, n_extra = 0, k = 0;
    while (environ && environ[n])
        n++;
    while (extra && extra[n_extra])
        n_extra++;
    char **merged = malloc((n + n_extra + 1) * sizeof *merged);
    if (!merged)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (size_t j = 0; j < n_extra && !replaced; j++)
            replaced = same_name(extra[j], environ[i]);
        if (!replaced)
            merged[k++] = environ[i];
    }
    for (size_t j = 0; j < n_extra; j++)
        merged[k++] = (char *)extra[j];
    merged[k] = NULL;
    return merged;
}

static int spawn(struct session *s)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t blocked, ignored;
    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    /* What the caller blocks or ignores is its own business, but for requests to stop: a batch
     * system sends them to every process of a job, and the one that takes them decides about its
     * child. */
    sigemptyset(&blocked);
    if (s->job->stop)
        stop_signals(&blocked);
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGINT);
    sigaddset(&ignored, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    const int places[][2] = {{s->input, STDIN_FILENO},
                             {s->output[1], STDOUT_FILENO},
                             {s->output[1], STDERR_FILENO},
                             {s->reply[1], REPLY_FD}};
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !error; i++)
        error = posix_spawn_file_actions_adddup2(&files, places[i][0], places[i][1]);
    if (!error)
        error = posix_spawn(&s->pid, s->job->program, &files, &attributes,
                            (char *const *)s->job->argv, s->env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* When memory runs out, the kernel shall take the cell and not the run. */
static void offer_to_oom_killer(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/oom_score_adj", (long)pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* no /proc: the kernel then chooses by size, which is the child's too */
    ssize_t wrote = write(fd, "1000", 4);
    (void)wrote;
    close(fd);
}

static void keep_tail(struct session *s, const char *bytes, size_t n)
{
    if (n > CHILD_TAIL) {
        bytes += n - CHILD_TAIL;
        n = CHILD_TAIL;
    }
    size_t kept = s->tail_n > CHILD_TAIL - n ? CHILD_TAIL - n : s->tail_n;
    memmove(s->outcome.tail, s->outcome.tail + s->tail_n - kept, kept);
    memcpy(s->outcome.tail + kept, bytes, n);
    s->tail_n = kept + n;
}

/* Appends to the line under way; a line that is too long or finds no memory is dropped whole. */
static void extend_line(struct line_buffer *line, const char *bytes, size_t n)
{
    if (line->skipping)
        return;
    if (line->n + n > CHILD_MAX_LINE) {
        line->skipping = true;
        return;
    }
    if (line->n + n + 1 > line->capacity) {
        size_t capacity = 2 * (line->n + n + 1);
        char *grown = realloc(line->bytes, capacity);
        if (!grown) {
            line->skipping = line->no_memory = true;
            return;
        }
        line->bytes = grown;
        line->capacity = capacity;
    }
    memcpy(line->bytes + line->n, bytes, n);
    line->n += n;
}

static void take_replies(struct session *s, const char *bytes, size_t n)
{
    while (n) {
        const char *newline = memchr(bytes, '\n', n);
        size_t part = newline ? (size_t)(newline - bytes) : n;
        extend_line(&s->line, bytes, part);
        if (!newline)
            return;
        if (s->line.skipping) {
            s->outcome.lost_lines++;
        } else if (s->job->reply && s->line.bytes) {
            s->line.bytes[s->line.n] = 0;
            s->job->reply(s->job->user, s->line.bytes, s->line.n);
        }
        s->line.n = 0;
        s->line.skipping = false;
        bytes = newline + 1;
        n -= part + 1;
    }
}

/* Reads once; false when nothing is there now.  At the end of the file the descriptor is closed. */
static bool read_some(struct session *s, int *fd,
                      void (*take)(struct session *, const char *, size_t), size_t *got)
{
    char bytes[READ_BYTES];
    ssize_t n = *fd < 0 ? -1 : read(*fd, bytes, sizeof bytes);
    *got = n > 0 ? (size_t)n : 0;
    if (n > 0)
        take(s, bytes, (size_t)n);
    else if (!n || (errno != EAGAIN && errno != EINTR))
        close_fd(fd);
    return n > 0;
}

/* What is still in a pipe once its writers are dead; bounded, as one may have fled the group. */
static void drain(struct session *s, int *fd, void (*take)(struct session *, const char *, size_t))
{
    size_t got, total = 0;
    while (total < MAX_PIPE_BYTES && read_some(s, fd, take, &got))
        total += got;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    /* left as a zombie: its pid, and so its group's, cannot be another's until the group is dead */
    return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

static void watch(struct session *s, double start)
{
    double deadline = s->job->timeout_s > 0 ? start + s->job->timeout_s : INFINITY;
    unsigned stop_at = s->job->stop_at ? s->job->stop_at : 1;
    while (!has_ended(s->pid)) {
        double left = deadline - now_s();
        if (left <= 0) {
            s->outcome.end = CHILD_TIMED_OUT;
            s->killed = true;
            return;
        }
        if (stop_asked(s->job->stop) >= stop_at) {
            s->outcome.end = CHILD_INTERRUPTED;
            s->killed = true;
            return;
        }
        struct pollfd fds[] = {{.fd = s->output[0], .events = POLLIN},
                               {.fd = s->reply[0], .events = POLLIN},
                               {.fd = s->pidfd, .events = POLLIN},
                               {.fd = s->job->stop ? s->job->stop->fd : -1, .events = POLLIN}};
        double wait_ms = fmin(ceil(left * 1e3), 3600e3);
        if (s->pidfd < 0) /* a kernel before 5.3, or a sandbox that forbids it: look now and then */
            wait_ms = fmin(wait_ms, 20);
        if (poll(fds, sizeof fds / sizeof fds[0], (int)wait_ms) < 0)
            continue;
        size_t got;
        if (fds[0].revents)
            read_some(s, &s->output[0], keep_tail, &got);
        if (fds[1].revents)
            read_some(s, &s->reply[0], take_replies, &got);
    }
}

static void finish(struct session *s, double start)
{
    int status = 0;
    struct rusage usage = {0};
    kill(-s->pid, SIGKILL);
    if (s->killed)
        kill(s->pid, SIGKILL); /* it may have left its group */
    while (wait4(s->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    s->outcome.process = (long)s->pid;
    s->outcome.elapsed_s = now_s() - start;
    drain(s, &s->output[0], keep_tail);
    drain(s, &s->reply[0], take_replies);
    s->outcome.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (!s->killed)
        s->outcome.end = WIFSIGNALED(status) ? CHILD_SIGNALLED : CHILD_EXITED;
    s->outcome.out_of_memory = s->outcome.end == CHILD_SIGNALLED && s->outcome.code == SIGKILL;
    s->outcome.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    s->outcome.max_rss_bytes = (size_t)usage.ru_maxrss * 1024;
    s->outcome.tail[s->tail_n] = 0;
    for (size_t i = 0; i < s->tail_n; i++)
        if (!s->outcome.tail[i])
            s->outcome.tail[i] = ' ';
}

enum status child_run(const struct child_job *job, struct child_outcome *out, struct err *err)
{
    struct session s = {
        .job = job, .input = -1, .output = {-1, -1}, .reply = {-1, -1}, .pidfd = -1};
    enum status status = OK;
    double start = now_s();
    s.env = merge_env(job->env);
    s.input = open_input(job->input);
    int error;
    if (!s.env) {
        status = status_fail(err, E_NOMEM, "%s: no memory to start it", job->program);
        goto out;
    }
    if (s.input < 0 || !open_pipe(s.output) || !open_pipe(s.reply)) {
        status = status_fail(err, E_INTERNAL, "%s: no pipes: %s", job->program, strerror(errno));
        goto out;
    }
    error = spawn(&s);
    if (error) {
        status = status_fail(err, error == ENOMEM ? E_NOMEM : E_UNAVAILABLE,
                             "%s: cannot be started: %s", job->program, strerror(error));
        goto out;
    }
    offer_to_oom_killer(s.pid);
    s.pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0);
    close_fd(&s.output[1]);
    close_fd(&s.reply[1]);
    watch(&s, start);
    finish(&s, start);
    if (s.line.no_memory)
        status = status_fail(err, E_NOMEM, "%s: no memory for its reply", job->program);
    else
        *out = s.outcome;
out:
    free(s.env);
    free(s.line.bytes);
    close_fd(&s.input);
    close_fd(&s.pidfd);
    for (int i = 0; i < 2; i++) {
        close_fd(&s.output[i]);
        close_fd(&s.reply[i]);
    }
    return status;
}

/* The last line that says something, and its length. */
static const char *last_line(const char *tail, size_t *n)
{
    size_t end = strlen(tail);
    while (end && strchr(" \t\r\n", tail[end - 1]))
        end--;
    size_t begin = end;
    while (begin && tail[begin - 1] != '\n')
        begin--;
    *n = end - begin;
    return tail + begin;
}

void child_describe(const struct child_outcome *outcome, char *text, size_t size)
{
    size_t n;
    const char *words = last_line(outcome->tail, &n);
    char how[128];
    switch (outcome->end) {
    case CHILD_EXITED:
        snprintf(how, sizeof how, "exit code %d", outcome->code);
        break;
    case CHILD_SIGNALLED:
        if (outcome->out_of_memory)
            snprintf(how, sizeof how, "killed: out of memory?");
        else
            snprintf(how, sizeof how, "killed by signal %d (%s)", outcome->code,
                     strsignal(outcome->code));
        break;
    case CHILD_TIMED_OUT:
        snprintf(how, sizeof how, "not done after %.3g s", outcome->elapsed_s);
        break;
    case CHILD_INTERRUPTED:
        snprintf(how, sizeof how, "interrupted");
        break;
    }
    snprintf(text, size, "%s%s%.*s", how, n ? "; its last words: " : "", (int)(n < 200 ? n : 200),
             words);
}
