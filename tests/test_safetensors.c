/* What is written is read back; headers that lie are refused with the file's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "datasets/safetensors.h"
#include "tests/parity.h"

static const char file_name[] = "model.safetensors";

/* Parses a copy that ends before an unmapped page; keep it (free it with parity_free) when OK. */
static enum status parse(const void *bytes, size_t n, void **copy, struct safetensors *f,
                         struct err *err)
{
    *copy = parity_alloc(n);
    memcpy(*copy, bytes, n);
    return safetensors_parse(*copy, n, file_name, f, err);
}

static void every_dtype_and_shape_returns(void **unused)
{
    (void)unused;
    static const struct {
        int rank;
        size_t shape[TENSOR_MAX_RANK];
    } shapes[] = {{0, {0}},    {1, {0}},     {3, {3, 0, 2}},    {1, {5}},
                  {2, {7, 9}}, {2, {1, 13}}, {4, {2, 3, 1, 5}}, {8, {1, 1, 2, 1, 1, 3, 1, 1}}};
    enum { N_SHAPES = sizeof shapes / sizeof shapes[0], N = N_SHAPES * DTYPE_COUNT };
    static char names[N][48];
    static unsigned char data[1024];
    struct tensor tensors[N];
    struct rng rng = {11};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rng_u64(&rng);
    for (int i = 0; i < N; i++) {
        struct tensor *t = &tensors[i];
        *t = (struct tensor){.name = names[i], .dtype = i % DTYPE_COUNT, .data = data + i % 64};
        t->rank = shapes[i / DTYPE_COUNT].rank;
        memcpy(t->shape, shapes[i / DTYPE_COUNT].shape, sizeof t->shape);
        t->count = 1;
        for (int d = 0; d < t->rank; d++)
            t->count *= t->shape[d];
        snprintf(names[i], sizeof names[i], "w\"\xC3\xA4.%d.%s", i, dtype_name(t->dtype));
    }
    struct json *metadata = json_new_object();
    json_add_string(metadata, "format", "pt");
    void *bytes, *copy;
    size_t n;
    struct err err = {{0}};
    struct safetensors f;
    assert_int_equal(safetensors_encode(tensors, N, metadata, &bytes, &n, &err), OK);
    if (parse(bytes, n, &copy, &f, &err))
        fail_msg("%s", err.text);
    assert_int_equal(f.n, N);
    assert_int_equal(f.header_bytes % 64, 0);
    assert_string_equal(json_get_string(f.metadata, "format", ""), "pt");
    for (int i = 0; i < N; i++) {
        const struct tensor *wanted = &tensors[i], *got = NULL;
        for (size_t j = 0; j < f.n && !got; j++) /* empty ones may stand elsewhere */
            if (!strcmp(f.tensors[j].name, wanted->name))
                got = &f.tensors[j];
        assert_non_null(got);
        assert_int_equal(got->dtype, wanted->dtype);
        assert_int_equal(got->rank, wanted->rank);
        assert_memory_equal(got->shape, wanted->shape, (size_t)got->rank * sizeof got->shape[0]);
        assert_int_equal(got->count, wanted->count);
        assert_memory_equal(got->data, wanted->data, got->count * dtype_bytes(got->dtype));
    }
    safetensors_close(&f);
    parity_free(copy, n);
    free(bytes);
    json_free(metadata);
}

/* A file of this header and n_data bytes of data. */
static unsigned char *make(const char *header, uint64_t length, size_t n_data, size_t *n)
{
    size_t text = strlen(header);
    unsigned char *file = calloc(1, *n = 8 + text + n_data);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, text);
    return file;
}

static void a_lying_header_is_refused(void **unused)
{
    (void)unused;
#define T(dtype, shape, offsets)                                                                   \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(a, b)                                                                                  \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"                              \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"
    static const struct {
        const char *header;
        size_t n_data;
        const char *why;
    } rows[] = {
        {"{}", 1, "belong to no tensor"},
        {"[]", 0, "does not begin with {"},
        {" {}", 0, "does not begin with {"},
        {"\"t\"", 0, "does not begin with {"},
        {"{} x", 0, "text after"},
        {"{\"t\":1}", 0, "not an object"},
        {"{\"a\\u001b[31m\":{}}", 0, "'a?[31m': its name has a control character"},
        {"{\"a\\nb\":{}}", 0, "control character"},
        {"{\"\\u009b\":{}}", 0, "control character"},
        {"{\"t\":{}}", 0, "dtype"},
        {T("F33", "[1]", "[0,4]"), 4, "F33"},
        {T("f32", "[1]", "[0,4]"), 4, "f32"},
        {"{\"t\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is not"},
        {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape is not"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets is not"},
        {T("F32", "1", "[0,4]"), 4, "shape is not"},
        {T("F32", "[-1]", "[0,4]"), 4, "shape[0]"},
        {T("F32", "[1,0.5]", "[0,4]"), 4, "shape[1]"},
        {T("F32", "[\"1\"]", "[0,4]"), 4, "shape[0]"},
        {T("F32", "[null]", "[0,4]"), 4, "shape[0]"},
        {T("F32", "[1e30]", "[0,4]"), 4, "shape[0]"},
        {T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "dimensions"},
        {T("F32", "[4294967296,4294967296]", "[0,4]"), 4, "overflows"},
        {T("F64", "[4503599627370496,1024]", "[0,0]"), 0, "shape and dtype"}, /* 2^62 x 8 */
        {T("F32", "[1]", "[0,5]"), 5, "shape and dtype"},
        {T("F32", "[2]", "[0,4]"), 4, "shape and dtype"},
        {T("F16", "[1]", "[0,4]"), 4, "shape and dtype"},
        {T("F32", "[1]", "[4,0]"), 4, "do not lie"},
        {T("F32", "[1]", "[0,8]"), 4, "do not lie"},
        {T("F32", "[1]", "[-4,0]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0,4.5]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0,1e300]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0,18446744073709551615]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0,9007199254740992]"), 4, "do not lie"},
        {T("F32", "[1]", "[\"0\",\"4\"]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0]"), 4, "pair of whole"},
        {T("F32", "[1]", "[0,4,8]"), 8, "pair of whole"},
        {T("F32", "[1]", "[0,4]"), 8, "belong to no tensor"},
        {T("F32", "[1]", "[4,8]"), 8, "begins at data byte 4"},
        {TWO("[0,4]", "[4,8]"), 9, "1 bytes of data belong"},
        {TWO("[0,4]", "[0,4]"), 8, "'b': begins at data byte 0"},
        {TWO("[0,4]", "[2,6]"), 6, "begins at data byte 2"},
        {TWO("[0,4]", "[5,9]"), 9, "begins at data byte 5"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
         "\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
         0, "stands twice"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a string"},
        {"{\"__metadata__\":{\"a\":\"\xFF\"}}", 0, "UTF-8"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1e999],\"data_offsets\":[0,4]}}", 4, "beyond"},
        {"{\"t\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0,
         "nesting"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n;
        void *copy;
        unsigned char *file = make(rows[i].header, strlen(rows[i].header), rows[i].n_data, &n);
        struct safetensors f = {.n = 99};
        struct err err = {{0}};
        enum status s = parse(file, n, &copy, &f, &err);
        if (s != E_FORMAT || !strstr(err.text, file_name) || !strstr(err.text, rows[i].why) ||
            f.n != 99)
            fail_msg("row %zu: status %d, '%s', wanted '%s'", i, s, err.text, rows[i].why);
        parity_free(copy, n);
        free(file);
    }
}

static void a_length_beyond_the_file_is_refused(void **unused)
{
    (void)unused;
    static const uint64_t lengths[] = {0,         1,          3,         SAFETENSORS_MAX_HEADER,
                                       100000001, UINT32_MAX, INT64_MAX, UINT64_MAX - 8,
                                       UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n;
        void *copy;
        unsigned char *file = make("{}", lengths[i], 0, &n);
        struct safetensors f;
        struct err err = {{0}};
        assert_int_equal(parse(file, n, &copy, &f, &err), E_FORMAT);
        assert_non_null(strstr(err.text, file_name));
        parity_free(copy, n);
        free(file);
    }
}

/* A small valid file: two matrices, an empty tensor, metadata. */
static unsigned char *small_file(size_t *n)
{
    static const char header[] =
        "{\"__metadata__\":{\"a\":\"b\"},"
        "\"x\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[12,12]},"
        "\"y\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[12,20]}}   ";
    return make(header, strlen(header), 20, n);
}

static void every_truncation_is_refused(void **unused)
{
    (void)unused;
    size_t n;
    unsigned char *file = small_file(&n);
    for (size_t length = 0; length <= n; length++) {
        void *copy;
        struct safetensors f = {0};
        struct err err = {{0}};
        enum status s = parse(file, length, &copy, &f, &err);
        if (s != (length < n ? E_FORMAT : OK) || (s && !strstr(err.text, file_name)))
            fail_msg("%zu of %zu bytes: status %d, '%s'", length, n, s, err.text);
        safetensors_close(&f);
        parity_free(copy, length);
    }
    free(file);
}

/* A changed byte is refused, or what is read lies inside the file: the page after it faults. */
static void a_changed_byte_never_leads_outside(void **unused)
{
    (void)unused;
    size_t n;
    unsigned char *file = small_file(&n);
    struct rng rng = {31};
    for (int i = 0; i < 2000; i++) {
        uint32_t at = rng_below(&rng, (uint32_t)n), bit = 1 + rng_below(&rng, 255);
        void *copy;
        struct safetensors f = {0};
        struct err err = {{0}};
        file[at] ^= (unsigned char)bit;
        enum status s = parse(file, n, &copy, &f, &err);
        file[at] ^= (unsigned char)bit;
        assert_true(s == OK || s == E_FORMAT);
        for (size_t j = 0; j < f.n; j++) {
            float out[64];
            assert_true(f.tensors[j].count <= 64);
            tensor_to_f32(&f.tensors[j], 0, f.tensors[j].count, out);
        }
        safetensors_close(&f);
        parity_free(copy, n);
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dtype_and_shape_returns),
        cmocka_unit_test(a_lying_header_is_refused),
        cmocka_unit_test(a_length_beyond_the_file_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_changed_byte_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
