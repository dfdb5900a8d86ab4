/* Whatever write fails, and however, a file is the old one or the new one, and a journal is whole
 * lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/journal.h"
#include "datasets/document.h"
#include "tests/scratch.h"

/* How the k-th call fails; SHORT writes one byte, and the next write has no room at all. */
enum fault { SHORT = 0 };

static struct {
    bool armed, lasting; /* lasting: every call from then on fails */
    size_t seen, fails;
    int how;
} io;

/* True: this call fails, with errno. */
static bool fails_now(void)
{
    if (!io.armed)
        return false;
    io.seen++;
    if (io.seen != io.fails && !(io.lasting && io.seen > io.fails))
        return false;
    errno = io.how == SHORT ? ENOSPC : io.how;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    bool first = io.seen + 1 == io.fails;
    if (!fails_now())
        return syscall(SYS_write, fd, bytes, n);
    return io.how == SHORT && first && n ? syscall(SYS_write, fd, bytes, 1) : -1;
}

int fsync(int fd)
{
    return fails_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails_now() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t n)
{
    return fails_now() ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int rename(const char *from, const char *to)
{
    return fails_now() ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static const int hows[] = {ENOSPC, EIO, EDQUOT, EINTR, SHORT};
enum { N_HOWS = sizeof hows / sizeof hows[0] };

static void arm(size_t k, int how, bool lasting)
{
    io.seen = 0;
    io.fails = k;
    io.how = how;
    io.lasting = lasting;
    io.armed = true;
}

static bool holds(const char *path, const char *text)
{
    char bytes[64] = {0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    return n == strlen(text) && !strcmp(bytes, text);
}

static void a_file_is_the_old_one_or_the_new_one(void **unused)
{
    (void)unused;
    const char *path = scratch_path("f");
    for (int h = 0; h < N_HOWS; h++)
        for (size_t k = 1; k <= 4; k++) { /* write, fsync, rename, fsync of the folder */
            struct err err = {{0}};
            assert_int_equal(document_write_bytes(path, "old", 3, &err), OK);
            arm(k, hows[h], hows[h] != EINTR && hows[h] != SHORT);
            enum status s = document_write_bytes(path, "the new one", 11, &err);
            io.armed = false;
            assert_true(io.seen >= k);
            bool synced_last = k == 4;
            bool forgiven = k == 1 && (hows[h] == EINTR || hows[h] == SHORT);
            if (s != (forgiven ? OK : E_IO) || (s && !strstr(err.text, path)) ||
                !holds(path, forgiven || synced_last ? "the new one" : "old") ||
                scratch_entries() != 1)
                fail_msg("call %zu, errno %d: status %d, '%s', %d files", k, hows[h], s, err.text,
                         scratch_entries());
        }
}

static struct json *line(double value)
{
    struct json *object = json_new_object();
    json_add_number(object, "round", value);
    return object;
}

/* Lines 1, 2, 3 after the header; the k-th call of the second append fails, for a while or to the
 * end of that append. */
static void append_with_fault(size_t k, int how, bool lasting)
{
    struct journal j;
    struct err err = {{0}};
    unlink(scratch_path("journal.jsonl"));
    assert_int_equal(journal_open(scratch, false, &j, &err), OK);
    assert_int_equal(journal_begin(&j, line(0), &err), OK);
    assert_int_equal(journal_append(&j, line(1), &err), OK);
    arm(k, how, lasting);
    enum status s = journal_append(&j, line(2), &err);
    io.armed = false;
    if (s && (s != E_IO || !strstr(err.text, "journal.jsonl")))
        fail_msg("call %zu, errno %d: status %d, '%s'", k, how, s, err.text);
    assert_int_equal(json_size(j.rounds), s ? 1 : 2);
    if (journal_append(&j, line(3), &err))
        fail_msg("call %zu, errno %d: the next line: '%s'", k, how, err.text);
    journal_close(&j);
    if (journal_open(scratch, true, &j, &err))
        fail_msg("call %zu, errno %d: '%s'", k, how, err.text);
    if (json_size(j.rounds) != (s ? 2 : 3))
        fail_msg("call %zu, errno %d: %zu rounds, status %d", k, how, json_size(j.rounds), s);
    double wanted[] = {1, s ? 3 : 2, 3};
    size_t i = 0;
    for (const struct json *r = json_first(j.rounds); r; r = json_next(r))
        assert_true(json_get_number(r, "round", 0) == wanted[i++]);
    journal_close(&j);
}

static void a_journal_is_whole_lines(void **unused)
{
    (void)unused;
    for (int h = 0; h < N_HOWS; h++)
        for (size_t k = 1; k <= 3; k++) { /* ftruncate, write, fdatasync */
            append_with_fault(k, hows[h], false);
            if (hows[h] != EINTR) /* which would be tried for ever */
                append_with_fault(k, hows[h], true);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_file_is_the_old_one_or_the_new_one),
        IN_SCRATCH(a_journal_is_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
