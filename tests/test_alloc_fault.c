/* Whatever allocation fails, the caller is told, and nothing leaks or is left half-done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "bench/fold.h"
#include "bench/journal.h"
#include "bench/plan.h"
#include "datasets/checkpoint.h"
#include "datasets/document.h"
#include "datasets/safetensors.h"
#include "datasets/synthetic.h"
#include "plots/results.h"
#include "tests/alloc_fault.h"
#include "tests/faulty.h"
#include "tests/scratch.h"

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    struct err err;
    if (document_write_bytes(path, bytes, n, &err))
        fail_msg("%s", err.text);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[1 << 16];
    FILE *f = fopen(from, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    assert_in_range(n, 1, sizeof bytes - 1);
    write_bytes(to, bytes, n);
}

static const char sample_json[] =
    "{\"a\":[1,2.5,{\"b\":\"text \\u20ac\"}],\"c\":{\"d\":null,\"e\":true},\"f\":\"\"}";

static enum status parse_print(void *user, struct err *err)
{
    struct json *root = NULL;
    char *text = NULL;
    (void)user;
    enum status s = json_parse(sample_json, sizeof sample_json - 1, "sample", &root, err);
    if (!s)
        s = json_print(root, true, &text, err);
    free(text);
    json_free(root);
    return s;
}

static enum status build_print(void *user, struct err *err)
{
    struct json *root = json_new_object(), *sub = json_add_object(root, "sub");
    char *text = NULL;
    (void)user;
    json_add_number(root, "x", NAN);
    json_add_number(root, "x", INFINITY); /* replaces, with another reason */
    json_add_number(root, "x", 2);
    json_add_string(sub, "s", "text");
    json_add_u64(json_add_array(sub, "list"), NULL, UINT64_MAX);
    json_add(root, "copy", json_copy(sub));
    enum status s = json_print(root, false, &text, err);
    if (!s && strcmp(text, "{\"sub\":{\"s\":\"text\",\"list\":[\"18446744073709551615\"]},\"x\":2,"
                           "\"copy\":{\"s\":\"text\",\"list\":[\"18446744073709551615\"]}}"))
        s = status_fail(err, E_INTERNAL, "printed over a failure: %s", text);
    free(text);
    json_free(root);
    return s;
}

static void json_tells_of_every_failure(void **unused)
{
    (void)unused;
    assert_true(alloc_fault_each("parse and print", parse_print, NULL) > 10);
    assert_true(alloc_fault_each("build and print", build_print, NULL) > 10);
}

static enum status read_document(void *user, struct err *err)
{
    struct json *root = NULL;
    enum status s = document_read(user, "bench", &root, err);
    if (s && root)
        return status_fail(err, E_INTERNAL, "*out was touched");
    json_free(root);
    return s;
}

static enum status write_document(void *user, struct err *err)
{
    static const char old[] = "{\n  \"old\": 1\n}\n";
    char bytes[64] = {0};
    struct json *root = json_new_object();
    json_add_number(root, "old", 1);
    enum status s = document_write(user, root, err);
    json_free(root);
    FILE *f = fopen(user, "r"); /* its allocations fail, too: then the file is not looked at */
    size_t n = f ? fread(bytes, 1, sizeof bytes - 1, f) : 0;
    if (f)
        fclose(f);
    if (n && strcmp(bytes, old))
        s = status_fail(err, E_INTERNAL, "the file holds '%s'", bytes);
    return s;
}

static void documents_are_whole_or_not_there(void **unused)
{
    (void)unused;
    char path[64];
    snprintf(path, sizeof path, "%s/d.json", scratch);
    static const char text[] = "{\"schema\":\"assay.result/1\",\"kind\":\"bench\",\"cells\":[]}";
    write_bytes(path, text, sizeof text - 1);
    assert_true(alloc_fault_each("document_read", read_document, path) > 10);
    assert_true(alloc_fault_each("document_write", write_document, path) > 3);
    assert_int_equal(scratch_entries(), 1);
}

static enum status open_checkpoint(void *user, struct err *err)
{
    struct checkpoint c = {0};
    enum status s = checkpoint_open(user, &c, err);
    if (s && c.tensors)
        return status_fail(err, E_INTERNAL, "*out was touched");
    if (!s && !checkpoint_find(&c, c.tensors[0].name))
        s = status_fail(err, E_INTERNAL, "its first tensor is not found");
    checkpoint_close(&c);
    return s;
}

/* A folder with an index and a shard, and one with an .npy. */
static void checkpoints_open_whole_or_not_at_all(void **unused)
{
    (void)unused;
    static const char index[] = "{\"weight_map\":{\"normal.bias\":\"m.safetensors\"}}";
    char folder[64];
    void *bytes = NULL;
    size_t n;
    struct err err;
    assert_int_equal(synthetic_sample(1, &bytes, &n, &err), OK);
    snprintf(folder, sizeof folder, "%s/sharded", scratch);
    assert_int_equal(mkdir(folder, 0777), 0);
    write_bytes(scratch_path("sharded/m.safetensors"), bytes, n);
    write_bytes(scratch_path("sharded/m.safetensors.index.json"), index, sizeof index - 1);
    assert_true(alloc_fault_each("an index", open_checkpoint, folder) > 20);
    snprintf(folder, sizeof folder, "%s/loose", scratch);
    assert_int_equal(mkdir(folder, 0777), 0);
    write_bytes(scratch_path("loose/m.safetensors"), bytes, n);
    copy_file("tests/fuzz/corpus/npy/scalar", scratch_path("loose/x.npy"));
    assert_true(alloc_fault_each("a folder", open_checkpoint, folder) > 20);
    free(bytes);
}

/* A run of two lines that takes a third. */
static enum status use_journal(void *user, struct err *err)
{
    static const char lines[] = "{\"round\":1}\n{\"round\":1}\n";
    struct journal j = {.fd = -1};
    if (truncate(user, sizeof lines - 1)) /* what an earlier use appended */
        return status_fail(err, E_IO, "%s cannot be cut", (const char *)user);
    struct json *line = json_new_object();
    json_add_number(line, "round", 1);
    enum status s = journal_open(scratch, true, &j, err);
    if (s) {
        json_free(line);
        return s;
    }
    s = journal_append(&j, line, err);
    if (json_size(j.rounds) != (s ? 1 : 2))
        s = status_fail(err, E_INTERNAL, "%zu rounds", json_size(j.rounds));
    struct stat st;
    if (s && (fstat(j.fd, &st) || st.st_size != sizeof lines - 1))
        s = status_fail(err, E_INTERNAL, "a line was written in part");
    journal_close(&j);
    return s;
}

static void a_journal_stays_readable(void **unused)
{
    (void)unused;
    struct journal j;
    struct err err;
    char path[64];
    snprintf(path, sizeof path, "%s/journal.jsonl", scratch);
    write_bytes(path, "{\"round\":1}\n{\"round\":1}\n", 24);
    assert_true(alloc_fault_each("journal", use_journal, path) > 10);
    if (journal_open(scratch, true, &j, &err))
        fail_msg("%s", err.text);
    assert_int_equal(json_size(j.rounds), 2);
    journal_close(&j);
}

static const char *const patterns[] = {"faulty/faults/ok", "faulty/*/[h-o]*"};

static enum status make_plan(void *user, struct err *err)
{
    struct plan plan = {0};
    struct plan_request request = {.registry = faulty_techniques,
                                   .patterns = patterns,
                                   .n_patterns = 2,
                                   .preset = PRESET_FULL,
                                   .max_threads = 2};
    (void)user;
    enum status s = plan_make(&request, &plan, err);
    if (s && plan.blocks)
        return status_fail(err, E_INTERNAL, "*out was touched");
    struct json *record = s ? NULL : plan_record(&plan);
    char *text = NULL;
    if (!s)
        s = json_print(record, false, &text, err);
    free(text);
    json_free(record);
    plan_free(&plan);
    return s;
}

static void a_plan_is_whole_or_not_made(void **unused)
{
    (void)unused;
    assert_true(alloc_fault_each("plan_make", make_plan, NULL) > 5);
}

/* What the journal holds, made once; user of fold_journal(). */
struct folded {
    struct plan plan;
    struct json *header, *rounds;
    char *whole; /* the document of a fold without a fault */
};

static enum status fold_journal(void *user, struct err *err)
{
    struct folded *f = user;
    struct fold_input in = {.plan = &f->plan, .header = f->header, .rounds = f->rounds};
    struct json *document = NULL;
    char *text = NULL;
    enum status s = fold(&in, &document, err);
    if (!s)
        s = json_print(document, false, &text, err);
    if (!s && f->whole && strcmp(text, f->whole))
        s = status_fail(err, E_INTERNAL, "a document with a part missing was printed");
    json_free(document);
    free(text);
    return s;
}

static void a_fold_is_whole_or_not_made(void **unused)
{
    (void)unused;
    struct plan_request request = {
        .registry = faulty_techniques, .preset = PRESET_SMOKE, .max_threads = 2};
    struct folded f = {0};
    struct err err;
    struct journal j;
    struct json *document = NULL;
    assert_int_equal(mkdir(scratch_path("run"), 0777), 0);
    copy_file("tests/fuzz/corpus/journal/whole", scratch_path("run/journal.jsonl"));
    if (journal_open(scratch_path("run"), true, &j, &err) || plan_make(&request, &f.plan, &err))
        fail_msg("%s", err.text);
    f.header = j.header;
    f.rounds = j.rounds;
    struct fold_input in = {.plan = &f.plan, .header = f.header, .rounds = f.rounds};
    assert_int_equal(fold(&in, &document, &err), OK);
    assert_int_equal(json_print(document, false, &f.whole, &err), OK);
    json_free(document);
    assert_true(alloc_fault_each("fold", fold_journal, &f) > 100);
    free(f.whole);
    plan_free(&f.plan);
    journal_close(&j);
}

static enum status load_results(void *user, struct err *err)
{
    struct results r = {0};
    enum status s = results_load(user, &r, err);
    if (s && r.cells)
        return status_fail(err, E_INTERNAL, "*out was touched");
    results_free(&r);
    return s;
}

static void results_load_whole_or_not_at_all(void **unused)
{
    (void)unused;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", scratch);
    copy_file("tests/fuzz/corpus/results/check.json", scratch_path("check.json"));
    copy_file("tests/fuzz/corpus/results/analysis-quant-error.json",
              scratch_path("analysis-quant-error.json"));
    assert_true(alloc_fault_each("results_load", load_results, folder) > 50);
}

/* Every format that takes little time to solve for. */
static enum status analyse(void *user, struct err *err)
{
    const struct analysis *a = analyses[0];
    const char *options[16] = {"int4,nf4,e2m1,crd-normal4,km2", "block-absmax,tensor-rms"};
    for (size_t i = 2; a->options[i].name; i++)
        options[i] = a->options[i].otherwise;
    const char *inputs[] = {user};
    struct analysis_request request = {
        .inputs = inputs, .n_inputs = 1, .options = options, .threads = 1, .seed = 1};
    struct json *document = json_new_object();
    char *text = NULL;
    enum status s = a->run(a, &request, document, err);
    if (!s)
        s = json_print(document, true, &text, err);
    free(text);
    json_free(document);
    return s;
}

static void an_analysis_is_whole_or_not_made(void **unused)
{
    (void)unused;
    float w[4 * 64];
    char path[64];
    void *bytes;
    size_t n;
    struct err err;
    for (size_t i = 0; i < 4 * 64; i++)
        w[i] = (float)sin((double)i);
    struct tensor t = {"w", DTYPE_F32, 2, {4, 64}, 4 * 64, w};
    assert_int_equal(safetensors_encode(&t, 1, NULL, &bytes, &n, &err), OK);
    snprintf(path, sizeof path, "%s/w.safetensors", scratch);
    write_bytes(path, bytes, n);
    free(bytes);
    assert_string_equal(analyses[0]->name, "quant-error");
    assert_true(alloc_fault_each("quant-error", analyse, path) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_tells_of_every_failure),
        IN_SCRATCH(documents_are_whole_or_not_there),
        IN_SCRATCH(checkpoints_open_whole_or_not_at_all),
        IN_SCRATCH(a_journal_stays_readable),
        cmocka_unit_test(a_plan_is_whole_or_not_made),
        IN_SCRATCH(a_fold_is_whole_or_not_made),
        IN_SCRATCH(results_load_whole_or_not_at_all),
        IN_SCRATCH(an_analysis_is_whole_or_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
