#include "numerics/status.h"

#include <stdarg.h>
#include <stdio.h>

enum status(status_fail)(struct err *err, enum status s, const char *format, ...)
{
    if (err) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
        for (char *c = err->text; *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                *c = '?';
    }
    return s;
}
