/*
 * How a function says that it failed: a code to act on and one line to show.
 *
 * The line says what failed, where (file, offset, tensor, key) and what to do about it.
 */
#ifndef NUMERICS_STATUS_H
#define NUMERICS_STATUS_H

enum status {
    OK = 0,
    E_SKIP,        /* this machine or input cannot do it, and that is no fault: the line says why */
    E_NOMEM,       /* an allocation failed */
    E_USAGE,       /* the caller's words are wrong */
    E_FORMAT,      /* the input's bytes are wrong */
    E_NOINPUT,     /* there is no such input, or it cannot be read */
    E_UNAVAILABLE, /* something asked for by name is not available here */
    E_CANTCREATE,  /* an output cannot be created, or is in use */
    E_IO,          /* reading or writing failed half-way */
    E_INTERRUPTED, /* the user asked to stop */
    E_FAILED,      /* the work ran, and its result is bad: a cell failed, a check did not hold */
    E_INTERNAL     /* a broken invariant of our own */
};

struct err {
    char text[512];
};

/* Writes the line into err (which may be NULL; a longer line is cut) and returns s.  A later
 * failure overwrites an earlier one, so a caller that knows more may say it again.  Control
 * characters, which a name from a file may have, become '?': it stays one line. */
enum status status_fail(struct err *err, enum status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* which sees one file at a time, and takes OK for a possible result */
#define status_fail(err, s, ...) ((status_fail)((err), (s), __VA_ARGS__), (s))
#endif

#endif
