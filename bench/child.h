/*
 * One child process: started without fork (libgomp hangs after a bare one), watched, and gone with
 * all that it started when the call returns.
 *
 * The child gets the job text on standard input, writes its replies as lines to descriptor 3, and
 * may write what it likes to standard output and error: the last CHILD_TAIL bytes are kept.  It
 * leads a process group of its own, which is killed at the end, and is the first to go when memory
 * runs out.  Its end is seen through its pid and not through the pipes, so neither a child that
 * closes them and hangs nor one that leaves a process holding them open delays the caller.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/stop.h"
#include "numerics/status.h"

enum { CHILD_TAIL = 2048, CHILD_MAX_LINE = 1 << 20 };

struct child_job {
    const char *program; /* path, not searched for */
    const char *const *argv;
    const char *const
        *env;          /* "NAME=value", set on top of this process's; NULL-ended; may be NULL */
    const char *input; /* the job text; NULL: empty */
    double timeout_s;  /* 0: none */
    struct stop *stop; /* may be NULL; else the child itself blocks such requests */
    unsigned stop_at;  /* this many requests in `stop` kill the child; 0 counts as 1 */
    /* A whole line from descriptor 3, without its newline and ended by NUL; may be NULL. */
    void (*reply)(void *user, const char *line, size_t n);
    void *user;
};

enum child_end { CHILD_EXITED, CHILD_SIGNALLED, CHILD_TIMED_OUT, CHILD_INTERRUPTED };

struct child_outcome {
    enum child_end end;
    long process;        /* its pid */
    int code;            /* the exit code, or the signal */
    bool out_of_memory;  /* likely: SIGKILL that was not ours */
    unsigned lost_lines; /* replies over CHILD_MAX_LINE bytes */
    double elapsed_s, cpu_s;
    size_t max_rss_bytes;
    char tail[CHILD_TAIL + 1]; /* the end of what it printed */
};

/* Runs the child to its end.  Not OK only when it could not be started (E_UNAVAILABLE names the
 * program, E_INTERNAL) or there was no memory for that or for a reply (E_NOMEM); *out is untouched
 * then. */
enum status child_run(const struct child_job *job, struct child_outcome *out, struct err *err);

/* The end in words, with the last words of a child that failed: "killed by signal 11
 * (Segmentation fault); its last words: ...".  text [size]. */
void child_describe(const struct child_outcome *outcome, char *text, size_t size);

#endif
