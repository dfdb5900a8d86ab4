#include "datasets/json_scan.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"

struct scan {
    const char *bytes;
    size_t n, at;
    const char *wrong; /* what is wrong at byte `at`; NULL while nothing is */
};

static int peek(const struct scan *s)
{
    return s->at < s->n ? (unsigned char)s->bytes[s->at] : -1;
}

static void wrong(struct scan *s, const char *what)
{
    if (!s->wrong)
        s->wrong = what;
}

static bool take(struct scan *s, char c)
{
    if (s->wrong || peek(s) != (unsigned char)c)
        return false;
    s->at++;
    return true;
}

static void white(struct scan *s)
{
    while (take(s, ' ') || take(s, '\n') || take(s, '\t') || take(s, '\r'))
        ;
}

size_t json_utf8(const char *p, size_t n)
{
    static const struct {
        unsigned char low, high; /* first byte */
        unsigned char second_low, second_high;
        size_t length;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    const unsigned char *b = (const unsigned char *)p;
    for (size_t i = 0; n && i < sizeof forms / sizeof forms[0]; i++) {
        size_t length = forms[i].length;
        if (b[0] < forms[i].low || b[0] > forms[i].high)
            continue;
        if (length > n ||
            (length > 1 && (b[1] < forms[i].second_low || b[1] > forms[i].second_high)))
            return 0;
        for (size_t j = 2; j < length; j++)
            if (b[j] < 0x80 || b[j] > 0xBF)
                return 0;
        return length;
    }
    return 0;
}

/* The four digits of \uXXXX, or -1. */
static long hex4(struct scan *s)
{
    long value = 0;
    for (int i = 0; i < 4; i++) {
        int c = peek(s);
        if (c < 0 || !isxdigit(c))
            return -1;
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        s->at++;
    }
    return value;
}

static void escape(struct scan *s)
{
    int c = peek(s);
    if (c < 0 || !memchr("\"\\/bfnrtu", c, 9)) {
        wrong(s, "an escape that JSON does not have");
        return;
    }
    s->at++;
    if (c != 'u')
        return;
    long unit = hex4(s);
    if (unit < 0)
        wrong(s, "\\u without four hexadecimal digits");
    else if (unit == 0)
        wrong(s, "a NUL character in a string");
    else if (unit >= 0xDC00 && unit <= 0xDFFF)
        wrong(s, "a low surrogate without the high one before it");
    else if (unit >= 0xD800 && unit <= 0xDBFF) {
        long low = take(s, '\\') && take(s, 'u') ? hex4(s) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            wrong(s, "a high surrogate without the low one after it");
    }
}

static void string(struct scan *s)
{
    if (!take(s, '"'))
        wrong(s, "a string was expected");
    while (!s->wrong && !take(s, '"')) {
        int c = peek(s);
        size_t length = c < 0 ? 0 : json_utf8(s->bytes + s->at, s->n - s->at);
        if (c < 0)
            wrong(s, "the text ends inside a string");
        else if (c < 0x20)
            wrong(s, "a control character in a string");
        else if (!length)
            wrong(s, "bytes that are not UTF-8");
        else
            s->at += length;
        if (c == '\\')
            escape(s);
    }
}

static void digits(struct scan *s)
{
    size_t first = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    if (s->at == first)
        wrong(s, "a digit was expected");
}

static void number(struct scan *s)
{
    size_t first = s->at;
    take(s, '-');
    if (take(s, '0')) {
        if (peek(s) >= '0' && peek(s) <= '9')
            wrong(s, "a number with a leading zero");
    } else
        digits(s);
    if (take(s, '.'))
        digits(s);
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        digits(s);
    }
    if (s->wrong)
        return;
    char text[JSON_MAX_NUMBER + 1] = {0};
    size_t length = s->at - first;
    if (length > JSON_MAX_NUMBER) {
        wrong(s, "a number of more than 63 characters");
        return;
    }
    memcpy(text, s->bytes + first, length);
    if (isinf(strtod(text, NULL)))
        wrong(s, "a number beyond the range of a double");
}

static void word(struct scan *s, const char *text)
{
    for (; *text; text++)
        if (!take(s, *text)) {
            wrong(s, "a value was expected");
            return;
        }
}

static void value(struct scan *s, int depth);

static void members(struct scan *s, int depth, char end)
{
    s->at++;
    if (depth > JSON_MAX_DEPTH) {
        wrong(s, "nesting too deep");
        return;
    }
    white(s);
    if (take(s, end))
        return;
    do {
        white(s);
        if (end == '}') {
            string(s);
            white(s);
            if (!take(s, ':'))
                wrong(s, "a colon was expected");
        }
        value(s, depth);
    } while (take(s, ','));
    if (!take(s, end))
        wrong(s, end == '}' ? "a comma or } was expected" : "a comma or ] was expected");
}

/* A value with the white space around it. */
static void value(struct scan *s, int depth)
{
    if (s->wrong)
        return;
    white(s);
    switch (peek(s)) {
    case -1:
        wrong(s, "the text ends where a value was expected");
        break;
    case '{':
        members(s, depth + 1, '}');
        break;
    case '[':
        members(s, depth + 1, ']');
        break;
    case '"':
        string(s);
        break;
    case 't':
        word(s, "true");
        break;
    case 'f':
        word(s, "false");
        break;
    case 'n':
        word(s, "null");
        break;
    default:
        if (peek(s) == '-' || (peek(s) >= '0' && peek(s) <= '9'))
            number(s);
        else
            wrong(s, "a value was expected");
    }
    white(s);
}

enum status json_scan(const char *bytes, size_t n, const char *name, struct err *err)
{
    struct scan s = {.bytes = bytes, .n = n};
    value(&s, 0);
    if (s.at < n)
        wrong(&s, "text after the end");
    return s.wrong ? status_fail(err, E_FORMAT, "%s: byte %zu: %s", name, s.at, s.wrong) : OK;
}
