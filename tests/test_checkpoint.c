/* Files, shards and folders open as one array of tensors; what does not fit is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datasets/checkpoint.h"
#include "datasets/document.h"
#include "datasets/mapping.h"
#include "datasets/safetensors.h"
#include "tests/scratch.h"

static void write_text(const char *name, const char *text)
{
    struct err err;
    assert_int_equal(document_write_bytes(scratch_path(name), text, strlen(text), &err), OK);
}

/* A shard with the tensors of these names, [2] each, holding first, first + 1, ... */
static void write_shard(const char *name, const char *const *tensors, float first)
{
    struct tensor list[8];
    float data[8][2];
    size_t n = 0, n_bytes;
    void *bytes;
    struct err err;
    for (; tensors[n]; n++) {
        data[n][0] = first + 2 * (float)n;
        data[n][1] = data[n][0] + 1;
        list[n] = (struct tensor){tensors[n], DTYPE_F32, 1, {2}, 2, data[n]};
    }
    assert_int_equal(safetensors_encode(list, n, NULL, &bytes, &n_bytes, &err), OK);
    assert_int_equal(document_write_bytes(scratch_path(name), bytes, n_bytes, &err), OK);
    free(bytes);
}

static void write_npy(const char *name, float value)
{
    static const char header[] =
        "\x93NUMPY\x01\x00\x35\x00{'descr': '<f4', 'fortran_order': False, 'shape': ()}";
    char file[sizeof header - 1 + sizeof value];
    struct err err;
    memcpy(file, header, sizeof header - 1);
    memcpy(file + sizeof header - 1, &value, sizeof value);
    assert_int_equal(document_write_bytes(scratch_path(name), file, sizeof file, &err), OK);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct checkpoint opened(const char *path)
{
    struct checkpoint c;
    struct err err = {{0}};
    if (checkpoint_open(path, &c, &err))
        fail_msg("%s", err.text);
    return c;
}

static void holds(const struct checkpoint *c, const char *name, float wanted)
{
    const struct tensor *t = checkpoint_find(c, name);
    float value;
    if (!t)
        fail_msg("no tensor %s", name);
    tensor_to_f32(t, 0, 1, &value);
    if (value != wanted)
        fail_msg("%s begins with %g, not %g", name, value, wanted);
}

static void refused(const char *path, enum status status, const char *why)
{
    struct checkpoint c = {.n = 99};
    struct err err = {{0}};
    enum status s = checkpoint_open(path, &c, &err);
    if (s != status || !strstr(err.text, why) || !strstr(err.text, scratch) || c.n != 99)
        fail_msg("%s: status %d, '%s', wanted '%s'", path, s, err.text, why);
}

static void single_files_open(void **unused)
{
    (void)unused;
    write_shard("m.safetensors", NAMES("b", "a"), 5);
    write_npy("v.1.npy", 3);
    struct checkpoint c = opened(scratch_path("m.safetensors"));
    assert_int_equal(c.n, 2);
    assert_int_equal(c.n_sources, 1);
    assert_string_equal(c.tensors[0].name, "b"); /* in the order of the data */
    holds(&c, "b", 5);
    holds(&c, "a", 7);
    assert_null(checkpoint_find(&c, "c"));
    checkpoint_close(&c);
    checkpoint_close(&c); /* of a zeroed one */
    c = opened(scratch_path("v.1.npy"));
    assert_int_equal(c.n, 1);
    holds(&c, "v.1", 3);
    checkpoint_close(&c);
}

static void an_index_decides_what_its_shards_hold(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(scratch_path("sub"), 0777), 0);
    write_shard("m-2.safetensors", NAMES("z", "a", "unnamed"), 10);
    write_shard("sub/m-1.safetensors", NAMES("y", "z"), 20);
    write_shard("other.safetensors", NAMES("a"), 30);
    write_text("m.safetensors.index.json",
               "{\"metadata\":{\"total_size\":24},\"weight_map\":{\"z\":\"sub/m-1.safetensors\","
               "\"a\":\"m-2.safetensors\",\"y\":\"sub/m-1.safetensors\"}}");
    for (int by_folder = 0; by_folder <= 1; by_folder++) {
        struct checkpoint c =
            opened(by_folder ? scratch : scratch_path("m.safetensors.index.json"));
        assert_int_equal(c.n, 3);
        assert_int_equal(c.n_sources, 3); /* index, m-2, sub/m-1 */
        assert_non_null(strstr(c.sources[0].path, ".index.json"));
        assert_non_null(strstr(c.sources[1].path, "m-2"));
        holds(&c, "a", 12);
        holds(&c, "y", 20);
        holds(&c, "z", 22);
        assert_null(checkpoint_find(&c, "unnamed"));
        checkpoint_close(&c);
    }
}

static void a_shard_may_be_a_symbolic_link(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(scratch_path("blobs"), 0777), 0);
    assert_int_equal(mkdir(scratch_path("snapshot"), 0777), 0);
    write_shard("blobs/m.safetensors", NAMES("a"), 4);
    assert_int_equal(symlink("../blobs/m.safetensors", scratch_path("snapshot/m.safetensors")), 0);
    write_text("snapshot/m.safetensors.index.json", "{\"weight_map\":{\"a\":\"m.safetensors\"}}");
    struct checkpoint c = opened(scratch_path("snapshot"));
    holds(&c, "a", 4);
    checkpoint_close(&c);
}

static void a_folder_opens_in_sorted_order(void **unused)
{
    (void)unused;
    write_npy("b.npy", 2);
    write_shard("c.safetensors", NAMES("y", "x"), 3);
    write_npy("a.npy", 1);
    write_text("README.md", "not weights");
    write_text("config.json", "{}");
    struct checkpoint c = opened(scratch);
    static const char *const order[] = {"a", "b", "y", "x"};
    assert_int_equal(c.n, 4);
    assert_int_equal(c.n_sources, 3);
    for (size_t i = 0; i < c.n; i++)
        assert_string_equal(c.tensors[i].name, order[i]);
    holds(&c, "a", 1);
    holds(&c, "b", 2);
    holds(&c, "x", 5);
    checkpoint_close(&c);
}

static void what_is_not_there_is_said(void **unused)
{
    (void)unused;
    refused(scratch_path("none.safetensors"), E_NOINPUT, "none.safetensors");
    refused(scratch, E_NOINPUT, "no .safetensors");
    write_text("m.bin", "x");
    refused(scratch_path("m.bin"), E_FORMAT, "not a .safetensors");
    refused(scratch_path("m.bin/x.safetensors"), E_NOINPUT, "Not a directory");
    write_text("empty.safetensors", "");
    refused(scratch_path("empty.safetensors"), E_FORMAT, "0 bytes");
    write_text("empty.npy", "");
    refused(scratch_path("empty.npy"), E_FORMAT, "not an .npy");
    assert_int_equal(mkfifo(scratch_path("pipe.safetensors"), 0600), 0);
    refused(scratch_path("pipe.safetensors"), E_NOINPUT, "regular");
}

static void a_lying_index_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        enum status status;
        const char *why;
    } rows[] = {
        {"", E_FORMAT, "byte 0"},
        {"[]", E_FORMAT, "no weight_map"},
        {"{}", E_FORMAT, "no weight_map"},
        {"{\"weight_map\":{}}", E_FORMAT, "no weight_map"},
        {"{\"weight_map\":[\"m.safetensors\"]}", E_FORMAT, "no weight_map"},
        {"{\"weight_map\":{\"a\":1}}", E_FORMAT, "'a' is not in a file"},
        {"{\"weight_map\":{\"a\":\"\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"../m.safetensors\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"x/../../m.safetensors\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"/m.safetensors\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"./m.safetensors\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"x//m.safetensors\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"m.safetensors/\"}}", E_FORMAT, "not in a file"},
        {"{\"weight_map\":{\"a\":\"m.bin\"}}", E_FORMAT, "m.bin: not a .safetensors"},
        {"{\"weight_map\":{\"a\":\"none.safetensors\"}}", E_NOINPUT, "none.safetensors"},
        {"{\"weight_map\":{\"a\":\"m.safetensors\",\"q\":\"m.safetensors\"}}", E_FORMAT,
         "'q' is not in m.safetensors"},
        {"{\"weight_map\":{\"a\":\"m.safetensors\",\"a\":\"m.safetensors\"}}", E_FORMAT,
         "stands twice"},
        {"{\"weight_map\":{\"a\":\"bad.safetensors\"}}", E_FORMAT, "bad.safetensors"},
    };
    write_shard("m.safetensors", NAMES("a", "b"), 1);
    write_text("bad.safetensors", "12345678{");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_text("m.safetensors.index.json", rows[i].text);
        refused(scratch_path("m.safetensors.index.json"), rows[i].status, rows[i].why);
    }
}

static void an_ambiguous_folder_is_refused(void **unused)
{
    (void)unused;
    write_shard("a.safetensors", NAMES("w"), 1);
    write_npy("w.npy", 1);
    refused(scratch, E_FORMAT, "'w' stands in two files");
    write_text("a.safetensors.index.json", "{}");
    write_text("b.safetensors.index.json", "{}");
    refused(scratch, E_USAGE, "2 index files");
}

static void sources_are_described_for_the_record(void **unused)
{
    (void)unused;
    write_shard("a.safetensors", NAMES("w"), 1);
    struct checkpoint c = opened(scratch_path("a.safetensors"));
    struct json *input = json_new_array();
    checkpoint_describe(&c, input);
    const struct json *row = json_first(input);
    struct stat st;
    assert_int_equal(stat(scratch_path("a.safetensors"), &st), 0);
    assert_int_equal(json_size(input), 1);
    assert_string_equal(json_get_string(row, "path", ""), scratch_path("a.safetensors"));
    assert_true(json_get_number(row, "bytes", 0) == (double)st.st_size);
    assert_int_equal(strlen(json_get_string(row, "mtime", "")), strlen("2026-01-01T00:00:00Z"));
    char first[64], second[64];
    snprintf(first, sizeof first, "%s", json_get_string(row, "header_hash", ""));
    assert_non_null(strstr(first, "fnv1a64:"));
    json_free(input);
    checkpoint_close(&c);

    write_shard("a.safetensors", NAMES("v"), 1); /* another header: another hash */
    c = opened(scratch_path("a.safetensors"));
    input = json_new_array();
    checkpoint_describe(&c, input);
    snprintf(second, sizeof second, "%s", json_get_string(json_first(input), "header_hash", ""));
    assert_string_not_equal(first, second);
    json_free(input);
    checkpoint_close(&c);
}

static void the_hash_gives_its_published_outputs(void **unused)
{
    (void)unused;
    assert_true(mapping_hash("", 0) == 0xCBF29CE484222325u);
    assert_true(mapping_hash("a", 1) == 0xAF63DC4C8601EC8Cu);
    assert_true(mapping_hash("foobar", 6) == 0x85944171F73967E8u);
}

static void a_trained_checkpoint_opens(void **unused)
{
    (void)unused;
    const char *path = "../shared/data/stories260K.safetensors";
    struct checkpoint c;
    struct err err;
    if (access(path, R_OK)) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }
    if (checkpoint_open(path, &c, &err))
        fail_msg("%s", err.text);
    assert_true(c.n > 10);
    checkpoint_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(single_files_open),
        IN_SCRATCH(an_index_decides_what_its_shards_hold),
        IN_SCRATCH(a_shard_may_be_a_symbolic_link),
        IN_SCRATCH(a_folder_opens_in_sorted_order),
        IN_SCRATCH(what_is_not_there_is_said),
        IN_SCRATCH(a_lying_index_is_refused),
        IN_SCRATCH(an_ambiguous_folder_is_refused),
        IN_SCRATCH(sources_are_described_for_the_record),
        cmocka_unit_test(the_hash_gives_its_published_outputs),
        cmocka_unit_test(a_trained_checkpoint_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
