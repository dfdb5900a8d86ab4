/* Files are written whole or not at all; a document says what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/document.h"
#include "tests/scratch.h"

static void holds(const char *path, const char *text)
{
    char bytes[64] = {0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    assert_int_equal(n, strlen(text));
    assert_string_equal(bytes, text);
}

static void a_file_is_replaced_whole(void **unused)
{
    (void)unused;
    struct err err;
    struct stat before, after;
    const char *path = scratch_path("a.txt");
    assert_int_equal(document_write_bytes(path, "old", 3, &err), OK);
    assert_int_equal(stat(path, &before), 0);
    FILE *reader = fopen(path, "r"); /* opened before, so it goes on seeing the old file */
    assert_int_equal(document_write_bytes(path, "the new one", 11, &err), OK);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    char old[8] = {0};
    assert_int_equal(fread(old, 1, sizeof old, reader), 3);
    fclose(reader);
    assert_string_equal(old, "old");
    holds(path, "the new one");
    assert_int_equal(scratch_entries(), 1);
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(after.st_mode & 0777, 0666 & ~mask);
}

static void a_path_below_a_file_cannot_be_created(void **unused)
{
    (void)unused;
    struct err err;
    assert_int_equal(document_write_bytes(scratch_path("f"), "x", 1, &err), OK);
    const char *below = scratch_path("f/b.json");
    assert_int_equal(document_write_bytes(below, "x", 1, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, below));
    assert_non_null(strstr(err.text, strerror(ENOTDIR)));
    assert_int_equal(document_make_folder(scratch_path("f/sub/sub"), &err), E_CANTCREATE);
    assert_int_equal(document_make_folder(scratch_path("f"), &err), E_CANTCREATE);
    assert_int_equal(document_make_folder("", &err), E_CANTCREATE);
    assert_int_equal(document_write_bytes(scratch_path("no/b"), "x", 1, &err), E_CANTCREATE);
    assert_int_equal(scratch_entries(), 1);
}

static void a_folder_is_made_with_its_parents(void **unused)
{
    (void)unused;
    struct err err;
    struct stat st;
    assert_int_equal(document_make_folder(scratch_path("x/y//z/"), &err), OK);
    assert_int_equal(document_make_folder(scratch_path("x/y/z"), &err), OK); /* it is there */
    assert_int_equal(stat(scratch_path("x/y/z"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(document_write_bytes(scratch_path("x"), "x", 1, &err), E_CANTCREATE);
}

static void a_folder_that_cannot_be_made_is_known_before(void **unused)
{
    (void)unused;
    struct err err;
    assert_int_equal(document_write_bytes(scratch_path("f"), "x", 1, &err), OK);
    assert_int_equal(document_check_folder(scratch_path("f"), &err), E_CANTCREATE);
    assert_int_equal(document_check_folder(scratch_path("f/below/it"), &err), E_CANTCREATE);
    assert_int_equal(document_check_folder("/proc/self/none/results", &err), E_CANTCREATE);
    assert_int_equal(document_check_folder("", &err), E_CANTCREATE);
    assert_int_equal(document_check_folder(scratch_path("new/and/deep"), &err), OK);
    assert_int_equal(document_check_folder("results-of-no-run/deep", &err), OK);
    assert_int_equal(scratch_entries(), 1);
}

static void a_device_is_not_replaced_by_a_file(void **unused)
{
    (void)unused;
    struct err err;
    struct stat st;
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_int_equal(document_write_bytes(scratch_path("pipe"), "x", 1, &err), E_CANTCREATE);
    assert_int_equal(stat(scratch_path("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(scratch_entries(), 1);
}

/* The limit on file size stands for a full disk: write() fails half-way with an errno. */
static void a_write_that_fails_leaves_the_old_file_alone(void **unused)
{
    (void)unused;
    enum { LIMIT = 4096, N = 3 * LIMIT + 5 };
    struct err err = {{0}};
    struct rlimit before;
    char *big = calloc(1, N);
    const char *path = scratch_path("a");
    assert_int_equal(document_write_bytes(path, "old", 3, &err), OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {LIMIT, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status s = document_write_bytes(path, big, N, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    free(big);
    assert_int_equal(s, E_IO);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, strerror(EFBIG)));
    holds(path, "old");
    assert_int_equal(scratch_entries(), 1);
}

static void a_document_is_known_by_schema_and_kind(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *kind;
        enum status status;
        const char *line;
    } rows[] = {
        {"{\"schema\":\"assay.result/1\",\"kind\":\"bench\"}", "bench", OK, ""},
        {"{\"schema\":\"assay.result/1\",\"kind\":\"machine\"}", NULL, OK, ""},
        {"{\"schema\":\"assay.result/1\",\"kind\":\"bench\"}", "check", E_FORMAT, "'bench'"},
        {"{\"schema\":\"assay.result/1\",\"kind\":\"poem\"}", NULL, E_FORMAT, "'poem'"},
        {"{\"schema\":\"assay.result/9\",\"kind\":\"bench\"}", NULL, E_FORMAT, "assay.result/9"},
        {"{\"schema\":\"assay.result/2\",\"kind\":\"bench\"}", NULL, E_FORMAT, "newer assay"},
        {"{\"schema\":\"assay.result/0\",\"kind\":\"bench\"}", NULL, E_FORMAT, "not a result"},
        {"{\"schema\":\"assay.result/2x\",\"kind\":\"bench\"}", NULL, E_FORMAT, "not a result"},
        {"{\"kind\":\"bench\"}", NULL, E_FORMAT, "nothing"},
        {"{\"schema\":1,\"kind\":\"bench\"}", NULL, E_FORMAT, "nothing"},
        {"[]", NULL, E_FORMAT, "nothing"},
        {"{", NULL, E_FORMAT, "byte 1"},
    };
    const char *path = scratch_path("d.json");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json *root = NULL;
        struct err err = {{0}};
        assert_int_equal(document_write_bytes(path, rows[i].text, strlen(rows[i].text), &err), OK);
        enum status s = document_read(path, rows[i].kind, &root, &err);
        if (s != rows[i].status || !strstr(err.text, rows[i].line) ||
            (s && (!strstr(err.text, path) || root)))
            fail_msg("row %zu: status %d, '%s'", i, s, err.text);
        json_free(root);
    }
    struct json *root = NULL;
    struct err err;
    assert_int_equal(document_read(scratch_path("none.json"), NULL, &root, &err), E_NOINPUT);
}

/* Each kind as it was written by hand or by a run: once through us, then bit for bit. */
static void a_document_survives_a_round_trip(void **unused)
{
    (void)unused;
    static const char *const files[] = {"bench.json", "check.json", "analysis-quant-error.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char from[96], command[512];
        struct json *root = NULL, *again = NULL;
        struct err err;
        snprintf(from, sizeof from, "tests/fixtures/results/%s", files[i]);
        if (document_read(from, NULL, &root, &err) ||
            document_write(scratch_path("1.json"), root, &err) ||
            document_read(scratch_path("1.json"), NULL, &again, &err) ||
            document_write(scratch_path("2.json"), again, &err))
            fail_msg("%s", err.text);
        snprintf(command, sizeof command, "cmp '%s' '%s'", scratch_path("1.json"),
                 scratch_path("2.json"));
        assert_int_equal(system(command), 0);
        json_free(root);
        json_free(again);
    }
}

/* A document of each kind with what is hard to keep: it is read as it was written, byte for byte,
 * and one of another version is refused in one line that says which. */
static void every_kind_survives_and_knows_its_version(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"bench",   "check",   "analysis",
                                        "machine", "compare", "profile"};
    static const char body[] =
        "  \"u\": \"18446744073709551615\",\n  \"d\": [0.1, 2.2250738585072014e-308, "
        "1.7976931348623157e+308, "
        "-0, 9007199254740991, 0.30000000000000004],\n  \"s\": "
        "\"\\u0001\\n\\\"\\\\/\xc3\xa9\",\n"
        "  \"\": null,\n  \"e\": {},\n  \"l\": [],\n  \"t\": [\n    {\n      \"x\": true\n    }\n  "
        "]\n}\n";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int version = 0; version < 3; version++) {
            char text[600], got[600] = "";
            const char *path = scratch_path("k.json"), *again = scratch_path("again.json");
            struct json *root = NULL;
            struct err err = {{0}};
            int n = snprintf(text, sizeof text,
                             "{\n  \"schema\": \"assay.result/%d\",\n  \"kind\": \"%s\",\n%s",
                             version, kinds[i], body);
            assert_int_equal(document_write_bytes(path, text, (size_t)n, &err), OK);
            enum status s = document_read(path, kinds[i], &root, &err);
            if (version != 1) {
                if (s != E_FORMAT || !strstr(err.text, version ? "newer assay" : "not a result") ||
                    strchr(err.text, '\n'))
                    fail_msg("%s of version %d: status %d, '%s'", kinds[i], version, s, err.text);
                continue;
            }
            if (s || document_write(again, root, &err))
                fail_msg("%s: %s", kinds[i], err.text);
            json_free(root);
            FILE *f = fopen(again, "r");
            assert_non_null(f);
            size_t n_got = fread(got, 1, sizeof got - 1, f);
            fclose(f);
            assert_string_equal(got, text);
            assert_int_equal(n_got, n);
        }
}

static void a_document_is_text_with_a_last_newline(void **unused)
{
    (void)unused;
    struct err err;
    struct json *root = json_new_object();
    json_add_number(root, "x", 0.1);
    assert_int_equal(document_write(scratch_path("d.json"), root, &err), OK);
    holds(scratch_path("d.json"), "{\n  \"x\": 0.1\n}\n");
    json_free(root);
    assert_int_equal(document_write(scratch_path("e.json"), NULL, &err), E_NOMEM);
    assert_int_equal(scratch_entries(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_file_is_replaced_whole),
        IN_SCRATCH(a_path_below_a_file_cannot_be_created),
        IN_SCRATCH(a_folder_is_made_with_its_parents),
        IN_SCRATCH(a_folder_that_cannot_be_made_is_known_before),
        IN_SCRATCH(a_device_is_not_replaced_by_a_file),
        IN_SCRATCH(a_write_that_fails_leaves_the_old_file_alone),
        IN_SCRATCH(a_document_is_known_by_schema_and_kind),
        IN_SCRATCH(a_document_survives_a_round_trip),
        IN_SCRATCH(every_kind_survives_and_knows_its_version),
        IN_SCRATCH(a_document_is_text_with_a_last_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
