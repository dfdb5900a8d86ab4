/*
 * The strict grammar of JSON, checked on bytes before a tree is built from them.
 *
 * Source: RFC 8259; UTF-8 as RFC 3629 (no overlong forms, no surrogates).
 */
#ifndef DATASETS_JSON_SCAN_H
#define DATASETS_JSON_SCAN_H

#include <stddef.h>

#include "numerics/status.h"

/* cJSON reads a number from a buffer of this many characters. */
enum { JSON_MAX_NUMBER = 63 };

/* E_FORMAT with name and the byte; bytes need not end in NUL.  Duplicate keys are not looked for:
 * two spellings of one key are equal only when their escapes are undone.  The thread's locale must
 * be "C" (strtod). */
enum status json_scan(const char *bytes, size_t n, const char *name, struct err *err);

/* Length of the UTF-8 character that p[0 .. n-1] begins with, 0 when it is none or n == 0. */
size_t json_utf8(const char *p, size_t n);

#endif
