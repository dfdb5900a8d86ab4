/* Files are written whole or not at all; a document says what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/document.h"

static char folder[] = "/tmp/assay-document-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(strrchr(folder, '-') + 1, "XXXXXX");
    return !mkdtemp(folder);
}

static int remove_folder(void **unused)
{
    (void)unused;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

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
    const char *path = in_folder("a.txt");
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
    assert_int_equal(files_in_folder(), 1);
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(after.st_mode & 0777, 0666 & ~mask);
}

static void a_path_below_a_file_cannot_be_created(void **unused)
{
    (void)unused;
    struct err err;
    assert_int_equal(document_write_bytes(in_folder("f"), "x", 1, &err), OK);
    const char *below = in_folder("f/b.json");
    assert_int_equal(document_write_bytes(below, "x", 1, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, below));
    assert_non_null(strstr(err.text, strerror(ENOTDIR)));
    assert_int_equal(document_make_folder(in_folder("f/sub/sub"), &err), E_CANTCREATE);
    assert_int_equal(document_make_folder(in_folder("f"), &err), E_CANTCREATE);
    assert_int_equal(document_make_folder("", &err), E_CANTCREATE);
    assert_int_equal(document_write_bytes(in_folder("no/b"), "x", 1, &err), E_CANTCREATE);
    assert_int_equal(files_in_folder(), 1);
}

static void a_folder_is_made_with_its_parents(void **unused)
{
    (void)unused;
    struct err err;
    struct stat st;
    assert_int_equal(document_make_folder(in_folder("x/y//z/"), &err), OK);
    assert_int_equal(document_make_folder(in_folder("x/y/z"), &err), OK); /* it is there */
    assert_int_equal(stat(in_folder("x/y/z"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(document_write_bytes(in_folder("x"), "x", 1, &err), E_CANTCREATE);
}

static void a_device_is_not_replaced_by_a_file(void **unused)
{
    (void)unused;
    struct err err;
    struct stat st;
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(document_write_bytes(in_folder("pipe"), "x", 1, &err), E_CANTCREATE);
    assert_int_equal(stat(in_folder("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(files_in_folder(), 1);
}

/* The limit on file size stands for a full disk: write() fails half-way with an errno. */
static void a_write_that_fails_leaves_the_old_file_alone(void **unused)
{
    (void)unused;
    enum { LIMIT = 4096, N = 3 * LIMIT + 5 };
    struct err err = {{0}};
    struct rlimit before;
    char *big = calloc(1, N);
    const char *path = in_folder("a");
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
    assert_int_equal(files_in_folder(), 1);
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
        {"{\"kind\":\"bench\"}", NULL, E_FORMAT, "nothing"},
        {"{\"schema\":1,\"kind\":\"bench\"}", NULL, E_FORMAT, "nothing"},
        {"[]", NULL, E_FORMAT, "nothing"},
        {"{", NULL, E_FORMAT, "byte 1"},
    };
    const char *path = in_folder("d.json");
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
    assert_int_equal(document_read(in_folder("none.json"), NULL, &root, &err), E_NOINPUT);
}

static void a_document_is_text_with_a_last_newline(void **unused)
{
    (void)unused;
    struct err err;
    struct json *root = json_new_object();
    json_add_number(root, "x", 0.1);
    assert_int_equal(document_write(in_folder("d.json"), root, &err), OK);
    holds(in_folder("d.json"), "{\n  \"x\": 0.1\n}\n");
    json_free(root);
    assert_int_equal(document_write(in_folder("e.json"), NULL, &err), E_NOMEM);
    assert_int_equal(files_in_folder(), 1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_replaced_whole),
        IN_FOLDER(a_path_below_a_file_cannot_be_created),
        IN_FOLDER(a_folder_is_made_with_its_parents),
        IN_FOLDER(a_device_is_not_replaced_by_a_file),
        IN_FOLDER(a_write_that_fails_leaves_the_old_file_alone),
        IN_FOLDER(a_document_is_known_by_schema_and_kind),
        IN_FOLDER(a_document_is_text_with_a_last_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
