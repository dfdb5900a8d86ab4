/*
 * The small text files in which the kernel says how the system is: /proc, /sys.
 *
 * root is put before every path: "" for the real system, the folder of a made-up one in tests.
 * path_format and what follows give the path as for printf ("/sys/devices/system/cpu/cpu%d/...").
 */
#ifndef BENCH_SYSFILE_H
#define BENCH_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

enum { SYSFILE_MAX_BYTES = 16384 }; /* what a caller that wants all lines gives room for */

/* The beginning of the file, ended by NUL, without white space at its end.  False when it cannot be
 * read; text is "" then. */
bool sysfile_text(const char *root, char *text, size_t size, const char *path_format, ...)
    __attribute__((format(printf, 4, 5)));

/* The first word of the file as a number.  False when there is none; *value is untouched then. */
bool sysfile_number(const char *root, double *value, const char *path_format, ...)
    __attribute__((format(printf, 3, 4)));

/* In text of lines "key value" or "key: value", the number of the line that begins with key.
 * False when there is none; *value is untouched then. */
bool sysfile_field(const char *text, const char *key, double *value);

#endif
