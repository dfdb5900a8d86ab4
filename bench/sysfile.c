#include "bench/sysfile.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Checked against its arguments where the public functions are called. */
__attribute__((format(printf, 4, 0))) static bool
read_text(const char *root, char *text, size_t size, const char *format, va_list arguments)
{
    char path[PATH_MAX];
    size_t n = 0;
    text[0] = '\0';
    int head = snprintf(path, sizeof path, "%s", root);
    if (head < 0 || (size_t)head >= sizeof path)
        return false;
    int tail = vsnprintf(path + head, sizeof path - (size_t)head, format, arguments);
    if (tail < 0 || (size_t)tail >= sizeof path - (size_t)head)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    ssize_t got = 0;
    while (n + 1 < size && (got = read(fd, text + n, size - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    return got >= 0;
}

/* False, too, for "max", "inf" and "nan". */
static bool parse_number(const char *text, double *value)
{
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || !isfinite(parsed))
        return false;
    *value = parsed;
    return true;
}

bool sysfile_text(const char *root, char *text, size_t size, const char *path_format, ...)
{
    va_list arguments;
    va_start(arguments, path_format);
    bool there = read_text(root, text, size, path_format, arguments);
    va_end(arguments);
    return there;
}

bool sysfile_number(const char *root, double *value, const char *path_format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, path_format);
    bool there = read_text(root, text, sizeof text, path_format, arguments);
    va_end(arguments);
    return there && parse_number(text, value);
}

bool sysfile_field(const char *text, const char *key, double *value)
{
    size_t n = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, key, n) && strchr(" \t:", line[n]) && line[n])
            return parse_number(line + n + strspn(line + n, " \t:"), value);
    }
    return false;
}
