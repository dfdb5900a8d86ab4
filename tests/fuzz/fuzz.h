/*
 * A fuzz target takes any bytes and must come back: without a fault, a leak or a broken promise of
 * the reader's header.  The same file builds against libFuzzer (ASSAY_FUZZ) and against replay.c,
 * which runs the corpus and seeded mutations of it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A promise of the reader's header, written as it should be. */
#define FUZZ_HOLDS(claim)                                                                          \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* For readers that want a file: a folder in memory where there is one, the same for every input. */
static char fuzz_folder_path[64];

static inline void fuzz_folder_remove(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", fuzz_folder_path);
    if (system(command))
        perror(fuzz_folder_path);
}

static inline const char *fuzz_folder(void)
{
    if (!fuzz_folder_path[0]) {
        snprintf(fuzz_folder_path, sizeof fuzz_folder_path, "%s/assay-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
        FUZZ_HOLDS(mkdtemp(fuzz_folder_path) && !atexit(fuzz_folder_remove));
    }
    return fuzz_folder_path;
}

/* Makes a file of the folder and writes its path into a buffer of 128 bytes. */
static inline void fuzz_write(const char *name, const uint8_t *bytes, size_t n, char *path)
{
    snprintf(path, 128, "%s/%s", fuzz_folder(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FUZZ_HOLDS(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && !close(fd));
}

#endif
