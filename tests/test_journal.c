/* A journal loses at most the line that was being written, and never takes damage for data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/journal.h"

struct place {
    char folder[64], file[96];
};

static struct place make_place(void)
{
    struct place p = {.folder = "assay-test-XXXXXX"};
    const char *base = getenv("TMPDIR");
    snprintf(p.folder, sizeof p.folder, "%.40s/assay-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(p.folder));
    snprintf(p.file, sizeof p.file, "%s/journal.jsonl", p.folder);
    return p;
}

static void remove_place(const struct place *p)
{
    unlink(p->file);
    assert_int_equal(rmdir(p->folder), 0);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static struct json *number_line(double value)
{
    struct json *line = json_new_object();
    json_add_number(line, "round", value);
    json_add_string(line, "text", "with \"quotes\" and a \n newline");
    return line;
}

static struct journal opened(const struct place *p, bool resume)
{
    struct journal j;
    struct err err = {{0}};
    if (journal_open(p->folder, resume, &j, &err))
        fail_msg("%s", err.text);
    return j;
}

static void what_was_appended_is_read_again(void **unused)
{
    (void)unused;
    struct place p = make_place();
    struct journal j = opened(&p, false);
    assert_null(j.header);
    assert_int_equal(journal_begin(&j, number_line(0.1), NULL), OK);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(journal_append(&j, number_line(i), NULL), OK);
    assert_int_equal(json_size(j.rounds), 3);
    journal_close(&j);
    j = opened(&p, true);
    assert_true(json_get_number(j.header, "round", 0) == 0.1);
    assert_int_equal(json_size(j.rounds), 3);
    assert_true(json_get_number(json_next(json_first(j.rounds)), "round", 0) == 2);
    assert_string_equal(json_get_string(json_first(j.rounds), "text", ""),
                        "with \"quotes\" and a \n newline");
    journal_close(&j);
    remove_place(&p);
}

static const char three_lines[] = "{\"round\":0}\n{\"round\":1}\n{\"round\":2,\"x\":[1,{}]}\n";

static void a_last_line_torn_at_any_byte_is_cut_off(void **unused)
{
    (void)unused;
    struct place p = make_place();
    size_t n = sizeof three_lines - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        write_file(p.file, three_lines, cut);
        size_t whole = 0;
        for (size_t i = 0; i < cut; i++)
            whole += three_lines[i] == '\n';
        struct journal j = opened(&p, true);
        assert_int_equal(j.header != NULL, whole > 0);
        assert_int_equal(json_size(j.rounds), whole ? whole - 1 : 0);
        /* and the next line is whole again */
        if (whole)
            assert_int_equal(journal_append(&j, number_line(9), NULL), OK);
        else
            assert_int_equal(journal_begin(&j, number_line(9), NULL), OK);
        journal_close(&j);
        j = opened(&p, true);
        assert_int_equal(json_size(j.rounds), whole);
        journal_close(&j);
    }
    remove_place(&p);
}

static void a_tail_of_zero_bytes_is_a_torn_line(void **unused)
{
    (void)unused;
    struct place p = make_place(); /* what some file systems leave after a power cut */
    char bytes[sizeof three_lines + 100] = {0};
    memcpy(bytes, three_lines, sizeof three_lines - 1);
    write_file(p.file, bytes, sizeof bytes);
    struct journal j = opened(&p, true);
    assert_int_equal(json_size(j.rounds), 2);
    journal_close(&j);
    remove_place(&p);
}

static void a_bad_line_in_the_middle_is_an_error_that_names_it(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *line;
    } bad[] = {{"{\"round\":0}\n{\"rou\n{\"round\":2}\n", "line 2"},
               {"{\"round\":0}\n\n{\"round\":2}\n", "line 2"},
               {"{\"round\":0}\n{\"round\":1}\n[]\n", "line 3"},
               {"{\"round\":0\n{\"round\":1}\n", "line 1"},
               {"{\"round\":0}\n{\"round\":1}{\"round\":2}\n", "line 2"}};
    struct place p = make_place();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct journal j;
        struct err err = {{0}};
        write_file(p.file, bad[i].text, strlen(bad[i].text));
        assert_int_equal(journal_open(p.folder, true, &j, &err), E_FORMAT);
        if (!strstr(err.text, bad[i].line) || !strstr(err.text, "journal.jsonl"))
            fail_msg("'%s' does not name %s", err.text, bad[i].line);
        struct stat st;
        assert_int_equal(stat(p.file, &st), 0); /* nothing was cut from a damaged file */
        assert_int_equal(st.st_size, strlen(bad[i].text));
    }
    remove_place(&p);
}

static void a_folder_that_holds_a_run_is_refused(void **unused)
{
    (void)unused;
    struct place p = make_place();
    struct journal j, second;
    struct err err = {{0}};
    write_file(p.file, three_lines, sizeof three_lines - 1);
    assert_int_equal(journal_open(p.folder, false, &j, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, "--resume"));
    j = opened(&p, true);
    assert_int_equal(journal_open(p.folder, true, &second, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, "in use"));
    journal_close(&j);
    unlink(p.file);
    char result[96];
    snprintf(result, sizeof result, "%s/bench.json", p.folder);
    write_file(result, "{}", 2);
    assert_int_equal(journal_open(p.folder, true, &j, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, "bench.json"));
    unlink(result);
    remove_place(&p);
}

static void a_folder_below_a_file_is_refused(void **unused)
{
    (void)unused;
    struct journal j;
    struct err err = {{0}};
    assert_int_equal(journal_open("/dev/null/run", false, &j, &err), E_CANTCREATE);
    assert_non_null(strstr(err.text, "/dev/null"));
}

static void a_line_that_does_not_fit_is_taken_back(void **unused)
{
    (void)unused;
    struct place p = make_place();
    struct journal j = opened(&p, false);
    struct err err = {{0}};
    struct rlimit before, tight;
    assert_int_equal(journal_begin(&j, number_line(0), NULL), OK);
    struct stat st;
    assert_int_equal(fstat(j.fd, &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)st.st_size + 10;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum status s = journal_append(&j, number_line(1), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(s, E_IO);
    assert_non_null(strstr(err.text, "journal.jsonl"));
    assert_int_equal(json_size(j.rounds), 0);
    assert_int_equal(journal_append(&j, number_line(2), &err), OK);
    journal_close(&j);
    j = opened(&p, true);
    assert_int_equal(json_size(j.rounds), 1);
    assert_true(json_get_number(json_first(j.rounds), "round", 0) == 2);
    journal_close(&j);
    remove_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_read_again),
        cmocka_unit_test(a_last_line_torn_at_any_byte_is_cut_off),
        cmocka_unit_test(a_tail_of_zero_bytes_is_a_torn_line),
        cmocka_unit_test(a_bad_line_in_the_middle_is_an_error_that_names_it),
        cmocka_unit_test(a_folder_that_holds_a_run_is_refused),
        cmocka_unit_test(a_folder_below_a_file_is_refused),
        cmocka_unit_test(a_line_that_does_not_fit_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
