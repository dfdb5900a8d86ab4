/* Whatever allocation fails while a run is measured, compared, joined or drawn into a page: the
 * caller is told, nothing leaks, and no cell is blamed for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/callgrind.h"
#include "bench/compare.h"
#include "bench/counter_groups.h"
#include "bench/counting.h"
#include "bench/fold.h"
#include "bench/merge.h"
#include "bench/profile.h"
#include "bench/run_header.h"
#include "bench/runner.h"
#include "datasets/document.h"
#include "plots/plots.h"
#include "tests/alloc_fault.h"
#include "tests/faulty.h"
#include "tests/scratch.h"

static const char *const pattern = "faulty/faults/ok/any";

/* A plan of one cell; user of the operations that measure it. */
struct setup {
    struct machine machine;
    struct plan plan;
    char folder[64], path[96];
};

static void set_up(struct setup *s)
{
    struct err err;
    struct plan_request request = {.registry = faulty_techniques,
                                   .patterns = &pattern,
                                   .n_patterns = 1,
                                   .preset = PRESET_SMOKE,
                                   .max_threads = 1};
    if (machine_read(&s->machine, &err) || plan_make(&request, &s->plan, &err))
        fail_msg("%s", err.text);
    snprintf(s->folder, sizeof s->folder, "%s/run", scratch);
    snprintf(s->path, sizeof s->path, "%s/journal.jsonl", s->folder);
}

static void tear_down(struct setup *s)
{
    plan_free(&s->plan);
    machine_free(&s->machine);
}

/* From an empty folder to the folded document. */
static enum status measure(void *user, struct err *err)
{
    struct setup *p = user;
    struct runner runner = {.program = FAULTY_WORKER,
                            .plan = &p->plan,
                            .machine = &p->machine,
                            .rounds = 1,
                            .seed = 5,
                            .iterations = 1,
                            .timeout_s = 20};
    struct journal journal = {.fd = -1};
    struct json *document = NULL, *header = NULL, *environment = NULL;
    char *text = NULL;
    unlink(p->path);
    enum status s = journal_open(p->folder, false, &journal, err);
    if (s)
        return s;
    header = json_new_object();
    json_add_string(json_add_object(header, "run"), "isa", "avx2");
    s = journal_begin(&journal, header, err);
    if (!s)
        s = runner_run(&runner, &journal, err);
    if (!s) {
        environment = json_new_object();
        struct fold_input input = {.plan = &p->plan,
                                   .header = journal.header,
                                   .rounds = journal.rounds,
                                   .environment = environment};
        s = fold(&input, &document, err);
    }
    if (!s)
        s = json_print(document, true, &text, err);
    if (!s) {
        const struct json *cell = json_first(json_get(document, "cells"));
        const char *status = json_get_string(cell, "status", "none");
        if ((strcmp(status, "ok") && strcmp(status, "degraded")) ||
            json_size(json_get(cell, "samples")) != 1)
            s = status_fail(err, E_INTERNAL, "the cell is %s: %s", status,
                            json_get_string(cell, "reason", ""));
    }
    free(text);
    json_free(document);
    json_free(environment);
    journal_close(&journal);
    return s;
}

static void a_run_blames_no_cell_for_our_memory(void **unused)
{
    (void)unused;
    struct setup s;
    set_up(&s);
    assert_true(alloc_fault_each("a run", measure, &s) > 50);
    tear_down(&s);
}

static enum status profile(void *user, struct err *err)
{
    struct setup *p = user;
    static const struct counter_cpu cpu = {"AuthenticAMD", 25, 17};
    struct counter_choice choice = {0};
    struct json *record = NULL;
    char *text = NULL;
    enum status s = counter_choice_make(NULL, "task-clock,cpu/event=0xc0/", &cpu, &choice, err);
    struct profile_job job = {.program = FAULTY_WORKER,
                              .simulation_reason = "not asked for",
                              .folder = scratch,
                              .backend = "none",
                              .choice = &choice,
                              .cpu = &cpu,
                              .machine = &p->machine,
                              .seed = 1,
                              .min_time_s = 0.0001};
    if (!s)
        s = profile_cell(&job, &p->plan.blocks[0], p->plan.blocks[0].variants[0], &record, err);
    if (!s)
        s = json_print(record, true, &text, err);
    if (!s && strcmp(json_get_string(record, "status", ""), "ok"))
        s = status_fail(err, E_INTERNAL, "the cell is %s: %s",
                        json_get_string(record, "status", ""),
                        json_get_string(record, "reason", ""));
    free(text);
    json_free(record);
    counter_choice_free(&choice);
    return s;
}

static void a_profile_blames_no_cell_for_our_memory(void **unused)
{
    (void)unused;
    struct setup s;
    set_up(&s);
    assert_true(alloc_fault_each("a profile", profile, &s) > 50);
    tear_down(&s);
}

static enum status choose_groups(void *user, struct err *err)
{
    static const struct counter_cpu cpu = {"GenuineIntel", 6, 106};
    struct counter_choice choice = {0};
    (void)user;
    enum status s =
        counter_choice_make("cpu,fp,dram,energy", "PAPI_TOT_INS,r01c2", &cpu, &choice, err);
    if (s && choice.groups)
        return status_fail(err, E_INTERNAL, "*out was touched");
    counter_choice_free(&choice);
    return s;
}

static enum status read_callgrind(void *user, struct err *err)
{
    struct callgrind_counts counts;
    enum status s = callgrind_read(user, &counts, err);
    return s == E_NOINPUT && errno == ENOMEM ? E_NOMEM : s; /* fopen() told so */
}

static void groups_and_callgrind_are_whole_or_not_there(void **unused)
{
    (void)unused;
    /* most are strdup()'s, which a sanitizer makes by itself */
    assert_true(alloc_fault_each("counter groups", choose_groups, NULL) > 0);
    assert_true(alloc_fault_each("callgrind", read_callgrind,
                                 (void *)"tests/fuzz/corpus/callgrind/whole") > 0);
}

/* The two documents of user [2]. */
static enum status compare(void *user, struct err *err)
{
    struct json *const *documents = user, *out = json_new_object();
    char *text = NULL;
    enum status s = compare_stored(documents[0], "a", documents[1], "b", 0.03, out, err);
    if (!s)
        s = json_print(out, true, &text, err);
    if (!s && !json_size(json_get(out, "cells")))
        s = status_fail(err, E_INTERNAL, "there are no cells");
    free(text);
    json_free(out);
    return s;
}

static void a_comparison_is_whole_or_not_made(void **unused)
{
    (void)unused;
    struct json *documents[2] = {NULL};
    struct err err;
    const char *path = "tests/fixtures/results/bench.json";
    for (size_t i = 0; i < 2; i++)
        if (document_read(path, "bench", &documents[i], &err))
            fail_msg("%s", err.text);
    /* three cells are as good as all */
    for (size_t i = 0; i < 2; i++) {
        struct json *few = json_new_array();
        const struct json *c = json_first(json_get(documents[i], "cells"));
        for (size_t k = 0; k < 3 && c; k++, c = json_next(c)) {
            struct json *copy = json_copy(c);
            if (i)
                json_add_number(copy, "footprint_bytes", 1);
            json_add(few, NULL, copy);
        }
        json_add(documents[i], "cells", few);
    }
    assert_true(alloc_fault_each("compare_stored", compare, documents) > 50);
    json_free(documents[0]);
    json_free(documents[1]);
}

static enum status merge(void *user, struct err *err)
{
    const char *const *folders = user;
    struct json *document = NULL;
    char *text = NULL, path[96];
    snprintf(path, sizeof path, "%s/journal.jsonl", folders[2]);
    unlink(path);
    enum status s = merge_runs(folders[2], folders, 2, faulty_techniques, &document, err);
    if (!s)
        s = json_print(document, true, &text, err);
    free(text);
    json_free(document);
    return s;
}

static void write_journal(const char *folder, const char *bytes, size_t n)
{
    char path[96];
    struct err err;
    snprintf(path, sizeof path, "%s/journal.jsonl", folder);
    if (document_make_folder(folder, &err) || document_write_bytes(path, bytes, n, &err))
        fail_msg("%s", err.text);
}

static void a_joined_run_is_whole_or_not_made(void **unused)
{
    (void)unused;
    char names[3][64], *text = NULL, bytes[1 << 14];
    const char *folders[3];
    struct setup setup;
    struct err err;
    set_up(&setup);
    struct json *header = json_new_object();
    json_add_string(header, "schema", JOURNAL_SCHEMA);
    json_add_string(json_add_object(header, "run"), "id", "r");
    json_add_u64(json_add_object(header, "options"), "rounds", 1);
    json_add(header, "plan", plan_record(&setup.plan));
    assert_int_equal(json_print(header, false, &text, &err), OK);
    for (size_t i = 0; i < 3; i++) {
        snprintf(names[i], sizeof names[i], "%s/%zu", scratch, i);
        folders[i] = names[i];
    }
    for (unsigned i = 0; i < 2; i++) { /* a round of each, of different blocks */
        int n = snprintf(bytes, sizeof bytes, "%s\n{\"round\":%u,\"block\":\"b\"}\n", text, i);
        write_journal(folders[i], bytes, (size_t)n);
    }
    assert_true(alloc_fault_each("merge_runs", merge, folders) > 100);
    free(text);
    json_free(header);
    tear_down(&setup);
}

static enum status write_report(void *user, struct err *err)
{
    return report_write(user, err);
}

static void a_report_is_whole_or_not_written(void **unused)
{
    (void)unused;
    struct json *document = NULL;
    struct err err;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", scratch);
    if (document_read("tests/fuzz/corpus/results/check.json", "check", &document, &err) ||
        document_write(scratch_path("check.json"), document, &err))
        fail_msg("%s", err.text);
    json_free(document);
    assert_true(alloc_fault_each("report_write", write_report, folder) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_run_blames_no_cell_for_our_memory),
        IN_SCRATCH(a_profile_blames_no_cell_for_our_memory),
        cmocka_unit_test(groups_and_callgrind_are_whole_or_not_there),
        cmocka_unit_test(a_comparison_is_whole_or_not_made),
        IN_SCRATCH(a_joined_run_is_whole_or_not_made),
        IN_SCRATCH(a_report_is_whole_or_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
