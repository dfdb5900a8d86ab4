#include "datasets/document.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 30, TEMPORARY_TRIES = 100 };

static const char *const kinds[] = {"bench",   "check",   "analysis", "machine",
                                    "compare", "profile", NULL};

static enum status check_name(const char *path, struct err *err)
{
    size_t n = strlen(path);
    if (!n || n >= PATH_MAX)
        return status_fail(err, E_CANTCREATE, "%.200s: %s", path,
                           n ? "name too long" : "a folder needs a name");
    return OK;
}

static enum status is_writable_folder(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return status_fail(err, E_CANTCREATE, "%s: not a folder", path);
    if (access(path, W_OK | X_OK))
        return status_fail(err, E_CANTCREATE, "%s: %s", path, strerror(errno));
    return OK;
}

enum status document_make_folder(const char *path, struct err *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    enum status s = check_name(path, err);
    if (s)
        return s;
    for (size_t end = 1; end <= n; end++) {
        if (path[end] && path[end] != '/')
            continue;
        memcpy(part, path, end);
        part[end] = 0;
        if (mkdir(part, 0777) && errno != EEXIST)
            return status_fail(err, E_CANTCREATE, "%s: %s", part, strerror(errno));
    }
    return is_writable_folder(path, err);
}

/* The folder that holds path, into a buffer of PATH_MAX. */
static void folder_of(const char *path, char *folder)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    snprintf(folder, PATH_MAX, "%.*s", n ? (int)n : 1, n ? path : ".");
}

enum status document_check_folder(const char *path, struct err *err)
{
    char part[PATH_MAX], above[PATH_MAX];
    struct stat st;
    enum status s = check_name(path, err);
    if (s)
        return s;
    strcpy(part, path);
    while (stat(part, &st) && errno == ENOENT && strcmp(part, ".")) {
        folder_of(part, above);
        strcpy(part, above);
    }
    return is_writable_folder(part, err);
}

/* Renaming over a device or a pipe would put a file in its place. */
static enum status target_is_replaceable(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
        return OK;
    return status_fail(err, E_CANTCREATE, "%s: there is something that is not a file", path);
}

/* Opens a new file beside path; its name goes to `temporary`. */
static int open_beside(const char *path, char temporary[PATH_MAX])
{
    int fd = -1;
    for (int i = 0; i < TEMPORARY_TRIES && fd < 0; i++) {
        int n = snprintf(temporary, PATH_MAX, "%s.%ld.%d.part", path, (long)getpid(), i);
        if (n >= PATH_MAX) {
            errno = ENAMETOOLONG;
            break;
        }
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (!done)
            errno = ENOSPC; /* no byte of many fits */
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

/* A rename is on the disk when its folder is.  Some file systems cannot sync a folder: EINVAL. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES; /* a folder may be written to and yet not be readable */
    bool done = !fsync(fd) || errno == EINVAL;
    int saved = errno;
    close(fd);
    errno = saved;
    return done;
}

enum status document_write_bytes(const char *path, const void *bytes, size_t n, struct err *err)
{
    char temporary[PATH_MAX];
    enum status s = target_is_replaceable(path, err);
    if (s)
        return s;
    int fd = open_beside(path, temporary);
    if (fd < 0)
        return status_fail(err, E_CANTCREATE, "%s: %s", path, strerror(errno));
    bool done = write_all(fd, bytes, n) && !fsync(fd);
    int saved = errno;
    if (close(fd) && done) { /* some file systems report a full disk only here */
        done = false;
        saved = errno;
    }
    if (done && rename(temporary, path)) {
        done = false;
        saved = errno;
    }
    if (!done) {
        unlink(temporary);
        return status_fail(err, E_IO, "%s: %s", path, strerror(saved));
    }
    if (!sync_folder(path))
        return status_fail(err, E_IO, "%s: the folder was not synced: %s", path, strerror(errno));
    return OK;
}

enum status document_write(const char *path, const struct json *root, struct err *err)
{
    char *text = NULL;
    enum status s = json_print(root, true, &text, err);
    if (s)
        return status_fail(err, s, "%s: out of memory", path);
    size_t n = strlen(text);
    text[n] = '\n'; /* where the NUL stood: what is written has a length of its own */
    s = document_write_bytes(path, text, n + 1, err);
    free(text);
    return s;
}

/* "assay.result/N" of a greater N. */
static bool is_newer(const char *schema)
{
    static const char name[] = "assay.result/", this[] = DOCUMENT_SCHEMA;
    const char *version = schema + sizeof name - 1;
    if (strncmp(schema, name, sizeof name - 1) || strspn(version, "0123456789") != strlen(version))
        return false;
    return strtoul(version, NULL, 10) > strtoul(this + sizeof name - 1, NULL, 10);
}

enum status document_read(const char *path, const char *kind, struct json **out, struct err *err)
{
    struct json *root = NULL;
    enum status s = json_read(path, MAX_BYTES, &root, err);
    if (s)
        return s;
    const char *schema = json_get_string(root, "schema", "nothing");
    const char *found = json_get_string(root, "kind", "nothing");
    const char *const *known = kinds;
    while (*known && strcmp(*known, found))
        known++;
    if (is_newer(schema))
        s = status_fail(
            err, E_FORMAT,
            "%s: written by a newer assay: its schema is '%.40s', and this one reads '%s'", path,
            schema, DOCUMENT_SCHEMA);
    else if (strcmp(schema, DOCUMENT_SCHEMA))
        s = status_fail(err, E_FORMAT, "%s: schema is '%.40s', not '%s': not a result of assay",
                        path, schema, DOCUMENT_SCHEMA);
    else if (!*known || (kind && strcmp(kind, found)))
        s = status_fail(err, E_FORMAT, "%s: kind is '%.40s', not %s%s%s", path, found,
                        kind ? "'" : "a known one", kind ? kind : "", kind ? "'" : "");
    if (s)
        json_free(root);
    else
        *out = root;
    return s;
}

enum status document_read_in(const char *path, const char *kind, struct json **out, struct err *err)
{
    char inside[PATH_MAX];
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return document_read(path, kind, out, err);
    if (snprintf(inside, sizeof inside, "%s/%s.json", path, kind) >= (int)sizeof inside)
        return status_fail(err, E_NOINPUT, "%.200s: name too long", path);
    return document_read(inside, kind, out, err);
}
