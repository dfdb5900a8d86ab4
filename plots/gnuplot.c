/* Starting gnuplot, feeding it, and telling its complaints apart. */
#include "plots/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INSTALL "install gnuplot 5.2 or newer (Debian: apt-get install gnuplot-nox)"

enum {
    SCRIPT_LIMIT_MS = 60000, /* of one figure; the largest takes well under a second */
    VERSION_LIMIT_MS = 10000,
    TICK_MS = 100, /* how soon a wish to stop is heard */
    LINE_BYTES = 1024
};

/* Says which job the lines after it belong to; a byte that gnuplot's own messages do not have. */
#define MARK "\036"

struct process {
    pid_t pid;
    int output; /* the read end of its standard output and error */
};

/* input -1: nothing to read. */
static enum status start(const struct gnuplot *g, const char *folder, const char *argument,
                         int input, struct process *out, struct err *err)
{
    char locale[] = "LC_ALL=C.UTF-8"; /* keeps commas out of numbers */
    char *environment[] = {locale, NULL};
    char *arguments[] = {(char *)g->path, (char *)argument, NULL};
    int ends[2] = {-1, -1};
    bool have_actions = false, have_attributes = false;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    int e = pipe2(ends, O_CLOEXEC) ? errno : 0;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    if (!e)
        have_actions = !(e = posix_spawn_file_actions_init(&actions));
    if (!e)
        have_attributes = !(e = posix_spawnattr_init(&attributes));
    if (!e)
        e = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF);
    if (!e)
        e = posix_spawnattr_setsigmask(&attributes, &none);
    if (!e)
        e = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (!e)
        e = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (!e)
        e = input >= 0 ? posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
                       : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                                          O_RDONLY, 0);
    if (!e)
        e = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (!e)
        e = posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    if (!e)
        e = posix_spawn(&out->pid, g->path, &actions, &attributes, arguments, environment);
    if (have_attributes)
        posix_spawnattr_destroy(&attributes);
    if (have_actions)
        posix_spawn_file_actions_destroy(&actions);
    if (ends[1] >= 0)
        close(ends[1]);
    if (!e) {
        out->output = ends[0];
        return OK;
    }
    if (ends[0] >= 0)
        close(ends[0]);
    return status_fail(err, e == ENOMEM ? E_NOMEM : E_IO, "%s: %s", g->path, strerror(e));
}

/* Whatever it is doing, the process is gone afterwards. */
static void stop(struct process *p)
{
    close(p->output);
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads what is there, at most size bytes, waiting for at most a tick: -1 nothing yet, 0 end. */
static ssize_t read_some(int fd, char *bytes, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, TICK_MS);
    if (ready <= 0)
        return ready < 0 && errno != EINTR ? 0 : -1;
    ssize_t got = read(fd, bytes, size);
    return got < 0 && errno == EINTR ? -1 : got < 0 ? 0 : got;
}

/* "gnuplot 5.4 patchlevel 4" -> 504, or 0. */
static int ask_version(const struct gnuplot *g)
{
    struct process p;
    char text[128] = "";
    size_t n = 0;
    int major = 0, minor = 0;
    if (start(g, "/", "--version", -1, &p, NULL))
        return 0;
    for (long deadline = now_ms() + VERSION_LIMIT_MS; now_ms() < deadline && n < sizeof text - 1;) {
        ssize_t got = read_some(p.output, text + n, sizeof text - 1 - n);
        if (!got)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    stop(&p);
    text[n] = 0;
    if (sscanf(text, "gnuplot %d.%d", &major, &minor) != 2 || major < 0 || major > 99 ||
        minor < 0 || minor > 99)
        return 0;
    return 100 * major + minor;
}

enum status gnuplot_find(const char *search_path, struct gnuplot *out, struct err *err)
{
    struct gnuplot g;
    struct stat file;
    for (const char *part = search_path; part && *part;) {
        size_t n = strcspn(part, ":");
        int length = snprintf(g.path, sizeof g.path, "%.*s/gnuplot", (int)n, part);
        part += n + (part[n] == ':');
        /* A relative folder would mean another one after the change of folder. */
        if (g.path[0] != '/' || length >= (int)sizeof g.path || access(g.path, X_OK) ||
            stat(g.path, &file) || !S_ISREG(file.st_mode))
            continue;
        int version = ask_version(&g);
        if (version < 502)
            return version ? status_fail(err, E_UNAVAILABLE, "%s is version %d.%d; " INSTALL,
                                         g.path, version / 100, version % 100)
                           : status_fail(err, E_UNAVAILABLE,
                                         "%s does not tell its version; " INSTALL, g.path);
        *out = g;
        return OK;
    }
    return status_fail(err, E_UNAVAILABLE, "gnuplot is not in PATH; " INSTALL);
}

/* The commands that load jobs [first, n), as a file that is read from its start. */
static int commands(const struct gnuplot_job *jobs, size_t first, size_t n)
{
    int fd = memfd_create("gnuplot", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    bool whole = true;
    for (size_t i = first; i < n && whole; i++)
        whole = dprintf(fd, "reset session\nprint \"\\n" MARK "%zu\"\nload '%s'\n", i,
                        jobs[i].script) > 0;
    if (whole && dprintf(fd, "print \"\\n" MARK "%zu\"\n", n) > 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The end of gnuplot's output that is not yet a whole line, and the job it speaks of. */
struct reader {
    struct gnuplot_job *jobs;
    size_t n, current;
    char line[LINE_BYTES];
    size_t used;
    long deadline;
};

static void fail_job(struct gnuplot_job *job, const char *why)
{
    job->status = E_FAILED;
    if (!job->error[0])
        snprintf(job->error, sizeof job->error, "%.255s", why);
}

/* gnuplot shows the bad line, points at it with ^, and then says `"x.gp" line 7: what`, with blanks
 * before.  That line is the one to keep; warnings are no errors. */
static void take_line(struct reader *r)
{
    r->line[r->used] = 0;
    r->used = 0;
    if (r->line[0] == MARK[0]) {
        unsigned long index = strtoul(r->line + 1, NULL, 10);
        if (index >= r->current && index <= r->n)
            r->current = index;
        r->deadline = now_ms() + SCRIPT_LIMIT_MS;
        return;
    }
    const char *text = r->line + strspn(r->line, " \t");
    if (r->current < r->n && text[0] == '"' && strstr(text, " line ") && !strstr(text, "warning:"))
        fail_job(&r->jobs[r->current], text);
}

static void take_bytes(struct reader *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == '\n')
            take_line(r);
        else if (r->used < sizeof r->line - 1)
            r->line[r->used++] = bytes[i];
}

enum status gnuplot_load(const struct gnuplot *g, const char *folder, struct gnuplot_job *jobs,
                         size_t n, struct progress *progress, struct err *err)
{
    struct reader r = {.jobs = jobs, .n = n};
    enum status s = OK;
    for (size_t i = 0; i < n; i++)
        jobs[i] = (struct gnuplot_job){.script = jobs[i].script};
    while (!s && r.current < n) { /* again only after a script that took the process down */
        struct process p;
        char bytes[4096];
        size_t first = r.current;
        int input = commands(jobs, first, n);
        if (input < 0)
            return status_fail(err, E_IO, "commands for gnuplot: %s", strerror(errno));
        /* -d: no initialisation file */
        s = start(g, folder, "-d", input, &p, err);
        close(input);
        if (s)
            return s;
        r.used = 0;
        r.deadline = now_ms() + SCRIPT_LIMIT_MS;
        const char *why = "gnuplot ended in the middle of it";
        for (ssize_t got = -1; r.current < n;) {
            got = read_some(p.output, bytes, sizeof bytes);
            if (got > 0)
                take_bytes(&r, bytes, (size_t)got);
            if (r.current < n &&
                !progress_report(progress, (double)r.current / (double)n, jobs[r.current].script))
                s = status_fail(err, E_INTERRUPTED, "drawing was interrupted");
            if (!got || s)
                break;
            if (now_ms() > r.deadline) {
                why = "it took over a minute";
                break;
            }
        }
        stop(&p);
        if (!s && r.current < n)
            fail_job(&jobs[r.current++], why);
    }
    return s;
}
