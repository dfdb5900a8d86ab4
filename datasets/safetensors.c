#include "datasets/safetensors.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, DATA_ALIGNMENT = 64 };
static const char metadata_key[] = "__metadata__";

/* One tensor under inspection: for messages. */
struct place {
    const char *file, *tensor;
    struct err *err;
};

__attribute__((format(printf, 2, 3))) static enum status refuse(const struct place *at,
                                                                const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return status_fail(at->err, E_FORMAT, "%s: tensor '%.100s': %s", at->file, at->tensor, what);
}

static bool whole_number(const struct json *node, size_t *out)
{
    uint64_t value = json_u64(node, UINT64_MAX);
    *out = (size_t)value;
    return json_type(node) == JSON_NUMBER && value != UINT64_MAX;
}

static enum status read_dtype(const struct json *node, const struct place *at, enum dtype *out)
{
    const char *name = json_string(node, NULL);
    if (!name)
        return refuse(at, "dtype is not a string");
    for (enum dtype d = 0; d < DTYPE_COUNT; d++)
        if (!strcmp(name, dtype_name(d))) {
            *out = d;
            return OK;
        }
    return refuse(at, "dtype '%.20s' is not one this program reads", name);
}

static enum status read_shape(const struct json *node, const struct place *at, struct tensor *t)
{
    if (json_type(node) != JSON_ARRAY)
        return refuse(at, "shape is not an array");
    t->rank = 0;
    t->count = 1;
    for (const struct json *side = json_first(node); side; side = json_next(side)) {
        if (t->rank == TENSOR_MAX_RANK)
            return refuse(at, "more than %d dimensions", TENSOR_MAX_RANK);
        if (!whole_number(side, &t->shape[t->rank]))
            return refuse(at, "shape[%d] is not a whole number", t->rank);
        if (__builtin_mul_overflow(t->count, t->shape[t->rank], &t->count))
            return refuse(at, "the product of its shape overflows");
        t->rank++;
    }
    return OK;
}

static enum status read_offsets(const struct json *node, const struct place *at, size_t n_data,
                                size_t *begin, size_t *end)
{
    const struct json *first = json_first(node);
    if (json_type(node) != JSON_ARRAY || json_size(node) != 2 || !whole_number(first, begin) ||
        !whole_number(json_next(first), end))
        return refuse(at, "data_offsets is not a pair of whole numbers");
    if (*begin > *end || *end > n_data)
        return refuse(at, "data_offsets [%zu, %zu] do not lie in the %zu bytes of data", *begin,
                      *end, n_data);
    return OK;
}

/* A name is shown on terminals, which obey ASCII's control characters and those of U+0080..9F. */
static bool has_control_character(const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0))
            return true;
    return false;
}

static enum status read_tensor(const struct json *entry, const char *file,
                               const unsigned char *data, size_t n_data, struct tensor *t,
                               struct err *err)
{
    struct place at = {file, json_key(entry), err};
    size_t begin = 0, end = 0, bytes;
    if (json_type(entry) != JSON_OBJECT)
        return refuse(&at, "its entry is not an object");
    if (has_control_character(at.tensor))
        return refuse(&at, "its name has a control character");
    t->name = at.tensor;
    enum status s = read_dtype(json_get(entry, "dtype"), &at, &t->dtype);
    if (!s)
        s = read_shape(json_get(entry, "shape"), &at, t);
    if (!s)
        s = read_offsets(json_get(entry, "data_offsets"), &at, n_data, &begin, &end);
    if (s)
        return s;
    if (__builtin_mul_overflow(t->count, dtype_bytes(t->dtype), &bytes) || bytes != end - begin)
        return refuse(&at, "shape and dtype ask for %zu x %zu bytes, data_offsets for %zu",
                      t->count, dtype_bytes(t->dtype), end - begin);
    t->data = data + begin;
    return OK;
}

static enum status check_metadata(const struct json *metadata, const char *name, struct err *err)
{
    if (json_type(metadata) != JSON_OBJECT)
        return status_fail(err, E_FORMAT, "%s: %s is not an object", name, metadata_key);
    for (const struct json *m = json_first(metadata); m; m = json_next(m))
        if (json_type(m) != JSON_STRING)
            return status_fail(err, E_FORMAT, "%s: %s: '%.100s' is not a string", name,
                               metadata_key, json_key(m));
    return OK;
}

static size_t tensor_bytes(const struct tensor *t)
{
    return t->count * dtype_bytes(t->dtype);
}

/* By place, an empty tensor before the one that begins where it stands. */
static int compare_places(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    uintptr_t px = (uintptr_t)x->data, py = (uintptr_t)y->data;
    if (px != py)
        return px < py ? -1 : 1;
    return (tensor_bytes(x) > tensor_bytes(y)) - (tensor_bytes(x) < tensor_bytes(y));
}

static enum status data_is_covered(const struct safetensors *f, const unsigned char *data,
                                   size_t n_data, const char *name, struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < f->n; i++) {
        size_t begin = (size_t)((const unsigned char *)f->tensors[i].data - data);
        if (begin != at)
            return status_fail(err, E_FORMAT,
                               "%s: tensor '%.100s': begins at data byte %zu, but those before it "
                               "end at %zu",
                               name, f->tensors[i].name, begin, at);
        at += tensor_bytes(&f->tensors[i]);
    }
    if (at != n_data)
        return status_fail(err, E_FORMAT, "%s: %zu bytes of data belong to no tensor", name,
                           n_data - at);
    return OK;
}

static enum status read_header(struct safetensors *f, const unsigned char *data, size_t n_data,
                               const char *name, struct err *err)
{
    if (json_type(f->header) != JSON_OBJECT)
        return status_fail(err, E_FORMAT, "%s: the header is not an object", name);
    f->tensors = calloc(json_size(f->header) + 1, sizeof *f->tensors);
    if (!f->tensors)
        return status_fail(err, E_NOMEM, "%s: out of memory", name);
    enum status s = OK;
    for (const struct json *e = json_first(f->header); e && !s; e = json_next(e))
        if (!strcmp(json_key(e), metadata_key)) {
            f->metadata = e;
            s = check_metadata(e, name, err);
        } else
            s = read_tensor(e, name, data, n_data, &f->tensors[f->n++], err);
    if (s)
        return s;
    qsort(f->tensors, f->n, sizeof *f->tensors, compare_places);
    return data_is_covered(f, data, n_data, name, err);
}

enum status safetensors_parse(const void *bytes, size_t n, const char *name,
                              struct safetensors *out, struct err *err)
{
    const unsigned char *b = bytes;
    uint64_t length = 0;
    struct safetensors f = {0};
    if (n < LENGTH_BYTES)
        return status_fail(err, E_FORMAT, "%s: %zu bytes are too few for a safetensors file", name,
                           n);
    memcpy(&length, b, LENGTH_BYTES);
    if (length > SAFETENSORS_MAX_HEADER)
        return status_fail(err, E_FORMAT, "%s: byte 0: a header of %llu bytes is over %d", name,
                           (unsigned long long)length, SAFETENSORS_MAX_HEADER);
    if (length > n - LENGTH_BYTES)
        return status_fail(err, E_FORMAT, "%s: byte 0: a header of %llu bytes, but %zu are there",
                           name, (unsigned long long)length, n - LENGTH_BYTES);
    if (!length || b[LENGTH_BYTES] != '{')
        return status_fail(err, E_FORMAT, "%s: byte %d: the header does not begin with {", name,
                           LENGTH_BYTES);
    f.header_bytes = LENGTH_BYTES + (size_t)length;
    enum status s =
        json_parse((const char *)b + LENGTH_BYTES, (size_t)length, name, &f.header, err);
    if (!s)
        s = read_header(&f, b + f.header_bytes, n - f.header_bytes, name, err);
    if (s)
        safetensors_close(&f);
    else
        *out = f;
    return s;
}

void safetensors_close(struct safetensors *f)
{
    free(f->tensors);
    json_free(f->header);
    *f = (struct safetensors){0};
}

static enum status encode_header(const struct tensor *tensors, size_t n,
                                 const struct json *metadata, char **text, struct err *err)
{
    size_t at = 0;
    struct json *root = json_new_object();
    if (metadata)
        json_add(root, metadata_key, json_copy(metadata));
    for (size_t i = 0; i < n; i++) {
        struct json *entry = json_add_object(root, tensors[i].name);
        json_add_string(entry, "dtype", dtype_name(tensors[i].dtype));
        struct json *shape = json_add_array(entry, "shape");
        for (int d = 0; d < tensors[i].rank; d++)
            json_add_u64(shape, NULL, tensors[i].shape[d]);
        struct json *offsets = json_add_array(entry, "data_offsets");
        json_add_u64(offsets, NULL, at);
        json_add_u64(offsets, NULL, at += tensor_bytes(&tensors[i]));
    }
    enum status s = json_print(root, false, text, err);
    json_free(root);
    return s;
}

enum status safetensors_encode(const struct tensor *tensors, size_t n, const struct json *metadata,
                               void **bytes, size_t *n_bytes, struct err *err)
{
    char *text = NULL;
    enum status s = encode_header(tensors, n, metadata, &text, err);
    if (s)
        return s;
    size_t used = LENGTH_BYTES + strlen(text);
    size_t start = (used + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT, total = start;
    for (size_t i = 0; i < n; i++)
        total += tensor_bytes(&tensors[i]);
    unsigned char *out = malloc(total);
    if (out) {
        uint64_t length = start - LENGTH_BYTES;
        memcpy(out, &length, LENGTH_BYTES);
        memcpy(out + LENGTH_BYTES, text, used - LENGTH_BYTES);
        memset(out + used, ' ', start - used);
        for (size_t i = 0, at = start; i < n; at += tensor_bytes(&tensors[i++]))
            if (tensor_bytes(&tensors[i]))
                memcpy(out + at, tensors[i].data, tensor_bytes(&tensors[i]));
        *bytes = out;
        *n_bytes = total;
    } else
        s = status_fail(err, E_NOMEM, "out of memory for %zu bytes of safetensors", total);
    free(text);
    return s;
}
