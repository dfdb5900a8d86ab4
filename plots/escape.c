#include "plots/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Decodes one character of UTF-8 (documents are checked when they are read) and returns its bytes.
 * A broken sequence counts as one character per byte. */
static size_t decode(const char *text, uint32_t *character)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    *character = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *character = 0xfffd;
            return 1;
        }
        *character = *character << 6 | (s[i] & 0x3f);
    }
    return n;
}

/* C0, DEL and C1, the line separators, and the marks that turn the direction of what follows. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfffe ||
           c == 0xffff;
}

static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xd7a4) ||
           (c >= 0xf900 && c < 0xfb00) || (c >= 0xfe30 && c < 0xfe70) ||
           (c >= 0xff00 && c < 0xff61) || c >= 0x1f300;
}

/* Writes text with each character that `replace` knows replaced. */
static void escape(FILE *out, const char *text, const char *(*replace)(uint32_t))
{
    uint32_t c;
    for (size_t n; *text; text += n) {
        n = decode(text, &c);
        const char *other = is_control(c) ? "\xef\xbf\xbd" : replace(c);
        if (other)
            fputs(other, out);
        else
            fwrite(text, 1, n, out);
    }
}

static const char *replace_html(uint32_t c)
{
    return c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&quot;"
           : c == '\'' ? "&#39;"
                       : NULL;
}

static const char *replace_gnuplot(uint32_t c)
{
    return c == '\'' ? "\xe2\x80\x99" : NULL;
}

static const char *replace_tick(uint32_t c)
{
    return c == '%' ? "%%" : replace_gnuplot(c);
}

static const char *replace_field(uint32_t c)
{
    return c == '"' ? "\"\"" : NULL;
}

void escape_rare_glyphs(char *text)
{
    char *to = text;
    uint32_t c;
    for (size_t n; *text; text += n) {
        n = decode(text, &c);
        if ((c >= 0x530 && c < 0x1e00) || c >= 0x2700) {
            *to++ = '?';
        } else {
            memmove(to, text, n);
            to += n;
        }
    }
    *to = 0;
}

void escape_html(FILE *out, const char *text)
{
    escape(out, text, replace_html);
}

void escape_gnuplot(FILE *out, const char *text)
{
    fputc('\'', out);
    escape(out, text, replace_gnuplot);
    fputc('\'', out);
}

void escape_gnuplot_tick(FILE *out, const char *text)
{
    fputc('\'', out);
    escape(out, text, replace_tick);
    fputc('\'', out);
}

void escape_field(FILE *out, const char *text)
{
    fputc('"', out);
    escape(out, text, replace_field);
    fputc('"', out);
}

size_t label_columns(const char *text)
{
    size_t columns = 0;
    uint32_t c;
    while (*text) {
        text += decode(text, &c);
        columns += 1 + (size_t)is_wide(c);
    }
    return columns;
}

/* The bytes of text that fill at most `columns`. */
static size_t bytes_of_columns(const char *text, size_t columns)
{
    const char *start = text;
    uint32_t c;
    while (*text) {
        size_t n = decode(text, &c), width = 1 + (size_t)is_wide(c);
        if (width > columns)
            break;
        columns -= width;
        text += n;
    }
    return (size_t)(text - start);
}

void label_shorten(const char *text, size_t columns, char *out, size_t out_bytes)
{
    size_t all = label_columns(text);
    if (all <= columns || columns < 8) {
        snprintf(out, out_bytes, "%.*s", (int)bytes_of_columns(text, columns), text);
        return;
    }
    size_t tail = columns / 3, head = columns - tail - 1;
    const char *end = text + bytes_of_columns(text, all - tail);
    if (label_columns(end) > tail) { /* a wide character lies across the cut */
        uint32_t c;
        end += decode(end, &c);
    }
    snprintf(out, out_bytes, "%.*s\xe2\x80\xa6%s", (int)bytes_of_columns(text, head), text, end);
}

void file_name_append(char *name, size_t size, const char *text)
{
    size_t n = strlen(name);
    for (; *text && n + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || (c == '.' && n);
        name[n++] = fine ? (char)c : '_';
    }
    name[n] = 0;
}
