#include "datasets/named_values.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/json.h"
#include "datasets/mapping.h"

enum { MAX_BYTES = 1 << 28, NUMBER_BYTES = 64 };

static enum status add(struct named_values *v, const char *path, const char *name, size_t n_name,
                       double value, struct err *err)
{
    if (!isfinite(value) || value < 0)
        return status_fail(err, E_FORMAT, "%s: '%.*s': not a finite number of 0 or more", path,
                           n_name < 200 ? (int)n_name : 200, name);
    if (!(v->n & (v->n - 1))) { /* grows at powers of two */
        struct named_value *grown = realloc(v->list, (v->n ? 2 * v->n : 1) * sizeof *grown);
        if (!grown)
            return status_fail(err, E_NOMEM, "%s: not enough memory", path);
        v->list = grown;
    }
    struct named_value *last = &v->list[v->n];
    *last = (struct named_value){strndup(name, n_name), value};
    if (!last->name)
        return status_fail(err, E_NOMEM, "%s: not enough memory", path);
    v->n++;
    return OK;
}

static enum status read_json(struct named_values *v, const char *path, const struct mapping *m,
                             struct err *err)
{
    struct json *root;
    enum status s = json_parse(m->bytes, m->n, path, &root, err);
    if (s)
        return s;
    for (const struct json *j = json_first(root); j && !s; j = json_next(j))
        s = add(v, path, json_key(j), strlen(json_key(j)), json_number(j, NAN), err);
    json_free(root);
    return s;
}

/* [n] as a number with nothing but blanks around it. */
static bool parse_number(const char *text, size_t n, double *out)
{
    char buffer[NUMBER_BYTES], *end;
    if (n >= sizeof buffer)
        return false;
    memcpy(buffer, text, n);
    buffer[n] = '\0';
    *out = strtod(buffer, &end);
    bool any = end != buffer;
    while (isspace((unsigned char)*end))
        end++;
    return any && end == buffer + n;
}

static const char *last_comma(const char *line, size_t n)
{
    while (n && line[n - 1] != ',')
        n--;
    return n ? line + n - 1 : NULL;
}

/* A line without its end. */
static enum status read_line(struct named_values *v, const char *path, const char *line, size_t n,
                             size_t number, struct err *err)
{
    double value;
    n -= n && line[n - 1] == '\r';
    if (!n)
        return OK;
    const char *comma = last_comma(line, n);
    if (!comma || !parse_number(comma + 1, n - (size_t)(comma + 1 - line), &value))
        return number == 1 && comma
                   ? OK
                   : status_fail(err, E_FORMAT, "%s: line %zu: not 'tensor name,number'", path,
                                 number);
    size_t length = (size_t)(comma - line);
    if (length >= 2 && line[0] == '"' && line[length - 1] == '"') {
        line++;
        length -= 2;
    }
    return add(v, path, line, length, value, err);
}

static enum status read_csv(struct named_values *v, const char *path, const struct mapping *m,
                            struct err *err)
{
    const char *at = m->bytes, *end = at + m->n;
    enum status s = OK;
    if (memchr(at, '\0', m->n))
        return status_fail(err, E_FORMAT, "%s: a zero byte; neither CSV nor JSON", path);
    for (size_t number = 1; at < end && !s; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        s = read_line(v, path, at, n, number, err);
        at = newline ? newline + 1 : end;
    }
    return s;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named_value *)a)->name, ((const struct named_value *)b)->name);
}

static enum status sort(struct named_values *v, const char *path, struct err *err)
{
    if (!v->n)
        return status_fail(err, E_FORMAT, "%s: there is no value in it", path);
    qsort(v->list, v->n, sizeof *v->list, by_name);
    for (size_t i = 1; i < v->n; i++)
        if (!by_name(&v->list[i - 1], &v->list[i]))
            return status_fail(err, E_FORMAT, "%s: '%.200s' is there twice", path, v->list[i].name);
    return OK;
}

enum status named_values_read(const char *path, struct named_values *out, struct err *err)
{
    struct named_values v = {0};
    struct mapping m = {0};
    enum status s = mapping_open(path, &m, err);
    if (s)
        return s;
    if (m.n > MAX_BYTES)
        s = status_fail(err, E_FORMAT, "%s: more than 256 MB", path);
    else if (m.n && *(const char *)m.bytes == '{')
        s = read_json(&v, path, &m, err);
    else
        s = read_csv(&v, path, &m, err);
    if (!s)
        s = sort(&v, path, err);
    mapping_close(&m);
    if (s)
        named_values_free(&v);
    else
        *out = v;
    return s;
}

void named_values_free(struct named_values *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->list[i].name);
    free(v->list);
    *v = (struct named_values){0};
}

const double *named_values_find(const struct named_values *v, const char *name)
{
    struct named_value key = {.name = (char *)name};
    const struct named_value *found =
        v->n ? bsearch(&key, v->list, v->n, sizeof *v->list, by_name) : NULL;
    return found ? &found->value : NULL;
}
