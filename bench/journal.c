#include "bench/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/document.h"

enum { MAX_JOURNAL_BYTES = 1 << 30 };

static char *join_path(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path)
        snprintf(path, n, "%s/%s", folder, name);
    return path;
}

/* The journal's bytes, and how many of them are in whole lines. */
static enum status read_bytes(const struct journal *j, char **bytes, size_t *whole, struct err *err)
{
    struct stat st;
    if (fstat(j->fd, &st))
        return status_fail(err, E_IO, "%s: %s", j->path, strerror(errno));
    if (st.st_size > MAX_JOURNAL_BYTES)
        return status_fail(err, E_FORMAT, "%s: %lld bytes are more than a journal can have",
                           j->path, (long long)st.st_size);
    size_t n = (size_t)st.st_size, done = 0;
    char *all = malloc(n + 1);
    if (!all)
        return status_fail(err, E_NOMEM, "%s: no memory to read it", j->path);
    while (done < n) {
        ssize_t got = pread(j->fd, all + done, n - done, (off_t)done);
        if (got > 0) {
            done += (size_t)got;
        } else if (!got || errno != EINTR) {
            free(all);
            return status_fail(err, E_IO, "%s: reading stopped at byte %zu", j->path, done);
        }
    }
    while (n && all[n - 1] != '\n')
        n--;
    *bytes = all;
    *whole = n;
    return OK;
}

static enum status parse_lines(struct journal *j, const char *bytes, size_t n, struct err *err)
{
    size_t number = 0;
    for (size_t at = 0; at < n;) {
        size_t length = (size_t)((const char *)memchr(bytes + at, '\n', n - at) - (bytes + at));
        char name[512];
        struct json *line = NULL;
        snprintf(name, sizeof name, "%s: line %zu", j->path, ++number);
        enum status s = json_parse(bytes + at, length, name, &line, err);
        if (!s && json_type(line) != JSON_OBJECT)
            s = status_fail(err, E_FORMAT, "%s: not an object; the file is damaged", name);
        if (s) {
            json_free(line);
            return s;
        }
        if (number == 1)
            j->header = line;
        else
            json_add(j->rounds, NULL, line);
        at += length + 1;
    }
    return OK;
}

/* Reads what is there and cuts a torn line off. */
static enum status load(struct journal *j, struct err *err)
{
    char *bytes = NULL;
    size_t whole = 0;
    enum status s = read_bytes(j, &bytes, &whole, err);
    if (!s)
        s = parse_lines(j, bytes, whole, err);
    if (!s && ftruncate(j->fd, (off_t)whole))
        s = status_fail(err, E_IO, "%s: %s", j->path, strerror(errno));
    j->end = (int64_t)whole;
    free(bytes);
    return s;
}

/* A folder with results but no journal cannot be gone on with, and must not be written over. */
static enum status check_folder(const char *folder, struct err *err)
{
    char *result = join_path(folder, "bench.json");
    enum status s = OK;
    if (!result)
        s = status_fail(err, E_NOMEM, "%s: no memory to open it", folder);
    else if (!access(result, F_OK))
        s = status_fail(err, E_CANTCREATE,
                        "%s is there without a journal; choose another folder with --out", result);
    free(result);
    return s;
}

static enum status open_file(struct journal *j, const char *folder, bool resume, struct err *err)
{
    struct stat st;
    bool is_new = access(j->path, F_OK) != 0;
    if (is_new) {
        enum status s = check_folder(folder, err);
        if (s)
            return s;
    }
    j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->fd < 0)
        return status_fail(err, E_CANTCREATE, "%s: %s", j->path, strerror(errno));
    if (flock(j->fd, LOCK_EX | LOCK_NB))
        return status_fail(err, E_CANTCREATE,
                           "%s is in use by another run; wait for it, or choose another folder "
                           "with --out",
                           folder);
    if (!resume && !fstat(j->fd, &st) && st.st_size > 0)
        return status_fail(err, E_CANTCREATE,
                           "%s holds a run; go on with it by --resume, or choose another folder "
                           "with --out",
                           folder);
    return OK;
}

enum status journal_open(const char *folder, bool resume, struct journal *out, struct err *err)
{
    struct journal j = {.fd = -1, .path = join_path(folder, "journal.jsonl")};
    j.rounds = json_new_array();
    enum status s = OK;
    if (!j.path || !j.rounds)
        s = status_fail(err, E_NOMEM, "%s: no memory to open it", folder);
    if (!s)
        s = document_make_folder(folder, err);
    if (!s)
        s = open_file(&j, folder, resume, err);
    if (!s)
        s = load(&j, err);
    if (s)
        journal_close(&j);
    else
        *out = j;
    return s;
}

void journal_close(struct journal *journal)
{
    if (journal->path && journal->fd >= 0)
        close(journal->fd);
    free(journal->path);
    json_free(journal->header);
    json_free(journal->rounds);
    *journal = (struct journal){.fd = -1};
}

/* One write and one sync; a line that did not get there whole is taken back: now, or when even that
 * fails, before the next. */
static enum status write_line(struct journal *j, const struct json *line, struct err *err)
{
    char *text = NULL;
    enum status s = json_print(line, false, &text, err);
    if (s)
        return s;
    size_t n = strlen(text) + 1;
    ssize_t wrote = -1;
    struct stat st;
    text[n - 1] = '\n'; /* in the place of its end: n counts from here on */
    if (!ftruncate(j->fd, j->end))
        do
            wrote = write(j->fd, text, n);
        while (wrote < 0 && errno == EINTR);
    if (wrote >= 0 && wrote != (ssize_t)n)
        errno = ENOSPC; /* what a short write to a file means */
    bool whole = wrote == (ssize_t)n && !fdatasync(j->fd);
    int error = errno;
    if (whole)
        j->end += (int64_t)n;
    if (!fstat(j->fd, &st) && !st.st_nlink) {
        s = status_fail(err, E_IO, "%s: somebody removed it", j->path);
    } else if (!whole) {
        s = status_fail(err, E_IO, "%s: %s", j->path, strerror(error));
        if (ftruncate(j->fd, j->end)) /* then the torn line stays, which reading forgives */
            s = E_IO;
    }
    free(text);
    return s;
}

enum status journal_begin(struct journal *journal, struct json *header, struct err *err)
{
    enum status s = write_line(journal, header, err);
    if (s)
        json_free(header);
    else
        journal->header = header;
    return s;
}

enum status journal_append(struct journal *journal, struct json *round, struct err *err)
{
    enum status s = write_line(journal, round, err);
    if (s)
        json_free(round);
    else
        json_add(journal->rounds, NULL, round);
    return s;
}
