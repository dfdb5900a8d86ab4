#include "plots/inline_svg.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "plots/escape.h"

enum { NAME_BYTES = 48, VALUE_BYTES = 1 << 20, MAX_DEPTH = 64 };

static const char *const elements[] = {
    "svg",         "g",       "defs",        "path",           "rect",
    "circle",      "ellipse", "line",        "polygon",        "polyline",
    "use",         "text",    "tspan",       "pattern",        "clipPath",
    "filter",      "feFlood", "feComposite", "feMerge",        "feOffset",
    "feMergeNode", "stop",    "marker",      "linearGradient", "radialGradient",
    NULL};

struct reader {
    const char *at, *end;
    const char *prefix, *label;
    FILE *out;
    struct err *err;
    int depth, defs_depth; /* defs_depth > 0: inside <defs> opened at that depth */
};

static enum status refuse(struct reader *r, const char *what)
{
    return status_fail(r->err, E_FORMAT, "the drawing has %s, which is not allowed in a page",
                       what);
}

static bool starts(const struct reader *r, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(r->end - r->at) >= n && !memcmp(r->at, word, n);
}

/* Moves behind the next word; false when there is none. */
static bool skip_past(struct reader *r, const char *word)
{
    const char *found = memmem(r->at, (size_t)(r->end - r->at), word, strlen(word));
    if (found)
        r->at = found + strlen(word);
    return found != NULL;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
        r->at++;
}

/* A name of letters, digits and : - _; empty when there is none or it is too long. */
static void read_name(struct reader *r, char name[NAME_BYTES])
{
    size_t n = 0;
    while (r->at < r->end && n + 1 < NAME_BYTES &&
           strspn((char[]){*r->at, 0}, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789:-_") == 1)
        name[n++] = *r->at++;
    name[n] = 0;
}

static bool is_known(const char *name)
{
    for (const char *const *e = elements; *e; e++)
        if (!strcmp(*e, name))
            return true;
    return false;
}

static bool contains(const char *value, size_t n, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= n; i++)
        if (!strncasecmp(value + i, word, length))
            return true;
    return false;
}

/* A value with "#name" or "url(#name)" made to point at this drawing's own. */
static enum status write_reference(struct reader *r, const char *name, const char *value, size_t n)
{
    const char *start = "url(#";
    size_t skip = !strncmp(value, start, 5) ? 5 : value[0] == '#' ? 1 : 0;
    if (n < 2 || !skip || contains(value + skip, n - skip, "url("))
        return refuse(r, "a reference to something else");
    fprintf(r->out, " %s=\"%.*s%s%.*s\"", name, (int)skip, value, r->prefix, (int)(n - skip),
            value + skip);
    return OK;
}

static enum status copy_attribute(struct reader *r)
{
    char name[NAME_BYTES];
    read_name(r, name);
    skip_space(r);
    if (!*name || !starts(r, "="))
        return refuse(r, "an attribute without a value");
    r->at++;
    skip_space(r);
    if (!starts(r, "\"") && !starts(r, "'"))
        return refuse(r, "a value without quotes");
    char quote = *r->at++;
    const char *value = r->at, *end = memchr(value, quote, (size_t)(r->end - value));
    size_t n = end ? (size_t)(end - value) : 0;
    if (!end || n > VALUE_BYTES || memchr(value, '<', n) || memchr(value, 0, n) ||
        memchr(value, quote == '"' ? '\'' : '"', n))
        return refuse(r, "an unclosed or odd value");
    r->at = end + 1;
    if (!strncasecmp(name, "on", 2) || contains(value, n, "script:") ||
        contains(value, n, "import") || contains(value, n, "\\") || contains(value, n, "&"))
        return refuse(r, "a handler or an escape in an attribute");
    if (!strcasecmp(name, "id")) { /* only what stands in defs is referred to */
        if (r->defs_depth)
            fprintf(r->out, " id=\"%s%.*s\"", r->prefix, (int)n, value);
        return OK;
    }
    size_t length = strlen(name);
    if ((length >= 4 && !strcasecmp(name + length - 4, "href")) || contains(value, n, "url"))
        return write_reference(r, name, value, n);
    if (!strncasecmp(name, "src", 3) || !strcasecmp(name, "xml:base"))
        return refuse(r, "a source");
    fprintf(r->out, " %s=\"%.*s\"", name, (int)n, value);
    return OK;
}

static enum status copy_start_tag(struct reader *r)
{
    char name[NAME_BYTES];
    r->at++;
    read_name(r, name);
    if (!strcmp(name, "title") || !strcmp(name, "desc")) {
        char close[NAME_BYTES + 4];
        snprintf(close, sizeof close, "</%s>", name);
        return skip_past(r, close) ? OK : refuse(r, "an unclosed title");
    }
    if (!is_known(name) || (r->depth == 0) != !strcmp(name, "svg"))
        return refuse(r, "an element other than lines and text");
    if (++r->depth > MAX_DEPTH)
        return refuse(r, "too deep nesting");
    if (!strcmp(name, "defs") && !r->defs_depth)
        r->defs_depth = r->depth;
    fprintf(r->out, "<%s", name);
    if (r->depth == 1) {
        fputs(" role=\"img\" aria-label=\"", r->out);
        escape_html(r->out, r->label);
        fputc('"', r->out);
    }
    for (;;) {
        skip_space(r);
        if (starts(r, "/>")) {
            r->at += 2;
            if (r->defs_depth == r->depth)
                r->defs_depth = 0;
            r->depth--;
            fputs("/>", r->out);
            return OK;
        }
        if (starts(r, ">")) {
            r->at++;
            fputc('>', r->out);
            return OK;
        }
        enum status s = copy_attribute(r);
        if (s)
            return s;
    }
}

static enum status copy_end_tag(struct reader *r)
{
    char name[NAME_BYTES];
    r->at += 2;
    read_name(r, name);
    skip_space(r);
    if (!starts(r, ">") || !is_known(name))
        return refuse(r, "an odd end tag");
    r->at++;
    if (r->defs_depth == r->depth)
        r->defs_depth = 0;
    r->depth--;
    fprintf(r->out, "</%s>", name);
    return OK;
}

enum status inline_svg(const char *svg, size_t n, const char *prefix, const char *label, FILE *out,
                       struct err *err)
{
    struct reader r = {
        .at = svg, .end = svg + n, .prefix = prefix, .label = label, .out = out, .err = err};
    enum status s = OK;
    const char *start = memmem(svg, n, "<svg", 4);
    if (!start)
        return refuse(&r, "no <svg>");
    r.at = start;
    do {
        if (starts(&r, "<!--")) {
            if (!skip_past(&r, "-->"))
                s = refuse(&r, "an unclosed comment");
        } else if (starts(&r, "<!") || starts(&r, "<?")) {
            s = refuse(&r, "a declaration");
        } else if (starts(&r, "</")) {
            s = copy_end_tag(&r);
        } else if (starts(&r, "<")) {
            s = copy_start_tag(&r);
        } else if (r.at < r.end && *r.at) {
            fputc(*r.at++, out);
        } else {
            s = refuse(&r, "no end");
        }
    } while (!s && r.depth > 0);
    return s;
}
