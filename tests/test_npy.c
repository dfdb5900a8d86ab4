/* .npy files as NumPy writes them are read; all others are refused with the file's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "datasets/npy.h"
#include "tests/parity.h"

static const char file_name[] = "a.npy";

/* A file of this version and header, with n_data bytes 0, 1, 2 ... of data. */
static unsigned char *make(int major, const char *header, size_t n_data, size_t *n)
{
    size_t text = strlen(header), start = major == 1 ? 10 : 12;
    unsigned char *file = parity_alloc(*n = start + text + n_data);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)major;
    file[7] = 0;
    memcpy(file + 8, &text, start - 8);
    memcpy(file + start, header, text);
    for (size_t i = 0; i < n_data; i++)
        file[start + text + i] = (unsigned char)i;
    return file;
}

static void what_numpy_writes_is_read(void **unused)
{
    (void)unused;
    static const struct {
        int major;
        const char *header;
        enum dtype dtype;
        int rank;
        size_t shape[3], n_data;
    } rows[] = {
#define H(descr, shape) "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }   \n"
        {1, H("<f8", "(3, 4)"), DTYPE_F64, 2, {3, 4}, 96},
        {1, H("<f4", "()"), DTYPE_F32, 0, {0}, 4},
        {2, H("<f2", "(5,)"), DTYPE_F16, 1, {5}, 10},
        {3, H("<i8", "(0,)"), DTYPE_I64, 1, {0}, 0},
        {1, H("<i4", "(2, 0, 7)"), DTYPE_I32, 3, {2, 0, 7}, 0},
        {1, H("<i2", "(1, 1, 1)"), DTYPE_I16, 3, {1, 1, 1}, 2},
        {1, H("|i1", "(3,)"), DTYPE_I8, 1, {3}, 3},
        {1, H("|u1", "(3,)"), DTYPE_U8, 1, {3}, 3},
        {1, H("|b1", "(3,)"), DTYPE_BOOL, 1, {3}, 3},
        {1,
         "{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<i2\"}",
         DTYPE_I16,
         2,
         {2, 3},
         12},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", DTYPE_F32, 1, {2}, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n, header_bytes;
        struct tensor t;
        struct err err = {{0}};
        unsigned char *file = make(rows[i].major, rows[i].header, rows[i].n_data, &n);
        if (npy_parse(file, n, file_name, &t, &header_bytes, &err))
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(t.dtype, rows[i].dtype);
        assert_int_equal(t.rank, rows[i].rank);
        assert_memory_equal(t.shape, rows[i].shape, (size_t)t.rank * sizeof t.shape[0]);
        assert_int_equal(t.count * dtype_bytes(t.dtype), rows[i].n_data);
        assert_ptr_equal(t.data, file + header_bytes);
        assert_int_equal(n - header_bytes, rows[i].n_data);
        assert_string_equal(t.name, file_name);
        parity_free(file, n);
    }
}

static void what_numpy_does_not_write_is_refused(void **unused)
{
    (void)unused;
#define D(descr) "{'descr': '" descr "', 'fortran_order': False, 'shape': (2,), }"
#define S(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"
    static const struct {
        int major;
        const char *header;
        size_t n_data;
        const char *why;
    } rows[] = {
        {0, D("<f4"), 8, "version 0.0"},
        {4, D("<f4"), 8, "version 4.0"},
        {1, D(">f4"), 8, "big-endian: save it with astype('<f4')"},
        {1, D("<u4"), 8, "'<u4'"},
        {1, D("<f16"), 32, "'<f16'"},
        {1, D("|f4"), 8, "'|f4'"},
        {1, D("|O"), 16, "'|O'"},
        {1, D(""), 8, "type ''"},
        {1, D("<f4\\"), 8, "expected"},
        {1, D("a very long type name"), 8, "expected"},
        {1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, "expected"},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", 8, "ascontiguous"},
        {1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", 8, "expected"},
        {1, "{'descr': '<f4', 'shape': (2,), }", 8, "expected"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8,
         "expected"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", 8, "expected"},
        {1, "{'descr': '<f4' 'fortran_order': False, 'shape': (2,), }", 8, "expected"},
        {1, D("<f4") "x", 8, "expected"},
        {1, "", 8, "expected"},
        {1, "{", 8, "expected"},
        {1, S("(2)"), 8, "expected"},
        {1, S("2"), 8, "expected"},
        {1, S("(-2,)"), 8, "expected"},
        {1, S("(2.0,)"), 8, "expected"},
        {1, S("(,)"), 8, "expected"},
        {1, S("(2"), 8, "expected"},
        {1, S("(1, 1, 1, 1, 1, 1, 1, 1, 2)"), 8, "at most 8"},
        {1, S("(99999999999999999999,)"), 8, "expected"},
        {1, S("(4294967296, 4294967296)"), 8, "expected"},
        {1, S("(4611686018427387904,)"), 0, "bytes of data"}, /* 2^62 x 4 */
        {1, S("(3,)"), 8, "bytes of data"},
        {1, S("(1,)"), 8, "bytes of data"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n, header_bytes = 7;
        struct tensor t = {.rank = 99};
        struct err err = {{0}};
        unsigned char *file = make(rows[i].major, rows[i].header, rows[i].n_data, &n);
        enum status s = npy_parse(file, n, file_name, &t, &header_bytes, &err);
        if (s != E_FORMAT || !strstr(err.text, file_name) || !strstr(err.text, rows[i].why) ||
            t.rank != 99)
            fail_msg("row %zu: status %d, '%s', wanted '%s'", i, s, err.text, rows[i].why);
        parity_free(file, n);
    }
}

static void truncations_and_changed_bytes_never_lead_outside(void **unused)
{
    (void)unused;
    struct rng rng = {41};
    for (int major = 1; major <= 3; major++) {
        size_t n, header_bytes;
        struct tensor t;
        struct err err;
        unsigned char *file = make(major, H("<f4", "(2, 3)"), 24, &n);
        for (size_t length = 0; length < n; length++) {
            unsigned char *cut = parity_alloc(length);
            memcpy(cut, file, length);
            assert_int_equal(npy_parse(cut, length, file_name, &t, &header_bytes, &err), E_FORMAT);
            parity_free(cut, length);
        }
        for (int i = 0; i < 2000; i++) {
            uint32_t at = rng_below(&rng, (uint32_t)n), bits = 1 + rng_below(&rng, 255);
            file[at] ^= (unsigned char)bits;
            enum status s = npy_parse(file, n, file_name, &t, &header_bytes, &err);
            if (s == OK) {
                float out[24];
                assert_true(t.count <= 24);
                tensor_to_f32(&t, 0, t.count, out);
            } else
                assert_int_equal(s, E_FORMAT);
            file[at] ^= (unsigned char)bits;
        }
        parity_free(file, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_writes_is_read),
        cmocka_unit_test(what_numpy_does_not_write_is_refused),
        cmocka_unit_test(truncations_and_changed_bytes_never_lead_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
