#include "datasets/npy.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_HEADER = 1 << 20, MAGIC_BYTES = 6 };

/* The header's text and how far it is read. */
struct text {
    const char *bytes;
    size_t n, at;
};

static void white(struct text *t)
{
    while (t->at < t->n && strchr(" \t\n", t->bytes[t->at]) && t->bytes[t->at])
        t->at++;
}

/* Takes a word and the white space before it. */
static bool take(struct text *t, const char *word)
{
    size_t length = strlen(word);
    white(t);
    if (t->n - t->at < length || memcmp(t->bytes + t->at, word, length))
        return false;
    t->at += length;
    return true;
}

/* A quoted string without escapes, into a buffer; a longer one is refused. */
static bool quoted(struct text *t, char *out, size_t room)
{
    const char *quote = take(t, "'") ? "'" : take(t, "\"") ? "\"" : NULL;
    if (!quote)
        return false;
    const char *start = t->bytes + t->at, *end = memchr(start, *quote, t->n - t->at);
    size_t length = end ? (size_t)(end - start) : room;
    if (length >= room || memchr(start, '\\', length))
        return false;
    memcpy(out, start, length);
    out[length] = 0;
    t->at += length + 1;
    return true;
}

static bool whole_number(struct text *t, size_t *out)
{
    white(t);
    size_t first = t->at;
    *out = 0;
    for (; t->at < t->n && t->bytes[t->at] >= '0' && t->bytes[t->at] <= '9'; t->at++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (size_t)(t->bytes[t->at] - '0'), out))
            return false;
    return t->at > first;
}

/* (), (3,), (3, 4), (3, 4,). */
static bool read_shape(struct text *t, struct tensor *out)
{
    out->count = 1;
    if (!take(t, "("))
        return false;
    for (out->rank = 0; !take(t, ")"); out->rank++) {
        if (out->rank == TENSOR_MAX_RANK || !whole_number(t, &out->shape[out->rank]) ||
            __builtin_mul_overflow(out->count, out->shape[out->rank], &out->count))
            return false;
        bool comma = take(t, ",");
        if (!comma && (out->rank == 0 || t->at == t->n || t->bytes[t->at] != ')'))
            return false; /* (3) is a number, not a tuple */
    }
    return true;
}

static enum status read_dtype(const char *descr, const char *name, enum dtype *out, struct err *err)
{
    static const struct {
        const char *descr;
        enum dtype dtype;
    } types[] = {{"f8", DTYPE_F64}, {"f4", DTYPE_F32}, {"f2", DTYPE_F16},
                 {"i8", DTYPE_I64}, {"i4", DTYPE_I32}, {"i2", DTYPE_I16},
                 {"i1", DTYPE_I8},  {"u1", DTYPE_U8},  {"b1", DTYPE_BOOL}};
    if (*descr == '>')
        return status_fail(err, E_FORMAT,
                           "%s: '%s' is big-endian: save it with astype('<%s') instead", name,
                           descr, descr + 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool one_byte = dtype_bytes(types[i].dtype) == 1;
        if (!strcmp(descr + (*descr != 0), types[i].descr) &&
            (*descr == '<' || (*descr == '|' && one_byte))) {
            *out = types[i].dtype;
            return OK;
        }
    }
    return status_fail(err, E_FORMAT, "%s: type '%s' is not one this program reads", name, descr);
}

struct header {
    char descr[16];
    bool fortran, has_descr, has_fortran, has_shape;
};

/* One `key: value`; each key may stand once. */
static bool read_member(struct text *t, struct header *h, struct tensor *out)
{
    char key[16];
    if (!quoted(t, key, sizeof key) || !take(t, ":"))
        return false;
    if (!strcmp(key, "descr") && !h->has_descr)
        return h->has_descr = quoted(t, h->descr, sizeof h->descr);
    if (!strcmp(key, "fortran_order") && !h->has_fortran) {
        h->fortran = take(t, "True");
        return h->has_fortran = h->fortran || take(t, "False");
    }
    if (!strcmp(key, "shape") && !h->has_shape)
        return h->has_shape = read_shape(t, out);
    return false;
}

static bool read_header(struct text *t, struct header *h, struct tensor *out)
{
    if (!take(t, "{"))
        return false;
    while (!take(t, "}")) {
        if (!read_member(t, h, out))
            return false;
        bool comma = take(t, ",");
        if (!comma && (t->at == t->n || t->bytes[t->at] != '}'))
            return false;
    }
    white(t);
    return t->at == t->n && h->has_descr && h->has_fortran && h->has_shape;
}

/* Where the header's text begins and how long it is. */
static enum status find_header(const unsigned char *b, size_t n, const char *name, size_t *start,
                               size_t *length, struct err *err)
{
    if (n < MAGIC_BYTES + 4 || memcmp(b, "\x93NUMPY", MAGIC_BYTES))
        return status_fail(err, E_FORMAT, "%s: byte 0: not an .npy file", name);
    int major = b[MAGIC_BYTES], minor = b[MAGIC_BYTES + 1];
    if (major < 1 || major > 3 || minor)
        return status_fail(err, E_FORMAT, "%s: byte %d: version %d.%d of .npy is not known", name,
                           MAGIC_BYTES, major, minor);
    *start = MAGIC_BYTES + (major == 1 ? 4 : 6);
    if (n < *start)
        return status_fail(err, E_FORMAT, "%s: byte %zu: the file ends in the header", name, n);
    *length = 0;
    memcpy(length, b + MAGIC_BYTES + 2, major == 1 ? 2 : 4);
    if (*length > MAX_HEADER || *length > n - *start)
        return status_fail(err, E_FORMAT, "%s: byte %d: a header of %zu bytes, but %zu are there",
                           name, MAGIC_BYTES + 2, *length, n - *start);
    return OK;
}

enum status npy_parse(const void *bytes, size_t n, const char *name, struct tensor *out,
                      size_t *header_bytes, struct err *err)
{
    const unsigned char *b = bytes;
    struct tensor t = {.name = name};
    struct header h = {.has_descr = false};
    size_t start = 0, length = 0, wanted;
    enum status s = find_header(b, n, name, &start, &length, err);
    if (s)
        return s;
    struct text text = {.bytes = (const char *)b + start, .n = length};
    if (!read_header(&text, &h, &t))
        return status_fail(err, E_FORMAT,
                           "%s: byte %zu: descr, fortran_order and a shape of at most %d "
                           "dimensions were expected",
                           name, start + text.at, TENSOR_MAX_RANK);
    s = read_dtype(h.descr, name, &t.dtype, err);
    if (s)
        return s;
    if (h.fortran && t.rank > 1)
        return status_fail(err, E_FORMAT,
                           "%s: in Fortran order: save numpy.ascontiguousarray(a) instead", name);
    size_t there = n - start - length;
    if (__builtin_mul_overflow(t.count, dtype_bytes(t.dtype), &wanted) || wanted != there)
        return status_fail(err, E_FORMAT,
                           "%s: byte %zu: %zu x %zu bytes of data expected, %zu there", name,
                           start + length, t.count, dtype_bytes(t.dtype), there);
    t.data = b + start + length;
    *out = t;
    *header_bytes = start + length;
    return OK;
}
