/* --weights FILE[:TENSOR] finds the matrix that was meant, or says what is there instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/weights.h"
#include "tests/scratch.h"

/* A vector of 8, a 2 x 2, a 2 x 3 and another 3 x 2, all zero. */
static void write_checkpoint(const char *path)
{
    static const char header[] =
        "{\"vector\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]},"
        "\"small\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[32,48]},"
        "\"large\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[48,72]},"
        "\"other\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[72,96]}}";
    static const char zeros[96];
    uint64_t n = strlen(header);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(&n, sizeof n, 1, f), 1); /* little-endian, as the machines we run on */
    assert_int_equal(fwrite(header, n, 1, f), 1);
    assert_int_equal(fwrite(zeros, sizeof zeros, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void opens(const char *spec, const char *path, const char *tensor)
{
    struct weights w;
    struct err err;
    char name[512];
    if (weights_open(spec, &w, &err))
        fail_msg("%s: %s", spec, err.text);
    assert_string_equal(w.tensor->name, tensor);
    snprintf(name, sizeof name, "%s:%s", path, tensor);
    assert_string_equal(w.name, name);
    weights_close(&w);
}

static void the_matrix_that_was_meant_is_found(void **unused)
{
    (void)unused;
    const char *path = scratch_path("a.safetensors"), *odd = scratch_path("b:small.safetensors");
    char spec[512];
    write_checkpoint(path);
    write_checkpoint(odd);
    opens(path, path, "large"); /* the first of the largest matrices; a vector is none */
    snprintf(spec, sizeof spec, "%s:small", path);
    opens(spec, path, "small");
    opens(odd, odd, "large"); /* a colon in the name of a file that is there */
    snprintf(spec, sizeof spec, "%s:other", odd);
    opens(spec, odd, "other");
}

static void what_cannot_be_meant_is_refused(void **unused)
{
    (void)unused;
    const char *path = scratch_path("a.safetensors");
    static const struct {
        const char *tail;
        enum status status;
        const char *says;
    } rows[] = {{":none", E_USAGE, "no tensor 'none'"},
                {":vector", E_USAGE, "is no matrix (rank 1, 8 values)"},
                {":", E_USAGE, "no tensor ''"},
                {".gone", E_NOINPUT, "a.safetensors.gone"},
                {".gone:small", E_NOINPUT, "a.safetensors.gone"}};
    write_checkpoint(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char spec[512];
        struct weights w = {.name = NULL};
        struct err err;
        snprintf(spec, sizeof spec, "%s%s", path, rows[i].tail);
        enum status s = weights_open(spec, &w, &err);
        if (s != rows[i].status || !strstr(err.text, rows[i].says))
            fail_msg("%s: %d: %s", spec, (int)s, err.text);
        assert_null(w.tensor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_matrix_that_was_meant_is_found),
        IN_SCRATCH(what_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
