#include "datasets/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum status mapping_open(const char *path, struct mapping *out, struct err *err)
{
    enum status s = OK;
    struct stat st;
    struct mapping m = {.bytes = ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block us */
    if (fd < 0)
        return status_fail(err, E_NOINPUT, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st)) {
        s = status_fail(err, E_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        s = status_fail(err, E_NOINPUT, "%s: not a regular file", path);
        goto out;
    }
    m.n = (size_t)st.st_size;
    m.mtime = st.st_mtim;
    if (m.n) {
        void *map = mmap(NULL, m.n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            s = status_fail(err, errno == ENOMEM ? E_NOMEM : E_IO, "%s: cannot be mapped: %s", path,
                            strerror(errno));
        m.bytes = map;
    }
out:
    close(fd); /* the mapping outlives it */
    if (!s)
        *out = m;
    return s;
}

void mapping_close(struct mapping *m)
{
    if (m->n)
        munmap((void *)m->bytes, m->n);
    *m = (struct mapping){0};
}

uint64_t mapping_hash(const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ b[i]) * 0x100000001B3u;
    return hash;
}
